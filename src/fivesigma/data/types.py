"""Types of the columns of a table that is written chunk by chunk."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.data.writers.base import Chunk
from fivesigma.errors import OutputError


class WiderTypes(OutputError):
    """A later chunk has values that the type of an earlier one does not hold.

    Args:
        types: column → type that holds both.
    """

    def __init__(self, types: Mapping[str, np.dtype[Any]]) -> None:
        name, wanted = next(iter(types.items()))
        super().__init__(
            f"later events need column {name!r} in {wanted}, and the first ones have a narrower type",
            hint="give the column the same type in all files and in all rows",
        )
        self.types = dict(types)


class SameTypes:
    """Gives every chunk the types of the first one.

    Args:
        types: column → type to begin with, as far as it is known.
    """

    def __init__(self, types: Mapping[str, np.dtype[Any]] | None = None) -> None:
        self._types = dict(types or {})
        self._names: list[str] = []

    def of(self, chunk: Chunk) -> dict[str, NDArray[Any]]:
        """The columns of a chunk in these types; no value is changed.

        Raises:
            WiderTypes: if a value would be.
            OutputError: if the chunk has other columns, or no type holds the values of all chunks.
        """
        self._names = self._names or list(chunk)
        if set(chunk) != set(self._names):
            other = sorted(set(chunk) ^ set(self._names))[0]
            raise OutputError(f"column {other!r} is in one part of the table and not in another")
        found, wider = {}, {}
        for name in self._names:
            values = chunk[name]
            wanted = self._types.setdefault(name, values.dtype)
            if values.dtype == wanted or not {values.dtype.kind, wanted.kind} <= set("biuf"):  # texts and times stay
                found[name] = values
            elif (same := _as(values, wanted)) is not None:
                found[name] = same
            else:
                wider[name] = _common(name, values, wanted)
        if wider:
            raise WiderTypes(wider)
        return found


def _as(values: NDArray[Any], wanted: np.dtype[Any]) -> NDArray[Any] | None:
    """The values in another type, or None if one of them would not be the same."""
    if not len(values):
        return values.astype(wanted)
    if wanted.kind == "b":
        fits = bool(((values == 0) | (values == 1)).all())
    elif wanted.kind in "iu":
        whole = values.dtype.kind != "f" or bool((np.isfinite(values) & (values == np.rint(values))).all())
        limits = np.iinfo(wanted)
        fits = whole and limits.min <= int(values.min()) and int(values.max()) <= limits.max
    elif values.dtype.kind in "iu":
        most = 2 ** (np.finfo(wanted).nmant + 1)  # up to which every whole number is there
        fits = -most <= int(values.min()) and int(values.max()) <= most
    else:
        with np.errstate(over="ignore"):
            fits = np.array_equal(values.astype(wanted).astype(values.dtype), values, equal_nan=values.dtype.kind == "f")
    return values.astype(wanted) if fits else None


def _common(name: str, values: NDArray[Any], wanted: np.dtype[Any]) -> np.dtype[Any]:
    common = np.result_type(values.dtype, wanted)
    if common == wanted:
        raise OutputError(
            f"column {name!r} has whole numbers above 2⁵³ and missing values or fractions, which no type holds together",
            hint="fill the missing values, or leave the column out",
        )
    return common
