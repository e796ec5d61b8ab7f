"""Hashes of events: the same event has the same hash wherever it stands."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit integers one by one, so that equal inputs alone give equal outputs.

    Source: the finaliser of SplitMix64; Steele, Lea, Flood, OOPSLA 2014, figure 17.

    >>> int(mix(np.array([0], np.uint64))[0]) == 0xE220A8397B1DCDAF
    True
    """
    with np.errstate(over="ignore"):
        values = values + _STEP
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))


def uniform(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.float64]:
    """A reproducible number in [0, 1) per event number, [event]; another one for each seed."""
    salt = mix(np.array([seed], np.uint64))
    return (mix(numbers ^ salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def fingerprints(columns: Iterable[NDArray[np.float32]]) -> NDArray[np.uint64]:
    """A 64-bit hash of each row's content, [event], from float32 columns of equal length."""
    result: NDArray[np.uint64] | None = None
    for column in columns:
        # Adding zero makes −0.0 and 0.0 one value; all that is not a number is one value, too.
        bits = np.where(np.isnan(column), np.float32(np.nan), column + np.float32(0)).view(np.uint32).astype(np.uint64)
        result = mix(bits if result is None else result ^ bits)
    return np.zeros(0, np.uint64) if result is None else result
