"""Selections and new variables: a small arithmetic language, parsed with `ast` and never evaluated as code.

An expression is what one writes in a notebook or a ROOT cut: `pt > 20 and abs(eta) < 2.5`,
`log(met)`, `Muon_pt[0]`, `max(Jet_pt[Jet_eta < 2.5])`. Names are columns; dots in names are kept (`jets.pt`), and a
name with other characters stands between backticks.
"""

import ast
import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from fivesigma.errors import ExpressionError, did_you_mean
from fivesigma.names import wants_backticks
from fivesigma.whole_numbers import EXACT, are_whole, beyond_doubles, exactly

LONGEST = 2_000
"""Largest number of characters of an expression; a longer one is a mistake."""


def _is_awkward(*values: Any) -> bool:
    return any(type(value).__module__.startswith("awkward") for value in values)


def _where(condition: Any, if_true: Any, if_false: Any) -> Any:
    _check_exact(if_true, if_false)
    if_true, if_false = (_as_double(value) if type(value) is int else _wide(value) for value in (if_true, if_false))
    if _is_awkward(condition, if_true, if_false):
        import awkward as ak

        return ak.where(*ak.broadcast_arrays(_truth(condition), if_true, if_false))
    return np.where(_truth(condition), if_true, if_false)


class _Inexact(Exception):
    """Whole numbers that float64 would round."""


def _check_exact(*values: Any) -> None:
    """Refuse whole numbers that float64 would round."""
    if any(map(beyond_doubles, values)):
        raise _Inexact


def _are_numbers(values: Iterable[Any]) -> bool:
    return all(type(value) in (int, float) for value in values)


def _real(value: Any) -> Any:
    """Convert numbers to float64: differences of unsigned ones must not wrap, and half precision ends at 65,504.

    Raises:
        _Inexact: if that would round whole numbers.
    """
    _check_exact(value)
    return _rounded(value)


def _rounded(value: Any) -> Any:
    """As `_real`, where whole numbers may be rounded: what is multiplied, divided or the like is rounded anyway."""
    if isinstance(value, np.ndarray):
        return value.astype(np.float64, copy=False)
    if _is_awkward(value):
        import awkward as ak

        return ak.values_astype(value, np.float64)
    return value * 1.0


def _wide(value: Any) -> Any:
    """Convert single and half precision to float64; conditions and whole numbers stay as they are."""
    if isinstance(value, np.ndarray):
        return value.astype(np.float64) if value.dtype.kind == "f" and value.dtype.itemsize < 8 else value
    if _is_awkward(value):
        return _real(value) if any(name in str(value.type) for name in ("float32", "float16")) else value
    return value * 1.0 if getattr(value, "dtype", None) == np.float32 else value  # a column of an exported model


def _as_double(value: int) -> float:
    """A whole number as float64.

    Raises:
        _Inexact: if that would round it.
    """
    if int(float(value)) != value:
        raise _Inexact
    return float(value)


def _beside(value: Any, other: Any) -> Any:
    """One side of a comparison; Awkward takes no integers of more than 64 bits, and none of 64 bits without a sign."""
    if type(value) is int and _is_awkward(other) and not -(2**63) <= value < 2**63:
        return np.uint64(value) if 0 <= value < 2**64 and "int" in str(other.type) else float(value)
    return value


def _truth(value: Any) -> Any:
    """Whether each value is neither zero nor missing."""
    return np.logical_and(np.not_equal(value, 0), np.equal(value, value))


def _differs(one: Any, other: Any) -> Any:
    """`!=`, which missing values do not fulfil, as they fulfil no other comparison."""
    found = np.not_equal(one, other)
    for side in (one, other):
        if not isinstance(side, float) or side != side:
            found = np.logical_and(found, np.equal(side, side))
    return found


def _delta_phi(first: Any, second: Any) -> Any:
    """The difference of two angles in radians, folded into (−π, π]."""
    difference = first - second
    return np.arctan2(np.sin(difference), np.cos(difference))


def _clip(value: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(value, low), high)


ELEMENTWISE: dict[str, tuple[Callable[..., Any], int]] = {
    "abs": (np.abs, 1),
    "sqrt": (np.sqrt, 1),
    "exp": (np.exp, 1),
    "expm1": (np.expm1, 1),
    "log": (np.log, 1),
    "log10": (np.log10, 1),
    "log2": (np.log2, 1),
    "log1p": (np.log1p, 1),
    "sin": (np.sin, 1),
    "cos": (np.cos, 1),
    "tan": (np.tan, 1),
    "arcsin": (np.arcsin, 1),
    "arccos": (np.arccos, 1),
    "arctan": (np.arctan, 1),
    "arctan2": (np.arctan2, 2),
    "sinh": (np.sinh, 1),
    "cosh": (np.cosh, 1),
    "tanh": (np.tanh, 1),
    "arcsinh": (np.arcsinh, 1),
    "arccosh": (np.arccosh, 1),
    "arctanh": (np.arctanh, 1),
    "sign": (np.sign, 1),
    "floor": (np.floor, 1),
    "ceil": (np.ceil, 1),
    "round": (np.rint, 1),
    "hypot": (np.hypot, 2),
    "minimum": (np.minimum, 2),
    "maximum": (np.maximum, 2),
    "isfinite": (np.isfinite, 1),
    "ismissing": (np.isnan, 1),
    "where": (_where, 3),
    "clip": (_clip, 3),
    "delta_phi": (_delta_phi, 2),
}
"""Functions of one value per event or element: name → (function, number of arguments)."""

SCALING = ("sqrt", "exp", "expm1", "log", "log10", "log2", "log1p")
"""Functions whose result changes little if a large whole number is rounded."""

REDUCTIONS = ("count", "sum", "mean", "max", "min", "any", "all")
"""Functions that turn a list per event into one value per event."""

_OF_TWO = {"max": "maximum", "min": "minimum"}
"""Reductions that users may call with two arguments → the function they mean."""

CONSTANTS = {"pi": np.pi, "inf": np.inf, "nan": np.nan}

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
    ast.BitAnd: np.logical_and,
    ast.BitOr: np.logical_or,
}
_EXACT: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.FloorDiv: "//", ast.Mod: "%"}
"""Operations that are exact for whole numbers of any size."""
_CONVERSIONS: dict[type[ast.operator], Callable[[Any], Any]] = {
    **dict.fromkeys((ast.BitAnd, ast.BitOr), _truth),
    **dict.fromkeys((ast.Mult, ast.Div, ast.Pow), _rounded),
}
"""What is done to both sides of an operation; by default `_real`."""
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: _differs,
}


class Expression:
    """A parsed expression, which can be evaluated on columns.

    Args:
        text: the expression, as written in an analysis file.

    Raises:
        ExpressionError: if the text is not an expression of the grammar.

    >>> cut = Expression("pt > 20 && abs(eta) < 2.5")
    >>> sorted(cut.names)
    ['eta', 'pt']
    >>> cut({"pt": np.array([10.0, 30.0]), "eta": np.array([0.0, 1.0])})
    array([False,  True])
    """

    def __init__(self, text: str) -> None:
        self.text = str(text).strip()
        self.tree = _parse(self.text)
        self.names: frozenset[str] = frozenset(_names(self.tree))

    def __call__(self, columns: Mapping[str, Any]) -> Any:
        """Evaluate on columns of equal length; missing values are NaN and stay NaN."""
        try:
            with np.errstate(all="ignore"):
                return self._evaluate(self.tree, columns)
        except _Inexact:
            raise ExpressionError(
                f"{self.text!r} computes with whole numbers beyond 2⁵³, which it would round",
                hint="sums and differences with whole numbers, `//`, `%` and comparisons are exact: begin with one of "
                "these, as in (time - 1700000000000000000) / 1000 or word // 4 % 2",
            ) from None
        except (TypeError, ValueError, RecursionError) as error:
            if "cannot broadcast nested list" in str(error):
                raise ExpressionError(
                    f"{self.text!r} combines lists that differ in length in an event",
                    hint="combine columns of one collection, or reduce each to one value first, as sum(…), max(…) or […][0]",
                ) from None
            reason = str(error).strip().partition("\n")[0][:200]
            raise ExpressionError(f"cannot compute {self.text!r}: {reason}") from error

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def _evaluate(self, node: ast.expr, columns: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant(value=value):
                is_long = isinstance(value, int) and EXACT < value < 2**64
                return value if isinstance(value, bool) or is_long else float(str(value))
            case ast.Name() | ast.Attribute():
                return _listed(self._column(node, columns), _dotted(node))
            case ast.BinOp(left=left, op=op, right=right):
                sides = [self._evaluate(side, columns) for side in (left, right)]
                if type(op) in _EXACT and any(beyond_doubles(side) or type(side) is int for side in sides):
                    whole = exactly(_EXACT[type(op)], *sides)
                    if whole is not None:
                        return whole
                    if are_whole(*sides):
                        raise _Inexact
                convert = _CONVERSIONS.get(type(op), _real)
                result = _BINARY[type(op)](*map(convert, sides))
                # A number from numbers stays a Python number, so that a comparison rounds it to the column's precision.
                return float(result) if isinstance(result, np.floating) and _are_numbers(sides) else result
            case ast.UnaryOp(op=op, operand=operand):
                return _unary(op, self._evaluate(operand, columns))
            case ast.BoolOp(op=op, values=values):
                combine = np.logical_and if isinstance(op, ast.And) else np.logical_or
                return functools.reduce(combine, (_truth(self._evaluate(value, columns)) for value in values))
            case ast.Compare():
                return self._compare(node, columns)
            case ast.Call(func=ast.Name(id=name), args=args):
                values = [self._evaluate(argument, columns) for argument in args]
                if name in REDUCTIONS:
                    of_condition = name == "count" and _is_condition(args[0], columns)
                    if name == "count" and not of_condition and _has_condition(args[0], columns):
                        raise ExpressionError(
                            f"{self.text!r}: count() of numbers that a condition is part of would count all elements",
                            hint="write count(condition), with `and` and `or`; or sum(…) to add the numbers",
                        )
                    return _reduce(name, values[0], self.text, of_condition)
                if name == "ismissing" and beyond_doubles(values[0]):
                    return values[0] != values[0]  # whole numbers are there, and nothing is computed with them
                convert = _rounded if name in SCALING else _real
                return ELEMENTWISE[name][0](*(values if name == "where" else map(convert, values)))
            case ast.Subscript(value=value, slice=chosen):
                index = _index(node)
                if index is None:
                    return _select(self._evaluate(value, columns), self._evaluate(chosen, columns), self.text)
                of_column = isinstance(value, ast.Name | ast.Attribute)
                values = self._column(value, columns) if of_column else self._evaluate(value, columns)
                return _element(values, index, self.text)
        raise AssertionError(f"unchecked node {ast.dump(node)}")  # pragma: no cover

    def _column(self, node: ast.expr, columns: Mapping[str, Any]) -> Any:
        name = _dotted(node)
        if name in columns:
            return _flat(columns[name], name)
        if name in CONSTANTS:
            return CONSTANTS[name]
        raise ExpressionError(
            f"{self.text!r} needs {name!r}, which is not a column: {did_you_mean(name, columns)}",
            hint=wants_backticks(self.text, columns),
        )

    def _compare(self, node: ast.Compare, columns: Mapping[str, Any]) -> Any:
        left, result = self._evaluate(node.left, columns), None
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self._evaluate(comparator, columns)
            part = _COMPARE[type(op)](_beside(left, right), _beside(right, left))
            result = part if result is None else np.logical_and(result, part)
            left = right
        return result


def _parse(text: str) -> ast.expr:
    if not text:
        raise ExpressionError("an expression is empty", hint="write for example pt > 20")
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression of {len(text)} characters is longer than {LONGEST}")
    python, names = _without_quotes(text)
    hint = _BACKTICKS if any(mark in python for mark in "#:@$") else None
    if "#" in python:  # the rest would be a comment
        raise ExpressionError(f"'#' is not allowed in the expression {text!r}", hint=hint)
    python = python.replace("&&", " and ").replace("||", " or ")
    python = re.sub(r"!(?!=)", "~", python)  # binds as tightly as `!` does in C++
    try:
        tree = ast.parse(python.strip(), mode="eval").body
        written = _written(python)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                node.id = f"`{names[node.id]}`" if node.id in names else written.get(node.id, node.id)
            elif isinstance(node, ast.Attribute):
                node.attr = written.get(node.attr, node.attr)
        _check(tree, text)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        if "never closed" in reason and hint is None:
            hint = "in a list or mapping of an analysis file, an expression with a comma needs quotes: ['delta_phi(a, b)']"
        raise ExpressionError(f"cannot read the expression {text!r}: {reason}", hint=hint) from None
    return tree


_BACKTICKS = "a column name with other characters than letters, digits, _ and . stands between backticks: `Jets/Jets.pt`"


def _written(text: str) -> dict[str, str]:
    """Names as Python reads them → as they are written, where that differs: Python takes ϕ for φ and µ for μ.

    >>> _written("ϕ > 1 and pt > 2") == {"φ": "ϕ"}
    True
    """
    if text.isascii():
        return {}
    names = {word: unicodedata.normalize("NFKC", word) for word in re.findall(r"[^\W\d]\w*", text)}
    return {read: word for word, read in names.items() if read != word and read not in names}


def _without_quotes(text: str) -> tuple[str, dict[str, str]]:
    """Replace each quoted column by a Python name; return the text, and a mapping from these names to the columns."""
    if "`" not in text:
        return text, {}
    start = "quoted_"
    while start in text:
        start += "_"
    pieces = text.split("`")
    if len(pieces) % 2 == 0 or not all(name.strip() for name in pieces[1::2]):
        raise ExpressionError(f"the backticks in the expression {text!r} do not enclose names", hint=_BACKTICKS)
    names = {f"{start}{i}": name for i, name in enumerate(pieces[1::2])}
    pieces[1::2] = [f" {name} " for name in names]
    return "".join(pieces), names


def _check(node: ast.expr, text: str) -> None:
    """Refuse everything that is not in the grammar."""

    def refuse(what: str, hint: str | None = None) -> None:
        raise ExpressionError(f"{what} in the expression {text!r}", hint=hint)

    match node:
        case ast.Constant(value=value):
            if not isinstance(value, int | float):
                refuse(f"{value!r} is not a number")
        case ast.Name() | ast.Attribute():
            _dotted(node)
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) not in _BINARY:
                refuse(f"the operator {type(op).__name__} is not allowed", "use + - * / // % **, and & | between conditions")
            if isinstance(op, ast.BitAnd | ast.BitOr):
                for side in (left, right):
                    if _is_a_number(side):
                        refuse(f"'&' and '|' combine conditions, but {ast.unparse(side)!r} is a number", _BIT)
            _check(left, text)
            _check(right, text)
        case ast.UnaryOp(operand=operand):
            _check(operand, text)
        case ast.BoolOp(values=values):
            for value in values:
                _check(value, text)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            if any(type(op) not in _COMPARE for op in ops):
                refuse("only < <= > >= == != can compare")
            if len(ops) > 1 and any(isinstance(p, ast.Constant) and isinstance(p.value, bool) for p in [left, *comparators]):
                refuse(
                    "a chain of comparisons holds True or False: `a > 0 == True` means `a > 0 and 0 == True`",
                    "put the comparison in parentheses, or leave out `== True`",
                )
            if len(ops) == 1 and isinstance(left, ast.BinOp) and _is_a_number(left.right):
                _check(left, text)  # `(flags & 2) != 0` has its parentheses
            if any(isinstance(p, ast.BinOp) and isinstance(p.op, ast.BitAnd | ast.BitOr) for p in [left, *comparators]):
                refuse("'&' and '|' bind tighter than comparisons", "write 'and' and 'or', or put parentheses")
            for part in [left, *comparators]:
                _check(part, text)
        case ast.Call():
            _check_call(node, text)
        case ast.Subscript(value=value, slice=chosen):
            _check(value, text)
            if _index(node) is None:
                _check(chosen, text)
        case _:
            refuse(f"{type(node).__name__} is not allowed", "use columns, numbers, operators and functions only")


_BIT = "a bit of a whole number is `flags // 4 % 2` (that of the value 4)"


def _is_a_number(node: ast.expr) -> bool:
    """Whether what stands there is a number for certain, and no condition or flag."""
    match node:
        case ast.Constant(value=value):
            return not isinstance(value, bool)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            return True
        case ast.BinOp(op=op):
            return not isinstance(op, ast.BitAnd | ast.BitOr)
    return False


def _check_call(node: ast.Call, text: str) -> None:
    known = [*ELEMENTWISE, *REDUCTIONS]
    name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
    if name not in known:
        raise ExpressionError(f"no function {name!r} in the expression {text!r}: {did_you_mean(name, known)}")
    expected = 1 if name in REDUCTIONS else ELEMENTWISE[name][1]
    if len(node.args) != expected or node.keywords:
        other = _OF_TWO.get(name)
        raise ExpressionError(
            f"{name}() takes {expected} argument{'s' * (expected > 1)} in the expression {text!r}",
            hint=f"the larger or smaller of two values is {other}(a, b)" if other else None,
        )
    for argument in node.args:
        _check(argument, text)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id.strip("`")
    if isinstance(node, ast.Attribute):
        if _is_quoted(node.value):
            raise ExpressionError(f"{ast.unparse(node)!r} is not a column name", hint="put all of it between the backticks")
        return f"{_dotted(node.value)}.{node.attr}"
    raise ExpressionError(f"{ast.unparse(node)!r} is not a column name")


def _names(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.Name | ast.Attribute):
        name = _dotted(node)
        if name not in CONSTANTS or _is_quoted(node):
            yield name
    elif isinstance(node, ast.Call):
        for argument in node.args:
            yield from _names(argument)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _names(child)


def _is_quoted(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id.startswith("`")


def _is_condition(node: ast.AST, columns: Mapping[str, Any]) -> bool:
    """Whether the values of an expression are true or false by its form: a comparison, `and`, `not`, …"""
    match node:
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not() | ast.Invert()):
            return True
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr()) | ast.Call(func=ast.Name(id="isfinite" | "ismissing")):
            return True
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _is_condition(left, columns) and _is_condition(right, columns)
        case ast.Call(func=ast.Name(id="where"), args=[_, *branches]):
            return all(_is_condition(branch, columns) for branch in branches)
        case ast.Subscript(value=value):
            return _is_condition(value, columns)
        case ast.Name() | ast.Attribute():
            formula = getattr(columns, "formulas", {}).get(_dotted(node))
            return formula is not None and _is_condition(formula.tree, columns)
    return False


def _has_condition(node: ast.AST, columns: Mapping[str, Any]) -> bool:
    """Whether a condition, which is not the whole of an expression, enters its numbers."""
    match node:
        case ast.BinOp(left=left, right=right):
            parts = [left, right]
        case ast.UnaryOp(operand=operand):
            parts = [operand]
        case ast.Call(func=ast.Name(id=name), args=args) if name in ELEMENTWISE:
            parts = list(args)
        case _:
            return False
    return any(_is_condition(part, columns) or _has_condition(part, columns) for part in parts)


def _index(node: ast.Subscript) -> int | None:
    """The index of an element, or None if a condition selects elements."""
    chosen = node.slice
    if isinstance(chosen, ast.Constant) and type(chosen.value) is int and chosen.value >= 0:
        return chosen.value
    if isinstance(chosen, ast.Constant | ast.Slice | ast.Tuple) or isinstance(getattr(chosen, "op", None), ast.USub):
        raise ExpressionError(
            f"{ast.unparse(node)!r}: an index must be a whole number from 0, or a condition",
            hint="write for example Muon_pt[0] or Muon_pt[Muon_eta < 2.4]",
        )
    return None


def _unary(op: ast.unaryop, value: Any) -> Any:
    if isinstance(op, ast.USub):
        return -value if type(value) in (int, float) else np.negative(_real(value))
    if isinstance(op, ast.UAdd):
        return value
    return np.logical_not(value)


def _flat(values: Any, name: str) -> Any:
    """Return a column; refuse lists in lists, and objects."""
    depth = getattr(values, "ndim", 0)
    if depth > 1 and _is_awkward(values) and values.fields:
        listed = ", ".join(repr(field) for field in values.fields[:5])
        raise ExpressionError(
            f"{name!r} holds objects with several values each: {listed}", hint="use its columns one by one"
        )
    if depth > 2 and "string" not in str(getattr(values, "type", "")):
        raise ExpressionError(
            f"{name!r} holds lists in lists, and expressions take one list per event at most",
            hint="flatten it when the file is written, or use another column",
        )
    return values


def _listed(values: Any, name: str) -> Any:
    """Convert a column of two dimensions to a list per event, so that it combines with others event by event."""
    if isinstance(values, np.ndarray) and values.ndim == 2:
        import awkward as ak

        return ak.from_regular(ak.from_numpy(values))
    return values


def _is_list(values: Any) -> bool:
    return _is_awkward(values) and values.ndim > 1


def _element(values: Any, index: int, text: str) -> Any:
    """Element `index` of each event's list; NaN where the list is shorter."""
    if isinstance(values, np.ndarray) and values.ndim == 2:
        if index >= values.shape[1]:
            raise ExpressionError(f"{text!r}: there is no element {index}; each event has {values.shape[1]}")
        return values[:, index]
    if not _is_list(values):
        raise ExpressionError(f"{text!r}: an index needs a list per event; this column has one value per event")
    import awkward as ak

    longest = int(ak.max(ak.num(values, axis=1), initial=0)) if len(values) else 0
    index = min(index, longest)  # beyond the longest list all are missing, however far
    if beyond_doubles(values):
        padded = ak.pad_none(values, index + 1, axis=1)[:, index]
        if ak.any(ak.is_none(padded), axis=None):
            raise _Inexact  # a missing element is no whole number
        return ak.to_numpy(ak.drop_none(padded))
    padded = ak.pad_none(values, index + 1, axis=1)[:, index]
    kind = np.float32 if _is_single(values) else np.float64
    return ak.to_numpy(ak.fill_none(ak.values_astype(padded, kind), kind(np.nan)))


def _is_single(values: Any) -> bool:
    """Whether all numbers of an array of lists are in single precision: a comparison rounds a constant to it."""
    return "float32" in str(values.type) and not any(other in str(values.type) for other in ("float64", "int", "float16"))


def _select(values: Any, condition: Any, text: str) -> Any:
    """Select the elements of each event's list that fulfil a condition; missing values do not."""
    if not _is_list(values):
        raise ExpressionError(
            f"{text!r}: a condition selects elements of a list, and this column has one value per event",
            hint="write where(condition, value, nan)",
        )
    import awkward as ak

    if "bool" not in str(ak.type(condition)):
        raise ExpressionError(
            f"{text!r}: a column of numbers in brackets is not a condition, and it cannot be used as an index",
            hint="compare it, as in pt[quality > 0]; or give a number, as in pt[0]",
        )
    values, chosen = ak.broadcast_arrays(values, condition)
    return values[ak.fill_none(chosen, False, axis=-1)]


def _reduce(name: str, values: Any, text: str, of_condition: bool) -> Any:
    """Reduce a list per event to one value; missing elements are left out; the maximum of an empty list is NaN.

    Of a condition, `count` counts the elements that fulfil it.
    """
    if not _is_list(values):
        raise ExpressionError(f"{text!r}: {name}() needs a list per event; this column has one value per event")
    import awkward as ak

    kind: type[np.floating[Any]] = np.float64
    if name == "count" and not of_condition:
        result = ak.num(values, axis=1)
    else:
        _check_exact(values)
        # The largest or smallest element is one of them, and keeps their precision for a comparison with a constant.
        kind = np.float32 if name in ("max", "min") and _is_single(values) else np.float64
        values = values if kind is np.float32 else _wide(values)
        absent = np.isnan(values)
        present = ak.mask(values, ~absent) if ak.any(absent, axis=None) else values
        if name == "mean":
            result = ak.sum(present, axis=1) / ak.count(present, axis=1)
        else:
            result = getattr(ak, "sum" if name == "count" else name)(present, axis=1)
    result = ak.to_numpy(result)
    if isinstance(result, np.ma.MaskedArray):
        return np.ma.filled(result.astype(kind), np.nan)
    return result if name in ("any", "all") else result.astype(kind)
