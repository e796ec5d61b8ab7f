"""What is in data files: every column, described from all of their events or from a sample."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.atomic import write_text
from fivesigma.data.formats import expand
from fivesigma.data.readers.base import ColumnNames
from fivesigma.exploration.column import Column, described
from fivesigma.exploration.pairs import same
from fivesigma.exploration.sample import AS_IT_IS, Layout, Sampled, sample
from fivesigma.progress import Listener, Progress, silent
from fivesigma.templates import check_page

_NAMED = 6
"""Columns that a sentence names."""


@dataclass(frozen=True)
class Description:
    """The columns of one or several files; shows itself as a table in a notebook and when it is printed.

    Attributes:
        files: that were described.
        columns: in file order.
        looked_at: number of events looked at.
        total: number of events in all files.
        total_is_estimate: whether that is estimated from the size of the files.
        is_all: whether every event was looked at.
        places: number of places from which events were read.
        from_the_beginning: whether they are the first ones, because the format cannot jump.
        notes: sentences on the files: columns that differ between them, what was left out.
        seconds: that it took.
    """

    files: Sequence[str]
    columns: Sequence[Column]
    looked_at: int
    total: int
    total_is_estimate: bool = False
    is_all: bool = True
    places: int = 1
    from_the_beginning: bool = False
    notes: Sequence[str] = field(default=())
    seconds: float = 0.0

    @property
    def title(self) -> str:
        """What was described."""
        return self.files[0] if len(self.files) == 1 else f"{len(self.files):,} files, {self.files[0]} … {self.files[-1]}"

    @property
    def how(self) -> str:
        """How many of how many events were looked at."""
        about = "about " if self.total_is_estimate else ""
        if self.is_all:
            return f"all {self.total:,} events looked at"
        if self.from_the_beginning:
            return f"the first {self.looked_at:,} of {about}{self.total:,} events looked at"
        return f"sampled: {self.looked_at:,} of {about}{self.total:,} events looked at, from {self.places:,} places"

    @property
    def suspicious(self) -> list[tuple[str, str]]:
        """Column, and what looks wrong with it."""
        return [(column.name, remark) for column in self.columns for remark in column.remarks]

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "files": list(self.files),
            "events": self.total,
            "events_is_estimate": self.total_is_estimate,
            "looked_at": self.looked_at,
            "sampled": not self.is_all,
            "places": self.places,
            "from_the_beginning": self.from_the_beginning,
            "columns": [column.to_json() for column in self.columns],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }

    def write_html(self, path: str | Path) -> None:
        """Write the description as one page that needs nothing else.

        Args:
            path: the file.

        Raises:
            OutputError: if the file cannot be written, if its name does not end in .html, or if another file is there.
        """
        from fivesigma.exploration.page import page

        check_page(path)
        write_text(path, page(self))

    def __str__(self) -> str:
        from fivesigma.exploration.rows import as_text

        return as_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from fivesigma.exploration.page import fragment

        return fragment(self)


def describe(
    files: str | Path | Sequence[str | Path],
    treename: str | None = None,
    *,
    format: str | None = None,
    columns: ColumnNames = (),
    events: int | None = None,
    listener: Listener | None = None,
) -> Description:
    """Describe what is in data files, without an analysis: columns, types, ranges, missing entries, distributions.

    Large files are sampled, from several places where their format allows it; the description says so.

    Args:
        files: one path or several; globs and `file.root:tree` too.
        treename: tree, table or group inside the files.
        format: the format, if neither the ending nor the first bytes of a file show it.
        columns: column names of files that have none: a list for text files, a list for each array of an archive.
        events: how many events are looked at; by default so many that it takes seconds.
        listener: hears how far it is.

    Raises:
        DataError: if there is no such file or table, or it cannot be read.

    Returns:
        The description: `columns`, each with its numbers and what looks wrong; it shows itself as a table.
    """
    given = [files] if isinstance(files, str | Path) else files
    progress = (listener or Listener()).progress
    return describe_files(
        expand([str(file) for file in given], repeated=True), Layout(treename, format, columns), events, progress
    )


def describe_files(
    files: Sequence[str], layout: Layout = AS_IT_IS, events: int | None = None, progress: Progress = silent
) -> Description:
    """Describe every column of some files.

    Args:
        files: paths, or `file.root:tree`; no globs.
        layout: how to read them, where they do not show it.
        events: how many events are enough; by default so many that it takes seconds.
        progress: hears how far it is.

    Raises:
        DataError: if a file cannot be read.
    """
    started = time.perf_counter()
    found = sample(files, layout, events, progress)
    total = found.total if not found.is_all else None
    columns = [_column(found, name, total) for name in found.types]
    singles = {name: found.joined(name) for name in found.values if _is_single(found, name)}
    twins = same(singles)
    columns = [
        column
        if column.name not in twins
        else Column(**{**column.__dict__, "remarks": [*column.remarks, twins[column.name]]})
        for column in columns
    ]
    return Description(
        files=found.files,
        columns=columns,
        looked_at=sum(found.events),
        total=found.total,
        total_is_estimate=not found.exact or len(found.opened) < len(found.files),
        is_all=found.is_all,
        places=found.places,
        from_the_beginning=not found.jumps and not found.is_all,
        notes=[*dict.fromkeys(found.notes), *_notes(found), *(["there are no events"] if found.total == 0 else [])],
        seconds=time.perf_counter() - started,
    )


def _column(found: Sampled, name: str, total: int | None) -> Column:
    kinds = list(dict.fromkeys(found.types[name].values()))
    kind = " or ".join(kinds)
    if name not in found.values:
        why = found.skipped.get(name, "was not read") if sum(found.events) else ""
        return Column(name, kind, notes=[why] if why else [])
    if total is not None and len(found.types[name]) < len(found.opened):
        share = sum(n for n, file in zip(found.totals, found.opened, strict=True) if file in found.types[name])
        total = round(total * share / max(sum(found.totals), 1))
    return described(name, kind, found.joined(name), total)


def _is_single(found: Sampled, name: str) -> bool:
    """Whether a column has a number for each event of each file."""
    parts = found.values[name]
    return len(parts) == len(found.opened) and all(
        isinstance(part, np.ndarray) and part.ndim == 1 and part.dtype.kind in "biuf" for part in parts.values()
    )


def _notes(found: Sampled) -> Iterator[str]:
    """Sentences on files that were not opened, and on columns that differ between files."""
    if len(found.opened) < len(found.files):
        yield f"{len(found.opened)} of {len(found.files):,} files opened, evenly spread"
    for name, kinds in found.types.items():
        if len(set(kinds.values())) > 1:
            first: dict[str, str] = {}
            for file, kind in kinds.items():
                first.setdefault(kind, file)
            yield f"{name} is " + ", ".join(f"{kind} in {file}" for kind, file in first.items())
    incomplete: dict[tuple[str, ...], list[str]] = {}
    for name, kinds in found.types.items():
        if len(kinds) < len(found.opened):
            incomplete.setdefault(tuple(kinds), []).append(name)
    for files, names in incomplete.items():
        listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        others = [file for file in found.opened if file not in files]
        where = f"only in {files[0]}" if len(files) == 1 else f"not in {others[0]}"
        if len(files) > 1 and len(others) > 1:
            where += f" and {len(others) - 1} more files"
        yield f"{where}: {listed}"
