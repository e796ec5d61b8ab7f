"""Report progress to a listener: library code prints nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Progress = Callable[[float, float, str], None]
"""`progress(done, total, text)`: `done` of `total` units are finished; `text` says what is going on."""


def silent(done: float, total: float, text: str) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class TrialRow:
    """A trial of a search, as a table shows it.

    Attributes:
        number, bracket: of the trial; both from 1, bracket 0 where there are none.
        setting: in words.
        epochs, target: epochs trained so far, and to be trained in this round.
        best: best value of the objective so far, or None.
        seconds: spent on it.
        state: `waiting`, `training`, `paused`, `done` or `failed`.
    """

    number: int
    bracket: int
    setting: str
    epochs: int
    target: int
    best: float | None
    seconds: float
    state: str


class Listener:
    """Receives what a verb reports. This one ignores everything; that of the command line prints it."""

    def say(self, text: str) -> None:
        """One line about something that happened."""

    def table(self, title: str, header: list[str], rows: list[list[str]]) -> None:
        """A small table of results."""

    def progress(self, done: float, total: float, text: str) -> None:
        """How far a long step is."""

    def epoch(self, row: dict[str, float], epochs: int) -> None:
        """An epoch of training is over; of the network of `fold`, if the row has one."""

    def trials(self, objective: str, rows: Sequence[TrialRow], changed: TrialRow, done: float, total: float) -> None:
        """A search has moved on: all its trials, those in training first, then the best; which one has changed;
        how many of how many epochs are trained."""

    def done(self, text: str) -> None:
        """The long step is over."""


def format_epoch(row: dict[str, Any], epochs: int) -> str:
    """One line per epoch, as a batch log shows it.

    >>> format_epoch({"epoch": 1, "loss": 0.5, "val_loss": 0.4, "learning_rate": 0.001, "seconds": 2.0}, 4)
    'epoch 1/4  loss 0.5000  val_loss 0.4000  rate 0.001  2.0 s'
    """
    values = "  ".join(f"{k} {_number(v)}" for k, v in row.items() if k not in ("fold", "epoch", "learning_rate", "seconds"))
    fold = f"fold {row['fold']:.0f}  " if "fold" in row else ""
    return f"{fold}epoch {row['epoch']:.0f}/{epochs}  {values}  rate {row['learning_rate']:.3g}  {row['seconds']:.1f} s"


def _number(value: float) -> str:
    """Four decimal places; very large and very small numbers in another form.

    >>> _number(0.5), _number(43210.4), _number(1e-8), _number(0.0)
    ('0.5000', '43,210', '1e-08', '0.0000')
    """
    if abs(value) >= 1e4:
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) >= 5e-5 or value == 0 else f"{value:.3g}"


def format_trial(row: TrialRow, objective: str, done: float, total: float) -> str:
    """One line per result of a search, as a batch log shows it.

    >>> format_trial(TrialRow(3, 1, "train.learning_rate=0.001", 4, 4, 0.81, 2.5, "paused"), "auc", 20, 74)
    'trial 3: auc 0.8100 after 4 epochs, 2.5 s  train.learning_rate=0.001  (20 of 74 epochs done)'
    """
    value = "failed" if row.best is None else f"{objective} {row.best:.4f}"
    head = f"trial {row.number}: {value} after {row.epochs} epochs, {row.seconds:.1f} s"
    return f"{head}  {row.setting}  ({done:.0f} of {total:.0f} epochs done)"
