"""CSV files, plain or compressed, with or without a header, through pyarrow's streaming reader."""

import io
import queue
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from fivesigma.data.base import CHUNK, Columns, Reader, reading
from fivesigma.data.parquet import to_numpy
from fivesigma.errors import DataError

_COMPRESSION = {".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
_BLOCK = 1 << 20
"""Bytes of text parsed at a time: blocks that stay in the processor's cache, while the next ones are decompressed."""

_ROWS = 1 << 16
"""Rows that make a chunk; one block alone would be a few hundred rows of a wide table."""

_MISSING = ["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None"]


class CsvReader(Reader):
    """Numbers in text, separated by commas, semicolons, tabs or blanks.

    A header line such as `# label,f0,f1` loses its `# `. Without a header the columns are named
    by `columns`, or `c0`, `c1`, …. Rows with more fields than the header names get columns
    `extra_1`, …; the published file `1000_test.csv` is such a one.
    """

    def __init__(self, path: str, columns: Sequence[str] = ()) -> None:
        super().__init__(path, path)
        self._given = tuple(columns)

    def _open(self) -> Any:
        import pyarrow as pa

        if self.path.endswith(".gz"):
            # Twice as fast as zlib, which would take longer than parsing.
            from isal import igzip

            return igzip.IGzipFile(self.path, "rb")  # type: ignore[no-untyped-call]
        ending = next((kind for suffix, kind in _COMPRESSION.items() if self.path.endswith(suffix)), None)
        return pa.input_stream(self.path, compression=ending)

    @cached_property
    def _head(self) -> "tuple[tuple[str, ...], bool, str]":
        """Column names, whether the first line is a header, and the delimiter."""
        with reading(self.path), self._open() as stream:
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
        return tuple(names), has_header, delimiter

    def types(self) -> Mapping[str, str]:
        return dict.fromkeys(self._head[0], "number")

    def length(self) -> int | None:
        return None

    def _chunks(self, names: Sequence[str], size: int, integers: Collection[str]) -> Iterator[Columns]:
        import pyarrow as pa
        from pyarrow import csv

        columns, has_header, delimiter = self._head
        kinds = {name: pa.int64() if name in integers else pa.float64() for name in names}
        with self._open() as stream:
            reader = csv.open_csv(
                stream,
                read_options=csv.ReadOptions(column_names=list(columns), skip_rows=int(has_header), block_size=_BLOCK),
                parse_options=csv.ParseOptions(delimiter=delimiter),
                convert_options=csv.ConvertOptions(
                    include_columns=list(names), column_types=kinds, null_values=_MISSING, strings_can_be_null=True
                ),
            )
            for table in _ahead(_gathered(reader, min(size, _ROWS))):
                yield {name: to_numpy(table.column(name)) for name in names}

    def chunks(self, names: Sequence[str], size: int = CHUNK, integers: Collection[str] = ()) -> Iterator[Columns]:
        try:
            yield from super().chunks(names, size, integers)
        except DataError as error:
            found = re.search(r"In CSV column #(\d+): .*invalid value '([^']*)'", str(error.__cause__))
            if found is None:
                raise
            name = self._head[0][int(found[1])]
            raise DataError(
                f"column {name!r} in {self.path} holds text ({found[2]!r}), and only numbers can be used",
                hint="leave the column out, or write numbers for it (classes are 0, 1, …)",
            ) from None


def _gathered(batches: Any, rows: int) -> Iterator[Any]:
    """Batches put together to tables of at least so many rows, the last one excepted."""
    import pyarrow as pa

    waiting: list[Any] = []
    for batch in batches:
        waiting.append(batch)
        if sum(len(one) for one in waiting) >= rows:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _ahead(items: Iterator[Any]) -> Iterator[Any]:
    """The same items, the next one being made by a thread while the caller works on the last.

    Parsing lets go of Python's lock, so that a second core can do it. At most two items wait.
    """
    made: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(maxsize=1)
    stopped = threading.Event()

    def work() -> None:
        end: BaseException = StopIteration()
        try:
            for item in items:
                made.put((item, None))
                if stopped.is_set():
                    return
        except Exception as error:
            end = error
        made.put((None, end))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, end = made.get()
            if isinstance(end, StopIteration):
                return
            if end is not None:
                raise end
            yield item
    finally:
        # The caller may have had enough: the thread waits at most for room for one more item.
        stopped.set()
        while thread.is_alive():
            with suppress(queue.Empty):
                made.get(timeout=0.01)
        thread.join()


def _first_lines(stream: Any, most: int = 1 << 20) -> list[str]:
    """The first two lines of a stream, reading no more than needed."""
    text = b""
    while text.count(b"\n") < 3 and len(text) < most:
        more = stream.read(1 << 14)
        if not more:
            break
        text += more
    return io.StringIO(text.decode("utf-8-sig", errors="replace")).read().splitlines()[:2]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in _MISSING
    return True
