"""Selections and new variables: a small arithmetic language, parsed with `ast` and never evaluated as code.

An expression is what one writes in a notebook or a ROOT cut: `pt > 20 and abs(eta) < 2.5`,
`log(met)`, `Muon_pt[0]`, `sum(Jet_pt)`. Names are columns; dots in names are kept (`jets.pt`).
"""

import ast
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from fivesigma.errors import ExpressionError, did_you_mean

LONGEST = 2_000
"""An expression is at most this many characters: deeper nesting than that is a mistake."""


def _is_awkward(*values: Any) -> bool:
    return any(type(value).__module__.startswith("awkward") for value in values)


def _where(condition: Any, if_true: Any, if_false: Any) -> Any:
    if _is_awkward(condition, if_true, if_false):
        import awkward as ak

        return ak.where(_truth(condition), if_true, if_false)
    return np.where(_truth(condition), if_true, if_false)


def _real(value: Any) -> Any:
    """Whole numbers as float64: an unsigned difference must not wrap, nor a small integer's root be half precision."""
    return value if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value * 1.0


def _truth(value: Any) -> Any:
    """Whether each value is neither zero nor missing."""
    return np.logical_and(np.not_equal(value, 0), np.equal(value, value))


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
"""Functions of one value per event (or per object): name → (function, number of arguments)."""

REDUCTIONS = ("count", "sum", "max", "min", "any", "all")
"""Functions that turn a list per event into one value per event."""

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
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}


class Expression:
    """One parsed expression, ready to be evaluated on columns.

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
        self._tree = _parse(self.text)
        self.names: frozenset[str] = frozenset(_names(self._tree))

    def __call__(self, columns: Mapping[str, Any]) -> Any:
        """Evaluate on columns of equal length; missing values are NaN and stay NaN."""
        try:
            with np.errstate(all="ignore"):
                return self._evaluate(self._tree, columns)
        except (TypeError, ValueError, RecursionError) as error:
            reason = str(error).strip().partition("\n")[0][:200]
            raise ExpressionError(f"cannot compute {self.text!r}: {reason}") from error

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def _evaluate(self, node: ast.expr, columns: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant(value=value):
                return value if isinstance(value, bool) else float(str(value))
            case ast.Name() | ast.Attribute():
                return self._column(_dotted(node), columns)
            case ast.BinOp(left=left, op=op, right=right):
                convert = _truth if isinstance(op, ast.BitAnd | ast.BitOr) else _real
                return _BINARY[type(op)](*(convert(self._evaluate(side, columns)) for side in (left, right)))
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
                    return _reduce(name, values[0], self.text)
                return ELEMENTWISE[name][0](*(values if name == "where" else map(_real, values)))
            case ast.Subscript(value=value):
                return _element(self._evaluate(value, columns), _index(node), self.text)
        raise AssertionError(f"unchecked node {ast.dump(node)}")  # pragma: no cover

    def _column(self, name: str, columns: Mapping[str, Any]) -> Any:
        if name in columns:
            return columns[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        raise ExpressionError(f"{self.text!r} needs {name!r}, which is not a column: {did_you_mean(name, columns)}")

    def _compare(self, node: ast.Compare, columns: Mapping[str, Any]) -> Any:
        left, result = self._evaluate(node.left, columns), None
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self._evaluate(comparator, columns)
            part = _COMPARE[type(op)](left, right)
            result = part if result is None else np.logical_and(result, part)
            left = right
        return result


def _parse(text: str) -> ast.expr:
    if not text:
        raise ExpressionError("an expression is empty", hint="write for example 'pt > 20'")
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression of {len(text)} characters is longer than {LONGEST}")
    python = text.replace("&&", " and ").replace("||", " or ")
    python = re.sub(r"!(?!=)", "~", python)  # binds as tightly as `!` does in C++
    try:
        tree = ast.parse(python.strip(), mode="eval").body
        _check(tree, text)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ExpressionError(f"cannot read the expression {text!r}: {reason}") from None
    return tree


def _check(node: ast.expr, text: str) -> None:
    """Walk the tree once and refuse whatever is not in the grammar."""

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
                refuse(f"the operator {type(op).__name__} is not supported")
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
            if any(isinstance(p, ast.BinOp) and isinstance(p.op, ast.BitAnd | ast.BitOr) for p in [left, *comparators]):
                refuse("'&' and '|' bind tighter than comparisons", "write 'and' and 'or', or put parentheses")
            for part in [left, *comparators]:
                _check(part, text)
        case ast.Call():
            _check_call(node, text)
        case ast.Subscript(value=value):
            _index(node)
            _check(value, text)
        case _:
            refuse(f"{type(node).__name__} is not allowed", "use columns, numbers, operators and functions only")


def _check_call(node: ast.Call, text: str) -> None:
    known = [*ELEMENTWISE, *REDUCTIONS]
    name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
    if name not in known:
        raise ExpressionError(f"no function {name!r} in the expression {text!r}: {did_you_mean(name, known)}")
    expected = 1 if name in REDUCTIONS else ELEMENTWISE[name][1]
    if len(node.args) != expected or node.keywords:
        raise ExpressionError(f"{name}() takes {expected} argument{'s' * (expected > 1)} in the expression {text!r}")
    for argument in node.args:
        _check(argument, text)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    raise ExpressionError(f"{ast.unparse(node)!r} is not a column name")


def _names(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.Name | ast.Attribute):
        name = _dotted(node)
        if name not in CONSTANTS:
            yield name
    elif isinstance(node, ast.Call):
        for argument in node.args:
            yield from _names(argument)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _names(child)


def _index(node: ast.Subscript) -> int:
    if isinstance(node.slice, ast.Constant) and type(node.slice.value) is int and node.slice.value >= 0:
        return node.slice.value
    raise ExpressionError(
        f"{ast.unparse(node)!r}: an index must be a whole number from 0", hint="write for example Muon_pt[0]"
    )


def _unary(op: ast.unaryop, value: Any) -> Any:
    if isinstance(op, ast.USub):
        return np.negative(_real(value))
    if isinstance(op, ast.UAdd):
        return value
    return np.logical_not(value)


def _element(values: Any, index: int, text: str) -> Any:
    """Element `index` of each event's list; NaN where the list is shorter."""
    if isinstance(values, np.ndarray) and values.ndim == 2:
        if index >= values.shape[1]:
            raise ExpressionError(f"{text!r}: element {index} of rows that have {values.shape[1]}")
        return values[:, index]
    if not _is_awkward(values):
        raise ExpressionError(f"{text!r}: an index on a column that has one value per event")
    import awkward as ak

    padded = ak.pad_none(values, index + 1, axis=1)[:, index]
    return ak.to_numpy(ak.fill_none(ak.values_astype(padded, np.float64), np.nan))


def _reduce(name: str, values: Any, text: str) -> Any:
    """One value per event from a list per event; the maximum or minimum of nothing is NaN."""
    if isinstance(values, np.ndarray) and values.ndim == 2:
        import awkward as ak

        values = ak.from_regular(ak.from_numpy(values))
    if not _is_awkward(values):
        raise ExpressionError(f"{text!r}: {name}() needs a list per event; this column has one value per event")
    import awkward as ak

    result = ak.to_numpy(ak.num(values, axis=1) if name == "count" else getattr(ak, name)(values, axis=1))
    if isinstance(result, np.ma.MaskedArray):
        return np.ma.filled(result.astype(np.float64), np.nan)
    return result.astype(np.float64) if name in ("count", "max", "min") else result


def expand_braces(text: str) -> list[str]:
    """Spell out `{a,b}` lists and `{1..4}` ranges, the leftmost varying slowest.

    >>> expand_braces("{phi,theta}_ME{1..2}")
    ['phi_ME1', 'phi_ME2', 'theta_ME1', 'theta_ME2']
    """
    found = re.search(r"\{([^{}]*)\}", text)
    if not found:
        return [text]
    inside = found.group(1)
    span = re.fullmatch(r"(\d+)\.\.(\d+)", inside)
    parts = [str(i) for i in range(int(span[1]), int(span[2]) + 1)] if span else inside.split(",")
    head, tail = text[: found.start()], text[found.end() :]
    return [head + part.strip() + rest for part in parts for rest in expand_braces(tail)]
