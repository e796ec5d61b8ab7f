"""CSV files, plain or compressed, with or without a header, through polars; what it does not take, through pyarrow."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.data.readers.base import CHUNK, ColumnNames, Columns, FileFormat, Reader
from fivesigma.data.readers.csv_head import SURPLUS, Head, head_of, is_field
from fivesigma.data.readers.csv_lines import (
    decompressed,
    is_compressed,
    lines_before,
    of_file,
    of_stream,
    single_blanks,
    spread_lines,
    without_lines,
)
from fivesigma.data.readers.csv_parsers import Careful, Fast, leniently, uneven
from fivesigma.data.writers.csv import CsvWriter
from fivesigma.errors import DataError
from fivesigma.prefetch import prefetch, side_by_side

_ROWS = 1 << 15
"""Rows of a chunk; one block alone could be only a few hundred rows of a wide table."""

_PARSERS = 3
"""Pieces of a plain file that are parsed at a time; decompression is slower than one parser."""


@dataclass(frozen=True)
class _Piece:
    """Some lines of a file.

    Attributes:
        text: the lines.
        start: where they begin in the whole text.
        share: of the file that has been read with them.
    """

    text: bytes
    start: int
    share: float


class CsvReader(Reader):
    """Numbers as text, separated by commas, semicolons, tabs, or any number of blanks.

    A header line such as `# label,f0,f1` loses its `# `; lines before it that begin with `#` are comments. Without a header
    the columns are named by `columns`, or `c0`, `c1`, …; a header of the numbers 0, 1, … counts as none. A field more than
    the header has names is left out if it is empty or numbers the rows, and is `extra_1` if it is the last and always the
    same; otherwise nobody knows which name belongs to which field, and the file is refused.
    """

    def __init__(self, path: str, columns: Sequence[str] = ()) -> None:
        super().__init__(path, path)
        self._given = tuple(columns)
        self._share = 0.0
        self._uneven = 0

    @cached_property
    def _head(self) -> Head:
        return head_of(self.path, self._given)

    @cached_property
    def _long(self) -> Mapping[str, str]:
        """Columns of whole numbers that double precision would round, with the type that holds them."""
        kinds = {name: self._head.long_kind(i) for i, name in enumerate(self._head.names)}
        return {name: kind for name, kind in kinds.items() if kind is not None}

    def types(self) -> Mapping[str, str]:
        return self._types

    @cached_property
    def _types(self) -> Mapping[str, str]:
        head = self._head
        return {
            name: "number" if all(is_field(row[i]) for row in head.rows) else "text"
            for i, name in enumerate(head.names)
            if name != SURPLUS
        }

    def notes(self) -> list[str]:
        uneven = f"{self.path}: {self._uneven:,} lines have another number of fields than the header, and cannot be used"
        return [note for note in (self._head.note, self._head.unused, uneven if self._uneven else "") if note]

    def length(self) -> int | None:
        return None

    def share(self, rows: int) -> float:
        return self._share

    def _chunks(
        self, names: Sequence[str], size: int, integers: Collection[str], float32: Collection[str]
    ) -> Iterator[Columns]:
        head = self._head
        kinds = {
            name: "float32" if name in float32 else self._long.get(name, "int64" if name in integers else "float64")
            for name in names
        }
        fast, careful = Fast(head, kinds), Careful(head, kinds)

        def parsed(piece: _Piece) -> tuple[Columns, float]:
            text, header = self._without_comments(piece.text, piece.start == 0)
            if head.delimiter == " ":
                text = single_blanks(text)
            skipped = 0 if piece.start else head.comments

            def before() -> int:
                return lines_before(self.path, piece.start) + skipped

            return fast.columns(text, header) or careful.columns(text, header, before), piece.share

        # One thread decompresses, others parse, and the caller works with the numbers.
        with open(self.path, "rb") as file, closing(prefetch(self._pieces(file))) as pieces:
            rows = size if size > CHUNK else min(size, _ROWS)
            parsers = _PARSERS if decompressed(self.path, file) is file else 1
            with closing(prefetch(_gathered(side_by_side(parsed, pieces, parsers), rows))) as found:
                for columns, self._share in found:
                    yield {name: columns[name] for name in names}

    def _without_comments(self, text: bytes, first: bool) -> tuple[bytes, int]:
        """Lines without the comments at the beginning of a file, and how many of them are its header.

        Args:
            text: whole lines.
            first: whether they are the first ones of the file.
        """
        if first:
            return without_lines(text, self._head.comments), int(self._head.has_header)
        while self._head.comments and text.startswith(b"#"):  # a piece that begins among them
            text = without_lines(text, 1)
        return text, 0

    def _pieces(self, file: Any) -> Iterator[_Piece]:
        """Whole lines of text, some megabytes at a time."""
        stream, total = decompressed(self.path, file), max(Path(self.path).stat().st_size, 1)
        start = 0
        for text in of_file(file) if stream is file else of_stream(stream):
            yield _Piece(text, start, file.tell() / total)
            start += len(text)

    @property
    def jumps(self) -> bool:
        return not is_compressed(self.path)

    def _sampled(self, names: Sequence[str], rows: int, places: int) -> Iterator[Columns]:
        head, seen = self._head, 0
        with open(self.path, "rb") as file:
            stream, size = decompressed(self.path, file), max(Path(self.path).stat().st_size, 1)
            if stream is file:
                for text, start in spread_lines(file, rows, places):
                    seen += len(text)
                    text, header = self._without_comments(text, start == 0)
                    self._uneven += uneven(text, head, header)
                    yield leniently(text, head, header, names)
                self._share = min(seen / size, 1.0)
                return
            left = rows
            for i, text in enumerate(of_stream(stream)):
                text, header = self._without_comments(text, i == 0)
                self._uneven += uneven(text, head, header)
                columns = leniently(text, head, header, names)
                left -= _rows(columns)
                self._share = file.tell() / size
                yield columns
                if left <= 0:
                    return
            self._share = 1.0

    def chunks(
        self, names: Sequence[str], size: int = CHUNK, integers: Collection[str] = (), float32: Collection[str] = ()
    ) -> Iterator[Columns]:
        try:
            yield from super().chunks(names, size, integers, float32)
        except DataError as error:
            found = re.search(r"In CSV column #(\d+): .*invalid value '([^']*)'", str(error.__cause__))
            if found is None:
                raise
            name = self._head.names[int(found[1])]
            if name in integers and is_field(found[2]):
                raise DataError(
                    f"column {name!r} in {self.path} has event numbers, but holds {found[2]!r}",
                    hint="write whole numbers below 2⁶³ without point and exponent; or leave out `event_number`, and the "
                    "split uses the content of the events",
                ) from None
            if name in self._long and is_field(found[2]):
                raise DataError(
                    f"column {name!r} in {self.path} has whole numbers above 2⁵³, but also holds {found[2]!r}",
                    hint="write all its numbers as whole ones of at most 64 bits, or with fewer digits",
                ) from None
            raise DataError(
                f"column {name!r} in {self.path} holds text ({found[2]!r}), and only numbers can be used",
                hint=_instead_of(found[2]),
            ) from None


def _instead_of(text: str) -> str:
    """What to write in place of a text that is no number."""
    if text.lower() in ("true", "false"):
        return "write 1 and 0 for it; in Parquet and ROOT files true and false are read as they are"
    if re.fullmatch(r"[+-]?\d+,\d+", text.strip()):
        return (
            "write numbers with a point, not with a comma; with pandas: read_csv(FILE, sep=';', decimal=',').to_parquet(…)"
        )
    return "leave the column out, or write numbers for it (classes are 0, 1, …)"


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _gathered(pieces: Iterator[tuple[Columns, float]], rows: int) -> Iterator[tuple[Columns, float]]:
    """Join pieces until each has at least `rows` rows, except for the last one."""
    waiting: list[Columns] = []
    share = 0.0
    for columns, share in pieces:
        waiting.append(columns)
        if sum(_rows(one) for one in waiting) >= rows:
            yield _joined(waiting), share
            waiting = []
    if waiting:
        yield _joined(waiting), share


def _joined(pieces: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([one[name] for one in pieces]) for name in pieces[0]}


def _open(path: str, treename: str | None, columns: ColumnNames) -> CsvReader:
    return CsvReader(path, () if isinstance(columns, Mapping) else columns)


CSV = FileFormat(
    "csv",
    (".csv", ".csv.gz", ".csv.bz2", ".csv.zst", ".txt", ".txt.gz", ".dat", ".tsv", ".tsv.gz"),
    _open,
    writer=CsvWriter,
)
