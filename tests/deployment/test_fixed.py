"""Expressions as logic: every operation against NumPy, for every value of two columns and of their missing bits."""

import numpy as np
import pytest

from fivesigma.errors import ExpressionError
from fivesigma.expressions import ELEMENTWISE, Expression

pytest.importorskip("alkaid")

from fivesigma.deployment import alkaid
from fivesigma.deployment.fixed import Fixed

FORMATS = [(False, 3), (True, 4), (True, 1), (False, 1), (False, 1)]
GRID = np.stack([g.ravel() for g in np.meshgrid(range(8), range(-8, 8), (-1, 0), (0, 1), (0, 1))], axis=1)
"""x from 0 to 7, y from −8 to 7, the signed bit z; whether x is missing, and whether y is."""

TEXTS = [
    *("x + y", "x - y", "y - x", "-y", "x * y", "y * -3", "x * 0.375", "y / 4", "x / -2", "x // 4", "y // 2", "y // -4"),
    *("x % 4", "y % 4", "y % -4", "x ** 2", "y ** 2", "y ** 3", "abs(y)", "abs(x)", "sign(y)", "sign(x)", "minimum(x, y)"),
    *(
        "maximum(x, 3)",
        "maximum(-2, y)",
        "clip(y, -3, 5)",
        "floor(y / 4)",
        "ceil(y / 4)",
        "round(y / 2)",
        "round(y / 4 + x)",
    ),
    *("floor(x)", "(x < y) * 1", "(x <= y) * 1", "(x > y) + 0", "(x >= y) * 2", "(x == y) * 1", "(x != y) * 1"),
    *("(x < 3.5) * 1", "(x > 3.5) * 1", "(y >= -2.1) * 1", "(y <= -9) * 1", "(x < 9) * 1", "(x == 2.5) * 1", "(y != 3) * 1"),
    *("(x == 0) * 1", "(x == -1) * 1", "(2 < x) * 1", "(x == x) * 1", "(y != y) * 1", "(1 < x < 5) * 1", "where(x, y, 2)"),
    *("where(x > y, x, y)", "where(y, 1, 2)", "where(ismissing(x), y, x)", "where(ismissing(x), -1, x)", "where(z, x, y)"),
    *("where(x > 2 and y < 0, x - y, 0)", "where(x > 2 or y < 0, x, y)", "where(not x, y, 1)", "where(not (x < y), 1, y)"),
    *(
        "isfinite(x) * 1",
        "ismissing(y) * x",
        "where(x > 3, nan, x)",
        "where(1 > 0, x, y)",
        "x + 0.5",
        "x * 0",
        "y * 1",
        "z + x",
    ),
    *("(x > 1) & (y > 1)", "(x > 1) | y", "1 - minimum(x, z)", "(z == -1) * 1", "(z < 0) * 4", "abs(z)"),
    *("where((x > 2) * (y > 2) == 1, where(x == 3, y, x), x - 2 * y)", "where(x + y == 0, x, where(y == 0, x - y, 7))"),
]


def computed(text, grid=GRID):
    """An expression by the emulator, [event]; NaN where its bit says missing."""
    with alkaid.mended():
        given = alkaid.inputs(FORMATS)
        x, y, z, no_x, no_y = np.asarray(given).ravel()
        found = Expression(text)({"x": Fixed(x, no_x), "y": Fixed(y, no_y), "z": Fixed(z)})
        logic = alkaid.logic_of(given, [found.value, 0.0 if found.missing is None else found.missing])
    values = alkaid.run(logic, grid)
    return np.where(values[:, 1] == 1, np.nan, values[:, 0])


@pytest.mark.parametrize("text", TEXTS)
def test_an_expression_in_hardware_gives_what_numpy_gives(text):
    x, y, z, no_x, no_y = GRID.T.astype(float)
    columns = {"x": np.where(no_x, np.nan, x), "y": np.where(no_y, np.nan, y), "z": z}
    wanted = np.broadcast_to(Expression(text)(columns), x.shape).astype(float)
    np.testing.assert_array_equal(computed(text), wanted)


REFUSED = {
    "x / 3": "cannot divide by 3",
    "x / y": "cannot divide by a column",
    "x % 3": "cannot divide by 3",
    "x ** 0.5": "cannot compute that power",
    "2 ** x": "cannot compute that power",
    "x * 0.1": "cannot hold the number 0.1 exactly",
    "where(x > 1, inf, x)": "cannot hold the number inf exactly",
    "delta_phi(x, y)": "delta_phi",
}
CANNOT = "sqrt exp expm1 log log10 log2 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh hypot"


@pytest.mark.parametrize("text", REFUSED)
def test_what_hardware_cannot_do_is_refused_by_name(text):
    with pytest.raises(ExpressionError, match=REFUSED[text]) as caught:
        computed(text)
    assert caught.value.hint


@pytest.mark.parametrize("name", CANNOT.split())
def test_functions_that_hardware_does_not_have_are_refused_by_name(name):
    arguments = ", ".join("xy"[: ELEMENTWISE[name][1]])
    with pytest.raises(ExpressionError, match=rf"cannot compute {name}\(\)"):
        computed(f"{name}({arguments})")


def random_text(generator, depth=3):
    """A random expression of what hardware can do."""
    if depth == 0 or generator.random() < 0.1:
        return str(generator.choice(["x", "y", "z", "2", "0.5", "-3", "x", "y"]))
    a, b, c = (random_text(generator, depth - 1) for _ in range(3))
    shapes = [
        "{a} + {b}",
        "{a} - {b}",
        "-({a})",
        "minimum({a}, {b})",
        "maximum({a}, {b})",
        "abs({a})",
        "{a} * 0.5",
        "{a} / 4",
    ]
    shapes += [
        "where({a} < {b}, {b}, {c})",
        "where(ismissing({a}), {b}, {a})",
        "where({a} == {b}, {c}, 1)",
        "floor(({a}) / 2)",
    ]
    shapes += ["round(({a}) / 4)", "({a}) * (z + 1)", "({a} > {b}) * ({c})", "sign({a})", "({a}) % 4", "clip({a}, -2, {b})"]
    shapes += ["where({a} > 0 and {b} <= 1 or not ({c} < 2), {a}, {c})", "({a}) ** 2", "({a}) * ({b})"]
    text = str(generator.choice(shapes)).format(a=f"({a})", b=f"({b})", c=f"({c})")
    return f"({text})"


@pytest.mark.parametrize("seed", range(40))
def test_a_random_expression_in_hardware_gives_what_numpy_gives(seed):
    text = random_text(np.random.default_rng(seed)) + " + x * 0"
    x, y, z, no_x, no_y = GRID.T.astype(float)
    columns = {"x": np.where(no_x, np.nan, x), "y": np.where(no_y, np.nan, y), "z": z}
    wanted = np.broadcast_to(Expression(text)(columns), x.shape).astype(float)
    np.testing.assert_array_equal(computed(text), wanted)


def test_every_function_is_either_computed_or_refused():
    tried = " ".join([*TEXTS, *REFUSED, *CANNOT.split(), "arctan2"])
    assert not [name for name in ELEMENTWISE if name not in tried]
