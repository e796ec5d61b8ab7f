"""Numbers that mean "missing" in a file, such as −999."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.data.readers.base import Columns, beside_missing
from fivesigma.whole_numbers import beyond_doubles


def marked(markers: Sequence[float], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The markers as a column holds them: a float32 file has −99.90000153 for −99.9, and so has its copy in doubles.

    Args:
        markers: as the analysis has them.
        dtype: of the column.

    >>> marked([-99.9, -999], np.dtype(np.float64)).tolist()
    [-999.0, -99.9000015258789, -99.9]
    >>> marked([-99.9, -999], np.dtype(np.int64)).tolist()
    [-999.0, -99.9]
    """
    known = np.asarray(markers, np.float64)
    with np.errstate(over="ignore"):
        if dtype == np.float64:
            known = np.concatenate([known, known.astype(np.float32)])
        elif dtype.kind == "f":
            known = known.astype(dtype)
    return np.unique(known)


def without_missing(chunk: Columns, markers: Sequence[float], own: Mapping[str, Sequence[float]] | None = None) -> Columns:
    """Replace numbers that mean missing by NaN, also in columns with a list per event.

    Raises:
        DataError: if a column has such numbers, and whole numbers that NaN cannot stand beside.

    Args:
        chunk: columns of some events.
        markers: as the analysis has them.
        own: column → its markers, where they are others.
    """
    if not markers:
        return chunk
    return {name: _cleaned(values, (own or {}).get(name, markers), name) for name, values in chunk.items()}


def _cleaned(values: Any, markers: Sequence[float], name: str) -> Any:
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "iuf":
            return values
        absent = np.isin(values, marked(markers, values.dtype))
        if not absent.any():
            return values
        if beyond_doubles(values[~absent]):
            raise beside_missing(name, "leave the column out, or take the number that it holds out of `missing_values`")
        return np.where(absent, np.nan, values)
    if not type(values).__module__.startswith("awkward"):
        return values
    import awkward as ak

    def leaf(layout: Any, **_: Any) -> Any:
        if layout.parameter("__array__") in ("string", "bytestring"):
            return layout
        if not layout.is_numpy:
            return None
        data = np.asarray(layout.data)
        new = _cleaned(data, markers, name)
        return layout if new is data else ak.contents.NumpyArray(new)

    return ak.transform(leaf, values)
