"""CSV files, plain or compressed, with or without a header, through pyarrow."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

from fivesigma.data.readers.base import CHUNK, ColumnNames, Columns, FileFormat, Reader, reading
from fivesigma.data.readers.parquet import to_numpy
from fivesigma.data.writers.csv import CsvWriter
from fivesigma.errors import DataError
from fivesigma.prefetch import prefetch

_COMPRESSION = {".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
_BLOCK = 1 << 22
"""Bytes of text that are parsed at a time, while the next ones are decompressed."""

_ROWS = 1 << 15
"""Rows of a chunk; one block alone could be only a few hundred rows of a wide table."""

_MISSING = ["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None"]
_NEGATIVE_MISSING = ["-nan", "-NaN"]
"""Only needed for whole numbers: floats accept them, and as words they slow down every negative number."""


class CsvReader(Reader):
    """Numbers as text, separated by commas, semicolons, tabs or blanks.

    A header line such as `# label,f0,f1` loses its `# `. Without a header the columns are named
    by `columns`, or `c0`, `c1`, …. Rows with more fields than the header names get columns
    `extra_1`, …; the published file `1000_test.csv` is such a one.
    """

    def __init__(self, path: str, columns: Sequence[str] = ()) -> None:
        super().__init__(path, path)
        self._given = tuple(columns)
        self._share = 0.0

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
    def _head(self) -> "tuple[tuple[str, ...], bool, str, list[list[str]]]":
        """Column names, whether the first line is a header, the delimiter, and the fields of the first rows."""
        with reading(self.path), open(self.path, "rb") as file:
            stream = self._decompressed(file)
            lines = [line for line in _first_lines(stream) if line.strip()]
        if not lines:
            raise DataError(f"{self.path} is empty")
        top = lines[0].removeprefix("#").lstrip(" ")
        delimiter = next((mark for mark in (",", ";", "\t", " ") if mark in top), ",")
        first = [field.strip().strip('"') for field in top.split(delimiter)]
        has_header = not all(_is_number(field) for field in first)
        width = len(lines[1].split(delimiter)) if len(lines) > 1 else len(first)
        names = first if has_header else list(self._given) or [f"c{i}" for i in range(len(first))]
        if not has_header and len(names) != width:
            raise DataError(f"{self.path} has {width} columns and no header; `columns` names {len(names)}")
        names = [name.removeprefix("#").strip() or f"c{i}" for i, name in enumerate(names)]
        names += [f"extra_{i + 1}" for i in range(width - len(names))]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise DataError(f"{self.path}: the header names {sorted(repeated)[0]!r} more than once")
        rows = [[field.strip().strip('"') for field in line.split(delimiter)] for line in lines[has_header:]]
        return tuple(names), has_header, delimiter, [row for row in rows if len(row) == len(names)]

    def types(self) -> Mapping[str, str]:
        names, _, _, rows = self._head
        return {name: "number" if all(_is_number(row[i]) for row in rows) else "text" for i, name in enumerate(names)}

    def length(self) -> int | None:
        return None

    def share(self, rows: int) -> float:
        return self._share

    def _chunks(
        self, names: Sequence[str], size: int, integers: Collection[str], float32: Collection[str]
    ) -> Iterator[Columns]:
        import pyarrow as pa
        from pyarrow import csv

        columns, has_header, delimiter, _ = self._head
        kinds = {name: pa.float32() if name in float32 else pa.float64() for name in names}
        kinds |= {name: pa.int64() for name in integers if name in kinds}
        parse = csv.ParseOptions(delimiter=delimiter)
        convert = csv.ConvertOptions(
            include_columns=list(names),
            column_types=kinds,
            strings_can_be_null=True,
            null_values=_MISSING + (_NEGATIVE_MISSING if integers else []),
        )

        def tables(pieces: Iterator[tuple[Any, float]]) -> Iterator[tuple[Any, float]]:
            header, line = int(has_header), 0
            for text, share in pieces:
                read = csv.ReadOptions(
                    column_names=list(columns), skip_rows=header, block_size=len(text) + 1, use_threads=False
                )
                try:
                    table = csv.read_csv(pa.BufferReader(text), read, parse, convert)
                except pa.ArrowInvalid as error:
                    raise pa.ArrowInvalid(_counted(str(error), line)) from None
                line, header = line + header + table.num_rows, 0
                yield table, share

        # One thread decompresses, one parses, and the caller works with the numbers.
        with open(self.path, "rb") as file, closing(prefetch(self._pieces(file), most=3)) as pieces:
            rows = size if size > CHUNK else min(size, _ROWS)
            with closing(prefetch(_gathered(tables(pieces), rows))) as parsed:
                for table, self._share in parsed:
                    yield {name: to_numpy(table.column(name)) for name in names}

    def _pieces(self, file: Any) -> Iterator[tuple[Any, float]]:
        """Whole lines of text, some megabytes at a time, and the share of the file that has been read with them."""
        stream, total, rest = self._decompressed(file), max(Path(self.path).stat().st_size, 1), b""
        while data := stream.read(_BLOCK):
            share, start, end = file.tell() / total, 0, data.rfind(b"\n") + 1
            if not end:
                rest += data
                continue
            if rest:  # a line in two blocks by itself, so that the others need not be copied
                start = data.find(b"\n") + 1
                yield rest + data[:start], share
            if start < end:
                yield memoryview(data)[start:end], share
            rest = data[end:]
        if rest:
            yield rest, 1.0

    def chunks(
        self, names: Sequence[str], size: int = CHUNK, integers: Collection[str] = (), float32: Collection[str] = ()
    ) -> Iterator[Columns]:
        try:
            yield from super().chunks(names, size, integers, float32)
        except DataError as error:
            found = re.search(r"In CSV column #(\d+): .*invalid value '([^']*)'", str(error.__cause__))
            if found is None:
                raise
            name = self._head[0][int(found[1])]
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


def _gathered(tables: Iterator[tuple[Any, float]], rows: int) -> Iterator[tuple[Any, float]]:
    """Concatenate tables until each has at least `rows` rows, except for the last one."""
    import pyarrow as pa

    waiting: list[Any] = []
    share = 0.0
    for table, share in tables:
        waiting.append(table)
        if sum(len(one) for one in waiting) >= rows:
            yield pa.concat_tables(waiting), share
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting), share


def _counted(message: str, line: int) -> str:
    """Replace the row number in a message of pyarrow about a piece of text by that in the file.

    >>> _counted("CSV parse error: Row #3: Expected 2 columns, got 1: 7", 100)
    'CSV parse error: Row #103: Expected 2 columns, got 1: 7'
    """
    return re.sub(r"Row #(\d+)", lambda found: f"Row #{int(found[1]) + line}", message, count=1)


def _first_lines(stream: Any, most: int = 1 << 20) -> list[str]:
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
