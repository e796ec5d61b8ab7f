"""HDF5 files, through h5py."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from fivesigma.data.readers.arrays import ArrayReader, of_field
from fivesigma.data.readers.base import ColumnNames, FileFormat, reading
from fivesigma.data.writers.hdf5 import Hdf5Writer
from fivesigma.errors import DataError, did_you_mean


class Hdf5Reader(ArrayReader):
    """An HDF5 file: datasets as columns, or one compound dataset, optionally in a group."""

    def __init__(self, path: str, treename: str | None = None, columns: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(path, f"{path}:{treename}" if treename else path, columns or {})
        self.group = treename or "/"

    @cached_property
    def _top(self) -> Any:
        import h5py

        with reading(self.path):
            file = h5py.File(self.path, "r")
        if self.group not in file:
            raise DataError(f"no group {self.group!r} in {self.path}: {did_you_mean(self.group, list(file))}")
        top = file[self.group]
        if top.file.filename != file.filename:
            raise DataError(f"{self.group!r} is in another file than {self.path}", hint="read that file itself")
        return top

    @cached_property
    def _nodes(self) -> dict[str, Any]:
        """Every dataset that holds something, by its path below the group."""
        import h5py

        with reading(self.where):
            found = {self.group: self._top} if isinstance(self._top, h5py.Dataset) else _datasets_below(self._top)
            return {name: dataset for name, dataset in found.items() if dataset.shape is not None}

    @cached_property
    def _datasets(self) -> dict[str, Any]:
        """Column or array name → its dataset, or (dataset, field) of a compound one."""
        found: dict[str, Any] = {}
        with reading(self.where):
            for name, dataset in self._nodes.items():
                if dataset.external or _is_elsewhere(dataset):
                    # A file from somebody else could name any file of this machine.
                    raise DataError(f"{self.path}: {name!r} keeps its values in another file", hint="read that file itself")
                if dataset.dtype.names:
                    repeated = sorted(found.keys() & set(dataset.dtype.names))
                    if repeated:
                        raise DataError(
                            f"{self.where} holds several tables with a column {repeated[0]!r}",
                            hint=f"choose one with `treename`, for example {name!r}",
                        )
                    found.update({field: (dataset, field) for field in dataset.dtype.names})
                elif dataset.dtype.kind in "biufS" or _is_text(dataset):
                    found[name] = (dataset, None)
        return found

    def _arrays(self) -> Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        with reading(self.where):
            return {
                name: of_field(tuple(dataset.shape), _TEXT if _is_text(dataset) else dataset.dtype, field)
                for name, (dataset, field) in self._datasets.items()
            }

    def notes(self) -> list[str]:
        notes = super().notes()
        others = [name for name, node in self._nodes.items() if name not in self._datasets and not node.dtype.names]
        if others:
            notes.append(f"{self.where}: left out, as they are neither numbers nor text: {', '.join(others)}")
        return notes

    def _other_lengths(self, lengths: Mapping[str, int]) -> str:
        groups: dict[str, set[int]] = {}
        for array, rows in lengths.items():
            groups.setdefault(array.rpartition("/")[0], set()).add(rows)
        whole = next((group for group, rows in groups.items() if group and len(rows) == 1), None)
        if whole is None:
            return super()._other_lengths(lengths)
        return (
            f"choose the group of the events with `treename`, for example {self.path}:{f'{self.group}/{whole}'.strip('/')}"
        )

    def _load(self, array: str) -> Any:
        dataset, field = self._datasets[array]
        if field:
            return dataset.fields(field)
        return dataset.asstr("utf-8", "replace") if _is_text(dataset) else dataset


_TEXT = np.dtype(str)


def _is_text(dataset: Any) -> bool:
    """Whether a dataset holds texts of any length, which NumPy has no type for."""
    import h5py

    return dataset.dtype.kind == "O" and h5py.check_string_dtype(dataset.dtype) is not None


def _is_elsewhere(dataset: Any) -> bool:
    """Whether a virtual dataset takes values from another file."""
    return bool(dataset.is_virtual) and any(part.file_name != "." for part in dataset.virtual_sources())


def _datasets_below(group: Any) -> dict[str, Any]:
    """Path below the group → dataset; a link within the file is another name.

    Raises:
        DataError: if a link leads to another file.
    """
    import h5py

    found: dict[str, Any] = {}
    elsewhere, hard, soft = list[str](), list[str](), list[str]()  # no error may leave h5py's walk

    def add(name: str, link: Any) -> None:
        if isinstance(link, h5py.ExternalLink):
            elsewhere.append(name)
            return
        (soft if isinstance(link, h5py.SoftLink) else hard).append(name)

    group.visititems_links(add)
    if elsewhere:
        raise DataError(f"{group.file.filename}: {elsewhere[0]!r} is a link to another file", hint="read that file itself")
    for name in sorted([*hard, *soft]):
        try:
            node = group[name]
        except (KeyError, OSError, RuntimeError):
            if name in hard:
                raise
            continue  # a link to nothing, or to itself
        if isinstance(node, h5py.Dataset) and node.file.filename == group.file.filename:
            found[name] = node
    return found


def _open(path: str, treename: str | None, columns: ColumnNames) -> Hdf5Reader:
    return Hdf5Reader(path, treename, columns if isinstance(columns, Mapping) else {})


HDF5 = FileFormat("hdf5", (".h5", ".hdf5", ".hdf"), _open, magic=b"\x89HDF", writer=Hdf5Writer)
