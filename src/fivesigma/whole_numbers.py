"""Whole numbers of 64 bits beyond 2⁵³, which doubles cannot tell apart: times in nanoseconds, words of bits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT = 2**53
"""Up to here, either way, doubles hold every whole number."""


def beyond_doubles(value: Any) -> bool:
    """Whether a column of whole numbers, also of lists of them, has one that a double may not hold.

    >>> beyond_doubles(np.array([2**53])), beyond_doubles(np.array([2**53 + 1])), beyond_doubles(np.array([1e300]))
    (False, True, False)
    """
    if _is_awkward(value) and "int64" in str(value.type):
        import awkward as ak

        value = ak.to_numpy(ak.drop_none(ak.flatten(value, axis=None)))
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu" or value.dtype.itemsize < 8 or not value.size:
        return False
    return max(int(value.max()), -int(value.min())) > EXACT


def _is_awkward(value: Any) -> bool:
    return type(value).__module__.startswith("awkward")


def exactly(operation: str, left: Any, right: Any) -> Any:
    """Compute with such numbers without rounding.

    Args:
        operation: `+`, `-`, `//` or `%`.
        left, right: columns of whole numbers or of lists of them, or a whole number.

    Returns:
        Whole numbers of 64 bits, or an integer if both are numbers; None if either side holds other numbers, an element of
        a list is missing, or the result needs more bits.

    >>> exactly("-", np.array([2**60 + 1]), 2**60).tolist(), exactly("%", np.array([2**60 + 1]), 2.0).tolist()
    ([1], [1])
    """
    if _is_awkward(left) or _is_awkward(right):
        return _exactly_in_lists(operation, left, right)
    sides = [_whole(side) for side in (left, right)]
    if sides[0] is None or sides[1] is None:
        return None
    if isinstance(sides[0], int) and isinstance(sides[1], int):
        return _of_integers(operation, *sides)
    if operation in ("+", "-"):
        return _sum(sides[0], sides[1], 1 if operation == "+" else -1)
    return _division(operation, sides[0], sides[1])


def _exactly_in_lists(operation: str, left: Any, right: Any) -> Any:
    import awkward as ak

    left, right = (ak.from_numpy(side) if isinstance(side, np.ndarray) else side for side in (left, right))
    if _is_awkward(left) and _is_awkward(right):
        left, right = ak.broadcast_arrays(left, right)
    lists = [side for side in (left, right) if _is_awkward(side)]
    if any(ak.any(ak.is_none(side, axis=1), axis=None) for side in lists):
        return None
    elements = (ak.to_numpy(ak.flatten(side, axis=None)) if _is_awkward(side) else side for side in (left, right))
    found = exactly(operation, *elements)
    return None if found is None else ak.unflatten(ak.from_numpy(found), ak.num(lists[0], axis=1))


def are_whole(*values: Any) -> bool:
    """Whether all are whole numbers, or columns of them."""
    return all(_whole(value) is not None for value in values)


def _of_integers(operation: str, left: int, right: int) -> int | None:
    if operation in ("+", "-"):
        return left + right if operation == "+" else left - right
    if right == 0:
        return None
    return left // right if operation == "//" else left % right


def _whole(value: Any) -> Any:
    """A column of whole numbers, or a whole number as an integer; None for anything else."""
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind in "iu" and value.size else None
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) < 2**64:
        return int(value) if value == int(value) else None
    return None


def _ends(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value.min()), int(value.max()))


def _sum(left: Any, right: Any, sign: int) -> NDArray[Any] | None:
    (low, high), (other_low, other_high) = _ends(left), _ends(right)
    ends = (low + other_low, high + other_high) if sign > 0 else (low - other_high, high - other_low)
    # Sums of 64 bits go round at 2⁶⁴, so they are right wherever the result fits.
    kind = _type_of(*ends)
    if kind is None:
        return None
    a, b = (np.uint64(side % 2**64) if isinstance(side, int) else side.astype(np.uint64) for side in (left, right))
    return np.asarray(a + b if sign > 0 else a - b).view(kind)


def _type_of(low: int, high: int) -> np.dtype[Any] | None:
    """The type of 64 bits that holds all whole numbers between two, if there is one."""
    kinds = (np.dtype(kind) for kind in (np.int64, np.uint64))
    return next((kind for kind in kinds if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max), None)


def _division(operation: str, left: Any, right: Any) -> NDArray[Any] | None:
    kind = left.dtype if isinstance(left, np.ndarray) else right.dtype
    if np.dtype(kind).itemsize < 8:
        kind = np.dtype(np.int64)
    (low, high), (other_low, other_high) = _ends(left), _ends(right)
    fits = all(np.iinfo(kind).min < end <= np.iinfo(kind).max for end in (low, high, other_low, other_high) if end)
    if not fits or other_low <= 0 <= other_high:  # a division by zero, or, between the ends, one that may be
        return None
    sides = [np.asarray(side, kind) for side in (left, right)]
    return np.asarray((np.floor_divide if operation == "//" else np.mod)(*sides))


def of_one_type(parts: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Parts of one column in a type that holds all their numbers.

    NumPy makes doubles of signed and unsigned numbers of 64 bits, and of whole numbers and fractions. Where that would
    round, they become 64-bit integers, if all are whole numbers that one kind of them holds.

    Raises:
        ValueError: if no type holds all of them.

    >>> [part.dtype.name for part in of_one_type([np.array([2**60 + 1]), np.array([3.0])])]
    ['int64', 'int64']
    """
    kind = np.result_type(*parts)
    if kind.kind != "f" or not any(map(beyond_doubles, parts)):
        return [part.astype(kind, copy=False) for part in parts]
    fractions = (part for part in parts if part.dtype.kind == "f")
    if not all((np.abs(part) <= EXACT).all() and (part == np.rint(part)).all() for part in fractions):
        raise ValueError("whole numbers above 2⁵³ beside missing values or fractions")
    ends = [int(end) for part in parts if part.size for end in (part.min(), part.max())]
    whole = _type_of(min(ends), max(ends))
    if whole is None:
        raise ValueError("negative numbers beside whole ones above 2⁶³")
    return [part.astype(whole) for part in parts]
