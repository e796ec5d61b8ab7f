"""Columns of whole numbers and fixed-point numbers in hardware, which may be missing

`expressions.py` works on columns with NumPy's functions. A `Fixed` receives these calls and builds logic. Hardware has no
NaN, so each column carries a bit beside its value: arithmetic on a missing value is missing, a comparison with it is false,
and `where` chooses value and bit alike.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fivesigma.deployment.columns import Recording
from fivesigma.errors import ExpressionError

MOST_BITS = 24
"""Bits of a constant or a feature: the network computes in single precision, which holds so many."""


_BEHIND = 16
"""Most bits of a constant behind the binary point; alkaid keeps sums of constants in single precision."""


@dataclass(frozen=True, eq=False)
class Fixed(Recording):
    """A column in hardware.

    Attributes:
        value: alkaid's variable, an exact number in fixed point; anything where it is missing.
        missing: alkaid's variable of one bit; None if the column is never missing.
    """

    value: Any
    missing: Any = None

    def apply(self, name: str, inputs: Sequence[Any]) -> Any:
        return _apply(name, inputs)

    def where(self, condition: Any, if_true: Any, if_false: Any) -> Any:
        return _where(condition, if_true, if_false)


def choose(condition: Any, if_true: Any, if_false: Any) -> Any:
    """One of two values by a bit."""
    if _is_constant(condition):
        return if_true if condition.low else if_false
    return condition.msb_mux(if_true, if_false)


def constant(value: float, like: Any) -> Any:
    """A number as alkaid's variable.

    Args:
        value: it must be short in binary.
        like: any variable of the design.

    Raises:
        ExpressionError: if it is not.
    """
    if not is_short(float(value)):
        raise ExpressionError(
            f"firmware cannot hold the number {value!r} exactly",
            hint="use a multiple of 1/64 or of another power of two, down to 1/65536",
        )
    return type(like).from_const(float(value), hwconf=like.hwconf)


def is_short(value: float) -> bool:
    """Whether a number has few bits, so that sums of a few of them still fit into single precision.

    >>> is_short(0.375), is_short(0.1), is_short(float("inf"))
    (True, False, False)
    """
    return math.isfinite(value) and float(np.float32(value)) == value and (value * (1 << _BEHIND)).is_integer()


def is_power_of_two(value: float) -> bool:
    """Whether a factor or divisor is a power of two, with any sign.

    >>> [is_power_of_two(value) for value in (0.25, -8, 3, 0)]
    [True, True, False, False]
    """
    return math.isfinite(value) and abs(math.frexp(value)[0]) == 0.5


def _apply(name: str, inputs: Sequence[Any]) -> Fixed:
    like = next(value.value for value in inputs if isinstance(value, Fixed))
    if name in ("logical_and", "logical_or", "logical_not"):
        return Fixed(_LOGICAL[name](*(_truth(value, like) for value in inputs)))
    if name in ("equal", "not_equal") and inputs[0] is inputs[1]:  # how `expressions.py` asks whether a value is there
        absent = _absent(inputs[0], like)
        return Fixed(absent if name == "not_equal" else _not(absent))
    if name in ("isnan", "isfinite"):
        absent = _absent(inputs[0], like)
        return Fixed(absent if name == "isnan" else _not(absent))
    missing = _any_missing(inputs, like)
    if name in _COMPARISONS:
        found = _COMPARISONS[name](*(_operand(value, like, compared=True) for value in inputs))
        if missing is None:
            return Fixed(found)
        return Fixed(_or(found, missing) if name == "not_equal" else _and(found, _not(missing)))
    if name in _BY_CONSTANT:
        return Fixed(_BY_CONSTANT[name](_operand(inputs[0], like), _divisor(name, inputs)), missing)
    if name not in _ARITHMETIC:
        raise ExpressionError(
            f"firmware cannot compute {_SPOKEN.get(name, name + '()')}",
            hint="it can do + - *, division by powers of two, abs, sign, minimum, maximum, clip, floor, ceil, round, "
            "squares, comparisons, and, or, not, where and ismissing; let the detector deliver the rest as a column",
        )
    return Fixed(_ARITHMETIC[name](*(_operand(value, like) for value in inputs)), missing)


def _where(condition: Any, if_true: Any, if_false: Any) -> Any:
    if not isinstance(condition, Fixed):
        return if_true if condition else if_false
    like = condition.value
    chosen = _truth(condition, like)
    missing = None
    if any(_can_miss(value) for value in (if_true, if_false)):
        missing = choose(chosen, _absent(if_true, like), _absent(if_false, like))
    return Fixed(choose(chosen, _operand(if_true, like), _operand(if_false, like)), missing)


def _is_constant(value: Any) -> bool:
    return bool(value.low == value.high)


def _can_miss(value: Any) -> bool:
    return value.missing is not None if isinstance(value, Fixed) else bool(np.isnan(value))


def _absent(value: Any, like: Any) -> Any:
    """The bit that says that a value is missing."""
    if isinstance(value, Fixed) and value.missing is not None:
        return value.missing
    return constant(1.0 if _can_miss(value) else 0.0, like)


def _any_missing(inputs: Sequence[Any], like: Any) -> Any:
    """The bit that says that one of several values is missing; None if none ever is."""
    found = None
    for value in inputs:
        if _can_miss(value):
            bit = _absent(value, like)
            found = bit if found is None or found is bit else _or(found, bit)
    return found


def _operand(value: Any, like: Any, compared: bool = False) -> Any:
    """A value without its bit; with a number it is enough to compare, any will do."""
    if isinstance(value, Fixed):
        return value.value
    number = 0.0 if np.isnan(value) else float(value)
    return number if compared else constant(number, like)


def _truth(value: Any, like: Any) -> Any:
    """A condition as one bit; NumPy takes NaN for true."""
    if not isinstance(value, Fixed):
        return constant(float(bool(value)), like)
    found = _differs(value.value, 0.0)
    return found if value.missing is None else _or(found, value.missing)


def _not(bit: Any) -> Any:
    return constant(1.0 - bit.low, bit) if _is_constant(bit) else ~bit


def _and(one: Any, other: Any) -> Any:
    for first, second in ((one, other), (other, one)):
        if _is_constant(first):
            return second if first.low else first
    return one & other


def _or(one: Any, other: Any) -> Any:
    for first, second in ((one, other), (other, one)):
        if _is_constant(first):
            return first if first.low else second
    return one | other


def _below(one: Any, other: Any) -> Any:
    """Whether one value is less than another, of which one may be a number."""
    like = one if hasattr(one, "hwconf") else other
    low, high = (value.low if hasattr(value, "low") else value for value in (one, other))
    upper, lower = (value.high if hasattr(value, "high") else value for value in (one, other))
    if upper < high:
        return constant(1.0, like)
    if low >= lower:
        return constant(0.0, like)
    if isinstance(other, float):  # the next number that the column can have
        other = math.ceil(other / one.step) * one.step
    if isinstance(one, float):
        one = math.floor(one / other.step) * other.step
    return (one - other).is_negative()


def _differs(one: Any, other: Any) -> Any:
    """Whether two values differ, of which one may be a number."""
    if isinstance(one, float):
        one, other = other, one
    if isinstance(other, float):
        if not one.low <= other <= one.high or other / one.step % 1:
            return constant(1.0, one)
        if one.step == one.high == 1 and one.low == 0:
            return one if other == 0 else _not(one)
    difference = one - other
    if _is_constant(difference):
        return constant(float(difference.low != 0), difference)
    return difference.unary_bit_op("any")


def _floor(value: Any) -> Any:
    if value.step >= 1:
        return value
    signed, integers, _ = value.kif
    return value.quantize(signed, max(integers, 0) + 1, 0, "WRAP", "TRN")


def _round(value: Any) -> Any:
    """The nearest whole number, the even one of two: floor(x + 1/2), less one where that is odd and x was halfway."""
    if value.step >= 1:
        return value
    up = _floor(value + 0.5)
    odd = _differs(up - 2 * _floor(up * 0.5), 0.0)
    halfway = _not(_differs(up - value, 0.5))
    return up - choose(_and(odd, halfway), constant(1.0, value), constant(0.0, value))


def _sign(value: Any) -> Any:
    one, zero = constant(1.0, value), constant(0.0, value)
    return choose(_below(value, 0.0), constant(-1.0, value), choose(_below(0.0, value), one, zero))


def _power(value: Any, exponent: int) -> Any:
    found = value
    for _ in range(exponent - 1):
        found = found * value
    return found


def _divisor(name: str, inputs: Sequence[Any]) -> float:
    divisor = inputs[1]
    if name == "power":
        if isinstance(divisor, Fixed) or divisor not in (1, 2, 3, 4):
            raise ExpressionError("firmware cannot compute that power", hint="it can do x ** 2, x ** 3 and x ** 4")
        return float(divisor)
    if isinstance(divisor, Fixed) or not is_power_of_two(float(divisor)):
        text = "by a column" if isinstance(divisor, Fixed) else f"by {float(divisor):g}"
        raise ExpressionError(
            f"firmware cannot divide {text}",
            hint="divide by a power of two, or let the network learn from numerator and denominator",
        )
    return float(divisor)


_SPOKEN = {"arctan2": "arctan2(), or delta_phi(), which needs it", "sin": "sin(), or delta_phi(), which needs it"}

_LOGICAL: dict[str, Callable[..., Any]] = {"logical_and": _and, "logical_or": _or, "logical_not": _not}

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "less": _below,
    "greater": lambda x, y: _below(y, x),
    "less_equal": lambda x, y: _not(_below(y, x)),
    "greater_equal": lambda x, y: _not(_below(x, y)),
    "equal": lambda x, y: _not(_differs(x, y)),
    "not_equal": _differs,
}

_BY_CONSTANT: dict[str, Callable[[Any, float], Any]] = {
    "divide": lambda x, number: x * (1 / number),
    "floor_divide": lambda x, number: _floor(x * (1 / number)),
    "remainder": lambda x, number: x - _floor(x * (1 / number)) * number,
    "power": lambda x, number: _power(x, int(number)),
}

_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "negative": lambda x: -x,
    "absolute": lambda x: choose(_below(x, 0.0), -x, x),
    "minimum": lambda x, y: choose(_below(x, y), x, y),
    "maximum": lambda x, y: choose(_below(x, y), y, x),
    "floor": _floor,
    "ceil": lambda x: -_floor(-x),
    "rint": _round,
    "sign": _sign,
}
