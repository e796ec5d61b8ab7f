"""The order of many values, several times faster than `argsort`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_POSITIONS = 1 << 32
"""So many fit beside the 32 bits of a value."""


def ascending(values: NDArray[Any]) -> NDArray[np.intp]:
    """Positions of the values from the smallest to the largest, [value]; equal ones keep their order, NaN comes last.

    Values that rise already are not sorted again. Each float32 is packed with its position into one integer, and integers
    are sorted by vector instructions. Other types go through NumPy's stable `argsort`.

    >>> ascending(np.array([0.5, -1.0, 0.5], np.float32))
    array([1, 0, 2])
    """
    if (values[1:] >= values[:-1]).all() and not np.isnan(values[:1]).any():
        return np.arange(len(values), dtype=np.intp)
    if values.dtype != np.float32 or len(values) >= _POSITIONS or np.isnan(values).any():
        return np.argsort(values, kind="stable")
    bits = (values + np.float32(0)).view(np.uint32)  # -0 becomes 0
    # As integers, positive floats rise with their bits; negative ones fall.
    bits ^= np.where(bits >> np.uint32(31), np.uint32(0xFFFFFFFF), np.uint32(0x80000000))
    packed = bits.astype(np.uint64) << np.uint64(32)
    packed |= np.arange(len(values), dtype=np.uint64)
    packed.sort()
    packed &= np.uint64(0xFFFFFFFF)
    return packed.astype(np.intp)
