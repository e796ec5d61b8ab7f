"""A validation as a page, as JSON, as Markdown and as tables on the terminal."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.progress import Listener
from fivesigma.runs.folder import RunFolder, command_line
from fivesigma.validation import Comparison, count_passes, published
from fivesigma.validation.page import shown, write_validation
from fivesigma.version import __version__

OUTPUT = Path("validation")

FEW_ROWS = 12
"""Of longer groups the table on the terminal holds only what fails and what is furthest."""


@dataclass(frozen=True)
class Validation:
    """The page and the comparisons on it."""

    page: Path
    comparisons: list[Comparison]

    @property
    def failed(self) -> int:
        """Number of comparisons that fail."""
        return count_passes(self.comparisons)[1]


def facts_of(path: Path, events: int) -> dict[str, str]:
    """Facts about the sample and the machine, for the page."""
    return {
        "command": command_line(),
        "sample": f"{path}, {events:,} events",
        "made": datetime.now().strftime("%Y-%m-%d %H:%M"),
        "fivesigma": __version__,
        "machine": f"{platform.platform()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}",
    }


def sources_of(names: Any) -> dict[str, str]:
    return {f"published: {name}": published.source(name) for name in names}


def publish(
    folder: Path,
    title: str,
    rows: list[Comparison],
    numbers: Mapping[str, Any],
    facts: Mapping[str, str],
    listener: Listener,
) -> Validation:
    """Write JSON, Markdown and page, and print the table."""
    place = RunFolder(folder)
    passed, failed, open_ = count_passes(rows)
    tree = {"title": title, "facts": dict(facts), "passed": passed, "failed": failed, "not_judged": open_}
    place.write_json("validation.json", {**tree, "comparisons": [row.to_dict() for row in rows]})
    place.write_text("validation.md", _markdown(rows))
    page = write_validation(place, title, rows, numbers, facts, listener.progress)
    _say(rows, listener)
    listener.done(f"{passed} comparisons pass, {failed} fail, {open_} are not judged")
    return Validation(page, rows)


def _say(rows: Sequence[Comparison], listener: Listener) -> None:
    """Print a table per group; for a long group only the failures and the three largest deviations."""
    for group in dict.fromkeys(row.group for row in rows):
        own = [row for row in rows if row.group == group]
        passed, failed, open_ = count_passes(own)
        title = f"{group}: {passed} pass, {failed} fail" + (f", {open_} not judged" if open_ else "")
        if len(own) > FEW_ROWS:
            furthest = sorted(own, key=lambda row: -np.nan_to_num(row.pull))
            own = [row for row in furthest if row.verdict == "fail"] + [r for r in furthest if r.verdict != "fail"][:3]
            title += "; the furthest"
        listener.say(f"\n{title}")
        for line in _aligned([(row.quantity, *shown(row), row.verdict) for row in own]):
            listener.say(f"  {line}")


def _markdown(rows: Sequence[Comparison]) -> str:
    """Every comparison in one table of Markdown, to paste into a document."""
    lines = ["| group | quantity | target | simulated | tolerance | verdict |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = (row.group, row.quantity, *shown(row), row.verdict)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Align the columns; lines are not cut to the width of the terminal, because a log has none."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i in (0, 4) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
