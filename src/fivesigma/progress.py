"""Report progress to a listener: library code prints nothing."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fivesigma.names import number_of

Progress = Callable[[float, float, str], None]
"""`progress(done, total, text)`: `done` of `total` units are finished; `text` says what is going on.

A number with its noun in the text, such as `reading train: 12,000 events`, is what the rate is given of.
"""


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
        """An epoch of training is over; of the network of `fold`, if the row has one; of so many `events`, if it says so."""

    def trials(self, objective: str, rows: Sequence[TrialRow], changed: TrialRow, done: float, total: float) -> None:
        """A search has moved on: all its trials, those in training first, then the best; which one has changed;
        how many of how many epochs are trained."""

    def done(self, text: str) -> None:
        """The long step is over."""


_COUNT = re.compile(r"(\d[\d,]*) (events|muons|epochs|files|rounds|trials)\b")


class Pace:
    """How fast a long step is, and how long it will take: a new step begins when the text says something else.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._step: tuple[str, float] | None = None
        self._started = self._first = self._done = self._count = 0.0
        self.unit = ""
        self.rate = 0.0
        self.left: float | None = None

    @property
    def seconds(self) -> float:
        """Since the step began."""
        return self._clock() - self._started

    def update(self, done: float, total: float, text: str) -> bool:
        """Take note of how far the step is; tell whether it is a new one."""
        step = (re.sub(r"\d[\d.,]*", "", text), total)
        count, unit = _counted(done, text)
        is_new = step != self._step or done < self._done
        if is_new:
            self._step, self._started = step, self._clock()
            self._first, self._count, self.rate, self.left = done, count, 0.0, None
        self.unit, self._done = unit, done
        seconds = self.seconds
        if seconds > 0.5:
            self.rate = (count - self._count) / seconds
            if done > self._first:
                self.left = (total - done) * seconds / (done - self._first)
        return is_new

    def __str__(self) -> str:
        """The rate and the time that is left, as far as they are known."""
        words = [f"{_number_of(self.rate)} {self.unit}/s"] if self.unit and self.rate > 0 else []
        return ", ".join([*words, *([f"{duration(self.left)} left"] if self.left is not None else [])])


def _counted(done: float, text: str) -> tuple[float, str]:
    found = _COUNT.search(text)
    if found is not None:
        return float(found[1].replace(",", "")), found[2]
    # The text of a simulation stays as it is: its code is part of the name under which its events are kept.
    return (done, "events") if text.startswith("simulating ") else (done, "")


def _number_of(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def size(count: float) -> str:
    """A number of bytes as people say it.

    >>> size(96_840), size(13.4e6)
    ('97 kB', '13 MB')
    """
    return f"{count / 1e6:,.0f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"


def duration(seconds: float) -> str:
    """A time as people say it.

    >>> duration(4.2), duration(200), duration(3600 * 5.5), duration(3600 * 50)
    ('4 s', '3 min', '5 h 30 min', '50 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes and hours < 24 else f"{hours} h"


def format_epoch(row: dict[str, Any], epochs: int) -> str:
    """One line per epoch, as a batch log shows it.

    >>> format_epoch({"epoch": 1, "loss": 0.5, "val_loss": 0.4, "learning_rate": 0.001, "seconds": 2.0}, 4)
    'epoch 1/4  loss 0.5000  val_loss 0.4000  rate 0.001  2.0 s'
    """
    values = "  ".join(f"{k} {_number(v)}" for k, v in row.items() if k not in _NO_METRICS)
    fold = f"fold {row['fold']:.0f}  " if "fold" in row else ""
    took = f"rate {row['learning_rate']:.3g}  {row['seconds']:.1f} s{speed(row)}"
    return f"{fold}epoch {row['epoch']:.0f}/{epochs}  {values}  {took}"


_NO_METRICS = ("fold", "epoch", "learning_rate", "seconds", "events")


def speed(row: dict[str, Any]) -> str:
    """Events per second of an epoch, if the row tells how many there were.

    >>> speed({"seconds": 2.0, "events": 5000})
    '  2,500 events/s'
    """
    return f"  {row['events'] / row['seconds']:,.0f} events/s" if row.get("events") and row["seconds"] else ""


def _number(value: float) -> str:
    """Four decimal places; very large and very small numbers in another form.

    >>> _number(0.5), _number(43210.4), _number(3200.0), _number(1e-8), _number(0.0)
    ('0.5000', '43,210', '3,200', '1e-08', '0.0000')
    """
    if abs(value) >= 1e4 or (abs(value) >= 100 and value == int(value)):
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) >= 5e-5 or value == 0 else f"{value:.3g}"


def format_trial(row: TrialRow, objective: str, done: float, total: float) -> str:
    """One line per result of a search, as a batch log shows it: the objective of the best epoch so far.

    >>> format_trial(TrialRow(3, 1, "train.learning_rate=0.001", 4, 4, 0.81, 2.5, "paused"), "auc", 20, 74)
    'trial 3: best auc 0.8100 after 4 epochs, 2.5 s  train.learning_rate=0.001  (20 of 74 epochs done)'
    """
    value = ("failed" if row.state == "failed" else "undefined") if row.best is None else f"best {objective} {row.best:.4f}"
    head = f"trial {row.number}: {value} after {number_of(row.epochs, 'epoch')}, {row.seconds:.1f} s"
    return f"{head}  {row.setting}  ({done:.0f} of {total:.0f} epochs done)"
