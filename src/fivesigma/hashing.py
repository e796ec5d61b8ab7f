"""Hashes of events: the same event has the same hash wherever it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


def hashes_of_inputs(features: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A 64-bit hash of each event's features, [event], that allows for rounding.

    It makes an event recognisable in a file with fewer digits, or where a formula was computed in another precision.
    The fewer features there are, the more of their digits count: two alone are compared exactly, six and more to
    about 0.2 %.

    Args:
        features: [event, feature], NaN where missing.
    """
    kept = min(max(_KEPT_IN_ALL // max(features.shape[1], 1), _KEPT_AT_LEAST), _FRACTION)
    unit = 1 << (_FRACTION - kept)
    result = np.zeros(len(features), np.uint64)
    for start in range(0, len(features), _ROWS):
        values = np.array(features[start : start + _ROWS].T, np.float32, order="C")
        values[np.isnan(values)] = np.nan  # other bits could overflow
        bits = values.view(np.uint32)
        # To the nearest, so that numbers with few digits stay away from the edges.
        bits += np.uint32(unit >> 1)
        bits &= ~np.uint32(unit - 1)
        if len(values):
            result[start : start + _ROWS] = fingerprints([*values])
    return result


def contained(hashes: NDArray[np.uint64], among: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether each hash is among others, [hash]; by sorting, which takes a fraction of the time of `numpy.isin`.

    >>> contained(np.array([3, 1, 2], np.uint64), np.array([2, 3, 3], np.uint64))
    array([ True, False,  True])
    """
    if not len(among):
        return np.zeros(len(hashes), bool)
    known, order = np.sort(among), np.argsort(hashes)
    wanted = hashes[order]
    found = np.empty(len(hashes), bool)
    # In order, so that the search stays in the cache.
    found[order] = known[np.minimum(np.searchsorted(known, wanted), len(known) - 1)] == wanted
    return found


_FRACTION, _KEPT_IN_ALL, _KEPT_AT_LEAST = 23, 48, 8
"""Bits behind the point of a float32; those that are compared of all features together, and of each at least."""

SPARE_BITS = 25
"""Leading bits that a set keeps beyond those that its size needs."""


@dataclass(frozen=True)
class HashSet:
    """A set of hashes of which only the leading bits are kept, so that it takes four bytes for each hash on disk.

    A hash that is not in the set seems to be in it with a probability of 2⁻²⁵ at most.

    Attributes:
        bits: number of leading bits that are kept.
        keys: these bits, in rising order, without repetition.
    """

    bits: int
    keys: NDArray[np.uint64]

    @classmethod
    def of(cls, hashes: NDArray[np.uint64]) -> "tuple[HashSet, NDArray[np.intp]]":
        """The set of some hashes, and where each of its keys stands first among them."""
        bits = min(64, int(np.ceil(np.log2(max(len(hashes), 2)))) + SPARE_BITS)
        keys, first = np.unique(hashes >> np.uint64(64 - bits), return_index=True)
        return cls(bits, keys), first

    def find(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """Whether each hash is in the set, and the position of its key if so, both [hash]."""
        wanted = hashes >> np.uint64(64 - self.bits)
        order, place = np.argsort(wanted), np.empty(len(wanted), np.intp)
        place[order] = np.searchsorted(self.keys, wanted[order])  # in order, a large set stays in the cache
        place = np.minimum(place, max(len(self.keys) - 1, 0))
        found = self.keys[place] == wanted if len(self.keys) else np.zeros(len(wanted), bool)
        return found, place

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The number of bits, and the distances between keys, which four bytes hold."""
        steps = np.diff(self.keys, prepend=np.uint64(0))
        short = not len(steps) or steps.max() <= np.iinfo(np.uint32).max
        return {"bits": np.array(self.bits), "steps": steps.astype(np.uint32) if short else steps}

    @classmethod
    def from_arrays(cls, bits: NDArray[Any], steps: NDArray[Any]) -> "HashSet":
        """The inverse of `to_arrays`."""
        return cls(int(bits), np.cumsum(steps, dtype=np.uint64))
