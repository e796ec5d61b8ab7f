"""The search itself: trials, one after another, each resumable, every result on disk at once."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fivesigma.analysis import Analysis
from fivesigma.analysis_file import load
from fivesigma.atomic import write_text
from fivesigma.errors import AnalysisError, FivesigmaError, RunError
from fivesigma.events import Events
from fivesigma.train.fit import monitored
from fivesigma.train.training import train
from fivesigma.tune.hyperband import brackets
from fivesigma.tune.space import Setting, distinct, grid


@dataclass
class Trial:
    """One setting and how far it has got.

    Attributes:
        number: its place in the search, from 1.
        setting: dotted key → value.
        epochs: epochs trained so far.
        value: best value of the objective so far, as it is reported (larger accuracy is better).
        seconds: time spent on it.
        bracket: Hyperband's bracket, from 1; 0 for the other methods.
    """

    number: int
    setting: Setting
    epochs: int = 0
    value: float | None = None
    seconds: float = 0.0
    bracket: int = 0
    history: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Search:
    """A search for the best settings of an analysis.

    Args:
        analysis: with a `tune` section.
        parts: split events; `train` and `val` are used, the test events never.
        folder: where trials and `tune.json` are kept; a search that was stopped goes on from there.
        on_trial: called when a trial has reached the epochs it was given.
    """

    analysis: Analysis
    parts: Mapping[str, Events]
    folder: Path
    on_trial: Callable[[Trial, int], None]

    def run(self) -> list[Trial]:
        """Take every trial as far as the method says; the best trial comes first.

        Raises:
            AnalysisError: if there is nothing to search, or a setting is not valid.
        """
        if not self.analysis.tune.space:
            raise AnalysisError(
                f"{self.analysis.name} has no `tune.space`",
                hint="for example --set 'tune.space.train.learning_rate={choice: [1.0e-2, 1.0e-3]}' in the file",
            )
        if "val" not in self.parts:
            raise AnalysisError("a search needs validation events", hint="set split.val")
        trials: list[Trial] = []
        for number, (setting, bracket) in enumerate(self._proposals(), start=1):
            self.analysis_of(setting)  # a setting that is not valid is found before hours are spent
            trials.append(Trial(number, setting, bracket=bracket))
        self._restore(trials)
        for group, epochs in self._rounds(trials):
            for trial in group():
                self._advance(trial, epochs, trials)
        return sorted(trials, key=self._rank)

    def analysis_of(self, setting: Setting) -> Analysis:
        """The analysis with one setting in force, trained for the search's number of epochs."""
        more = {"train.epochs": self.analysis.tune.max_epochs, "train.monitor": self.analysis.tune.objective}
        return load(self.analysis, {**more, **setting})

    def _proposals(self) -> Iterator[tuple[Setting, int]]:
        """Settings with their bracket, all of them, before anything is trained."""
        settings = self.analysis.tune
        if settings.method == "grid":
            yield from ((setting, 0) for setting in grid(settings.space))
        elif settings.method == "random":
            yield from ((setting, 0) for setting in distinct(settings.space, settings.trials, settings.seed))
        else:
            for i, bracket in enumerate(brackets(settings.max_epochs, settings.factor), start=1):
                for setting in distinct(settings.space, bracket[0].count, settings.seed + i):
                    yield setting, i

    def _rounds(self, trials: list[Trial]) -> Iterator[tuple[Callable[[], list[Trial]], int]]:
        """Groups of trials with the epochs they are to reach; a group is known when its turn comes."""
        settings = self.analysis.tune
        if settings.method != "hyperband":
            yield (lambda: trials), settings.max_epochs
            return
        for i, bracket in enumerate(brackets(settings.max_epochs, settings.factor), start=1):
            alive = [trial for trial in trials if trial.bracket == i]
            for rung in bracket:
                alive = sorted(alive, key=self._rank)[: rung.count]
                members = list(alive)
                yield (lambda members=members: members), rung.epochs  # type: ignore[misc]

    def _rank(self, trial: Trial) -> tuple[float, int]:
        """Better trials first; an untried one last; ties in the order they were proposed."""
        if trial.value is None:
            return float("inf"), trial.number
        smaller = self.analysis.tune.objective in ("loss", "rmse", "mae")
        return (trial.value if smaller else -trial.value), trial.number

    def _advance(self, trial: Trial, epochs: int, trials: list[Trial]) -> None:
        """Train a trial up to `epochs`, going on from its checkpoint."""
        if trial.epochs < epochs:
            analysis = self.analysis_of(trial.setting)
            path = self.folder / f"trial-{trial.number:04d}" / "last.npz"
            try:
                _, history = train(analysis, self.parts, checkpoint_path=path, resume=True, until=epochs)
            except FivesigmaError as error:
                raise type(error)(f"trial {trial.number} ({trial.setting}): {error.what}", hint=error.hint) from None
            objective = analysis.train.monitor
            sign = 1 if objective in ("loss", "rmse", "mae") else -1
            trial.history = [sign * monitored(row, objective) for row in history]
            trial.value = (min if sign == 1 else max)(trial.history)
            trial.epochs = epochs
            trial.seconds = sum(row["seconds"] for row in history)
            self._record(trials)
        self.on_trial(trial, epochs)

    def _record(self, trials: list[Trial]) -> None:
        tree = {"tune": self.analysis.tune.model_dump(mode="json"), "trials": [asdict(trial) for trial in trials]}
        write_text(self.folder / "tune.json", json.dumps(tree, indent=1) + "\n")

    def _restore(self, trials: list[Trial]) -> None:
        """Take over what an interrupted search had reached, if it was the same search."""
        path = self.folder / "tune.json"
        if not path.is_file():
            return
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            found: dict[int, Any] = {row["number"]: row for row in tree["trials"]}
        except (ValueError, KeyError, TypeError):
            raise RunError(f"{path} is damaged", hint="start the search anew with --new") from None
        for trial in trials:
            row = found.get(trial.number)
            if row is not None and row["setting"] == trial.setting:
                trial.epochs, trial.value = row["epochs"], row["value"]
                trial.seconds, trial.history = row["seconds"], row["history"]
