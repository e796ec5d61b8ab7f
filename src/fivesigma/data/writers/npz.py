"""NPZ archives of NumPy arrays."""

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from fivesigma.data.writers.base import Chunk, Writer


class NpzWriter(Writer):
    """NPZ; each column is first written to its own temporary file, so that memory does not grow with the rows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._columns: dict[str, tuple[IO[bytes], np.dtype[Any], tuple[int, ...]]] = {}
        self._rows = 0

    def write(self, columns: Chunk) -> None:
        for name, values in columns.items():
            if name not in self._columns:
                # Unnamed files beside the destination: gone by themselves whatever happens.
                file = cast(IO[bytes], tempfile.TemporaryFile(dir=self._path.parent))  # noqa: SIM115
                self._columns[name] = (file, values.dtype, values.shape[1:])
            file, dtype, _ = self._columns[name]
            file.write(np.ascontiguousarray(values, dtype).data)
        self._rows += len(next(iter(columns.values())))

    def close(self) -> None:
        with zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, (file, dtype, tail) in self._columns.items():
                header = {"descr": dtype.str, "fortran_order": False, "shape": (self._rows, *tail)}
                file.seek(0)
                # A fixed date: the same columns make the same file, byte for byte.
                place = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                place.compress_type = zipfile.ZIP_DEFLATED
                with file, archive.open(place, "w", force_zip64=True) as entry:
                    np.lib.format.write_array_header_1_0(entry, header)
                    shutil.copyfileobj(file, entry, 1 << 20)
