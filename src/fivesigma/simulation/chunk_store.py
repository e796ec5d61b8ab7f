"""Finished pieces of a long simulation, kept on disk so that the next call goes on where a killed one stopped."""

import hashlib
import re
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fivesigma.atomic import writing
from fivesigma.version import __version__

_PIECE = re.compile(r"(?:[0-9a-f]{12}-[\w.+-]+|\.[0-9a-f]{12}-[\w.+-]+\.part)\.npz")
"""Names of pieces, and of those that a killed process was writing."""

Columns = dict[str, NDArray[np.generic]]


class ChunkStore:
    """A folder of arrays by name, each piece written in one step.

    Args:
        folder: made when the first piece is saved.
        settings: everything that determines the pieces; different settings must have a different `repr`. Pieces of
            other settings, or of another version of fivesigma, are not found.
    """

    def __init__(self, folder: Path, settings: object) -> None:
        self._folder = folder
        text = repr((__version__, settings))
        self._digest = hashlib.sha256(text.encode()).hexdigest()[:12]

    def _path(self, name: str) -> Path:
        return self._folder / f"{self._digest}-{name}.npz"

    def save(self, name: str, columns: Columns) -> None:
        """Save a piece."""
        with writing(self._path(name)) as part, open(part, "wb") as file:
            np.savez(file, allow_pickle=False, **columns)

    def load(self, name: str) -> Columns | None:
        """Load a piece, or None if it is missing or damaged."""
        try:
            with open(self._path(name), "rb") as file, np.load(file) as archive:
                return {key: archive[key] for key in archive.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None


def pieces(folder: Path) -> list[Path]:
    """The pieces in a folder, of any settings and version; nothing else that may be there."""
    return [path for path in folder.glob("*") if _PIECE.fullmatch(path.name) and path.is_file()]


def remove_pieces(folder: Path) -> None:
    """Remove the pieces in a folder one by one, and the folder if nothing else is in it."""
    with suppress(OSError):
        for path in pieces(folder):
            path.unlink(missing_ok=True)
        folder.rmdir()
