"""Find the reader of a file, and the files that match a name or a glob."""

import glob
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from fivesigma.data.readers.base import ColumnNames, FileFormat, Reader
from fivesigma.errors import DataError, nearest
from fivesigma.plugins import readers


def open_table(path: str, treename: str | None = None, columns: ColumnNames = (), kind: str | None = None) -> Reader:
    """Open one table.

    Args:
        path: a file, or `file.root:treename`.
        treename: tree, table or group inside the file.
        columns: names where the file has none: a list for CSV, a mapping by array for NPZ and HDF5.
        kind: the format, if neither ending nor first bytes of the file show it.

    Raises:
        AnalysisError: if there is no format `kind`.
        DataError: if there is no such file, or its format is unknown.
    """
    path, inside = split_treename(path)
    treename = inside or treename
    if not Path(path).is_file():
        raise _no_file(path)
    if Path(path).stat().st_size == 0:
        raise DataError(f"{path} is empty")
    chosen: FileFormat = readers.get(kind or guess_format(path))
    return chosen.open(path, treename, columns)


def format_of_name(name: str) -> FileFormat | None:
    """The format that belongs to a file's ending, or None."""
    return next((each for each in _formats() if name.lower().endswith(each.suffixes)), None)


def guess_format(path: str) -> str:
    """Find the name of a file's format by its ending, otherwise by its first bytes."""
    found = format_of_name(path)
    if found is None and Path(path).is_file():
        with open(path, "rb") as file:
            start = file.read(16)
        found = next((each for each in _formats() if each.magic and start.startswith(each.magic)), None)
    if found is None:
        endings = ", ".join(ending for each in _formats() for ending in each.suffixes)
        raise DataError(f"the format of {path} is unknown", hint=f"known endings: {endings}; or give `format`")
    return found.name


def writable_suffixes() -> list[str]:
    """The first ending of every format that can be written."""
    return [each.suffixes[0] for each in _formats() if each.writer is not None]


def _formats() -> Iterator[FileFormat]:
    yield from readers


def expand(paths: Sequence[str], *, repeated: bool = False) -> list[str]:
    """Replace globs by the file names they match, in sorted order.

    Args:
        paths: names of files and globs.
        repeated: whether a file may be named more than once; in a sample, its events would count twice.

    Raises:
        DataError: if a glob matches nothing, a file is not there, or it is named twice and may not be, also if only one of
            the names says the tree.
    """
    found: list[str] = []
    for path in paths:
        # A shell replaces ~ at the beginning of a word alone: not in `--data train=~/events.root`, nor in a file.
        path = str(Path(path).expanduser()) if path.startswith("~/") and not Path("~").exists() else path
        bare, inside = split_treename(path)
        if glob.has_magic(bare) and not Path(bare).exists():
            matches = sorted(glob.glob(bare, recursive=True))
            if not matches:
                raise DataError(f"no file matches {bare}")
            found += [f"{match}:{inside}" if inside else match for match in matches]
        else:
            if not Path(bare).exists():
                raise _no_file(bare)
            if Path(bare).is_dir():
                raise _folder(bare)
            found.append(path)
    if not repeated:
        _refuse_repeated(found)
    return found


def _refuse_repeated(paths: Sequence[str]) -> None:
    seen: dict[str, dict[str | None, str]] = {}
    for path in paths:
        bare, inside = split_treename(path)
        others = seen.setdefault(os.path.realpath(bare), {})
        if inside in others:
            raise DataError(f"{path} is named twice", hint="name each file once; more than one pattern may match it")
        if others and (inside is None or None in others):
            raise DataError(
                f"{next(iter(others.values()))} and {path} may be the same table",
                hint="name the tree in both, or name the file once",
            )
        others[inside] = path


def split_treename(path: str) -> tuple[str, str | None]:
    """Split `file.root:dir/tree` into `file.root` and `dir/tree`."""
    found = re.fullmatch(r"(.+\.(?:root|h5|hdf5|hdf)):([^:]+)", path)
    return (found[1], found[2]) if found else (path, None)


def _folder(path: str) -> DataError:
    """The error for a folder in place of a file; its hint is the pattern that matches most data files in the folder."""
    endings = Counter(entry.suffix for entry in Path(path).iterdir() if format_of_name(entry.name) is not None)
    pattern = f"*{endings.most_common(1)[0][0]}" if endings else "*.root"
    return DataError(f"{path} is a folder", hint=f"name its files, such as '{Path(path) / pattern}'")


def _no_file(path: str) -> DataError:
    folder = Path(path).parent
    if not folder.is_dir():
        return DataError(f"no file {path}: the folder {folder} does not exist")
    near = nearest(Path(path).name, [entry.name for entry in folder.iterdir() if entry.is_file()])
    hint = f"the nearest names in that folder: {', '.join(near)}" if near else "check the path"
    return DataError(f"no file {path}", hint=hint)
