"""How library code reports what it does without printing: it tells a listener."""

from collections.abc import Callable
from typing import Any

Progress = Callable[[float, float, str], None]
"""`progress(done, total, text)`: `done` of `total` units are finished; `text` says what is going on."""


def silent(done: float, total: float, text: str) -> None:
    """Report nothing."""


class Listener:
    """Hears what a journey does; this one ignores everything, the command line prints it."""

    def say(self, text: str) -> None:
        """One line about something that happened."""

    def table(self, title: str, header: list[str], rows: list[list[str]]) -> None:
        """A small table of results."""

    def progress(self, done: float, total: float, text: str) -> None:
        """How far a long step is."""

    def epoch(self, row: dict[str, float], epochs: int) -> None:
        """An epoch of training is over."""

    def done(self, text: str) -> None:
        """The long step is over."""


def format_epoch(row: dict[str, Any], epochs: int) -> str:
    """One line per epoch, as a batch log shows it.

    >>> format_epoch({"epoch": 1, "loss": 0.5, "val_loss": 0.4, "learning_rate": 0.001, "seconds": 2.0}, 4)
    'epoch 1/4  loss 0.5000  val_loss 0.4000  rate 0.001  2.0 s'
    """
    values = "  ".join(f"{k} {v:.4f}" for k, v in row.items() if k not in ("epoch", "learning_rate", "seconds"))
    return f"epoch {row['epoch']:.0f}/{epochs}  {values}  rate {row['learning_rate']:.3g}  {row['seconds']:.1f} s"
