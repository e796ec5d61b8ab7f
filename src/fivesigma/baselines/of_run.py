"""Train and score the baselines of a run on the same events as its network."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.baselines.base import INDEX, BaselineKind, BaselineModel, Learning
from fivesigma.cluster import multiprocess
from fivesigma.data.formats import expand
from fivesigma.data.load import load_samples
from fivesigma.data.opening import plan_for, reader_for
from fivesigma.data.shards import Shards
from fivesigma.errors import AnalysisError, FivesigmaError, MissingExtra
from fivesigma.events import Events, concatenate
from fivesigma.plugins import baselines
from fivesigma.preparation.split import OUT_OF_FOLD
from fivesigma.progress import Listener
from fivesigma.runs import manifest
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.source import Source
from fivesigma.scores import Scores, reordered
from fivesigma.scores import concatenate as concatenate_scores
from fivesigma.training.network import scores_by

Hypotheses = Sequence[tuple[float, ...]]


def analysis_of(settings: Any, analysis: Analysis) -> Analysis:
    """The analysis of a baseline: what it learns, and from which columns.

    Args:
        settings: settings of the baseline.
        analysis: analysis of the run.

    Raises:
        AnalysisError: if the analysis of another network cannot be found or read.
    """
    return kind_of(settings).analysis_of(settings, analysis)


def kind_of(settings: Any) -> BaselineKind:
    """The kind that settings belong to."""
    found: BaselineKind = baselines.get(settings.kind)
    return found


@contextmanager
def named_errors(name: str) -> Iterator[None]:
    """Add the name of the baseline to an error; a missing library is another type of error."""
    try:
        yield
    except MissingExtra:
        raise
    except FivesigmaError as error:
        raise AnalysisError(f"baselines.{name}: {error.what}", hint=error.hint) from None


def check(analysis: Analysis) -> None:
    """Refuse baselines that cannot be trained, before anything is read.

    Raises:
        AnalysisError: naming the baseline.
    """
    for name, settings in analysis.baselines.items():
        with named_errors(name):
            own = analysis_of(settings, analysis)
        for sample in own.samples.values() if own.labels and own.labels.variable is None else ():
            if sample.label is not None and sample.label not in own.classes:
                raise AnalysisError(
                    f"baselines.{name}: {own.name} has no class {sample.label!r}, which a sample of this analysis has"
                )
        with named_errors(name):
            kind_of(settings).check(settings, analysis)


@dataclass
class Baselines:
    """The baselines of a run.

    Attributes:
        folder: folder of the run; each baseline is kept in `baselines/<name>/`.
        analysis: analysis of the run.
        source: the run's events.
        listener: receives messages and progress.
    """

    folder: RunFolder
    analysis: Analysis
    source: Source
    listener: Listener
    _loaded: dict[str, dict[str, Events]] = field(default_factory=dict)
    _models: dict[str, list[BaselineModel]] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse columns that are missing, or that hold the truth, before the network is trained.

        Raises:
            AnalysisError: naming the baseline.
        """
        for name, settings in self.analysis.baselines.items():
            own = analysis_of(settings, self.analysis)
            if not self._has_all(own, settings):
                with named_errors(name):
                    self._check_columns(own)

    def _check_columns(self, own: Analysis) -> None:
        answer = own.target or own.labels
        for sample in self._origin.samples.values():
            for file in expand(sample.files)[:1]:
                plan = plan_for(own, reader_for(self._origin, file, sample))
                plan.check_no_truth()
                if answer is not None and answer.variable is not None:
                    plan.needs(answer.variable)

    @property
    def _origin(self) -> Analysis:
        """The analysis with the samples the events were read from.

        Raises:
            AnalysisError: if they were read from a prepared folder, which has no other columns.
        """
        if self.source.origin is None:
            raise AnalysisError(
                "it needs columns that are not in the prepared folder, or others than the run's network",
                hint="give it the features and parameters of this analysis, or name its columns in `features` and prepare "
                "again, or train from the files",
            )
        return self.source.origin

    def train(self) -> None:
        """Train the baselines that are not trained yet; one whose library is not installed is skipped with a message."""
        for name, settings in self.analysis.baselines.items():
            missing = {number: place for number, place in enumerate(self._places(name), start=1) if not place.has(INDEX)}
            if not missing:
                continue
            if kind_of(settings).in_one_process and multiprocess.processes() > 1:
                self.listener.say(f"baseline {name} is left out: a second network can be trained only in a single process")
                continue
            own = analysis_of(settings, self.analysis)
            try:
                with named_errors(name):
                    for number, place in missing.items():
                        self._train_one(name, own, self._learning(name, own, number), place)
            except MissingExtra as error:
                self.listener.say(f"baseline {name} is left out: {error.what}; {error.hint}")

    def _places(self, name: str) -> list[RunFolder]:
        """Its folder; with folds, a folder for each of them."""
        place = RunFolder(self.folder / "baselines" / name)
        folds = self.analysis.split.folds
        return [place] if folds is None else [place.fold(number) for number in range(1, folds + 1)]

    def _train_one(self, name: str, own: Analysis, parts: Mapping[str, Events], place: RunFolder) -> None:
        settings = self.analysis.baselines[name]
        kind = kind_of(settings)
        learnt, of = self.learnt(name) or (len(parts["train"]),) * 2
        among = f" of {of:,}" if learnt < of else ""
        self.listener.say(f"baseline {name}: {kind.title(settings)}, on {learnt:,}{among} events")
        if among:
            self.listener.say(
                f"warning: the baseline {name} learns from a random sample of the prepared events, the network from all; "
                f"with `train.window` of at least {of:,} it learns from all, too, which takes more memory"
            )

        def on_round(done: int, most: int) -> None:
            self.folder.alive()
            self.listener.progress(done, most, f"baseline {name}: round {done}")

        def on_epoch(row: dict[str, float], epochs: int) -> None:
            self.folder.alive()
            self.listener.epoch(row, epochs)

        model = kind.fit(settings, Learning(own, parts, place, on_round, on_epoch, self._shards(settings)))
        model.save(place)
        self.listener.done(f"baseline {name} trained: {model.describe() or kind.title(settings)}")

    def _shards(self, settings: Any) -> Shards | None:
        """All events on disk, for a baseline that can learn from them."""
        return self.source.shards if kind_of(settings).from_shards else None

    def learnt(self, name: str) -> tuple[int, int] | None:
        """How many training events a baseline learns from, and of how many; None unless they are on disk."""
        if self.source.shards is None:
            return None
        every = self.source.shards.length("train")
        return every if self._shards(self.analysis.baselines[name]) else len(self.source.parts["train"]), every

    def _learning(self, name: str, own: Analysis, number: int) -> Mapping[str, Events]:
        """The events a baseline (of a fold) learns from: `train` and, if there are any, `val`."""
        parts = self._events(name, own)
        if self.source.division is None:
            return {part: parts[part] for part in ("train", "val") if part in parts}
        learning = self.source.division.parts(number)
        index = self.source.division.index(number)
        return {part: like(parts[OUT_OF_FOLD].take(index[part]), learning[part]) for part in learning}

    def _events(self, name: str, own: Analysis) -> Mapping[str, Events]:
        """The run's events with the columns that a baseline uses."""
        if self._has_all(own, self.analysis.baselines[name]):
            return self.source.parts
        key = repr((own.features, own.exclude, own.target, own.labels, own.parameters, own.new_variables))
        if key not in self._loaded:
            self._loaded[key] = self._load(name, own)
        return self._loaded[key]

    def _has_all(self, own: Analysis, settings: Any) -> bool:
        """Whether the events that were read for the network have all its columns."""
        main, first = self.analysis, next(iter(self.source.parts.values()))
        alike = ("target", "labels", "new_variables", "parameters")
        if any(getattr(own, key) != getattr(main, key) for key in alike):
            return False
        if kind_of(settings).picks_columns:
            return set(own.features) <= set(first.feature_names)
        return own.features == main.features and own.exclude == main.exclude

    def _load(self, name: str, own: Analysis) -> dict[str, Events]:
        """Read the events again for other columns, with the same split.

        Raises:
            AnalysisError: if they are not the same events.
        """
        rows = self.source.rows
        loaded = load_samples(own.model_copy(update={"samples": self._origin.samples}), self.listener.progress)
        self.listener.done(f"read the {len(loaded[0].events.feature_names)} features of baseline {name}")
        found = {}
        for part, events in self.source.parts.items():
            if any(len(i) and i.max() >= len(sample.events) for i, sample in zip(rows[part], loaded, strict=True)):
                raise AnalysisError(_OTHERS, hint="let its new variables not change the selection")
            pieces = [sample.events.take(i) for i, sample in zip(rows[part], loaded, strict=True) if len(i)]
            found[part] = like(concatenate(pieces), events)
            if _answers(own) == _answers(self.analysis) and not np.array_equal(found[part].target, events.target):
                raise AnalysisError(_OTHERS, hint="let its new variables not change the selection")
        return found

    def scores(self, part: str, ours: Scores, hypotheses: Hypotheses) -> dict[str, Scores]:
        """Name → scores, for every trained baseline.

        Args:
            part: `val`, `folds` or `test`.
            ours: the network's scores of the part, whose observers are copied.
            hypotheses: parameter values of further scores, as for the network.
        """
        found = {}
        for name, settings in self.analysis.baselines.items():
            places = self._places(name)
            if not all(place.has(INDEX) for place in places):
                continue
            try:
                if name not in self._models:
                    self._models[name] = [load_model(place) for place in places]
                own = analysis_of(settings, self.analysis)
                scores = self._scores(name, own, self._models[name], part, hypotheses)
                found[name] = replace(scores, observers=ours.observers)
            except MissingExtra as error:
                self.listener.say(f"baseline {name} is left out: {error.what}; {error.hint}")
        return found

    def costs(self) -> dict[str, dict[str, Any]]:
        """Name → what it would cost in hardware, for the baselines that have given scores and know it; not with folds."""
        found = {
            name: kind_of(self.analysis.baselines[name]).cost(models[0])
            for name, models in self._models.items()
            if len(models) == 1
        }
        return {name: cost for name, cost in found.items() if cost}

    def _scores(self, name: str, own: Analysis, models: list[BaselineModel], part: str, hypotheses: Hypotheses) -> Scores:
        given = hypotheses if own.parameters == self.analysis.parameters else ()
        if self.source.shards is not None:
            pieces = self.source.shards.pieces(part)
            return concatenate_scores([scores_by(_Mean(models), events, given) for events in pieces])
        events = self._events(name, own)[part]
        if part != OUT_OF_FOLD:
            return scores_by(_Mean(models), events, given)
        division = self.source.division
        assert division is not None  # only folds make that part
        rows = [np.flatnonzero(division.fold == number) for number in range(1, len(models) + 1)]
        whole = like(events, division.scored_by(division.fold))
        each = concatenate_scores([scores_by(model, whole.take(i), given) for model, i in zip(models, rows, strict=True)])
        return reordered(each, np.argsort(np.concatenate(rows), kind="stable"))


@dataclass(frozen=True)
class _Mean:
    """The mean of the scores of several models."""

    models: list[BaselineModel]

    def score(self, features: Any, parameters: Any = None) -> Any:
        """As `Network.score`."""
        if len(self.models) == 1:
            return self.models[0].score(features, parameters)
        each = [model.score(features, parameters) for model in self.models]
        return np.mean(each, axis=0, dtype=np.float64).astype(np.float32)


def load_model(place: RunFolder) -> BaselineModel:
    """Read a trained baseline, of whatever kind it is."""
    manifest.require(place.path)
    kind: BaselineKind = baselines.get(place.read_json(INDEX)["kind"])
    return kind.load(place)


_OTHERS = "its analysis selects other events"


def _answers(analysis: Analysis) -> Any:
    """The target, without its scale."""
    return analysis.target.variable if analysis.target is not None else analysis.labels


def like(own: Events, events: Events) -> Events:
    """Events read for other columns, with weights, event numbers and parameters of the network's events."""
    changes: dict[str, Any] = {
        "weight": events.weight,
        "event_number": events.event_number,
        "fingerprint": events.fingerprint,
        "observers": events.observers,
    }
    if own.parameter_names == events.parameter_names:
        changes["parameters"] = events.parameters
    return replace(own, **changes)
