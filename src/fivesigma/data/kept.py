"""Columns of new files that are written again beside the scores."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.data.plan import as_column
from fivesigma.data.readers.base import Reader, per_event
from fivesigma.errors import DataError
from fivesigma.names import quoted


def keepable(reader: Reader) -> tuple[list[str], list[str]]:
    """Names of the columns with one number for each event, and names of all others, in file order."""
    kinds = reader.types()
    kept = [name for name, kind in kinds.items() if per_event(kind) == "one number"]
    return kept, [name for name in kinds if name not in kept]


class Kept:
    """Columns of one file in the types that they have at its beginning.

    Args:
        names: of the columns.
        without: columns that need not be kept, as others hold the same.
        where: how errors name the file.
    """

    def __init__(self, names: Sequence[str], without: Collection[str], where: str) -> None:
        self.names = [name for name in names if name not in without]
        self._where = where
        self._types: dict[str, np.dtype[Any]] = {}

    def of(self, chunk: Mapping[str, Any], length: int) -> dict[str, NDArray[Any]]:
        """The columns of a chunk.

        Raises:
            DataError: if whole numbers at the beginning of the file are followed by missing ones, which no type holds.
        """
        found = {name: as_column(chunk[name], quoted(name), self._where, length) for name in self.names}
        for name, values in found.items():
            wanted = self._types.setdefault(name, values.dtype)
            if values.dtype != wanted:
                found[name] = self._as(name, values, wanted)
        return found

    def _as(self, name: str, values: NDArray[Any], wanted: np.dtype[Any]) -> NDArray[Any]:
        if wanted.kind == "f" or np.can_cast(values.dtype, wanted):
            return values.astype(wanted)
        if not np.isfinite(values).all() or (values != np.rint(values)).any():
            raise DataError(
                f"column {name!r} in {self._where} begins with whole numbers and has missing values or fractions later on",
                hint="write it with fractions (1.0 instead of 1), or predict without --keep and use --friend",
            )
        return values.astype(wanted)
