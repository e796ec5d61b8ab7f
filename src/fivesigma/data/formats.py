"""Which reader a file needs, and which files a name means."""

import glob
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from fivesigma.data.arrays import Hdf5Reader, NpzReader
from fivesigma.data.base import Reader
from fivesigma.data.csv import CsvReader
from fivesigma.data.parquet import ParquetReader
from fivesigma.data.root import RootReader
from fivesigma.errors import DataError, nearest

SUFFIXES = {
    "root": (".root",),
    "parquet": (".parquet", ".pq"),
    "csv": (".csv", ".csv.gz", ".csv.bz2", ".csv.zst", ".txt", ".txt.gz", ".dat", ".tsv", ".tsv.gz"),
    "npz": (".npz",),
    "hdf5": (".h5", ".hdf5", ".hdf"),
}
"""Format → endings of its files."""

_MAGIC = {b"root": "root", b"PAR1": "parquet", b"PK\x03\x04": "npz", b"\x89HDF": "hdf5"}


def open_table(
    path: str,
    treename: str | None = None,
    columns: Sequence[str] | Mapping[str, Sequence[str]] = (),
    kind: str | None = None,
) -> Reader:
    """The reader of one table.

    Args:
        path: a file, or `file.root:treename`.
        treename: tree, table or group inside the file.
        columns: names where the file has none: a list for CSV, a mapping by array for NPZ and HDF5.
        kind: the format, where the file's name does not tell.

    Raises:
        DataError: if there is no such file, or its format cannot be told.
    """
    path, inside = split_treename(path)
    treename = inside or treename
    if not Path(path).is_file():
        raise _no_file(path)
    if Path(path).stat().st_size == 0:
        raise DataError(f"{path} is empty")
    kind = kind or guess_format(path)
    named = columns if isinstance(columns, Mapping) else {}
    match kind:
        case "root":
            return RootReader(path, treename)
        case "parquet":
            return ParquetReader(path)
        case "csv":
            return CsvReader(path, () if isinstance(columns, Mapping) else columns)
        case "npz":
            return NpzReader(path, named)
        case _:
            return Hdf5Reader(path, treename, named)


def guess_format(path: str) -> str:
    """Format of a file by its ending, else by its first bytes."""
    for kind, endings in SUFFIXES.items():
        if path.lower().endswith(endings):
            return kind
    if Path(path).is_file():
        with open(path, "rb") as file:
            start = file.read(4)
        if start in _MAGIC:
            return _MAGIC[start]
    endings_known = ", ".join(ending for endings in SUFFIXES.values() for ending in endings)
    raise DataError(f"cannot tell the format of {path}", hint=f"known endings: {endings_known}; or give `format`")


def expand(paths: Sequence[str]) -> list[str]:
    """File names, with globs resolved in sorted order; a glob that matches nothing is an error."""
    found: list[str] = []
    for path in paths:
        bare, inside = split_treename(path)
        if glob.has_magic(bare) and not Path(bare).exists():
            matches = sorted(glob.glob(bare, recursive=True))
            if not matches:
                raise DataError(f"no file matches {bare}")
            found += [f"{match}:{inside}" if inside else match for match in matches]
        else:
            if not Path(bare).exists():
                raise _no_file(bare)
            found.append(path)
    return found


def split_treename(path: str) -> tuple[str, str | None]:
    """`file.root:dir/tree` → (`file.root`, `dir/tree`)."""
    found = re.fullmatch(r"(.+\.(?:root|h5|hdf5|hdf)):([^:]+)", path)
    return (found[1], found[2]) if found else (path, None)


def _no_file(path: str) -> DataError:
    folder = Path(path).parent
    if not folder.is_dir():
        return DataError(f"no file {path}: the folder {folder} does not exist")
    near = nearest(Path(path).name, [entry.name for entry in folder.iterdir() if entry.is_file()])
    hint = f"in that folder: {', '.join(near)}" if near else "check the path"
    return DataError(f"no file {path}", hint=hint)
