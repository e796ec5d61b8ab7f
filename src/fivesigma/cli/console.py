"""What the command line prints: results on standard output, progress on standard error."""

import sys
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from fivesigma.progress import Listener, TrialRow, format_epoch, format_trial

WIDEST = 4096
"""Letters of a line in a file or a pipe."""

FIRST_LINE, EVERY = 2.0, 10.0
"""In a batch log, a long step says something after so many seconds, and then every so many."""


class Terminal(Listener):
    """A listener that prints: a bar on a terminal, plain lines in a log, nothing with `quiet`."""

    _showing: "ClassVar[Terminal | None]" = None
    """The one with a bar or a table in motion: it must end before an error is printed, and the cursor comes back."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        # In a file or a pipe a table takes the width it needs.
        self.out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDEST)
        self._err = Console(stderr=True, highlight=False)
        self._bar: Progress | None = None
        self._live: Live | None = None
        self._task: TaskID | None = None
        self._started = self._last = 0.0

    def say(self, text: str) -> None:
        self._close()
        if not self.quiet:
            self.out.print(printable(text), markup=False)

    def table(self, title: str, header: list[str], rows: list[list[str]]) -> None:
        self._close()
        if self.quiet:
            return
        table = Table(title=_literal(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
        for i, name in enumerate(header):
            most = max(20, self.out.width // 2) if i == 0 else None  # long names leave room for what is said of them
            table.add_column(_literal(name), justify="left" if i == 0 else "right", no_wrap=True, max_width=most)
        for row in rows:
            table.add_row(*(_literal(cell) for cell in row))
        self.out.print(table)

    def progress(self, done: float, total: float, text: str) -> None:
        if self.quiet:
            return
        text = printable(text)
        if self._err.is_terminal:
            self._on_terminal(done, total, text)
        else:
            self._in_log(done, total, text)

    def _on_terminal(self, done: float, total: float, text: str) -> None:
        if self._bar is None:
            columns: list[Any] = [
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TimeRemainingColumn(elapsed_when_finished=True),
            ]
            self._bar = Progress(*columns, console=self._err, transient=True)
            self._bar.start()
            Terminal._showing = self
            self._task = self._bar.add_task(text, total=total)
        assert self._task is not None
        self._bar.update(self._task, completed=done, total=max(total, 1e-12), description=text)

    def _in_log(self, done: float, total: float, text: str) -> None:
        now = time.monotonic()
        if not self._started:
            self._started, self._last = now, now + FIRST_LINE - EVERY
        if now - self._last >= EVERY:
            self._last = now
            self._err.print(f"{text} ({100 * done / total:.0f} %)" if total else text, markup=False)

    def epoch(self, row: dict[str, float], epochs: int) -> None:
        self.say(format_epoch(row, epochs))

    def trials(self, objective: str, rows: Sequence[TrialRow], changed: TrialRow, done: float, total: float) -> None:
        if self.quiet:
            return
        if self._err.is_terminal:
            if self._live is None:
                self._close()
                self._live = Live(console=self._err, transient=True)
                self._live.start()
                Terminal._showing = self
            self._live.update(_trial_table(objective, rows, done, total, self._err.height))
        elif changed.state == "training":
            self._in_log(done, total, f"searching: {done:.0f} of {total:.0f} epochs")
        else:
            self.say(format_trial(changed, objective, done, total))

    def done(self, text: str) -> None:
        self.say(text)

    def result(self, text: object) -> None:
        """The last line of standard output, printed even with `--quiet`: a path that scripts can use."""
        self._close()
        print(text)
        sys.stdout.flush()

    def error(self, what: str, hint: str | None = None) -> None:
        """One sentence on standard error, and what to do."""
        (Terminal._showing or self)._close()
        self._err.print(printable(f"error: {what}"), style="bold red", markup=False, soft_wrap=True)
        if hint:
            self._err.print(printable(f"  hint: {hint}"), markup=False, soft_wrap=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._live is not None:
            self._live.stop()
        self._bar, self._live, self._task, self._started = None, None, None, 0.0
        Terminal._showing = None


def printable(text: str) -> str:
    """Text without letters that would steer the terminal, as a file may have them in the names of its columns.

    >>> printable("c\\x1b[31mred\\x07 η")
    'c\\\\x1b[31mred\\\\x07 η'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def _literal(text: str) -> str:
    """Text in which brackets, such as those of units, are no markup, and which stays on one line."""
    return printable(text).replace("\n", r"\n").replace("[", r"\[")


def _trial_table(objective: str, rows: Sequence[TrialRow], done: float, total: float, height: int) -> Table:
    """The trials as they stand, as many as the terminal is high."""
    finished = sum(row.state in ("done", "failed") for row in rows)
    table = Table(
        title=f"{done:.0f} of {total:.0f} epochs, {finished} of {len(rows)} trials to the end",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    for name in ("trial", "bracket", "epochs", objective, "seconds", "state"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("setting", no_wrap=True)
    for row in rows[: max(height - 4, 1)]:
        best = "–" if row.best is None else f"{row.best:.4f}"
        epochs = f"{row.epochs}/{row.target}"
        bracket = str(row.bracket) if row.bracket else "–"
        style = {"training": "bold", "failed": "red", "waiting": "dim"}.get(row.state)
        cells = [str(row.number), bracket, epochs, best, f"{row.seconds:.1f}", row.state]
        table.add_row(*cells, Text(row.setting), style=style)
    return table
