"""What the command line prints: results on standard output, progress on standard error."""

import json
import math
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column, Table
from rich.text import Text

from fivesigma.progress import Listener, Pace, TrialRow, duration, format_epoch, format_trial, speed

Tree = Mapping[str, Any] | Callable[[], Mapping[str, Any]]

WIDEST = 4096
"""Width of a line in a file or a pipe, in characters."""

_BAR = 16
"""Width of the bar, in characters."""

_GAP = 2
"""Characters between two columns of a table."""

FIRST_LINE, EVERY = 2.0, 10.0
"""Seconds until a long step prints its first line into a log, and seconds between further lines."""


class Terminal(Listener):
    """A listener that prints: a bar on a terminal, plain lines in a log, nothing with `quiet`.

    Args:
        quiet: print the result only.
        as_json: print one JSON document and nothing else to standard output; print messages to standard error.
    """

    _showing: "ClassVar[Terminal | None]" = None
    """The terminal that shows a live bar or table: it must stop, and restore the cursor, before an error is printed."""

    answered: ClassVar[bool] = False
    """Whether the command has printed its JSON document: a later error must not print a second one."""

    def __init__(self, quiet: bool = False, as_json: bool = False) -> None:
        self.quiet, self.as_json = quiet, as_json
        # In a file or a pipe a table keeps its full width.
        self.out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDEST)
        self._err = Console(stderr=True, highlight=False)
        self._bar: Progress | None = None
        self._live: Live | None = None
        self._task: TaskID | None = None
        self._pace = Pace()
        self._last = 0.0
        self._losses = ""
        self._waiting: threading.Timer | None = None
        self.messages: list[str] = []

    @property
    def width(self) -> int:
        """Width of a line, in characters."""
        return self.out.width

    def say(self, text: str) -> None:
        self._close()
        self.messages.append(text)
        if not self.quiet:
            (self._err if self.as_json else self.out).print(printable(text), markup=False, soft_wrap=True)

    def table(self, title: str, header: list[str], rows: list[list[str]], words: Collection[str] = ()) -> None:
        """Print a table; on a narrow terminal its columns are split into several blocks, one below the other.

        Args:
            title: of the table.
            header: names of the columns.
            rows: of cells.
            words: names of columns with text, which is aligned to the left and may continue on the next line.
        """
        self._close()
        if self.quiet or self.as_json:
            return
        for number, chosen in enumerate(_blocks(header, rows, self.width)):
            table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
            table.title = _literal(title) if number == 0 and title else None
            for i in chosen:
                # A long name must leave room for the other cells of its row; text that fits on no line is wrapped, not cut.
                most = _first_width(self.width) if i == 0 else None
                left, fits = i == 0 or header[i] in words, header[i] not in words and len(chosen) > 2
                table.add_column(
                    _literal(header[i]),
                    justify="left" if left else "right",
                    no_wrap=i == 0 or fits,
                    overflow="ellipsis" if i == 0 else "fold",
                    max_width=most,
                )
            for row in rows:
                table.add_row(*(_literal(row[i]) for i in chosen))
            if number:
                self.out.print()
            self.out.print(table)

    def progress(self, done: float, total: float, text: str) -> None:
        if self.quiet:
            return
        text = printable(text)
        if text.startswith("training") and self._losses:
            text = f"{self._losses}  {text}"
        if self._pace.update(done, total, text):
            self._last = time.monotonic() + FIRST_LINE - EVERY
            self._stop_waiting()
            if done < total:
                self._wait_for_more(text)
        else:
            self._stop_waiting()  # the step says more, so its next line tells how far it is
        if self._err.is_terminal:
            self._on_terminal(done, total, text, str(self._pace))
        else:
            self._in_log(done, total, text)

    def _on_terminal(self, done: float, total: float, text: str, more: str) -> None:
        # The room next to bar, percentage and rate; these matter more than the end of a long name.
        room = max(self._err.width - _BAR - 6 - cell_len(more) - 4, 12)
        text = text if len(text) <= room else text[: room - 1] + "…"
        if self._bar is None:
            self._close()
            columns: list[Any] = [
                TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
                BarColumn(_BAR),
                TextColumn("{task.percentage:3.0f} %"),
                TextColumn("{task.fields[more]}", markup=False, table_column=Column(no_wrap=True)),
            ]
            self._bar = Progress(*columns, console=self._err, transient=True)
            self._bar.start()
            Terminal._showing = self
            self._task = self._bar.add_task(text, total=total, more=more)
        assert self._task is not None
        self._bar.update(self._task, completed=done, total=max(total, 1e-12), description=text, more=more)

    def _wait_for_more(self, text: str) -> None:
        """Write the name of a step into the log if it says nothing more for a while, such as a long call of a library."""
        if not self._err.is_terminal:
            self._waiting = threading.Timer(EVERY, self._err.print, (text,), {"markup": False, "soft_wrap": True})
            self._waiting.daemon = True
            self._waiting.start()
            Terminal._showing = self

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _in_log(self, done: float, total: float, text: str) -> None:
        now = time.monotonic()
        if now - self._last >= EVERY:
            self._last = now
            words = ", ".join(filter(None, [f"{100 * done / total:.0f} %" if total else "", str(self._pace)]))
            self._err.print(f"{text} ({words})" if words else text, markup=False, soft_wrap=True)

    def epoch(self, row: dict[str, float], epochs: int) -> None:
        self.say(format_epoch(row, epochs))
        if self.quiet or "fold" in row:
            return
        self._losses = "  ".join(f"{name} {row[name]:.4f}" for name in ("loss", "val_loss") if name in row)
        if not self._err.is_terminal or row["epoch"] >= epochs:
            return
        left = f"{duration((epochs - row['epoch']) * row['seconds'])} left"
        more = ", ".join(filter(None, [speed(row).strip(), left]))
        self._on_terminal(row["epoch"], epochs, self._losses, more)

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
            self.progress(done, total, f"searching: {done:.0f} epochs of {total:.0f}")
        else:
            self.say(format_trial(changed, objective, done, total))

    def done(self, text: str) -> None:
        self.say(text)

    def result(self, text: object, tree: Tree | None = None) -> None:
        """The last line of standard output, printed even with `--quiet`: a path that scripts can use.

        Args:
            text: the line.
            tree: the document that is printed with `--json` instead, or a function that returns it.
        """
        self._close()
        if self.as_json:
            self.document(tree() if callable(tree) else tree if tree is not None else {"result": str(text)})
        else:
            print(text)
            sys.stdout.flush()

    def document(self, tree: Mapping[str, Any]) -> None:
        """Print the JSON document of the command."""
        self._close()
        Terminal.answered = True
        print(json.dumps(plain(tree), indent=2, ensure_ascii=False, allow_nan=False))
        sys.stdout.flush()

    def error(self, what: str, hint: str | None = None) -> None:
        """Print an error and its hint to standard error; with `--json` also as the document to standard output."""
        (Terminal._showing or self)._close()
        self._err.print(printable(f"error: {what}"), style="bold red", markup=False, soft_wrap=True)
        if hint:
            self._err.print(printable(f"  hint: {hint}"), markup=False, soft_wrap=True)
        if self.as_json and not Terminal.answered:
            self.document({"error": what, "hint": hint})

    def _close(self) -> None:
        self._stop_waiting()
        if self._bar is not None:
            self._bar.stop()
        if self._live is not None:
            self._live.stop()
        self._bar, self._live, self._task = None, None, None
        Terminal._showing = None


def plain(value: Any) -> Any:
    """A value for JSON: paths become text, arrays become lists, and numbers that are not finite become null.

    >>> from pathlib import Path
    >>> plain({"run": Path("runs/a"), "auc": float("nan"), "parts": ("train",)})
    {'run': 'runs/a', 'auc': None, 'parts': ['train']}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return plain(value.tolist())
    return str(value)


def _first_width(width: int) -> int:
    """Largest width of the first column for lines of this width."""
    return max(20, width // 2)


def _blocks(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[list[int]]:
    """Columns of each block of a table: as many as fit on a line; each block begins with the first column.

    >>> _blocks(["name", "a", "b"], [["x", "1" * 30, "2" * 30]], 40)
    [[0, 1], [0, 2]]
    """
    widths = [max(cell_len(_literal(row[i]).replace(r"\[", "[")) for row in [header, *rows]) for i in range(len(header))]
    first = min(widths[0], _first_width(width)) if widths else 0
    found: list[list[int]] = [[0]]
    used = first
    for i in range(1, len(widths)):
        if used + _GAP + widths[i] > width and len(found[-1]) > 1:
            found.append([0])
            used = first
        found[-1].append(i)
        used += _GAP + widths[i]
    return found


def printable(text: str) -> str:
    """Text without terminal control characters, which column names of a hostile file may contain.

    >>> printable("c\\x1b[31mred\\x07 η")
    'c\\\\x1b[31mred\\\\x07 η'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def _literal(text: str) -> str:
    """Text on one line, in which brackets, such as those of units, are not read as markup."""
    return printable(text).replace("\n", r"\n").replace("[", r"\[")


def _trial_table(objective: str, rows: Sequence[TrialRow], done: float, total: float, height: int) -> Table:
    """A table of the trials, with as many rows as fit on the terminal."""
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
