"""A sample of the events in files that no analysis describes yet, read in seconds however large the files are."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.data.formats import open_table, split_treename
from fivesigma.data.readers.base import PLACES, ColumnNames, Reader, join, per_event
from fivesigma.errors import DataError, FivesigmaError
from fivesigma.progress import Progress, silent

MOST_EVENTS, LEAST_EVENTS = 200_000, 10_000
"""Events that are looked at, in tables of few and of many columns."""
MOST_VALUES = 8_000_000
"""Values that are looked at, where lists count as one; with as many columns, fewer events are read."""
MOST_FILES = 40
"""Of more files, so many are opened, evenly spread."""


@dataclass
class Sampled:
    """Events of some files, column by column.

    Attributes:
        files: all of them.
        opened: those that were read.
        types: column → its type in each opened file that has it.
        values: column → its values in each opened file that has it, as they were read.
        skipped: column → why it was not read.
        events: looked at, of each opened file.
        totals: events in each opened file, as far as they can be told.
        exact: whether the totals are counted and not estimated.
        places: from how many places of the files events were read.
        jumps: whether they are spread over the files, and not the first ones only.
        notes: what the readers say of the files.
    """

    files: list[str]
    opened: list[str]
    types: dict[str, dict[str, str]] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    events: list[int] = field(default_factory=list)
    totals: list[float] = field(default_factory=list)
    exact: bool = True
    places: int = 0
    jumps: bool = True
    notes: list[str] = field(default_factory=list)

    @property
    def is_all(self) -> bool:
        """Whether every event of every file was looked at."""
        return self.exact and len(self.opened) == len(self.files) and sum(self.events) == sum(self.totals)

    @property
    def total(self) -> int:
        """Events in all files; those of files that were not opened are estimated from the sizes of all."""
        known = sum(self.totals)
        if len(self.opened) == len(self.files):
            return round(known)
        return round(known * sum(map(_bytes, self.files)) / max(sum(map(_bytes, self.opened)), 1))

    def joined(self, name: str) -> Any:
        """All values of a column that were looked at."""
        parts = list(self.values[name].values())
        arrays = all(isinstance(part, np.ndarray) for part in parts)
        if arrays and len({part.dtype.kind in "biuf" for part in parts}) > 1:
            # Text in one place, numbers in another.
            parts = [_as_text(part) for part in parts]
        return join(parts)


@dataclass(frozen=True)
class Layout:
    """How to read the files, where they do not show it.

    Attributes:
        treename: tree, table or group inside each file.
        format: name of the format.
        columns: names of columns that have none.
    """

    treename: str | None = None
    format: str | None = None
    columns: ColumnNames = ()


AS_IT_IS = Layout()
"""Files that show how they are read."""


def sample(
    files: Sequence[str], layout: Layout = AS_IT_IS, events: int | None = None, progress: Progress = silent
) -> Sampled:
    """Look at some events of every file.

    Args:
        files: paths, or `file.root:tree`; no globs.
        layout: how to read them.
        events: how many events are enough; by default so many that it takes seconds.
        progress: called after each piece.

    Raises:
        DataError: if a file cannot be read.
    """
    chosen = sorted({int(i) for i in np.linspace(0, len(files) - 1, min(len(files), MOST_FILES))})
    found = Sampled(list(files), [files[i] for i in chosen])
    readers = [open_table(file, layout.treename, layout.columns, layout.format) for file in found.opened]
    if events is None:
        width = max((len(reader.types()) for reader in readers), default=1)
        events = int(np.clip(MOST_VALUES // max(width, 1), LEAST_EVENTS, MOST_EVENTS))
    lengths = [reader.length() for reader in readers]
    # A file's share is that of its events, and where they are not counted, of its bytes.
    sizes = np.array([_bytes(file) for file in found.opened] if None in lengths else lengths, np.float64)
    shares = np.ceil(events * sizes / max(sizes.sum(), 1)).astype(int)
    everything = None not in lengths and sum(length or 0 for length in lengths) <= events
    places = max(1, PLACES // len(readers))
    for i, (file, reader) in enumerate(zip(found.opened, readers, strict=True)):
        wanted = lengths[i] or 1 if everything else max(int(shares[i]), 1)
        before = found.places
        for done in _read(found, file, reader, wanted, places):
            progress(i + min(done / places, 1), len(readers), f"looking at {file}")
        found.jumps &= reader.jumps or found.places - before == 0 or found.totals[-1] == found.events[-1]
        found.notes += reader.notes()
    return found


def _read(found: Sampled, file: str, reader: Reader, rows: int, places: int) -> Iterator[int]:
    """Read some rows of one file; tell after how many pieces."""
    types = dict(reader.types())
    for name, kind in types.items():
        found.types.setdefault(name, {})[file] = kind
    readable = [name for name, kind in types.items() if per_event(kind) not in ("no number", "lists in lists")]
    for name in types:
        if name not in readable:
            found.skipped.setdefault(name, f"{per_event(types[name])}: cannot be used, and is not described")
    parts: dict[str, list[Any]] = {}
    if readable:
        try:
            for i, chunk in enumerate(reader.sampled(readable, rows, places), start=1):
                _add(parts, chunk)
                yield i
        except DataError:
            parts = {}
            yield from _one_by_one(found, reader, readable, rows, parts)
    number = max((sum(map(len, pieces)) for pieces in parts.values()), default=0)
    found.places += max((len(pieces) for pieces in parts.values()), default=0)
    for name, pieces in parts.items():
        found.values.setdefault(name, {})[file] = _joined(pieces)
    length = reader.length()
    share = reader.share(number)
    found.exact &= length is not None or share >= 1 or number == 0
    found.totals.append(length if length is not None else number / share if 0 < share < 1 else number)
    found.events.append(number if readable else length or 0)


def _one_by_one(
    found: Sampled, reader: Reader, names: Sequence[str], rows: int, parts: dict[str, list[Any]]
) -> Iterator[int]:
    """Read every column by itself, and note those that cannot be read.

    Raises:
        DataError: if none can.
    """
    error: FivesigmaError | None = None
    for name in names:
        pieces: dict[str, list[Any]] = {}
        try:
            for chunk in reader.sampled([name], rows):
                _add(pieces, chunk)
        except DataError as caught:
            error = caught
            found.skipped[name] = f"cannot be read: {caught.what}"
            continue
        parts.update(pieces)
        yield len(parts)
    if not parts and error is not None:
        raise error


def _add(parts: dict[str, list[Any]], chunk: Mapping[str, Any]) -> None:
    for name, values in chunk.items():
        parts.setdefault(name, []).append(values)


def _joined(pieces: list[Any]) -> Any:
    arrays = all(isinstance(piece, np.ndarray) for piece in pieces)
    if arrays and len({piece.dtype.kind in "biuf" for piece in pieces}) > 1:
        pieces = [_as_text(piece) for piece in pieces]
    return join(pieces)


def _as_text(values: Any) -> Any:
    """Numbers as text, without point where they are whole; a missing one is None."""
    if values.dtype.kind not in "biuf":
        return values
    return np.array([None if value != value else f"{value:g}" for value in values.tolist()], object)


def _bytes(file: str) -> int:
    with suppress(OSError):
        return Path(split_treename(file)[0]).stat().st_size
    return 0
