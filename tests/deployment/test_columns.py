"""Every function of the expression grammar as an ONNX graph, against NumPy, with NaN, infinities and signed zeros."""

import numpy as np
import pytest

from fivesigma.deployment.columns import BOOL, SINGLE, Symbol, needs_lists, without_missing
from fivesigma.deployment.graph import FORMULAS, Graph
from fivesigma.expressions import ELEMENTWISE, Expression

runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

_USUAL = (0.0, -0.0, 1, -1, 0.5, -0.5, 0.3, 2, -2, 3.7, -3.7, 1e-9, -1e-9, 1e-5, 10, -10, 100, -700, np.pi, -np.pi, 9.43)
VALUES = np.array([*_USUAL, np.nan, np.inf, -np.inf, 1e30, -1e30])
X, Y = (grid.ravel() for grid in np.meshgrid(VALUES, VALUES))
COLUMNS = {"x": X, "y": Y, "z": np.roll(X, 7)}

OPERATORS = [
    *("x + y", "x - y", "x * y", "x / y", "x // y", "x % y", "x ** y", "-x", "x < y", "x <= y", "x > y", "x >= y", "x == y"),
    *("x != y", "x and y", "x or y", "not x", "(x > 0) & y", "(x > 0) | y", "x < y < z", "(x > 1) * 2.5", "sqrt(3) * x"),
    *("where(x > 0, 1, -1) * y", "where(x > y, x > 0, y > 0)", "where(1 > 0, x, y)", "x + pi"),
    "minimum(x, 0) + maximum(0, y)",
]
FUNCTIONS = [f"{name}({', '.join('xyz'[:count])})" for name, (_, count) in ELEMENTWISE.items()]

NOT_THE_SAME = {
    "arctan2(x, y)": (X == 0) & (Y <= 0) | np.isinf(X) & np.isinf(Y),
    "hypot(x, y)": np.isinf(X) & np.isnan(Y) | np.isnan(X) & np.isinf(Y),
    "delta_phi(x, y)": (np.abs(X) == 1e30) | (np.abs(Y) == 1e30),
}
"""Where ONNX has no equivalent; docs/export.md lists these."""


def of_graph(text, dtype, columns):
    graph, expression = Graph(FORMULAS), Expression(text)
    result = expression({name: Symbol(graph, name, np.dtype(dtype)) for name in columns})
    precision = result.dtype
    graph.node("Identity", result.to(SINGLE).value, name="out")
    model = graph.model([(name, np.dtype(dtype), 1) for name in columns], ("out", 1), 13)
    session = runtime.InferenceSession(model.SerializeToString())
    return session.run(None, {name: column[:, None] for name, column in columns.items()})[0][:, 0], precision


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("text", [*FUNCTIONS, *OPERATORS])
def test_an_expression_in_a_graph_gives_what_numpy_gives(text, dtype):
    columns = {name: column.astype(dtype) for name, column in COLUMNS.items()}
    found, precision = of_graph(text, dtype, columns)
    with np.errstate(all="ignore"):
        wanted = np.broadcast_to(Expression(text)(columns), X.shape)
        assert precision == wanted.dtype or (precision == BOOL and wanted.dtype == bool)
        wanted = wanted.astype(np.float32)
    here = ~NOT_THE_SAME.get(text, np.zeros(len(X), bool))
    # What is nearly zero, as the sine of π, has no digits in common.
    np.testing.assert_allclose(found[here], wanted[here], rtol=4e-7, atol=1e-15)


def test_numbers_that_mean_missing_are_compared_in_the_columns_own_precision():
    graph = Graph(FORMULAS)
    column = without_missing(Symbol(graph, "x", SINGLE), [-99.9])
    graph.node("Identity", column.value, name="out")
    session = runtime.InferenceSession(graph.model([("x", SINGLE, 1)], ("out", 1), 13).SerializeToString())
    found = session.run(None, {"x": np.float32([[-99.9], [1.0]])})[0]
    np.testing.assert_array_equal(found[:, 0], [np.nan, 1.0])


@pytest.mark.parametrize("text", ["x[0] + 1", "sum(x)", "2 * max(x[x > 2])"])
def test_lists_are_noticed(text):
    assert needs_lists(Expression(text))
    assert not needs_lists(Expression("maximum(x, 2)"))
