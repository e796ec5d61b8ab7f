"""Lines of a CSV file → columns: quickly with polars, carefully with pyarrow, or leniently, to look at a file."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fivesigma.data.readers.base import Columns
from fivesigma.data.readers.csv_head import MISSING, Head, is_field
from fivesigma.data.readers.csv_lines import count, single_blanks
from fivesigma.data.readers.parquet import to_numpy

_NEGATIVE_MISSING = ["-nan", "-NaN"]
"""Only needed for whole numbers: floats accept them, and as words they slow down every negative number."""

_REFUSED = 3
"""Pieces of a file that polars leaves to pyarrow, from which on it is not asked again."""


class Fast:
    """Parses what is plainly numbers, with polars, twice as fast as pyarrow.

    Whatever may be read in another way is left to `Careful`: words such as NA, blanks around numbers, lines that are empty,
    too short or too long. Where both give numbers, they give the same.

    Args:
        head: of the file.
        kinds: name → NumPy type of the columns that are wanted.
    """

    def __init__(self, head: Head, kinds: Mapping[str, str]) -> None:
        import polars as pl

        types = {"float32": pl.Float32, "float64": pl.Float64, "int64": pl.Int64, "uint64": pl.UInt64}
        wanted = {i: types[kinds[name]] for i, name in enumerate(head.names) if name in kinds}
        # A line that is too short has nothing in its last field, so that one is always read.
        self._last = str(len(head.names) - 1)
        self._schema = {str(i): wanted.get(i, pl.String) for i in range(len(head.names))}
        self._whole = [str(i) for i, kind in wanted.items() if kind in (pl.Int64, pl.UInt64)]
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
        if frame is None or self._has_holes(frame) or not self._is_even(text, header, len(frame)):
            self._refused += 1
            return None
        return {name: frame[column].to_numpy() for name, column in self._names.items()}

    def _has_holes(self, frame: Any) -> bool:
        """Whether something is missing where it tells of a short line, or where polars would make floats of integers."""
        return any(frame[column].null_count() for column in {self._last, *self._whole})

    def _is_even(self, text: bytes, header: int, rows: int) -> bool:
        """Whether there are as many delimiters as rows need; polars notices long lines only if it reads all fields."""
        lines = text[text.find(b"\n") + 1 :] if header else text
        return count(lines, self._delimiter) == rows * self._marks


class Careful:
    """Parses with pyarrow, which says what is wrong with a line, and where.

    Args:
        head: of the file.
        kinds: name → NumPy type of the columns that are wanted.
    """

    def __init__(self, head: Head, kinds: Mapping[str, str]) -> None:
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
            null_values=MISSING + (_NEGATIVE_MISSING if not {"int64", "uint64"}.isdisjoint(self._kinds.values()) else []),
        )
        read = arrow.ReadOptions(
            column_names=list(self._head.names), skip_rows=header, block_size=len(text) + 1, use_threads=False
        )
        try:
            table = arrow.read_csv(pa.BufferReader(text), read, arrow.ParseOptions(delimiter=self._head.delimiter), convert)
        except pa.ArrowInvalid as error:
            raise pa.ArrowInvalid(_counted(str(error), before())) from None
        return {name: to_numpy(table.column(name), name) for name in names}


def leniently(text: bytes, head: Head, header: int, names: Sequence[str]) -> Columns:
    """Columns of some lines to look at: numbers where they are, otherwise text, and nothing that is refused.

    Args:
        text: whole lines.
        head: of the file.
        header: lines at the beginning that are no rows.
        names: of the columns that are wanted.
    """
    import polars as pl

    if head.delimiter == " ":
        text = single_blanks(text)
    count = len(head.names)
    is_number = [all(is_field(row[i]) for row in head.rows) for i in range(count)]
    places = sorted(head.names.index(name) for name in names)
    options: dict[str, Any] = {
        "has_header": False,
        "skip_lines": header,
        "separator": head.delimiter,
        "null_values": MISSING,
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


def uneven(text: bytes, head: Head, header: int) -> int:
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


def _counted(message: str, line: int) -> str:
    """Replace the row number in a message of pyarrow about a piece of text by that in the file.

    >>> _counted("CSV parse error: Row #3: Expected 2 columns, got 1: 7", 100)
    'CSV parse error: Row #103: Expected 2 columns, got 1: 7'
    """
    return re.sub(r"Row #(\d+)", lambda found: f"Row #{int(found[1]) + line}", message, count=1)
