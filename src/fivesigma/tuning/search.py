"""Run a search: trials side by side, resumable, with every result on disk at once."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.file import load
from fivesigma.analysis.tune import Tune
from fivesigma.atomic import write_text
from fivesigma.cluster.base import Executor
from fivesigma.data.mapped import Handed
from fivesigma.errors import AnalysisError, EventsError, RunError
from fivesigma.metrics.spec import spec_of
from fivesigma.plugins import models
from fivesigma.training.fit import gains_together
from fivesigma.tuning.hyperband import Rung, brackets
from fivesigma.tuning.space import Setting, distinct, grid, size
from fivesigma.tuning.tpe import propose
from fivesigma.tuning.trial import Outcome, Trial, advance


class Numbers(tuple[int, ...]):
    """Numbers of the trials of one task; they name it in messages."""

    def __str__(self) -> str:
        return f"trial{'s' if len(self) > 1 else ''} {', '.join(map(str, self))}"


LEARNING_RATE = "train.learning_rate"


def check_space(analysis: Analysis) -> None:
    """Check that an analysis says what to search.

    Raises:
        AnalysisError: if `tune.space` is empty.
    """
    if not analysis.tune.space:
        raise AnalysisError(
            f"{analysis.name} has no `tune.space`, the settings to try",
            hint="write it in the file, or add --set 'tune.space={train.learning_rate: {choice: [1.0e-2, 1.0e-3]}}'",
        )


@dataclass(frozen=True)
class News:
    """What a search reports to its listener.

    Attributes:
        trials: all trials, in the order of their proposal.
        trial: the trial this report is about.
        target: number of epochs it is to reach in this rung.
        is_done: whether it has reached them; otherwise one more epoch has finished.
        epochs: epochs trained so far, by all trials.
        total: epochs that the whole search trains.
    """

    trials: list[Trial]
    trial: Trial
    target: int
    is_done: bool
    epochs: int
    total: int


@dataclass
class _Bracket:
    """Trials that compete with one another, and their rungs."""

    trials: list[Trial]
    rungs: list[Rung]

    @property
    def target(self) -> int:
        return self.rungs[0].epochs

    @property
    def missing(self) -> list[Trial]:
        """Trials that have not reached the current rung."""
        return [trial for trial in self.trials if trial.epochs < self.target]


@dataclass
class Search:
    """A search for the best settings of an analysis.

    Which settings are proposed, trained and promoted depends only on the analysis and its seeds, not on which
    trial finishes first.

    Args:
        analysis: with a `tune` section.
        events: split events, or the folder that they were written to; `train` and `val` are
            used, the test events never.
        folder: where trials and `tune.json` are kept; a search that was stopped continues from there.
        pool: the executor that trains.
        on_news: called after every epoch of a trial, and when it has reached the epochs it was given.
    """

    analysis: Analysis
    events: Handed
    folder: Path
    pool: Executor
    on_news: Callable[[News], None]

    def __post_init__(self) -> None:
        self.trials: list[Trial] = []

    def run(self) -> list[Trial]:
        """Train every trial as long as the method asks; returns the trials, the best one first.

        Raises:
            AnalysisError: if there is nothing to search, or a setting is not valid.
            EventsError: if every training failed.
        """
        check_space(self.analysis)
        if self.analysis.tune.method == "tpe":
            self._learn()
        else:
            self.trials = self._restored([self._trial(i, *each) for i, each in enumerate(self._settings(), start=1)])
            self._climb(self._brackets())
        ranked = sorted(self.trials, key=self._rank)
        if ranked[0].value is None:
            why = self.trials[0].failure or f"{self.analysis.tune.objective} was no number in any epoch"
            raise EventsError(f"every trial failed; the first one: {why}")
        return ranked

    def analysis_of(self, setting: Setting) -> Analysis:
        """The analysis with one setting applied, and the search's number of epochs."""
        more = {"train.epochs": self.analysis.tune.max_epochs, "train.monitor": self.analysis.tune.objective}
        return load(self.analysis, {**more, **setting})

    def _trial(self, number: int, setting: Setting, bracket: int = 0) -> Trial:
        """Make a trial; this finds a setting that is not valid before hours are spent."""
        self.analysis_of(setting)
        return Trial(number, setting, bracket=bracket)

    def _learn(self) -> None:
        """TPE: batches of trials, each proposed from the results of earlier batches; which results are known then
        depends on their size, not on the number of workers."""
        tune, most = self.analysis.tune, trials_of(self.analysis.tune)
        while (done := len(self.trials)) < most:
            tried = [(trial.setting, self._rank(trial)[0] if trial.failure is None else None) for trial in self.trials]
            count, known = min(tune.trials_at_once, most - done), [setting for setting, _ in tried]
            settings: list[Setting] = []
            for proposed in propose(tune.space, tried, count, tune.seed + done):
                if proposed not in [*known, *settings]:  # a setting gives the same network each time
                    settings.append(proposed)
            settings += distinct(tune.space, count - len(settings), tune.seed + done, [*known, *settings])
            if not settings:
                break  # of a tiny step, neighbouring values can be the same number
            batch = self._restored([self._trial(done + i, setting) for i, setting in enumerate(settings, start=1)])
            self.trials += batch
            self._climb([_Bracket(batch, [Rung(len(batch), tune.max_epochs)])], most * tune.max_epochs)

    def _settings(self) -> Iterator[tuple[Setting, int]]:
        """All settings with their brackets, before anything is trained."""
        tune = self.analysis.tune
        if tune.method == "grid":
            yield from ((setting, 0) for setting in grid(tune.space))
        elif tune.method == "random":
            yield from ((setting, 0) for setting in distinct(tune.space, tune.trials, tune.seed))
        else:
            for i, rungs in enumerate(brackets(tune.max_epochs, tune.factor), start=1):
                for setting in distinct(tune.space, rungs[0].count, tune.seed + i):
                    yield setting, i

    def _brackets(self) -> list[_Bracket]:
        """Hyperband's brackets, or one bracket with one rung."""
        tune = self.analysis.tune
        if tune.method != "hyperband":
            return [_Bracket(list(self.trials), [Rung(len(self.trials), tune.max_epochs)])]
        ladders = enumerate(brackets(tune.max_epochs, tune.factor), start=1)
        return [_Bracket([trial for trial in self.trials if trial.bracket == i], rungs) for i, rungs in ladders]

    def _climb(self, climbing: list[_Bracket], total: int | None = None) -> None:
        """Train brackets side by side; within one, a rung is complete before the next begins.

        Args:
            climbing: the brackets.
            total: epochs of the whole search, if these brackets are not all of it.
        """
        total = total or sum(_epochs_of(bracket) for bracket in climbing)
        owner = {trial.number: bracket for bracket in climbing for trial in bracket.trials}
        known = {trial.number: trial for trial in self.trials}
        shown = {trial.number: trial for trial in self.trials}  # with epochs of trainings under way

        def report(trial: Trial, target: int, is_done: bool) -> None:
            shown[trial.number] = trial
            epochs = sum(each.epochs for each in shown.values())
            self.on_news(News(list(shown.values()), trial, target, is_done, epochs, total))

        def on_message(_: Numbers, message: list[Any]) -> None:
            number, *more = message
            report(_seen(known[number], more), owner[number].target, False)

        for bracket in climbing:
            self._submit(bracket)
        for numbers, outcomes in self.pool.results(on_message):
            bracket = owner[numbers[0]]
            target = bracket.target
            for number, outcome in zip(numbers, outcomes, strict=True):
                self._settle(known[number], outcome, target)
                report(known[number], target, True)
            if not bracket.missing:
                self._submit(bracket)

    def _submit(self, bracket: _Bracket) -> None:
        """Submit the trials of a rung that are not trained yet; if there are none, those of the next rung."""
        while not bracket.missing and len(bracket.rungs) > 1:
            self._promote(bracket)
        for group in self._alike(bracket.missing):
            numbers = Numbers(trial.number for trial in group)
            analyses = [self.analysis_of(trial.setting) for trial in group]
            checkpoints = [self.folder / f"trial-{number:04d}" / "last.npz" for number in numbers]
            self.pool.submit(numbers, advance, numbers, analyses, self.events, checkpoints, bracket.target)

    def _alike(self, trials: list[Trial]) -> list[list[Trial]]:
        """Group trials that one program trains, where that is faster: those that differ only in their learning rate."""
        groups: dict[str, list[Trial]] = {}
        for trial in trials:
            analysis = self.analysis_of(trial.setting)
            rest = {key: value for key, value in trial.setting.items() if key != LEARNING_RATE}
            widest = models.get(analysis.model.kind).widest(analysis.model)
            alone = [] if widest is not None and gains_together(analysis.train, widest) else [trial.number]
            groups.setdefault(json.dumps([rest, trial.epochs, alone], sort_keys=True), []).append(trial)
        return list(groups.values())

    def _promote(self, bracket: _Bracket) -> None:
        """Promote the best trials of a complete rung; later results, from before a stop, do not count here."""
        before, after = bracket.rungs[:2]
        able = [trial for trial in bracket.trials if not trial.failed_within(before.epochs)]
        bracket.trials = sorted(able, key=lambda trial: self._rank(trial, before.epochs))[: after.count]
        del bracket.rungs[0]

    def _rank(self, trial: Trial, epochs: int | None = None) -> tuple[float, int]:
        """Sort trials: better ones first, failed ones last, ties in the order of their proposal."""
        value = trial.best(self.analysis.tune.objective, epochs or trial.epochs)
        if value is None:
            return float("inf"), trial.number
        return (-value if spec_of(self.analysis.tune.objective).larger_is_better else value), trial.number

    def _settle(self, trial: Trial, outcome: Outcome, epochs: int) -> None:
        """Record a result, also on disk."""
        # A training that failed reports only the epochs of this call.
        earlier = trial.history if outcome.failure is not None else []
        trial.history, trial.seconds, trial.failure = [*earlier, *outcome.history], outcome.seconds, outcome.failure
        trial.epochs = epochs
        trial.value = trial.best(self.analysis.tune.objective, epochs)
        tree = {"tune": self.analysis.tune.model_dump(mode="json"), "trials": [each.as_json() for each in self.trials]}
        write_text(self.folder / "tune.json", json.dumps(tree, indent=1) + "\n")

    def _restored(self, trials: list[Trial]) -> list[Trial]:
        """The same trials, with the results of an interrupted search."""
        path = self.folder / "tune.json"
        if not path.is_file():
            return trials
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            found = {row["number"]: Trial.from_json(row) for row in tree["trials"]}
        except (ValueError, KeyError, TypeError):
            raise RunError(f"{path} is damaged", hint="start the search anew with --new") from None
        for trial in found.values():  # an earlier version took an undefined value for the best one
            trial.value = trial.best(self.analysis.tune.objective, trial.epochs)
        return [
            found[trial.number] if trial.number in found and found[trial.number].setting == trial.setting else trial
            for trial in trials
        ]


def trials_of(tune: Tune) -> int:
    """How many trials a search with `tune.trials` has: no more than there are settings."""
    return min(tune.trials, size(tune.space) or tune.trials)


def _epochs_of(bracket: _Bracket) -> int:
    """Total number of epochs of a bracket."""
    counts = [min(rung.count, len(bracket.trials)) for rung in bracket.rungs]
    before = [0, *(rung.epochs for rung in bracket.rungs)]
    return sum(count * (rung.epochs - start) for count, rung, start in zip(counts, bracket.rungs, before, strict=False))


def _seen(trial: Trial, message: list[Any]) -> Trial:
    """A trial with the latest report of its training, for display only."""
    epochs, best, seconds = message
    return replace(trial, epochs=epochs, value=best, seconds=trial.seconds + seconds)
