"""Hashes of events: the same event has the same hash wherever it stands."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)
_ROUNDS = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_ROWS = 1 << 13
"""Rows that are hashed at a time."""


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit integers one by one, so that equal inputs alone give equal outputs.

    Source: the finaliser of SplitMix64; Steele, Lea, Flood, OOPSLA 2014, figure 17.

    >>> int(mix(np.array([0], np.uint64))[0]) == 0xE220A8397B1DCDAF
    True
    """
    with np.errstate(over="ignore"):
        values = values + _STEP
        for shift, factor in _ROUNDS:
            values = (values ^ (values >> shift)) * factor
        return values ^ (values >> np.uint64(31))


def uniform(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.float64]:
    """A reproducible number in [0, 1) per event number, [event]; another one for each seed."""
    salt = mix(np.array([seed], np.uint64))
    return (mix(numbers ^ salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def fingerprints(columns: Sequence[NDArray[np.float32]]) -> NDArray[np.uint64]:
    """A 64-bit hash of each row's content, [event], from float32 columns of equal length."""
    if not columns:
        return np.zeros(0, np.uint64)
    result = np.zeros(len(columns[0]), np.uint64)
    for start in range(0, len(result), _ROWS):
        state = result[start : start + _ROWS]
        shifted = np.empty_like(state)
        for column in columns:
            # Adding zero makes −0.0 and 0.0 one value; all that is not a number is one value, too.
            values = column[start : start + _ROWS] + np.float32(0)
            absent = np.isnan(values)
            if absent.any():
                values[absent] = np.nan
            state ^= values.view(np.uint32)
            # `mix`, in place: the rows stay in the processor's cache.
            state += _STEP
            for shift, factor in _ROUNDS:
                state ^= np.right_shift(state, shift, out=shifted)
                state *= factor
            state ^= np.right_shift(state, np.uint64(31), out=shifted)
    return result
