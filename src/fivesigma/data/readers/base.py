"""The interface of a reader and of a file format: columns of one table, and its rows in chunks."""

import abc
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.data.writers.base import Writer
from fivesigma.errors import ColumnNotFound, DataError

CHUNK = 200_000
"""Rows that are read at a time by default: 28 columns of float64 then take 45 MB."""

PLACES = 20
"""Places of a large file from which a sample of its rows is read."""

Columns = Mapping[str, Any]
"""Column name → NumPy array [event], or an Awkward array where each event has a list."""


def beside_missing(name: str, hint: str) -> DataError:
    """The error for a column of whole numbers that are too large to stand beside NaN."""
    column = f"column {name!r}" if name else "a column"
    return DataError(
        f"{column} has missing values and whole numbers above 2⁵³, which no floating-point number holds", hint=hint
    )


def native(values: Any) -> Any:
    """A column in this machine's byte order, and an array of fixed size per event as a list per event.

    >>> native(np.array([1, 256], ">i8")).dtype == np.int64
    True
    """
    if isinstance(values, np.ndarray):
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
    if type(values).__module__.startswith("awkward"):
        import awkward as ak

        if values.ndim > 1 and isinstance(values.type.content, ak.types.RegularType):
            return ak.from_regular(values, axis=1)
    return values


class Reader(abc.ABC):
    """One table in one file.

    Args:
        path: the file.
        where: how error messages name the table, for example `events.root:Events`.
    """

    def __init__(self, path: str, where: str) -> None:
        self.path = path
        self.where = where

    @abc.abstractmethod
    def types(self) -> Mapping[str, str]:
        """Column name → its type in the file, in file order."""

    @abc.abstractmethod
    def length(self) -> int | None:
        """Number of rows, or None if the whole file would have to be read."""

    @abc.abstractmethod
    def _chunks(
        self, names: Sequence[str], size: int, integers: Collection[str], float32: Collection[str]
    ) -> Iterator[Columns]:
        """Rows of the columns `names`, about `size` at a time."""

    def notes(self) -> list[str]:
        """What is worth a line about the file: something in it that was left out."""
        return []

    def share(self, rows: int) -> float:
        """Estimate the share of the file that has been read after `rows` rows, from 0 to 1."""
        return rows / max(self.length() or rows, 1)

    def chunks(
        self, names: Sequence[str], size: int = CHUNK, integers: Collection[str] = (), float32: Collection[str] = ()
    ) -> Iterator[Columns]:
        """Yield the rows of the columns `names`, in file order, about `size` at a time.

        Args:
            names: columns to read; no others are decoded.
            size: rows per chunk.
            integers: columns whose values must stay whole numbers (event numbers), where a text
                format does not define the type.
            float32: columns that are needed in single precision only, where a text format does not define the type.

        Raises:
            ColumnNotFound: if a name is not in the table.
            DataError: if the file is truncated or corrupt.
        """
        known = self.types()
        for name in names:
            if name not in known:
                raise ColumnNotFound(name, self.where, known)
        with reading(self.where):
            for chunk in self._chunks(names, size, integers, float32):
                yield {column: native(values) for column, values in chunk.items()}

    def sampled(self, names: Sequence[str], rows: int, places: int = PLACES) -> Iterator[Columns]:
        """Yield about `rows` rows in file order: from several places where the format can jump, else from the beginning.

        All rows are read if there are no more. Afterwards `share` of the number of rows tells which part of the file
        they are.

        Args:
            names: columns to read.
            rows: how many rows are enough.
            places: how many places, a chunk from each.

        Raises:
            ColumnNotFound: if a name is not in the table.
            DataError: if the file is truncated or corrupt.
        """
        known, length = self.types(), self.length()
        for name in names:
            if name not in known:
                raise ColumnNotFound(name, self.where, known)
        with reading(self.where):
            everything = length is not None and length <= rows
            for chunk in self._chunks(names, CHUNK, (), ()) if everything else self._sampled(names, rows, places):
                yield {column: native(values) for column, values in chunk.items()}

    @property
    def jumps(self) -> bool:
        """Whether `sampled` reads several places of a large file, and not its beginning only."""
        return False

    def _sampled(self, names: Sequence[str], rows: int, places: int) -> Iterator[Columns]:
        """Some rows of the columns `names`; those at the beginning, unless a format knows better."""
        left = rows
        with closing(self._chunks(names, min(rows, CHUNK), (), ())) as chunks:  # type: ignore[type-var]
            for chunk in chunks:
                length = len(next(iter(chunk.values())))
                yield {name: values[:left] for name, values in chunk.items()} if length > left else chunk
                left -= length
                if left <= 0:
                    return

    def read(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Read all rows of some columns (by default of all) at once."""
        wanted = list(self.types()) if names is None else list(names)
        parts = list(self.chunks(wanted))
        return {name: join([part[name] for part in parts]) for name in wanted}


ColumnNames = Sequence[str] | Mapping[str, Sequence[str]]
"""Names for columns that have none in the file: a list for a text file, a list for each array of an archive."""


@dataclass(frozen=True)
class FileFormat:
    """A file format; plug-ins register such objects in the group `readers`.

    Attributes:
        name: what `format` in the analysis file says.
        suffixes: endings of such files, lower case, with the dot.
        open: (path, tree, table or group inside the file or None, column names) → the reader.
        magic: the first bytes of such a file, to tell the format without an ending.
        writer: (path) → what writes such a file, if it can be written.
    """

    name: str
    suffixes: tuple[str, ...]
    open: Callable[[str, str | None, ColumnNames], Reader]
    magic: bytes = b""
    writer: Callable[[Path], Writer] | None = None


_TEXT = re.compile(r"string|char *\*|binary|text|[|<>]?[SU]\d+")
_AROUND = re.compile(
    r"std::|ROOT::VecOps::|ROOT::RNTupleCardinality|(?:large_|fixed_size_)?list<\w+: |(?:vector|RVec|array|optional)<"
    r"|unsigned|, *\d+|not null|\[\d*\]|[<> ]"
)
_NUMBER = re.compile(
    r"number|bool|byte|char|short|long|longlong|int|u?int\d+(?:_t)?|size_t|U?Long64_t"
    r"|float\d*|half_?float|double|Float16_t|Double32_t|[iuf]\d"
)


def per_event(kind: str) -> str:
    """What a column holds for each event, by its type as the file gives it.

    >>> [per_event(kind) for kind in ("float", "std::vector<float>", "list<item: double>", "float[3]", "char*")]
    ['one number', 'a list of numbers', 'a list of numbers', '3 numbers', 'text']
    """
    if _TEXT.search(kind):
        return "text"
    if not _NUMBER.fullmatch(_AROUND.sub("", kind)):
        return "no number"
    lists = len(re.findall(r"\b(?:vector|RVec)<|\b(?:large_)?list<", kind)) + kind.count("[]")
    sizes = re.findall(r"\[(\d+)\]", kind) + re.findall(r"\barray<[^<>]*, *(\d+)>", kind)
    if lists + len(sizes) > 1:
        return "lists in lists"
    return f"{sizes[0]} numbers" if sizes else "a list of numbers" if lists else "one number"


def spread(length: int, rows: int, places: int) -> list[tuple[int, int]]:
    """Ranges of rows, evenly spread over a table and of `rows` rows in sum.

    >>> spread(1000, 20, 4)
    [(0, 5), (331, 336), (663, 668), (995, 1000)]
    """
    places = max(1, min(places, rows))
    each = max(1, rows // places)
    if places * each >= length:
        return [(0, length)]
    starts = np.linspace(0, length - each, places).astype(int).tolist()
    return [(start, start + each) for start in starts]


def join(parts: Sequence[Any]) -> Any:
    """Concatenate chunks of one column; the result is Awkward if any chunk is."""
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts) if parts else np.zeros(0)
    import awkward as ak

    return ak.concatenate(parts)


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Convert the errors of libraries into one sentence that names the file."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"no file {where}", hint="check the path; relative paths start at the analysis file") from None
    except IsADirectoryError:
        raise DataError(f"{where} is a folder, not a file", hint=f"use a glob, for example {where}/*.root") from None
    except PermissionError:
        raise DataError(f"cannot read {where}: permission denied", hint="ask its owner for permissions to read it") from None
    except MemoryError:
        raise DataError(f"{where} does not fit in memory") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            f"cannot read {where}: {reason}", hint="is the file complete? compare its size or checksum"
        ) from error
