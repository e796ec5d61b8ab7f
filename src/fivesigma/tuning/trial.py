"""One trial of a search: its setting, its progress, and how a worker trains it further."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.cluster.base import tell
from fivesigma.data.mapped import Handed, read
from fivesigma.errors import EventsError, FivesigmaError, OverBudget
from fivesigma.metrics.spec import better, monitored, spec_of
from fivesigma.training.fit import FitOptions
from fivesigma.training.training import train, train_many
from fivesigma.tuning.space import Setting


@dataclass
class Trial:
    """One setting, and the progress of its training.

    Attributes:
        number: its number in the search, from 1.
        setting: dotted key → value.
        epochs: epochs that it was given so far; it may have stopped sooner.
        value: best value of the objective so far, in its own direction (a larger accuracy is better); None
            before the first epoch, and for a training that failed.
        seconds: time spent on it.
        bracket: Hyperband's bracket, from 1; 0 for the other methods.
        history: the objective after each epoch.
        failure: why the training failed; such a trial ranks last.
    """

    number: int
    setting: Setting
    epochs: int = 0
    value: float | None = None
    seconds: float = 0.0
    bracket: int = 0
    history: list[float] = field(default_factory=list)
    failure: str | None = None

    @property
    def trained(self) -> int:
        """Epochs trained so far."""
        return min(self.epochs, len(self.history))

    def as_json(self) -> dict[str, Any]:
        """Everything, for the file of the search."""
        return {**asdict(self), "trained": self.trained}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Trial":
        """The inverse of `as_json`.

        Raises:
            TypeError: if the row does not describe a trial.
        """
        return cls(**{name: value for name, value in row.items() if name != "trained"})

    def best(self, objective: str, epochs: int) -> float | None:
        """The best value of the objective within this many epochs, whatever came later; None if there is none."""
        values = [value for value in self.history[:epochs] if np.isfinite(value)]
        return better(values, objective) if values and not self.failed_within(epochs) else None

    def failed_within(self, epochs: int) -> bool:
        """Whether it failed in these epochs, and not only in later ones."""
        return self.failure is not None and not (epochs < self.epochs and epochs <= len(self.history))


@dataclass(frozen=True)
class Outcome:
    """The result of training a trial: objective after each epoch so far, seconds, and why it failed."""

    history: list[float]
    seconds: float
    failure: str | None = None


def advance(
    numbers: Sequence[int],
    analyses: Sequence[Analysis],
    events: Handed,
    checkpoints: Sequence[Path],
    epochs: int,
) -> list[Outcome]:
    """Train trials up to `epochs`, from their checkpoints on; several of equal shape in one program.

    After each epoch it reports the trial's number, the epoch, and the best objective and the seconds since the call.

    Args:
        numbers: numbers of the trials, for messages.
        analyses: one for each trial, with its setting applied; they may differ only in the learning rate.
        events: training and validation events, or the folder they were written to.
        checkpoints: where the state of each training is saved.
        epochs: epochs to reach, counted from the start of the trial.

    Raises:
        FivesigmaError: if a setting or the data are wrong; a training that diverges is an outcome instead.
    """
    objective = analyses[0].train.monitor
    sign = -1 if spec_of(objective).larger_is_better else 1
    seen: list[list[dict[str, float]]] = [[] for _ in numbers]

    def value_of(row: dict[str, float]) -> float:
        return float(sign * monitored(row, objective))

    def on_epoch(index: int, row: dict[str, float]) -> None:
        seen[index].append(row)
        best = better([value_of(row) for row in seen[index]], objective)
        tell([numbers[index], int(row["epoch"]), best, float(sum(row["seconds"] for row in seen[index]))])

    def outcome(rows: list[dict[str, float]], failure: str | None = None) -> Outcome:
        return Outcome([value_of(row) for row in rows], float(sum(row["seconds"] for row in rows)), failure)

    try:
        parts = read(events)
        if len(numbers) > 1:
            members = train_many(analyses, parts, checkpoints, epochs, on_epoch)
            return [outcome(one.state.history, one.failure.what if one.failure else None) for one in members]
        options = FitOptions(checkpoints[0], resume=True, stop_after_epoch=epochs, on_epoch=lambda row, _: on_epoch(0, row))
        _, history = train(analyses[0], parts, options=options)
    except (EventsError, OverBudget) as error:
        return [outcome(rows, error.what) for rows in seen]
    except FivesigmaError as error:
        raise type(error)(f"trial {numbers[0]}: {error.what}", hint=error.hint) from None
    return [outcome(history)]
