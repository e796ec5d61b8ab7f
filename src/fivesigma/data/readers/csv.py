"""CSV files, plain or compressed, with or without a header, through polars; what it does not take, through pyarrow."""

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.data.readers.base import CHUNK, ColumnNames, Columns, FileFormat, Reader, reading, spread
from fivesigma.data.readers.parquet import to_numpy
from fivesigma.data.writers.csv import CsvWriter
from fivesigma.errors import DataError
from fivesigma.prefetch import prefetch, side_by_side

_COMPRESSION = {".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
_BLOCK = 1 << 22
"""Bytes of text that are parsed at a time, while the next ones are decompressed."""

_ROWS = 1 << 15
"""Rows of a chunk; one block alone could be only a few hundred rows of a wide table."""

_PARSERS = 3
"""Pieces of a plain file that are parsed at a time; decompression is slower than one parser."""

_MISSING = ["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None"]
_NEGATIVE_MISSING = ["-nan", "-NaN"]
"""Only needed for whole numbers: floats accept them, and as words they slow down every negative number."""


_SURPLUS = "\0"
"""Stands for the name of a field that is left out; no header can hold it."""

_SURELY_COUNTED = 4
"""From this many columns on, a first line 0, 1, 2, … is a header: as an event it would be too much of a coincidence."""

_ROW_NAME = re.compile(r"event|evt|number|index|entry|row|run|\bid\b", re.IGNORECASE)
"""Names of columns that count rows: if the header begins with one, rising numbers belong to it."""


@dataclass(frozen=True)
class _Head:
    """What the first lines of a file say.

    Attributes:
        names: of all fields, in order.
        has_header: whether the first line is no row.
        delimiter: between fields.
        rows: the fields of the first rows.
        note: what is worth saying about the file.
    """

    names: tuple[str, ...]
    has_header: bool
    delimiter: str
    rows: tuple[list[str], ...]
    note: str = ""


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

    A header line such as `# label,f0,f1` loses its `# `. Without a header the columns are named by `columns`, or `c0`,
    `c1`, …; a header of the numbers 0, 1, … counts as none. A field more than the header has names is left out if it is
    empty or numbers the rows, and is `extra_1` if it is the last and always the same; otherwise nobody knows which name
    belongs to which field, and the file is refused.
    """

    def __init__(self, path: str, columns: Sequence[str] = ()) -> None:
        super().__init__(path, path)
        self._given = tuple(columns)
        self._share = 0.0
        self._uneven = 0

    def _decompressed(self, file: Any) -> Any:
        """A stream of the text of an open file."""
        import pyarrow as pa

        if self.path.endswith(".gz"):
            # Twice as fast as zlib, which would take longer than parsing.
            from isal import igzip

            return igzip.IGzipFile(fileobj=file, mode="rb")  # type: ignore[no-untyped-call]
        ending = next((kind for suffix, kind in _COMPRESSION.items() if self.path.endswith(suffix)), None)
        return pa.CompressedInputStream(file, ending) if ending else file

    @cached_property
    def _head(self) -> "_Head":
        with reading(self.path), open(self.path, "rb") as file:
            stream = self._decompressed(file)
            lines = [line for line in _first_lines(stream) if line.strip()]
        if not lines:
            raise DataError(f"{self.path} is empty")
        if len(lines) == 1 and len(lines[0]) >= _LONGEST_LINE:
            raise DataError(
                f"the first line of {self.path} has more than {_LONGEST_LINE:,} characters",
                hint="is it a table, with one event in each line?",
            )
        top = lines[0].removeprefix("#").lstrip(" ")
        delimiter = next((mark for mark in (",", ";", "\t", " ") if mark in top), ",")
        first, rows = _fields(top, delimiter), [_fields(line, delimiter) for line in lines[1:]]
        quoted = _all_quoted(top, delimiter)
        if all(_is_number(field) for field in first) and not quoted:
            return self._without_names(first, rows, delimiter)
        # What stands between quotation marks is the name as it is; our writer quotes every name.
        plain = first if quoted else [name.removeprefix("#").strip() for name in first]
        names = [name or f"c{i}" for i, name in enumerate(plain)]
        repeated = sorted(name for name, count in Counter(names).items() if count > 1)
        if repeated:
            raise DataError(f"{self.path}: the header names {repeated[0]!r} more than once")
        width = len(rows[0]) if rows else len(names)
        alike = [row for row in rows if len(row) == width]
        if width <= len(names):
            return _Head(tuple(names), True, delimiter, tuple(row for row in alike if len(row) == len(names)))
        if width == len(names) + 1 and not any(row[-1] for row in alike):
            note = f"{self.path}: every row ends in an empty field, which is left out"
            return _Head((*names, _SURPLUS), True, delimiter, tuple(alike), note)
        if width == len(names) + 1 and _numbers_rows(alike) and not _ROW_NAME.search(names[0]):
            note = f"{self.path}: the first field of every row has no name and numbers the rows; it is left out"
            return _Head((_SURPLUS, *names), True, delimiter, tuple(alike), note)
        if width == len(names) + 1 and len(alike) > 1 and len({row[-1] for row in alike}) == 1:
            # The published file 1000_test.csv is such a one: its last field is the mass, 1000 in every row.
            note = f"{self.path}: the last field of every row has no name and is {alike[0][-1]}; it is read as `extra_1`"
            return _Head((*names, "extra_1"), True, delimiter, tuple(alike), note)
        raise DataError(
            f"{self.path}: the header has {len(names)} names, and the rows have {width} fields",
            hint="correct the header, one name for each field; or remove it and name the fields with `columns`",
        )

    def _without_names(self, first: list[str], rows: list[list[str]], delimiter: str) -> "_Head":
        """The head of a file whose first line has only numbers: they are values, or pandas counted the columns."""
        width = len(rows[0]) if rows else len(first)
        counted = first[1:] if first[0] == "" else first
        indexed = len(counted) < len(first)
        is_count = len(counted) > 1 and counted == [str(i) for i in range(len(counted))]
        if is_count and len(first) < _SURELY_COUNTED and not indexed:
            raise DataError(
                f"{self.path}: the first line, {delimiter.join(first)}, may be a header or the first event",
                hint="give the file a first line with the names of its columns",
            )
        names = list(self._given) or [f"c{i}" for i in range(len(counted if is_count else first))]
        if len(names) != (width - indexed if is_count else width):
            raise DataError(f"{self.path} has {width} columns and no header; `columns` names {len(names)}")
        note = f"{self.path}: the first line counts the columns and is no event" if is_count else ""
        if is_count and indexed:
            names.insert(0, _SURPLUS)
        every = rows if is_count else [first, *rows]
        return _Head(tuple(names), is_count, delimiter, tuple(row for row in every if len(row) == len(names)), note)

    def types(self) -> Mapping[str, str]:
        head = self._head
        return {
            name: "number" if all(_is_number(row[i]) for row in head.rows) else "text"
            for i, name in enumerate(head.names)
            if name != _SURPLUS
        }

    def notes(self) -> list[str]:
        uneven = f"{self.path}: {self._uneven:,} lines have another number of fields than the header, and cannot be used"
        return [note for note in (self._head.note, uneven if self._uneven else "") if note]

    def length(self) -> int | None:
        return None

    def share(self, rows: int) -> float:
        return self._share

    def _chunks(
        self, names: Sequence[str], size: int, integers: Collection[str], float32: Collection[str]
    ) -> Iterator[Columns]:
        head = self._head
        kinds = {name: "int64" if name in integers else "float32" if name in float32 else "float64" for name in names}
        fast, careful = _Fast(head, kinds), _Careful(head, kinds)

        def parsed(piece: _Piece) -> tuple[Columns, float]:
            text, header = piece.text, int(head.has_header and piece.start == 0)
            if head.delimiter == " ":
                text = _single_blanks(text)
            found = fast.columns(text, header) or careful.columns(text, header, partial(self._lines_before, piece.start))
            return found, piece.share

        # One thread decompresses, others parse, and the caller works with the numbers.
        with open(self.path, "rb") as file, closing(prefetch(self._pieces(file))) as pieces:
            rows = size if size > CHUNK else min(size, _ROWS)
            parsers = _PARSERS if self._decompressed(file) is file else 1
            with closing(prefetch(_gathered(side_by_side(parsed, pieces, parsers), rows))) as found:
                for columns, self._share in found:
                    yield {name: columns[name] for name in names}

    def _pieces(self, file: Any) -> Iterator[_Piece]:
        """Whole lines of text, some megabytes at a time."""
        stream, total = self._decompressed(file), max(Path(self.path).stat().st_size, 1)
        start = 0
        for text in _of_file(file) if stream is file else _of_stream(stream):
            yield _Piece(text, start, file.tell() / total)
            start += len(text)

    @property
    def jumps(self) -> bool:
        return not self.path.endswith((".gz", *_COMPRESSION))

    def _sampled(self, names: Sequence[str], rows: int, places: int) -> Iterator[Columns]:
        head, seen = self._head, 0
        with open(self.path, "rb") as file:
            stream, size = self._decompressed(file), max(Path(self.path).stat().st_size, 1)
            if stream is file:
                for text, start in _spread_lines(file, rows, places):
                    seen += len(text)
                    header = int(head.has_header and start == 0)
                    self._uneven += _uneven(text, head, header)
                    yield _leniently(text, head, header, names)
                self._share = min(seen / size, 1.0)
                return
            left = rows
            for i, text in enumerate(_of_stream(stream)):
                header = int(head.has_header and i == 0)
                self._uneven += _uneven(text, head, header)
                columns = _leniently(text, head, header, names)
                left -= _rows(columns)
                self._share = file.tell() / size
                yield columns
                if left <= 0:
                    return
            self._share = 1.0

    def _lines_before(self, place: int) -> int:
        """Number of lines before a place in the text."""
        count = 0
        with open(self.path, "rb") as file:
            stream = self._decompressed(file)
            while place > 0 and (data := stream.read(min(place, _BLOCK))):
                count, place = count + _count(data, "\n"), place - len(data)
        return count

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
            if name in integers and _is_number(found[2]):
                raise DataError(
                    f"column {name!r} in {self.path} has event numbers, but holds {found[2]!r}",
                    hint="write whole numbers without point and exponent; or leave out `event_number`, and the split "
                    "uses the content of the events",
                ) from None
            raise DataError(
                f"column {name!r} in {self.path} holds text ({found[2]!r}), and only numbers can be used",
                hint="leave the column out, or write numbers for it (classes are 0, 1, …)",
            ) from None


class _Fast:
    """Parses what is plainly numbers, with polars, twice as fast as pyarrow.

    Whatever may be read in another way is left to `_Careful`: words such as NA, blanks around numbers, lines that are empty,
    too short or too long. Where both give numbers, they give the same.

    Args:
        head: of the file.
        kinds: name → NumPy type of the columns that are wanted.
    """

    def __init__(self, head: _Head, kinds: Mapping[str, str]) -> None:
        import polars as pl

        types = {"float32": pl.Float32, "float64": pl.Float64, "int64": pl.Int64}
        wanted = {i: types[kinds[name]] for i, name in enumerate(head.names) if name in kinds}
        # A line that is too short has nothing in its last field, so that one is always read.
        self._last = str(len(head.names) - 1)
        self._schema = {str(i): wanted.get(i, pl.String) for i in range(len(head.names))}
        self._columns = sorted({*wanted, len(head.names) - 1})
        self._names = {head.names[i]: str(i) for i in wanted}
        self._delimiter, self._refused = head.delimiter, 0
        self._marks = len(head.names) - 1

    def columns(self, text: bytes, header: int) -> Columns | None:
        """The columns of some lines, or None if they are not for polars."""
        import polars as pl

        if self._refused >= _REFUSED:
            return None
        try:
            frame = pl.read_csv(
                text,
                has_header=False,
                skip_lines=header,
                separator=self._delimiter,
                schema=self._schema,
                columns=self._columns,
            )
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):  # a panic is no Exception
            frame = None
        if frame is None or frame[self._last].null_count() or not self._is_even(text, header, len(frame)):
            self._refused += 1
            return None
        return {name: frame[column].to_numpy() for name, column in self._names.items()}

    def _is_even(self, text: bytes, header: int, rows: int) -> bool:
        """Whether there are as many delimiters as rows need; polars notices long lines only if it reads all fields."""
        lines = text[text.find(b"\n") + 1 :] if header else text
        return _count(lines, self._delimiter) == rows * self._marks


def _of_file(file: Any) -> Iterator[bytes]:
    """Whole lines of an open file that is not compressed; each is copied once."""
    start, size = 0, os.fstat(file.fileno()).st_size
    while start < size:
        end = min(start + _BLOCK, size)
        while end < size:
            file.seek(max(start, end - _TAIL))
            tail = file.read(end - file.tell())
            if (last := tail.rfind(b"\n")) >= 0:
                end += last + 1 - len(tail)
                break
            end = min(end + _TAIL, size)  # a long line
        file.seek(start)
        text = file.read(end - start)
        if not text:
            return  # somebody has cut the file
        yield text
        start += len(text)


def _spread_lines(file: Any, rows: int, places: int) -> Iterator[tuple[bytes, int]]:
    """Whole lines from several places of an open file that is not compressed, about `rows` in sum, and where they begin."""
    size = os.fstat(file.fileno()).st_size
    start = file.read(_TAIL)
    of_line = len(start) / max(start.count(b"\n"), 1)
    wanted = int(rows * of_line)
    if wanted >= size or len(start) == size:
        file.seek(0)
        yield from ((text, place) for place, text in enumerate(_of_file(file)))
        return
    each = max(wanted // places, 2 * int(of_line))
    for place in spread(size, places * each, places):
        file.seek(place[0])
        if place[0]:
            file.readline(_LONGEST_LINE)  # the rest of a line
        begin = file.tell()
        text = file.read(max(place[1] - begin, 0)) + file.readline(_LONGEST_LINE)
        if text:
            yield text, begin


def _leniently(text: bytes, head: _Head, header: int, names: Sequence[str]) -> Columns:
    """Columns of some lines to look at: numbers where they are, otherwise text, and nothing that is refused.

    Args:
        text: whole lines.
        head: of the file.
        header: lines at the beginning that are no rows.
        names: of the columns that are wanted.
    """
    import polars as pl

    if head.delimiter == " ":
        text = _single_blanks(text)
    count = len(head.names)
    is_number = [all(_is_number(row[i]) for row in head.rows) for i in range(count)]
    places = sorted(head.names.index(name) for name in names)
    options: dict[str, Any] = {
        "has_header": False,
        "skip_lines": header,
        "separator": head.delimiter,
        "null_values": _MISSING,
        "columns": places,
        "truncate_ragged_lines": True,
    }
    kinds = {str(i): pl.Float64 if is_number[i] else pl.String for i in range(count)}
    try:
        frame = pl.read_csv(text, schema=kinds, **options)
    except pl.exceptions.NoDataError:
        return {name: np.zeros(0) for name in names}
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        frame = pl.read_csv(text, schema=dict.fromkeys(kinds, pl.String), encoding="utf8-lossy", quote_char=None, **options)
    return {name: _as_numbers(frame[str(head.names.index(name))]) for name in names}


def _uneven(text: bytes, head: _Head, header: int) -> int:
    """Number of lines with another number of fields than the header, if no field is quoted."""
    if b'"' in text or head.delimiter == " ":
        return 0
    mark, marks = head.delimiter.encode(), len(head.names) - 1
    lines = text[text.find(b"\n") + 1 :] if header else text
    return sum(line.count(mark) != marks for line in lines.splitlines() if line.strip())


def _as_numbers(column: Any) -> Any:
    """A column as floats if every entry is a number or missing, otherwise as text, [event]."""
    import polars as pl

    if column.dtype == pl.String:
        stripped = column.str.strip_chars()
        numbers = stripped.cast(pl.Float64, strict=False)
        if (numbers.is_null() & stripped.is_not_null() & (stripped != "")).any():
            return column.to_numpy()
        column = numbers
    return column.to_numpy()


def _of_stream(stream: Any) -> Iterator[bytes]:
    """Whole lines of decompressed text."""
    rest = b""
    while data := stream.read(_BLOCK):
        if end := data.rfind(b"\n") + 1:
            yield b"".join((rest, memoryview(data)[:end]))
            rest = data[end:]
        else:
            rest += data
    if rest:
        yield rest


_TAIL = 1 << 16
"""Bytes at the end of a piece in which its last line is looked for."""


def _count(text: bytes, mark: str) -> int:
    """How often a character occurs, faster than `bytes.count` where there are many."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord(mark)))


_REFUSED = 3
"""Pieces of a file that polars leaves to pyarrow, from which on it is not asked again."""


class _Careful:
    """Parses with pyarrow, which says what is wrong with a line, and where.

    Args:
        head: of the file.
        kinds: name → NumPy type of the columns that are wanted.
    """

    def __init__(self, head: _Head, kinds: Mapping[str, str]) -> None:
        self._head, self._kinds = head, kinds

    def columns(self, text: bytes, header: int, before: Callable[[], int]) -> Columns:
        """The columns of some lines, which come after others in the file, as many as `before` counts.

        Raises:
            ArrowInvalid: if a line cannot be parsed.
        """
        import pyarrow as pa
        from pyarrow import csv as arrow

        names = list(self._kinds)
        convert = arrow.ConvertOptions(
            include_columns=names,
            column_types={name: pa.from_numpy_dtype(kind) for name, kind in self._kinds.items()},
            strings_can_be_null=True,
            null_values=_MISSING + (_NEGATIVE_MISSING if "int64" in self._kinds.values() else []),
        )
        read = arrow.ReadOptions(
            column_names=list(self._head.names), skip_rows=header, block_size=len(text) + 1, use_threads=False
        )
        try:
            table = arrow.read_csv(pa.BufferReader(text), read, arrow.ParseOptions(delimiter=self._head.delimiter), convert)
        except pa.ArrowInvalid as error:
            raise pa.ArrowInvalid(_counted(str(error), before())) from None
        return {name: to_numpy(table.column(name)) for name in names}


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


def _counted(message: str, line: int) -> str:
    """Replace the row number in a message of pyarrow about a piece of text by that in the file.

    >>> _counted("CSV parse error: Row #3: Expected 2 columns, got 1: 7", 100)
    'CSV parse error: Row #103: Expected 2 columns, got 1: 7'
    """
    return re.sub(r"Row #(\d+)", lambda found: f"Row #{int(found[1]) + line}", message, count=1)


_LONGEST_LINE = 1 << 20


def _first_lines(stream: Any, most: int = _LONGEST_LINE) -> list[str]:
    """The first lines of a stream: those in its first kilobytes, but at least two."""
    text = b""
    while text.count(b"\n") < 3 and len(text) < most:
        more = stream.read(1 << 14)
        if not more:
            break
        text += more
    if text.count(b"\n") > 1:
        text = text[: text.rfind(b"\n")]  # the last line may be cut
    return text.decode("utf-8-sig", errors="replace").splitlines()


def _fields(line: str, delimiter: str) -> list[str]:
    """The fields of a line, without quotation marks and the blanks around them.

    >>> _fields(' 1.00   "p t" ', " "), _fields('"d,e", f', ",")
    (['1.00', 'p t'], ['d,e', 'f'])
    """
    if delimiter == " ":
        line = line.replace("\t", " ").strip(" ")
    found = next(iter(csv.reader([line], delimiter=delimiter, skipinitialspace=True)), [])
    return [field if field.strip(" ") != field and f'"{field}"' in line else field.strip() for field in found]


def _all_quoted(line: str, delimiter: str) -> bool:
    """Whether every field stands between quotation marks, as our writer and R write names.

    >>> _all_quoted('"0","1"', ","), _all_quoted('"0",1', ",")
    (True, False)
    """
    mark = re.escape(delimiter)
    return re.fullmatch(rf'\s*"(?:[^"]|"")*"\s*(?:{mark}\s*"(?:[^"]|"")*"\s*)*', line) is not None


def _single_blanks(text: bytes) -> bytes:
    """Lines whose fields are separated by one blank each, without blanks at either end.

    >>> _single_blanks(b" 1.00   2.00 \\n\\t3 4\\n")
    b'1.00 2.00\\n3 4\\n'
    """
    text = _BLANKS.sub(b" ", text).replace(b"\n ", b"\n").replace(b" \n", b"\n").replace(b" \r", b"\r")
    return text.removeprefix(b" ").removesuffix(b" ")


_BLANKS = re.compile(rb"[ \t]+")


def _numbers_rows(rows: Sequence[list[str]]) -> bool:
    """Whether the first fields of rows count them, from 0 or 1 on."""
    first = [row[0] for row in rows]
    return len(first) > 1 and any(first == [str(i + start) for i in range(len(first))] for start in (0, 1))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in _MISSING
    return True


def _open(path: str, treename: str | None, columns: ColumnNames) -> CsvReader:
    return CsvReader(path, () if isinstance(columns, Mapping) else columns)


CSV = FileFormat(
    "csv",
    (".csv", ".csv.gz", ".csv.bz2", ".csv.zst", ".txt", ".txt.gz", ".dat", ".tsv", ".tsv.gz"),
    _open,
    writer=CsvWriter,
)
