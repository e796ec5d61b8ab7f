"""NPZ archives of NumPy arrays."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from fivesigma.data.readers.arrays import ArrayReader
from fivesigma.data.readers.base import ColumnNames, FileFormat, reading
from fivesigma.data.writers.npz import NpzWriter
from fivesigma.errors import DataError


class NpzReader(ArrayReader):
    """A NumPy archive; pickled content is refused, because it could run code."""

    def __init__(self, path: str, columns: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(path, path, columns or {})

    @cached_property
    def _headers(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Shapes and types of the arrays, read from their headers without decompression of the rest."""
        import zipfile

        with reading(self.path), zipfile.ZipFile(self.path) as archive:
            headers = {}
            for entry in archive.namelist():
                with archive.open(entry) as file:
                    version = np.lib.format.read_magic(file)
                    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                    shape, _, kind = read(file)
                    after = file.tell()
                if kind.hasobject:
                    raise DataError(f"{self.path}: the array {entry!r} holds Python objects, which are not read")
                size, there = math.prod(shape) * kind.itemsize, archive.getinfo(entry).file_size - after
                if size != there and not kind.hasobject:
                    name = entry.removesuffix(".npy")
                    raise DataError(
                        f"{self.path}: the array {name!r} should have {size:,} bytes and has {there:,}",
                        hint="is the file complete? compare its size or checksum",
                    )
                headers[entry.removesuffix(".npy")] = (shape, str(kind))
            return headers

    def _arrays(self) -> Mapping[str, tuple[tuple[int, ...], str]]:
        return self._headers

    def _load(self, array: str) -> Any:
        with np.load(self.path, allow_pickle=False) as archive:
            return archive[array]


def _open(path: str, treename: str | None, columns: ColumnNames) -> NpzReader:
    return NpzReader(path, columns if isinstance(columns, Mapping) else {})


NPZ = FileFormat("npz", (".npz",), _open, magic=b"PK\x03\x04", writer=NpzWriter)
