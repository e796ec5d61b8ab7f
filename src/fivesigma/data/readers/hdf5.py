"""HDF5 files, through h5py."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from fivesigma.data.readers.arrays import ArrayReader
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
    def _datasets(self) -> dict[str, Any]:
        """Column or array name → its dataset, or (dataset, field) of a compound one."""
        import h5py

        found: dict[str, Any] = {}
        with reading(self.where):
            nodes = {self.group: self._top} if isinstance(self._top, h5py.Dataset) else _datasets_below(self._top)
            for name, dataset in nodes.items():
                if dataset.shape is None:  # a dataset of nothing
                    continue
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
                elif dataset.dtype.kind in "biuf":
                    found[name] = (dataset, None)
        return found

    def _arrays(self) -> Mapping[str, tuple[tuple[int, ...], str]]:
        shapes = {}
        with reading(self.where):
            for name, (dataset, field) in self._datasets.items():
                kind = dataset.dtype[field] if field else dataset.dtype
                shapes[name] = (tuple(dataset.shape), str(kind))
        return shapes

    def _load(self, array: str) -> Any:
        dataset, field = self._datasets[array]
        return dataset.fields(field) if field else dataset


def _is_elsewhere(dataset: Any) -> bool:
    """Whether a virtual dataset takes values from another file."""
    return bool(dataset.is_virtual) and any(part.file_name != "." for part in dataset.virtual_sources())


def _datasets_below(group: Any) -> dict[str, Any]:
    import h5py

    found: dict[str, Any] = {}
    group.visititems(lambda name, node: found.update({name: node}) if isinstance(node, h5py.Dataset) else None)
    return found


def _open(path: str, treename: str | None, columns: ColumnNames) -> Hdf5Reader:
    return Hdf5Reader(path, treename, columns if isinstance(columns, Mapping) else {})


HDF5 = FileFormat("hdf5", (".h5", ".hdf5", ".hdf"), _open, magic=b"\x89HDF", writer=Hdf5Writer)
