"""Rules for every reader: the same columns for any chunks and choice of columns, and one kind of error for bad files."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.data.readers.base import FileFormat, Reader, join
from fivesigma.data.write import write_columns
from fivesigma.errors import ColumnNotFound, DataError
from fivesigma.testing.rules import never_raises, require

ROWS = 1000
Table = dict[str, NDArray[Any]]
Write = Callable[[Path, Mapping[str, NDArray[Any]]], object]
"""(path, column name → values) → a file of the format."""


def check_reader(file_format: FileFormat, write: Write | None = None) -> None:
    """Check a reader with small files of its format.

    Args:
        file_format: the format as it is registered.
        write: writes a file; not needed if the format has a writer of its own.

    Raises:
        AssertionError: with the rule that is broken.
    """
    name = file_format.name
    require(name.isidentifier(), f"the name {name!r} is not made of letters, digits and _")
    endings = file_format.suffixes
    require(endings, f"{name} has no ending by which its files are known")
    right = all(ending.startswith(".") and ending == ending.lower() for ending in endings)
    require(right, f"{name}: the endings {endings} must begin with a dot and be in lower case")
    require(write or file_format.writer, f"{name} has no writer: give `write`, which makes a file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{endings[0]}"
        columns = _columns()
        if write is not None:
            write(path, columns)
        else:
            write_columns(path, [columns])
        start = path.read_bytes()[: len(file_format.magic)]
        require(start == file_format.magic, f"{name}: a file begins with {start!r}, not with {file_format.magic!r}")
        _check_columns(file_format, path, columns)
        _check_chunks(file_format, path)
        _check_errors(file_format, path)


def _columns() -> Table:
    generator = np.random.default_rng(1)
    # Some formats keep columns in the order of their names, so this is that order.
    return {
        "number": np.arange(ROWS) + 2**60 + 1,
        "single": generator.normal(size=ROWS).astype(np.float32),
        "small": generator.integers(-9, 9, ROWS).astype(np.int32),
        "with_missing": np.where(np.arange(ROWS) % 3 == 1, np.nan, generator.normal(size=ROWS)),
    }


def _open(file_format: FileFormat, path: Path) -> Reader:
    return file_format.open(str(path), None, ())


def _read(reader: Reader, size: int, names: tuple[str, ...]) -> Table:
    parts = list(reader.chunks(names, size, integers={"number"}))
    for part in parts:
        require(list(part) == list(names), f"{reader.where}: asked for {list(names)}, it returns {list(part)}")
        lengths = {len(values) for values in part.values()}
        require(len(lengths) == 1, f"{reader.where}: the columns of one chunk differ in length: {sorted(lengths)}")
    return {name: join([part[name] for part in parts]) for name in names}


def _check_columns(file_format: FileFormat, path: Path, columns: Table) -> None:
    """The file is read as it was written."""
    name, reader = file_format.name, _open(file_format, path)
    types, length = reader.types(), reader.length()
    require(list(types) == list(columns), f"{name}: the columns {list(columns)} are said to be {list(types)}")
    require(all(isinstance(kind, str) for kind in types.values()), f"{name}: the types are no texts")
    require(length in (ROWS, None), f"{name}: a file of {ROWS} rows is said to have {length}")
    found = _read(reader, ROWS, tuple(columns))
    for column, values in found.items():
        require(isinstance(values, np.ndarray), f"{name}: a column of numbers is no NumPy array")
        require(len(values) == ROWS, f"{name}: a file of {ROWS} rows gives {len(values)}")
        expected = columns[column]
        require(column != "number" or values.dtype.kind in "iu", f"{name}: large whole numbers lose digits")
        same = np.array_equal(values.astype(expected.dtype), expected, equal_nan=expected.dtype.kind == "f")
        require(same, f"{name}: the column {column!r} is not what was written (a missing value is NaN)")
    require(0 < reader.share(ROWS) <= 1, f"{name}: after the last row, the share that is read is {reader.share(ROWS)}")


def _check_chunks(file_format: FileFormat, path: Path) -> None:
    """Neither the size of chunks nor the choice of columns changes what is read."""
    name, reader = file_format.name, _open(file_format, path)
    names = tuple(reader.types())
    whole = _read(reader, 10 * ROWS, names)
    for size in (1, 7, 500):
        # The same reader: it must be possible to read twice.
        for column, values in _read(reader, size, names).items():
            same = np.array_equal(values, whole[column], equal_nan=True)
            require(same, f"{name}: chunks of {size} rows change the column {column!r}")
    some = _read(reader, 300, names[::-2])
    for column, values in some.items():
        same = np.array_equal(values, whole[column], equal_nan=True)
        require(same, f"{name}: the column {column!r} differs if it is read with fewer columns")
    pieces = reader.chunks(names, 1)
    next(iter(pieces))
    with never_raises(f"{name} cannot be left before the last row"):
        pieces.close()  # type: ignore[attr-defined]


def _check_errors(file_format: FileFormat, path: Path) -> None:
    name, reader = file_format.name, _open(file_format, path)
    try:
        list(reader.chunks(["single", "singel"]))
    except ColumnNotFound:
        pass
    except Exception as error:
        raise AssertionError(f"{name}: an unknown column raises {type(error).__name__}, not ColumnNotFound") from error
    else:
        raise AssertionError(f"{name}: an unknown column is not refused")
    _require_data_error(file_format, path.with_name(f"none{path.suffix}"), "a file that does not exist")
    whole, length, content = _read(reader, ROWS, tuple(reader.types())), reader.length(), path.read_bytes()
    for share in (0.02, 0.3, 0.5, 0.9, 0.99):
        path.write_bytes(content[: int(share * len(content))])
        what = f"a file that ends after {100 * share:.0f} % of its bytes"
        found = _require_data_error(file_format, path, what, may_be_read=True)
        if found is None:
            continue
        rows = len(next(iter(found.values())))
        # Only where the length cannot be known without reading can a cut between two rows go unseen.
        require(rows == ROWS or length is None, f"{name}: {what} is read as {rows} rows of {ROWS}, without an error")
        last = max(rows - (length is None), 0)
        same = all(np.array_equal(found[key][:last], whole[key][:last], equal_nan=True) for key in found)
        require(same and set(found) == set(whole), f"{name}: {what} gives other values, without an error")


def _require_data_error(file_format: FileFormat, path: Path, what: str, may_be_read: bool = False) -> Table | None:
    """The columns of a bad file if they can be read, or None if it raises DataError."""
    try:
        reader = _open(file_format, path)
        reader.length()
        found = _read(reader, ROWS, tuple(reader.types()))
    except DataError as error:
        require("\n" not in error.what, f"{file_format.name}: {what} is told in several lines: {error.what}")
        return None
    except Exception as error:
        said = f"{file_format.name}: {what} raises {type(error).__name__} ({error}), not DataError"
        raise AssertionError(said) from error
    require(may_be_read, f"{file_format.name}: {what} is read without an error")
    return found
