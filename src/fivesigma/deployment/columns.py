"""Columns that write down what is computed with them, so that an expression of an analysis becomes code elsewhere.

`expressions.py` works on columns with NumPy's functions. A `Symbol` receives these calls instead of numbers, decides on
the precision by NumPy's rules, and lets a writer add the operation to a graph or to a source file.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from fivesigma.data.missing import marked
from fivesigma.expressions import REDUCTIONS, Expression

BOOL, SINGLE, DOUBLE = np.dtype(bool), np.dtype(np.float32), np.dtype(np.float64)

_COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
_LOGICAL = ("logical_and", "logical_or", "logical_not")
_QUESTIONS = ("isfinite", "isnan")


class Writer(Protocol):
    """What turns operations on columns into a graph or into source text."""

    def constant(self, value: float | bool, dtype: np.dtype[Any]) -> Any:
        """A number."""

    def cast(self, value: Any, source: np.dtype[Any], target: np.dtype[Any]) -> Any:
        """A column in another precision, or a condition as zeros and ones."""

    def apply(self, name: str, operands: Sequence[Any], dtype: np.dtype[Any]) -> Any:
        """An operation.

        Args:
            name: of NumPy's function; `where`; or `delta_phi`, a difference of angles to be folded into (−π, π].
            operands: what this writer made before.
            dtype: of the operands, which all have the same; of the last two for `where`.
        """


class Recording(NDArrayOperatorsMixin):
    """A column on which NumPy's operators, functions and `where` are written down instead of computed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """One value per event; how many events there are is not known."""
        return (1,)

    def apply(self, name: str, inputs: Sequence[Any]) -> Any:
        """Write down a function of NumPy.

        Args:
            name: as NumPy says it, such as `add`.
            inputs: columns and numbers.
        """
        raise NotImplementedError

    def where(self, condition: Any, if_true: Any, if_false: Any) -> Any:
        """Write down a choice."""
        raise NotImplementedError

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            return NotImplemented
        return self.apply(ufunc.__name__, inputs)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        if function is not np.where or options:
            return NotImplemented
        return self.where(*inputs)


@dataclass(frozen=True, eq=False)
class Symbol(Recording):
    """A column that is not there yet.

    Attributes:
        writer: adds operations.
        value: what the writer calls this column.
        dtype: its precision.
        origin: the function and the operands it came from.
    """

    writer: Writer
    value: Any
    dtype: np.dtype[Any]
    origin: tuple[Any, ...] = ()

    def apply(self, name: str, inputs: Sequence[Any]) -> Any:
        return _apply(self.writer, name, inputs)

    def where(self, condition: Any, if_true: Any, if_false: Any) -> Any:
        return _where(self.writer, condition, if_true, if_false)

    def to(self, dtype: np.dtype[Any]) -> "Symbol":
        """The column in another precision."""
        if dtype == self.dtype:
            return self
        return Symbol(self.writer, self.writer.cast(self.value, self.dtype, dtype), dtype)


def without_missing(column: Symbol, markers: Sequence[float]) -> Symbol:
    """The column with NaN for numbers that mean missing, as they are replaced when files are read."""
    for marker in marked(markers, column.dtype):
        chosen: Any = column == column.dtype.type(marker)
        column = _where(column.writer, chosen, column.dtype.type(np.nan), column)
    return column


def needs_lists(expression: Expression) -> bool:
    """Whether an expression takes an element of a list per event, or reduces one: then a column is not one number per event.

    >>> needs_lists(Expression("Muon_pt[0]")), needs_lists(Expression("x + 1"))
    (True, False)
    """
    return any(
        isinstance(node, ast.Subscript)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REDUCTIONS)
        for node in ast.walk(expression.tree)
    )


def _apply(writer: Writer, name: str, inputs: Sequence[Any]) -> Any:
    if name == "arctan2" and (angle := _one_angle(*inputs)) is not None:
        # A difference of angles: no format has an arctangent of two arguments, and rounding is exact at ±π.
        folded = Symbol(writer, writer.apply("delta_phi", [angle.to(DOUBLE).value], DOUBLE), DOUBLE)
        return folded.to(angle.dtype)
    if name == "multiply" and any(type(value) is float and value == 1.0 for value in inputs):
        symbol = next(value for value in inputs if isinstance(value, Symbol))
        return symbol.to(DOUBLE)  # as expressions do before they compute
    if name in _LOGICAL:
        operands = [_truth(writer, value) for value in inputs]
        return Symbol(writer, writer.apply(name, operands, BOOL), BOOL, (name, *inputs))
    dtype = _common(inputs)
    operands = [_operand(writer, value, dtype) for value in inputs]
    found = writer.apply(name, operands, dtype)
    return Symbol(writer, found, BOOL if name in _COMPARISONS + _QUESTIONS else dtype, (name, *inputs))


def _where(writer: Writer, condition: Any, if_true: Any, if_false: Any) -> Any:
    if not isinstance(condition, Symbol):
        return if_true if condition else if_false
    if not isinstance(if_true, Symbol) and not isinstance(if_false, Symbol):
        dtype = BOOL if isinstance(if_true, bool | np.bool_) and isinstance(if_false, bool | np.bool_) else DOUBLE
    elif {getattr(value, "dtype", BOOL) for value in (if_true, if_false)} == {BOOL}:
        dtype = BOOL if all(isinstance(v, Symbol | bool | np.bool_) for v in (if_true, if_false)) else DOUBLE
    else:
        dtype = _common((if_true, if_false))
    operands = [_truth(writer, condition), *(_operand(writer, value, dtype) for value in (if_true, if_false))]
    return Symbol(writer, writer.apply("where", operands, dtype), dtype)


def _one_angle(sine: Any, cosine: Any) -> Symbol | None:
    """The angle of which both are the sine and the cosine, if there is one."""
    if not (isinstance(sine, Symbol) and isinstance(cosine, Symbol)):
        return None
    if sine.origin[:1] != ("sin",) or cosine.origin[:1] != ("cos",) or sine.origin[1] is not cosine.origin[1]:
        return None
    return sine.origin[1] if isinstance(sine.origin[1], Symbol) else None


def _common(inputs: Sequence[Any]) -> np.dtype[Any]:
    """The precision of a result by NumPy's rules, in which Python's numbers adapt to columns and NumPy's do not."""
    found = [np.dtype(value.dtype) for value in inputs if isinstance(value, Symbol | np.generic)]
    real = [dtype if dtype.kind == "f" else DOUBLE for dtype in found]
    return DOUBLE if DOUBLE in real else SINGLE


def _operand(writer: Writer, value: Any, dtype: np.dtype[Any]) -> Any:
    return value.to(dtype).value if isinstance(value, Symbol) else writer.constant(dtype.type(value).item(), dtype)


def _truth(writer: Writer, value: Any) -> Any:
    """A condition; of a number, whether it is not zero, as NumPy has it."""
    if not isinstance(value, Symbol):
        return writer.constant(bool(value), BOOL)
    if value.dtype == BOOL:
        return value.value
    return writer.apply("not_equal", [value.value, writer.constant(0.0, value.dtype)], value.dtype)
