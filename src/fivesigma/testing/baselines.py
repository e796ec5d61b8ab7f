"""Rules for every kind of baseline: weights count, missing values are allowed, and nothing is pickled."""

import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.section import Section
from fivesigma.baselines.base import INDEX, BaselineKind, BaselineModel, Learning
from fivesigma.errors import AnalysisError
from fivesigma.events import Events
from fivesigma.metrics.spec import TASKS
from fivesigma.runs.folder import RunFolder
from fivesigma.testing.rules import check_settings, never_raises, require

EVENTS = 3000
NAMES = ("x0", "x1", "x2")
CLASSES = {"binary": ("background", "signal"), "multiclass": ("a", "b", "c"), "regression": ()}


def check_baseline(kind: BaselineKind, settings: Section | None = None, tolerance: float = 0.05) -> None:
    """Check a kind of baseline for two classes, for three and for a regression, unless it refuses them.

    Args:
        kind: kind of baseline.
        settings: its settings, for the features x0, x1 and x2; by default those of the kind.
        tolerance: largest mean difference between scores learned from repeated events and from larger weights, relative
            to the range of the scores; only models that count events need more than zero.

    Raises:
        AssertionError: with the rule that is broken.
    """
    check_settings(kind)
    with never_raises(f"{kind.name}: the settings need values; give `settings`"):
        chosen = kind.settings() if settings is None else settings
    title: Any = kind.title(chosen)  # of somebody else, so anything
    require(isinstance(title, str) and title, f"{kind.name}: the title is {title!r}, not the baseline in a few words")
    tasks = [task for task in TASKS if _takes(kind, chosen, task)]
    require(tasks, f"{kind.name} refuses two classes, three, and a regression")
    for task in tasks:
        _check_scores(kind, chosen, task)
        _check_weights(kind, chosen, task, tolerance)


def analysis_of(task: str) -> Analysis:
    """An analysis that learns a class or a number from x0, x1 and x2.

    Args:
        task: `binary`, `multiclass` or `regression`.
    """
    answer = {"target": "y"} if task == "regression" else {"labels": {"variable": "y", "names": list(CLASSES[task])}}
    return Analysis.model_validate({"name": "contract", "features": list(NAMES), **answer})


def events_of(task: str, events: int = EVENTS, seed: int = 1) -> Events:
    """Events whose target depends on x0; a tenth of the values is missing.

    Args:
        task: `binary`, `multiclass` or `regression`.
        events: number of events.
        seed: seed of the generator.
    """
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(events, len(NAMES)))
    if task == "regression":
        target: NDArray[Any] = (40 + 3 * x[:, 0] + generator.normal(size=events)).astype(np.float32)
    else:
        target = generator.integers(0, len(CLASSES[task]), events)
        x[:, 0] += 1.5 * target
    x[generator.random(x.shape) < 0.1] = np.nan
    number = np.arange(events, dtype=np.uint64) + np.uint64(seed * 10**6)
    return Events(
        features=x.astype(np.float32),
        feature_names=NAMES,
        target=target,
        weight=generator.uniform(0.5, 1.5, events),
        parameters=np.zeros((events, 0), np.float32),
        classes=CLASSES[task],
        event_number=number,
        fingerprint=number,
    )


def _takes(kind: BaselineKind, settings: Section, task: str) -> bool:
    asked = analysis_of(task)
    try:
        own = kind.analysis_of(settings, asked)
        kind.check(settings, asked)
    except AnalysisError as error:
        require("\n" not in error.what, f"{kind.name} refuses a {task} analysis in several lines: {error.what}")
        return False
    except Exception as error:
        said = f"{kind.name} refuses a {task} analysis with {type(error).__name__}, not AnalysisError"
        raise AssertionError(said) from error
    return own.classes == asked.classes  # otherwise it has a target of its own


def _same(events: Events) -> Events:
    return events


def _fit(
    kind: BaselineKind, settings: Section, task: str, place: Path, changed: Callable[[Events], Events] = _same
) -> BaselineModel:
    """A baseline trained on events, training and validation, that `changed` was applied to."""
    parts = {"train": changed(events_of(task)), "val": changed(events_of(task, EVENTS // 3, seed=2))}
    own = kind.analysis_of(settings, analysis_of(task))
    with never_raises(f"{kind.name} cannot learn from {len(parts['train'])} {task} events with missing values"):
        return kind.fit(settings, Learning(own, parts, RunFolder(place)))


def _check_scores(kind: BaselineKind, settings: Section, task: str) -> None:
    new = events_of(task, 500, seed=3)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "baseline"
        model = _fit(kind, settings, task, place)
        _check_range(kind.name, task, model, new)
        with never_raises(f"{kind.name} cannot be saved and loaded"):
            model.save(RunFolder(place))
            again = kind.load(RunFolder(place))
        require((place / INDEX).is_file(), f"{kind.name}: a saved baseline has no {INDEX}, which marks it as complete")
        said = RunFolder(place).read_json(INDEX)["kind"]
        require(said == kind.name, f"{kind.name}: {INDEX} says the kind {said!r}, by which it would be loaded")
        for path in sorted(place.rglob("*")):
            require(not is_pickled(path), f"{kind.name}: {path.name} is pickled, and reading it could run code")
        same = np.array_equal(again.score(new.features), model.score(new.features))
        require(same, f"{kind.name}: a saved baseline gives other scores when it is loaded")
        require(tuple(again.columns) == tuple(model.columns), f"{kind.name}: a saved baseline takes other columns")
        require(isinstance(model.describe(), str), f"{kind.name}: the description of the training is no text")


def _check_range(name: str, task: str, model: BaselineModel, new: Events) -> None:
    """Scores are finite, have the right shape, are probabilities of classes, and depend on the target."""
    require(set(model.columns) <= set(NAMES), f"{name} takes the columns {model.columns}, which are not those given")
    shape = (len(new), 3) if task == "multiclass" else (len(new),)
    with never_raises(f"{name} cannot score {len(new)} events, some of whose values are missing"):
        score = model.score(new.features)
    require(score.shape == shape, f"{name}: {len(new)} events give scores of the shape {score.shape}, not {shape}")
    require(np.isfinite(score).all(), f"{name}: the score of an event with missing values is not finite")
    nothing = model.score(np.full((4, len(NAMES)), np.nan, np.float32))
    require(np.isfinite(nothing).all(), f"{name}: the score of an event without any value is not finite")
    with never_raises(f"{name} cannot score no events"):
        empty = model.score(np.zeros((0, len(NAMES)), np.float32))
    require(empty.shape == (0, *shape[1:]), f"{name}: no events give scores of the shape {empty.shape}")
    if task == "regression":
        learned = np.corrcoef(score, new.target)[0, 1] > 0.5
    else:
        require(score.min() >= 0 and score.max() <= 1, f"{name}: the scores of classes are no probabilities")
        sums = score.sum(axis=1) if task == "multiclass" else np.ones(1)
        require(np.allclose(sums, 1, atol=1e-4), f"{name}: the probabilities of an event do not add up to 1")
        chosen = score.argmax(axis=1) if task == "multiclass" else score > 0.5
        learned = (chosen == new.target).mean() > 1.2 / len(CLASSES[task])
    require(learned, f"{name} has not learned the {task} target, which depends on x0")


def _check_weights(kind: BaselineKind, settings: Section, task: str, tolerance: float) -> None:
    """Three times the weight has the same effect as three events, and another than one."""

    def factor(events: Events) -> NDArray[np.int64]:
        target = events.target
        return np.where(target > 40 if task == "regression" else target == len(events.classes) - 1, 3, 1)

    def heavier(events: Events) -> Events:
        return replace(events, weight=events.weight * factor(events))

    def repeated(events: Events) -> Events:
        return events.take(np.repeat(np.arange(len(events)), factor(events)))

    new, scores = events_of(task, 500, seed=3).features, []
    for changed in (_same, heavier, repeated):
        with tempfile.TemporaryDirectory() as folder:
            model = _fit(kind, settings, task, Path(folder), changed)
            scores.append(np.asarray(model.score(new), np.float64))
    plain, weighted, more = scores
    extent = 1.0 if task != "regression" else float(np.ptp(more)) or 1.0
    difference, effect = (float(np.abs(other - more).mean()) / extent for other in (weighted, plain))
    what = f"three times the weight differs from three events by {difference:.3f} of the scores' range"
    require(difference <= tolerance and difference < 0.5 * effect, f"{kind.name}, {task}: weights do not count: {what}")


def is_pickled(path: Path) -> bool:
    """Whether a file, or one inside an archive, is or contains a pickle."""
    if not path.is_file():
        return False
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(_looks_pickled(entry, archive.read(entry)) for entry in archive.namelist())
    return _looks_pickled(path.name, path.read_bytes())


def _looks_pickled(name: str, content: bytes) -> bool:
    if name.endswith((".pkl", ".pickle", ".joblib")):
        return True
    if content.startswith(b"\x93NUMPY"):
        return b"'|O'" in content[:128]
    return content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
