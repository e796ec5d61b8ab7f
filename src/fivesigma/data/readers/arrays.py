"""The common part of NPZ and HDF5: arrays of one or two dimensions as one table."""

import abc
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from fivesigma.data.readers.base import Columns, Reader, spread
from fivesigma.errors import DataError, did_you_mean


def of_field(shape: tuple[int, ...], kind: np.dtype[Any], field: str | None) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of an array, or of a field of a structured one, which may hold several numbers.

    >>> of_field((7,), np.dtype([("p", "f4", (3,))]), "p")
    ((7, 3), dtype('float32'))
    """
    kind = kind[field] if field is not None else kind
    return (*shape, *kind.shape), kind.base


class ArrayReader(Reader):
    """Arrays of equal length as columns; `columns` names those of a two-dimensional array."""

    def __init__(self, path: str, where: str, columns: Mapping[str, Sequence[str]]) -> None:
        super().__init__(path, where)
        self._named = dict(columns)

    @abc.abstractmethod
    def _arrays(self) -> Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """Array name → (shape, type)."""

    def _other_lengths(self, lengths: Mapping[str, int]) -> str:
        """What to do about arrays that differ in length."""
        return "write the arrays of each length to their own file or group"

    @abc.abstractmethod
    def _load(self, array: str) -> Any:
        """The array, or an object that can be sliced like one."""

    @cached_property
    def _places(self) -> dict[str, tuple[str, int | None]]:
        """Column name → (array, column index in it, None for a one-dimensional array)."""
        arrays = self._arrays()
        for array in self._named:
            if array not in arrays:
                raise DataError(f"no array {array!r} in {self.where}: {did_you_mean(array, arrays)}")
        places: dict[str, tuple[str, int | None]] = {}
        lengths = {}
        numbers = {shape[0] for shape, kind in arrays.values() if len(shape) in (1, 2) and kind.kind in "biuf"}
        for array, (shape, kind) in arrays.items():
            if len(shape) not in (1, 2):
                continue
            if numbers and kind.kind not in "biuf" and shape[0] not in numbers:
                continue  # text about the table, such as the names of its columns
            names = [array] if len(shape) == 1 else self._names_of(array, shape[1])
            for i, name in enumerate(names):
                if name in places:
                    raise DataError(f"two columns in {self.where} are named {name!r}: in {places[name][0]!r} and {array!r}")
                places[name] = (array, None if len(shape) == 1 else i)
            lengths[array] = shape[0]
        if not places:
            raise DataError(f"{self.where} holds no table: only arrays of one or two dimensions are columns")
        if len(set(lengths.values())) > 1:
            counted = ", ".join(
                f"{array} has {rows:,}{'' if i else ' rows'}" for i, (array, rows) in enumerate(lengths.items())
            )
            raise DataError(f"the arrays in {self.where} differ in length: {counted}", hint=self._other_lengths(lengths))
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
        named = {name: kinds[array][1] for name, (array, _) in self._places.items()}
        return {name: "text" if kind.kind in "SU" else str(kind) for name, kind in named.items()}

    def notes(self) -> list[str]:
        deep = [name for name, (shape, _) in self._arrays().items() if len(shape) > 2]
        if not deep:
            return []
        return [f"{self.where}: left out, as they have more than two dimensions: {', '.join(deep)}"]

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

    @property
    def jumps(self) -> bool:
        return True

    def _sampled(self, names: Sequence[str], rows: int, places: int) -> Iterator[Columns]:
        loaded = {array: self._load(array) for array in {self._places[name][0] for name in names}}
        for start, stop in spread(self.length(), rows, places):
            some = {array: np.asarray(values[start:stop]) for array, values in loaded.items()}
            yield {name: self._pick(some, name) for name in names}

    def _pick(self, rows: Mapping[str, Any], name: str) -> Any:
        array, index = self._places[name]
        return rows[array] if index is None else rows[array][:, index]
