"""The verb `verify`: whether the files of a run are what it wrote, and its metrics follow from its predictions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.deployment.package import unpacked
from fivesigma.errors import FivesigmaError, RunError
from fivesigma.metrics.result import parts_of
from fivesigma.metrics.summary import as_json, summarise
from fivesigma.preparation.recipe import Recipe
from fivesigma.progress import Listener
from fivesigma.runs import manifest
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.folder import TRAINED, RunFolder
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession
from fivesigma.scores import Scores
from fivesigma.training.network import Network, hypothesis_column, score_columns

TOLERANCE = 1e-6
"""Largest relative difference between a number and the same number worked out again, perhaps on another machine."""

SHOWN = 5
"""Numbers of one part in a message, at most."""


@dataclass(frozen=True)
class Verification:
    """What was found in a run folder.

    Attributes:
        run: the folder.
        files: how many files were compared with their hashes; 0 for a run of an older version, which has no hashes.
        numbers: how many numbers of `metrics.json` were worked out again from the predictions.
        problems: one sentence each.
    """

    run: Path
    files: int
    numbers: int
    problems: tuple[str, ...]


def verify(run: str | Path | Run, output: str | Path = RUNS, listener: Listener | None = None) -> Verification:
    """Compare the files of a run with their hashes, look through its networks, and work its metrics out again.

    Args:
        run: a run's folder, an analysis's name for its latest run that has a network, or a package of a run.
        output: folder of all runs.
        listener: receives messages and progress.

    Raises:
        RunError: if there is no such run, or its manifest is damaged.
    """
    if isinstance(run, str | Path) and Path(run).is_file():
        with unpacked(Path(run)) as (place, changed):
            found = verify(place, output, listener)
            return Verification(Path(run), found.files, found.numbers, (*changed, *found.problems))
    session = RunSession.open(run, RunContext.of(output, listener), TRAINED)
    folder = session.folder
    if folder.unfinished is not None:
        session.listener.say(
            f"the run {folder} is unfinished ({folder.unfinished}): only the files that are there are checked"
        )
    problems = manifest.problems(folder.path)
    problems += [f"{name} is not among the files that this run wrote" for name in manifest.unknown(folder.path)]
    with manifest.blaming_altered_files(folder.path):
        problems += _networks(folder)
        numbers, wrong = _metrics(folder, session.analysis, session.listener) if folder.has("metrics.json") else (0, [])
    return Verification(folder.path, manifest.count(folder.path), numbers, (*problems, *wrong))


def _networks(folder: RunFolder) -> Iterator[str]:
    """What is wrong with the recipes and networks of a run."""
    try:
        numbers = [row["fold"] for row in folder.read_json("folds.json")["folds"]] if folder.has("folds.json") else []
    except (KeyError, TypeError):
        yield "folds.json is no list of folds"
        return
    places = [folder.fold(number) for number in numbers] or ([folder] if folder.has("model.keras") else [])
    for place in places:
        name = "" if place is folder else f"{place.path.relative_to(folder.path).as_posix()}/"
        try:
            Recipe.from_dict(place.read_json("recipe.json"))
            network = Network.load(place)
        except FivesigmaError as error:
            yield f"{name}network: {error.what}"
            continue
        if not all(np.isfinite(values).all() for values in network.model.get_weights()):
            yield f"{name}model.keras has weights that are not finite"


def _metrics(folder: RunFolder, analysis: Analysis, listener: Listener) -> tuple[int, list[str]]:
    """Work out the standard metrics of each part again; how many numbers were compared, and which parts differ."""
    parts = parts_of(folder.read_json("metrics.json"))
    numbers, problems = 0, []
    for i, (part, given) in enumerate(parts.items()):
        if not (folder / "predictions" / f"{part}.parquet").is_file():
            continue
        listener.progress(i, len(parts), f"working out the metrics of the {part} events again")
        try:
            scores = _scores(folder, analysis, part)
            again = as_json(summarise(scores, analysis.evaluate.threshold, analysis.evaluate.bootstrap))
        except (FivesigmaError, KeyError, ValueError) as error:
            reason = error.what if isinstance(error, FivesigmaError) else f"{type(error).__name__}: {error}"
            problems.append(f"the metrics of the {part} events do not follow from predictions/{part}.parquet: {reason}")
            continue
        pairs = list(_numbers(again, given))
        numbers += len(pairs)
        least = _least(again)
        wrong = [(name, one, other) for name, one, other in pairs if not _same(one, other, least)]
        listed = ", ".join(
            f"{part} {name} is {_shown(one)} by the predictions and {_shown(other)} in metrics.json"
            for name, one, other in wrong[:SHOWN]
        )
        if wrong:
            problems.append(listed + (f" (and {len(wrong) - SHOWN} more)" if len(wrong) > SHOWN else ""))
    listener.done("worked the metrics out again")
    return numbers, problems


def _scores(folder: RunFolder, analysis: Analysis, part: str) -> Scores:
    """The scores that `evaluate` wrote for a part."""
    columns = Run(folder.path).predictions(part)
    names = tuple(analysis.parameters)
    like = Scores(np.zeros((0, max(len(analysis.classes), 1)), np.float32), np.zeros(0), np.zeros(0), analysis.classes)
    wanted = [name for name in score_columns(like) if name != "predicted_class"]
    score = [np.asarray(columns[name], np.float32) for name in wanted]
    hypotheses = folder.hypotheses()
    if not np.isfinite(np.stack(score)).all():
        raise RunError("there are scores that are not finite")
    return Scores(
        score=score[0] if len(score) == 1 else np.stack(score, axis=1),
        target=columns["target"],
        weight=columns["weight"],
        classes=analysis.classes,
        parameters=np.stack([columns[name] for name in names], axis=1).astype(np.float32)
        if names
        else np.zeros((len(score[0]), 0), np.float32),
        parameter_names=names,
        at_hypothesis={values: columns[hypothesis_column(names, values)] for values in hypotheses},
    )


def _numbers(again: Any, given: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Pairs of numbers at the same place of two trees, with the name of the place."""
    if isinstance(again, Mapping):
        for key, inner in again.items():
            there = given.get(key) if isinstance(given, Mapping) else None
            yield from _numbers(inner, there, path if key == "value" else f"{path} {key}".strip())
    elif isinstance(again, list):
        there = given if isinstance(given, list) and len(given) == len(again) else [None] * len(again)
        for i, (inner, other) in enumerate(zip(again, there, strict=True)):
            yield from _numbers(inner, other, f"{path}[{i}]")
    else:
        yield path, again, given


def _least(metrics: Mapping[str, Any]) -> float:
    """The size below which a number is zero but for rounding: a thousandth, or of the RMSE if that is smaller."""
    width = metrics.get("rmse", {}).get("value")
    return 1e-3 * (min(abs(width), 1.0) if isinstance(width, float) and width else 1.0)


def _same(one: Any, other: Any, least: float) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return bool(abs(one - other) <= TOLERANCE * max(abs(one), abs(other), least))
    return bool(one == other)


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float | int) else "absent" if value is None else str(value)
