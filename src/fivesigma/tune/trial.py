"""One trial of a search: a setting, how far it has got, and how a worker takes it further."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fivesigma.analysis import Analysis
from fivesigma.cluster.base import tell
from fivesigma.errors import EventsError, FivesigmaError
from fivesigma.events import Events
from fivesigma.train.training import train
from fivesigma.train.validation import monitored
from fivesigma.tune import data
from fivesigma.tune.space import Setting

SMALLER_IS_BETTER = ("loss", "rmse", "mae")


@dataclass
class Trial:
    """One setting and how far it has got.

    Attributes:
        number: its place in the search, from 1.
        setting: dotted key → value.
        epochs: epochs trained so far.
        value: best value of the objective so far, as it is reported (larger accuracy is better); None
            before the first epochs, and for a training that failed.
        seconds: time spent on it.
        bracket: Hyperband's bracket, from 1; 0 for the other methods.
        history: the objective after each epoch.
        failure: why the training came to nothing; such a trial ranks last.
    """

    number: int
    setting: Setting
    epochs: int = 0
    value: float | None = None
    seconds: float = 0.0
    bracket: int = 0
    history: list[float] = field(default_factory=list)
    failure: str | None = None

    def best(self, objective: str, epochs: int) -> float | None:
        """The best value of the objective within so many epochs, whatever came later."""
        values = self.history[:epochs]
        return best_of(values, objective) if values and not self.failure else None


@dataclass(frozen=True)
class Outcome:
    """What training a trial has given: the objective after each epoch so far, the seconds, why it failed."""

    history: list[float]
    seconds: float
    failure: str | None = None


def best_of(values: list[float], objective: str) -> float:
    """The smallest loss or error, the largest of anything else.

    >>> best_of([0.5, 0.7], "loss"), best_of([0.5, 0.7], "auc")
    (0.5, 0.7)
    """
    return min(values) if objective in SMALLER_IS_BETTER else max(values)


def advance(number: int, analysis: Analysis, events: Path | Mapping[str, Events], checkpoint: Path, epochs: int) -> Outcome:
    """Train a trial up to `epochs`, going on from its checkpoint; telling after each one
    its number, the best objective since this call and the seconds since then.

    Args:
        number: the trial's, for messages.
        analysis: with the trial's setting in force.
        events: training and validation events, or the folder they were written to.
        checkpoint: where the state of the training is kept.
        epochs: how far to train, counted from the trial's beginning.

    Raises:
        FivesigmaError: what is wrong with the setting or the data; a training that diverges is an outcome.
    """
    objective = analysis.train.monitor
    sign = 1 if objective in SMALLER_IS_BETTER else -1
    seen: list[dict[str, float]] = []

    def value_of(row: dict[str, float]) -> float:
        return float(sign * monitored(row, objective))

    def on_epoch(row: dict[str, float], _: int) -> None:
        seen.append(row)
        best = best_of([value_of(row) for row in seen], objective)
        tell([int(row["epoch"]), best, float(sum(row["seconds"] for row in seen))])

    try:
        parts = data.read(events) if isinstance(events, Path) else events
        _, history = train(analysis, parts, checkpoint_path=checkpoint, resume=True, until=epochs, on_epoch=on_epoch)
    except EventsError as error:
        return Outcome([value_of(row) for row in seen], sum(row["seconds"] for row in seen), error.what)
    except FivesigmaError as error:
        raise type(error)(f"trial {number}: {error.what}", hint=error.hint) from None
    return Outcome([value_of(row) for row in history], sum(row["seconds"] for row in history))
