"""ROOT files with a TTree, through uproot."""

from pathlib import Path
from typing import Any, cast

from fivesigma.data.writers.base import Chunk, Writer


class RootWriter(Writer):
    """A TTree named `Events`, zstd-compressed: as small as with zlib in a tenth of the time; ROOT 6.20 or newer reads it."""

    can_be_empty = True

    def __init__(self, path: Path) -> None:
        import uproot

        self._file, self._tree = uproot.recreate(path, compression=uproot.ZSTD(1)), cast(Any, None)

    def write(self, columns: Chunk) -> None:
        if self._tree is None:
            self._tree = self._file.mktree("Events", {name: values.dtype for name, values in columns.items()})
        self._tree.extend(dict(columns))

    def close(self) -> None:
        self._file.close()
