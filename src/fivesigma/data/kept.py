"""Columns of new files that are written again beside the scores."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from fivesigma.data.plan import as_column
from fivesigma.data.readers.base import Reader, per_event
from fivesigma.names import quoted


def keepable(reader: Reader) -> tuple[list[str], list[str]]:
    """Names of the columns with one number for each event, and names of all others, in file order."""
    kinds = reader.types()
    kept = [name for name, kind in kinds.items() if per_event(kind) == "one number"]
    return kept, [name for name in kinds if name not in kept]


class Kept:
    """Columns of one file, as they are.

    Args:
        names: of the columns.
        without: columns that need not be kept, as others hold the same.
        where: how errors name the file.
    """

    def __init__(self, names: Sequence[str], without: Collection[str], where: str) -> None:
        self.names = [name for name in names if name not in without]
        self._where = where

    def of(self, chunk: Mapping[str, Any], length: int) -> dict[str, NDArray[Any]]:
        """The columns of a chunk, which may have a wider type than those of another chunk."""
        return {name: as_column(chunk[name], quoted(name), self._where, length) for name in self.names}
