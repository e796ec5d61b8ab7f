"""An ONNX graph under construction, and NumPy's functions in its operators."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.deployment.columns import BOOL, DOUBLE, SINGLE
from fivesigma.errors import RunError
from fivesigma.extras import onnx

_NETWORK = (
    "Abs Add And Cast Concat Div Elu Equal Erf Exp Gather Gemm Greater Identity LeakyRelu Less Log MatMul Max Min Mul Neg "
    "Or Relu Selu Sigmoid Softmax Sqrt Sub Tanh Where"
)
_EXPRESSIONS = "Atan Ceil Cos Floor GreaterOrEqual LessOrEqual Mod Not Pow Round Sign Sin"
SMALL = frozenset(_NETWORK.split())
"""Operators of networks and recipes: SOFIE of ROOT and the small runtimes take them, in any opset from 13."""

ROUNDING = frozenset({"Floor"})
"""What quantised layers need besides."""

FORMULAS = SMALL | frozenset(_EXPRESSIONS.split())
"""Operators of expressions: in every opset from 13, and in ONNX Runtime in double precision (all but Atan)."""


class Graph:
    """Nodes and constants, named by their number, so that the same model gives the same bytes.

    Args:
        allowed: operators that may be used.
    """

    def __init__(self, allowed: frozenset[str] = SMALL) -> None:
        self.allowed = allowed
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._known: dict[tuple[Any, ...], str] = {}

    def node(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node; gives the name of its result. The same node twice is one."""
        if operator not in self.allowed:
            raise RunError(f"the ONNX operator {operator} is not among those that small runtimes take")
        key = (operator, inputs, tuple(sorted(attributes.items())))
        if name is None and key in self._known:
            return self._known[key]
        name = name or f"fivesigma_v{len(self.nodes)}"
        self.nodes.append(
            onnx().helper.make_node(operator, list(inputs), [name], name=f"{operator}_{len(self.nodes)}", **attributes)
        )
        self._known[key] = name
        return name

    def name_output(self, value: str, name: str) -> None:
        """Name a result as an output: the last node itself, as each node takes time if events come one by one."""
        if self.nodes and list(self.nodes[-1].output) == [value]:
            self.nodes[-1].output[0] = name
        else:
            self.node("Identity", value, name=name)

    def array(self, values: NDArray[Any]) -> str:
        """Add a constant; gives its name."""
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self._known:
            self._known[key] = f"fivesigma_c{len(self.constants)}"
            self.constants.append(onnx().numpy_helper.from_array(np.ascontiguousarray(values), self._known[key]))
        return self._known[key]

    def constant(self, value: float | bool, dtype: np.dtype[Any]) -> str:
        return self.array(np.full((1, 1), value, dtype))

    def cast(self, value: str, source: np.dtype[Any], target: np.dtype[Any]) -> str:
        kinds = onnx().TensorProto
        if target == BOOL:
            return self.node("Not", self.node("Equal", value, self.constant(0.0, source)))
        return self.node("Cast", value, to=kinds.FLOAT if target == SINGLE else kinds.DOUBLE)

    def apply(self, name: str, operands: Sequence[str], dtype: np.dtype[Any]) -> str:
        """Add one of NumPy's functions.

        Functions without an operator in double precision are put together of others that have one, so that columns in
        single precision get the nearest number, too.
        """
        if name == "where" and dtype == BOOL:  # no runtime has it
            condition, if_true, if_false = operands
            other = self.node("And", self.node("Not", condition), if_false)
            return self.node("Or", self.node("And", condition, if_true), other)
        if name in _SIMPLE:
            return self.node(_SIMPLE[name], *operands)
        function = _Functions(self, dtype if name in _AS_IS else DOUBLE)
        if name in _AS_IS or dtype == DOUBLE:
            return _TABLE[name](function, *operands)
        result = _TABLE[name](function, *(self.cast(operand, dtype, DOUBLE) for operand in operands))
        return self.cast(result, DOUBLE, dtype)

    def model(self, inputs: Sequence[tuple[str, np.dtype[Any], int]], output: tuple[str, int], opset: int) -> Any:
        """The finished ONNX model.

        Args:
            inputs: name, precision and values per event of each.
            output: name and values per event.
            opset: version of the operators.
        """
        h, kinds = onnx().helper, onnx().TensorProto
        given = [
            h.make_tensor_value_info(name, kinds.FLOAT if dtype == SINGLE else kinds.DOUBLE, ["N", width])
            for name, dtype, width in inputs
        ]
        result = h.make_tensor_value_info(output[0], kinds.FLOAT, ["N", output[1]])
        nodes, used = self._needed(output[0])
        constants = [constant for constant in self.constants if constant.name in used]
        graph = h.make_graph(nodes, "fivesigma", given, [result], initializer=constants)
        opsets = [h.make_opsetid("", opset)]
        # The lowest version of the format that has this opset: old runtimes refuse later ones.
        return h.make_model(graph, opset_imports=opsets, ir_version=h.find_min_ir_version_for(opsets))

    def _needed(self, output: str) -> tuple[list[Any], set[str]]:
        """The nodes that the output depends on, and the names of all that they take: a formula may leave others behind."""
        used, nodes = {output}, []
        for node in reversed(self.nodes):
            if used & set(node.output):
                nodes.append(node)
                used |= set(node.input)
        return nodes[::-1], used


class _Functions:
    """Shorthand for operators in one precision."""

    def __init__(self, graph: Graph, dtype: np.dtype[Any]) -> None:
        self.graph, self.dtype = graph, dtype

    def __call__(self, operator: str, *inputs: str | float, **attributes: Any) -> str:
        named = [self.graph.constant(value, self.dtype) if isinstance(value, int | float) else value for value in inputs]
        return self.graph.node(operator, *named, **attributes)


def _sign(f: _Functions, x: str) -> str:
    return f("Where", f("Equal", x, x), f("Sign", x), x)


def _smaller(operator: str) -> Callable[[_Functions, str, str], str]:
    """Unlike Min and Max of some runtimes, NaN wherever one of the two is."""

    def function(f: _Functions, x: str, y: str) -> str:
        return f("Where", f("Or", f(operator, x, y), f("Not", f("Equal", x, x))), x, y)

    return function


def _expm1(f: _Functions, x: str) -> str:
    """2·tanh(x/2) / (1 − tanh(x/2)) near zero, where exp(x) − 1 loses digits."""
    half = f("Tanh", f("Mul", x, 0.5))
    near = f("Div", f("Mul", half, 2.0), f("Sub", 1.0, half))
    return f("Where", f("Less", f("Abs", x), 0.5), near, f("Sub", f("Exp", x), 1.0))


def _log1p(f: _Functions, x: str) -> str:
    """log(u)·x / (u − 1) with u = 1 + x, which loses no digits (W. Kahan)."""
    u = f("Add", x, 1.0)
    logarithm = f("Log", u)
    usual = f("Div", f("Mul", logarithm, x), f("Sub", u, 1.0))
    return f("Where", f("Equal", u, 1.0), x, f("Where", f("Equal", u, x), logarithm, usual))


def _sinh(f: _Functions, x: str) -> str:
    """(e + e / (e + 1)) / 2 with e = exp(|x|) − 1, and the sign of x."""
    e = _expm1(f, f("Abs", x))
    large = f("Exp", f("Sub", f("Abs", x), math.log(2)))
    usual = f("Mul", f("Add", e, f("Div", e, f("Add", e, 1.0))), 0.5)
    return f("Mul", f("Sign", x), f("Where", f("Less", f("Abs", x), 20.0), usual, large))


def _cosh(f: _Functions, x: str) -> str:
    exponent = f("Sub", f("Abs", x), math.log(2))
    return f("Add", f("Exp", exponent), f("Mul", f("Exp", f("Neg", f("Abs", x))), 0.5))


def _arcsinh(f: _Functions, x: str) -> str:
    """log1p(a + a² / (1 + √(a² + 1))) with a = |x|, or log(a) + log 2 for large ones."""
    a = f("Abs", x)
    square = f("Mul", a, a)
    usual = _log1p(f, f("Add", a, f("Div", square, f("Add", 1.0, f("Sqrt", f("Add", square, 1.0))))))
    large = f("Add", f("Log", a), math.log(2))
    return f("Mul", f("Sign", x), f("Where", f("Less", a, 1e8), usual, large))


def _arccosh(f: _Functions, x: str) -> str:
    usual = f("Log", f("Add", x, f("Sqrt", f("Sub", f("Mul", x, x), 1.0))))
    defined = f("Where", f("Less", x, 1.0), math.nan, usual)
    return f("Where", f("Greater", x, 1e8), f("Add", f("Log", x), math.log(2)), defined)


def _arctanh(f: _Functions, x: str) -> str:
    a = f("Abs", x)
    return f("Mul", f("Sign", x), f("Mul", _log1p(f, f("Div", f("Mul", a, 2.0), f("Sub", 1.0, a))), 0.5))


def _arctan2(f: _Functions, y: str, x: str) -> str:
    """The arctangent in single precision, then one step of Newton's method, as runtimes have no arctangent in double."""
    divisor = f("Where", f("Equal", x, 0.0), 0.0, x)  # the sign of a zero is lost
    ratio = f("Where", f("And", f("Equal", y, 0.0), f("Equal", x, x)), 0.0, f("Div", y, divisor))
    first = f.graph.cast(f("Atan", f.graph.cast(ratio, DOUBLE, SINGLE)), SINGLE, DOUBLE)
    half_turn = f("Where", f("Less", y, 0.0), -math.pi, math.pi)
    angle = f("Where", f("Less", x, 0.0), f("Add", first, half_turn), first)
    sine, cosine = f("Sin", angle), f("Cos", angle)
    correction = f(
        "Div",
        f("Sub", f("Mul", y, cosine), f("Mul", x, sine)),
        f("Add", f("Mul", x, cosine), f("Mul", y, sine)),
    )
    return f("Where", f("Less", f("Abs", correction), 1e-3), f("Add", angle, correction), angle)


def _root(f: _Functions, x: str) -> str:
    """√(1 − x²)."""
    return f("Sqrt", f("Mul", f("Sub", 1.0, x), f("Add", 1.0, x)))


def _remainder(f: _Functions, x: str, y: str) -> tuple[str, str, str]:
    """NumPy's remainder, which has the sign of the divisor; the remainder of C, and whether they differ."""
    rest = f("Mod", x, y, fmod=1)
    opposite = f("Less", f("Mul", f("Sign", rest), f("Sign", y)), 0.0)
    return f("Where", opposite, f("Add", rest, y), rest), rest, opposite


def _floor_divide(f: _Functions, x: str, y: str) -> str:
    _, rest, opposite = _remainder(f, x, y)
    quotient = f("Div", f("Sub", x, rest), y)
    whole = f("Round", f("Where", opposite, f("Sub", quotient, 1.0), quotient))
    return f("Where", f("Equal", y, 0.0), f("Div", x, y), whole)


def _delta_phi(f: _Functions, x: str) -> str:
    return f("Sub", x, f("Mul", f("Round", f("Mul", x, 0.5 / math.pi)), 2 * math.pi))


_SIMPLE = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "negative": "Neg",
    "absolute": "Abs",
    "sqrt": "Sqrt",
    "floor": "Floor",
    "ceil": "Ceil",
    "rint": "Round",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "equal": "Equal",
    "logical_and": "And",
    "logical_or": "Or",
    "logical_not": "Not",
    "where": "Where",
}
_AS_IS = ("not_equal", "isnan", "isfinite", "sign", "minimum", "maximum")
"""Functions whose result does not depend on the precision they are worked out in."""

_TABLE: Mapping[str, Callable[..., str]] = {
    "not_equal": lambda f, x, y: f("Not", f("Equal", x, y)),
    "isnan": lambda f, x: f("Not", f("Equal", x, x)),
    "isfinite": lambda f, x: f("Less", f("Abs", x), math.inf),
    "sign": _sign,
    "minimum": _smaller("Less"),
    "maximum": _smaller("Greater"),
    "exp": lambda f, x: f("Exp", x),
    "expm1": _expm1,
    "log": lambda f, x: f("Log", x),
    "log10": lambda f, x: f("Div", f("Log", x), math.log(10)),
    "log2": lambda f, x: f("Div", f("Log", x), math.log(2)),
    "log1p": _log1p,
    "sin": lambda f, x: f("Sin", x),
    "cos": lambda f, x: f("Cos", x),
    "tan": lambda f, x: f("Div", f("Sin", x), f("Cos", x)),
    "arcsin": lambda f, x: _arctan2(f, x, _root(f, x)),
    "arccos": lambda f, x: _arctan2(f, _root(f, x), x),
    "arctan": lambda f, x: _arctan2(f, x, f.graph.constant(1.0, DOUBLE)),
    "arctan2": _arctan2,
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": lambda f, x: f("Tanh", x),
    "arcsinh": _arcsinh,
    "arccosh": _arccosh,
    "arctanh": _arctanh,
    "hypot": lambda f, x, y: f("Sqrt", f("Add", f("Mul", x, x), f("Mul", y, y))),
    "power": lambda f, x, y: f("Pow", x, y),
    "remainder": lambda f, x, y: _remainder(f, x, y)[0],
    "floor_divide": _floor_divide,
    "delta_phi": _delta_phi,
}
