"""HDF5 files, through h5py."""

import io
from pathlib import Path

import numpy as np

from fivesigma.data.writers.base import Chunk, Writer


class Hdf5Writer(Writer):
    """HDF5 with one dataset per column, kept in memory until the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts: list[Chunk] = []

    def write(self, columns: Chunk) -> None:
        self._parts.append(columns)

    def close(self) -> None:
        if not self._parts:
            return
        arrays = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        import h5py

        # Built in memory: HDF5 reports a full disk only when it is too late to raise.
        image = io.BytesIO()
        with h5py.File(image, "w") as file:
            for name, values in arrays.items():
                file.create_dataset(name, data=values, compression="gzip", shuffle=True)
        self._path.write_bytes(image.getbuffer())
