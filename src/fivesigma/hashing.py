"""Hashes of events: the same event has the same hash wherever it stands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)
_ROUNDS = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_ROWS = 1 << 14
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


def salted(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """A hash of each event number, [event]; another one for each seed."""
    return mix(numbers ^ mix(np.array([seed], np.uint64)))


def uniform(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.float64]:
    """A reproducible number in [0, 1) per event number, [event]; another one for each seed."""
    return as_uniform(salted(numbers, seed))


def as_uniform(hashes: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Hashes as numbers in [0, 1): their 53 leading bits."""
    return (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53


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


def hashes_of_inputs(features: NDArray[np.float32], of: int | None = None) -> NDArray[np.uint64]:
    """A 64-bit hash of each event's features, [event], that allows for rounding.

    It makes an event recognisable in a file with fewer digits, or where a formula was computed in another precision.
    The fewer features there are, the more of their digits count: two alone are compared exactly, six and more to
    about 0.2 %.

    Args:
        features: [event, feature], NaN where missing.
        of: how many features all are, if these are some of them: they are rounded as among all.
    """
    kept = min(max(_KEPT_IN_ALL // max(of or features.shape[1], 1), _KEPT_AT_LEAST), _FRACTION)
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

_KEYS_OF_BUCKET = 16
"""Average number of keys in a bucket: with more a search takes longer, with fewer the set takes more memory."""
_BLOCK = 1 << 20
"""Keys that are processed at a time."""
_SPARE_MARKS = 4
"""A sieve has 16 bits for each hash, or up to 32."""


class Sieve:
    """Holds back most hashes that are not among others, at the price of one look into memory for each.

    A Bloom filter with one bit of a table for each hash; Bloom, Communications of the ACM 13 (1970) 422. Hashes that are
    not among the others pass with a probability of 1/16 at most.

    Args:
        marks: the table, 2ⁿ bytes of eight bits.

    Raises:
        ValueError: if it is no such table.
    """

    def __init__(self, marks: NDArray[np.uint8]) -> None:
        if marks.dtype != np.uint8 or marks.ndim != 1 or len(marks) & (len(marks) - 1) or not len(marks):
            raise ValueError("this is no table of marks")
        self.marks = marks
        self._unused = np.uint64(64 - (8 * len(marks) - 1).bit_length())

    @classmethod
    def for_number(cls, count: int) -> "Sieve":
        """An empty one for so many hashes."""
        return cls(np.zeros(1 << max(0, (max(count, 1) - 1).bit_length() + _SPARE_MARKS - 3), np.uint8))

    def add(self, hashes: NDArray[np.uint64]) -> None:
        """Let these hashes pass from now on."""
        for start in range(0, len(hashes), _BLOCK):
            place = np.sort(hashes[start : start + _BLOCK] >> self._unused).astype(np.int64)
            byte, first = np.unique(place >> 3, return_index=True)
            bits = np.left_shift(np.uint8(1), (place & 7).astype(np.uint8))
            self.marks[byte] |= np.bitwise_or.reduceat(bits, first)

    def passes(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each hash may be one of those that were added, [hash]; each of those passes."""
        place = (hashes >> self._unused).astype(np.intp)
        return np.asarray((self.marks[place >> 3] >> (place & 7).astype(np.uint8)) & 1, np.bool_)


@dataclass(frozen=True, eq=False)
class HashSet:
    """A set of hashes of which only the leading bits are kept, so that it takes four bytes for each hash, also on disk.

    A hash that is not in the set seems to be in it with a probability of 2⁻²⁵ at most. The leading bits that are kept are
    the key of a hash. The first bits of a key are the number of its bucket; only the other bits are stored.

    Attributes:
        bits: number of leading bits that are kept.
        rest: the stored bits of each key, in rising order of the keys, without repetition.
        starts: position in `rest` at which each bucket begins, and the end of the last one.
    """

    bits: int
    rest: NDArray[np.unsignedinteger[Any]]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, hashes: NDArray[np.uint64]) -> "tuple[HashSet, NDArray[np.intp]]":
        """The set of some hashes, and where each of its keys stands first among them."""
        bits = _bits_for(len(hashes))
        keys, first = np.unique(hashes >> np.uint64(64 - bits), return_index=True)
        return cls.of_keys(bits, keys), first

    @classmethod
    def of_many(cls, hashes: NDArray[np.uint64]) -> "HashSet":
        """The set of very many hashes, without a copy of them: the given array is sorted in place and overwritten."""
        bits = _bits_for(len(hashes))
        hashes >>= np.uint64(64 - bits)
        hashes.sort()
        count = 0
        for start in range(0, len(hashes), _BLOCK):
            block = hashes[start : start + _BLOCK]
            last = hashes[count - 1] if count else None
            kept = block[np.concatenate([[last is None or block[0] != last], block[1:] != block[:-1]])]
            hashes[count : count + len(kept)] = kept
            count += len(kept)
        return cls.of_keys(bits, hashes[:count])

    @classmethod
    def of_keys(cls, bits: int, keys: NDArray[np.uint64]) -> "HashSet":
        """The set of some keys of so many bits, in rising order without repetition."""
        return cls._of_blocks(bits, len(keys), (keys[i : i + _BLOCK] for i in range(0, len(keys), _BLOCK)))

    @classmethod
    def _of_blocks(cls, bits: int, count: int, blocks: Iterable[NDArray[np.uint64]]) -> "HashSet":
        bucket_bits = min(bits, max(0, int(np.ceil(np.log2(max(count, 1) / _KEYS_OF_BUCKET)))))
        others = bits - bucket_bits
        rest: NDArray[Any] = np.empty(count, np.uint32 if others <= 32 else np.uint64)
        sizes, done = np.zeros(1 << bucket_bits, np.int64), 0
        for keys in blocks:
            rest[done : done + len(keys)] = keys & np.uint64((1 << others) - 1)
            bucket = (keys >> np.uint64(others)).astype(np.int64) if others < 64 else np.zeros(len(keys), np.int64)
            sizes[bucket[0] : bucket[-1] + 1] += np.bincount(bucket - bucket[0])
            done += len(keys)
        return cls(bits, rest, np.concatenate([[0], np.cumsum(sizes)]))

    def __len__(self) -> int:
        return len(self.rest)

    def find(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """Whether each hash is in the set, and the position of its key if so, both [hash]."""
        found, place = np.zeros(len(hashes), bool), np.zeros(len(hashes), np.intp)
        if len(self):
            some = np.flatnonzero(self._sieve.passes(hashes))
            found[some], place[some] = self._search(hashes[some])
        return found, place

    @cached_property
    def _sieve(self) -> Sieve:
        """Most hashes that are looked for are not in the set: a search would take several times as long."""
        made = Sieve.for_number(len(self))
        for keys in self._keys():
            made.add(keys << np.uint64(64 - self.bits))
        return made

    def _search(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        if not len(hashes):
            return np.zeros(0, bool), np.zeros(0, np.intp)
        keys = hashes >> np.uint64(64 - self.bits)
        others = self._others
        wanted = (keys & np.uint64((1 << others) - 1)).astype(self.rest.dtype)
        bucket = (keys >> np.uint64(others)).astype(np.intp) if others < 64 else np.zeros(len(keys), np.intp)
        low, end = self.starts[bucket], self.starts[bucket + 1]
        # All binary searches side by side; a bucket has few keys, so there are few steps.
        high, last = end.copy(), len(self) - 1
        for _ in range(int((end - low).max()).bit_length()):
            middle = (low + high) >> 1
            right = (self.rest[np.minimum(middle, last)] < wanted) & (low < high)
            np.copyto(low, middle + 1, where=right)
            np.copyto(high, np.maximum(middle, low), where=~right)
        at = np.minimum(low, last)
        return (low < end) & (self.rest[at] == wanted), at

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The number of bits, and the distances between keys, which four bytes hold."""
        steps, done, last = np.empty(len(self), np.uint32), 0, np.uint64(0)
        for keys in self._keys():
            between = np.diff(keys, prepend=last)
            if between.max() > np.iinfo(np.uint32).max and steps.dtype == np.uint32:
                steps = steps.astype(np.uint64)
            steps[done : done + len(keys)] = between
            done, last = done + len(keys), keys[-1]
        return {"bits": np.array(self.bits), "steps": steps}

    @classmethod
    def from_arrays(cls, bits: NDArray[Any], steps: NDArray[Any]) -> "HashSet":
        """The inverse of `to_arrays`.

        Raises:
            ValueError: if the arrays are no set.
        """
        if bits.shape != () or steps.dtype.kind != "u" or not 1 <= int(bits) <= 64:
            raise ValueError("these are not the bits and distances of hashes")

        def blocks() -> Iterator[NDArray[np.uint64]]:
            last = np.uint64(0)
            for start in range(0, len(steps), _BLOCK):
                keys = last + np.cumsum(steps[start : start + _BLOCK], dtype=np.uint64)
                if not (keys[1:] > keys[:-1]).all() or (start and keys[0] <= last):
                    raise ValueError("the hashes are not in rising order")
                yield keys
                last = keys[-1]

        return cls._of_blocks(int(bits), len(steps), blocks())

    @property
    def _others(self) -> int:
        """Number of bits of a key that are stored, as its bucket does not give them."""
        return self.bits - (len(self.starts) - 1).bit_length() + 1

    def _keys(self) -> Iterator[NDArray[np.uint64]]:
        """The keys in rising order, some at a time."""
        others = self._others
        edges = np.searchsorted(self.starts, np.arange(0, len(self), _BLOCK))
        for first, end in pairwise(np.unique([0, *edges, len(self.starts) - 1])):
            sizes = np.diff(self.starts[first : end + 1])
            bucket = np.repeat(np.arange(first, end, dtype=np.uint64), sizes)
            if len(bucket):
                high = bucket << np.uint64(others) if others < 64 else bucket
                yield high | self.rest[self.starts[first] : self.starts[end]]


def _bits_for(count: int) -> int:
    """Leading bits that a set of so many hashes keeps."""
    return min(64, int(np.ceil(np.log2(max(count, 2)))) + SPARE_BITS)
