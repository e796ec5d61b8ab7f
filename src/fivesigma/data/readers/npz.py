"""NPZ archives of NumPy arrays."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from fivesigma.data.readers.arrays import ArrayReader, of_field
from fivesigma.data.readers.base import ColumnNames, FileFormat, reading
from fivesigma.data.writers.npz import NpzWriter
from fivesigma.errors import DataError


class NpzReader(ArrayReader):
    """A NumPy archive; pickled content is refused, because it could run code."""

    def __init__(self, path: str, columns: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(path, path, columns or {})

    @cached_property
    def _headers(self) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
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
                headers[entry.removesuffix(".npy")] = (shape, kind)
            return headers

    @cached_property
    def _fields(self) -> dict[str, tuple[str, str | None]]:
        """Array → its entry in the archive, and its field in it, if that is a structured array."""
        found: dict[str, tuple[str, str | None]] = {}
        for entry, (_, kind) in self._headers.items():
            for name, field in ((name, name) for name in kind.names) if kind.names else ((entry, None),):
                if name in found:
                    raise DataError(
                        f"{self.path} holds two arrays with the column {name!r}: {found[name][0]!r} and {entry!r}"
                    )
                found[name] = (entry, field)
        return found

    def _arrays(self) -> Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        return {name: of_field(*self._headers[entry], field) for name, (entry, field) in self._fields.items()}

    def _load(self, array: str) -> Any:
        entry, field = self._fields[array]
        with np.load(self.path, allow_pickle=False) as archive:
            return archive[entry] if field is None else archive[entry][field]


def _open(path: str, treename: str | None, columns: ColumnNames) -> NpzReader:
    return NpzReader(path, columns if isinstance(columns, Mapping) else {})


NPZ = FileFormat("npz", (".npz",), _open, magic=b"PK\x03\x04", writer=NpzWriter)
