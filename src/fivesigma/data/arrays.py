"""NPZ archives and HDF5 files: named arrays, one- or two-dimensional."""

import abc
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from fivesigma.data.base import Columns, Reader, reading
from fivesigma.errors import DataError, did_you_mean


class _ArrayReader(Reader):
    """Arrays of equal length; the columns of a two-dimensional one are named by `columns`."""

    def __init__(self, path: str, where: str, columns: Mapping[str, Sequence[str]]) -> None:
        super().__init__(path, where)
        self._named = dict(columns)

    @abc.abstractmethod
    def _arrays(self) -> Mapping[str, tuple[tuple[int, ...], str]]:
        """Array name → (shape, type)."""

    @abc.abstractmethod
    def _load(self, array: str) -> Any:
        """The array, or something that slices like it."""

    @cached_property
    def _places(self) -> dict[str, tuple[str, int | None]]:
        """Column name → (array, column index in it, None for a one-dimensional array)."""
        arrays = self._arrays()
        for array in self._named:
            if array not in arrays:
                raise DataError(f"no array {array!r} in {self.where}: {did_you_mean(array, arrays)}")
        places: dict[str, tuple[str, int | None]] = {}
        lengths = {}
        for array, (shape, _) in arrays.items():
            if len(shape) not in (1, 2):
                continue
            names = [array] if len(shape) == 1 else self._names_of(array, shape[1])
            for i, name in enumerate(names):
                if name in places:
                    raise DataError(f"two columns in {self.where} are named {name!r}: in {places[name][0]!r} and {array!r}")
                places[name] = (array, None if len(shape) == 1 else i)
            lengths[array] = shape[0]
        if not places:
            raise DataError(f"{self.where} holds no table: only arrays of one or two dimensions are columns")
        if len(set(lengths.values())) > 1:
            raise DataError(f"the arrays in {self.where} differ in length: {lengths}")
        self._rows = next(iter(lengths.values()))
        return places

    def _names_of(self, array: str, width: int) -> list[str]:
        given = self._named.get(array)
        if given is None:
            return [f"{array}_{i}" for i in range(width)]
        if len(given) != width:
            raise DataError(f"array {array!r} in {self.where} has {width} columns; `columns.{array}` names {len(given)}")
        return list(given)

    def types(self) -> Mapping[str, str]:
        kinds = self._arrays()
        return {name: kinds[array][1] for name, (array, _) in self._places.items()}

    def length(self) -> int:
        _ = self._places
        return int(self._rows)

    def _chunks(
        self, names: Sequence[str], size: int, integers: Collection[str], float32: Collection[str]
    ) -> Iterator[Columns]:
        loaded = {array: self._load(array) for array in {self._places[name][0] for name in names}}
        for start in range(0, self.length(), size):
            rows = {array: np.asarray(values[start : start + size]) for array, values in loaded.items()}
            yield {name: self._pick(rows, name) for name in names}

    def _pick(self, rows: Mapping[str, Any], name: str) -> Any:
        array, index = self._places[name]
        return rows[array] if index is None else rows[array][:, index]


class NpzReader(_ArrayReader):
    """A NumPy archive; pickled content is refused, as it could run code."""

    def __init__(self, path: str, columns: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(path, path, columns or {})

    @cached_property
    def _headers(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Shapes and types from the array headers alone, so that nothing large is decompressed."""
        import zipfile

        with reading(self.path), zipfile.ZipFile(self.path) as archive:
            headers = {}
            for entry in archive.namelist():
                with archive.open(entry) as file:
                    version = np.lib.format.read_magic(file)
                    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                    shape, _, kind = read(file)
                if kind.hasobject:
                    raise DataError(f"{self.path}: the array {entry!r} holds Python objects, which are not read")
                headers[entry.removesuffix(".npy")] = (shape, str(kind))
            return headers

    def _arrays(self) -> Mapping[str, tuple[tuple[int, ...], str]]:
        return self._headers

    def _load(self, array: str) -> Any:
        with np.load(self.path, allow_pickle=False) as archive:
            return archive[array]


class Hdf5Reader(_ArrayReader):
    """An HDF5 file: datasets as columns, or one compound dataset, optionally below a group."""

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
        return file[self.group]

    @cached_property
    def _datasets(self) -> dict[str, Any]:
        """Column or array name → its dataset, or (dataset, field) of a compound one."""
        import h5py

        found: dict[str, Any] = {}
        with reading(self.where):
            nodes = {self.group: self._top} if isinstance(self._top, h5py.Dataset) else _datasets_below(self._top)
        for name, dataset in nodes.items():
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
        for name, (dataset, field) in self._datasets.items():
            kind = dataset.dtype[field] if field else dataset.dtype
            shapes[name] = (tuple(dataset.shape), str(kind))
        return shapes

    def _load(self, array: str) -> Any:
        dataset, field = self._datasets[array]
        return dataset.fields(field) if field else dataset


def _datasets_below(group: Any) -> dict[str, Any]:
    import h5py

    found: dict[str, Any] = {}
    group.visititems(lambda name, node: found.update({name: node}) if isinstance(node, h5py.Dataset) else None)
    return found
