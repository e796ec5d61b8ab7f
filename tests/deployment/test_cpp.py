"""C++ headers against the network: expressions, layers, names; the other rules are those of every format."""

import shutil
import subprocess

import numpy as np
import pytest

from fivesigma.deployment import cpp
from fivesigma.deployment.base import FEATURES, PARAMETERS, Deliverable, Input
from fivesigma.deployment.columns import DOUBLE, SINGLE
from fivesigma.deployment.cpp import CPP, Cpp
from fivesigma.errors import MissingExtra, RunError
from fivesigma.expressions import ELEMENTWISE, Expression
from fivesigma.models.backend import keras
from fivesigma.preparation.recipe import Recipe
from fivesigma.testing import check_exporter
from fivesigma.training.network import Network

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="no C++ compiler: headers cannot be compiled"
)


def plain_recipe(count, parameters=()):
    """Features as they are, and 12345 where one is missing."""
    zeros, ones = (0.0,) * count, (1.0,) * count
    names = tuple(f"f{i}" for i in range(count))
    places = tuple(range(count))
    shift, scale = (0.0,) * len(parameters), (1.0,) * len(parameters)
    return Recipe(names, places, (), (), (12345.0,) * count, zeros, ones, parameters, shift, scale, zeros)


def identity(count):
    """A network that gives its inputs."""
    k = keras()
    entry = k.Input((count,))
    model = k.Model(entry, k.layers.Dense(count)(entry))
    model.set_weights([np.eye(count, dtype=np.float32), np.zeros(count, np.float32)])
    return Network(model, plain_recipe(count))


@needs_compiler
def test_the_header_keeps_the_rules():
    check_exporter(CPP)


OPERATORS = [
    *("x + y", "x - y", "x * y", "x / y", "x // y", "x % y", "x ** y", "-x", "(x < y) * 2", "(x <= y) + 1", "(x > y) + 1"),
    *(
        "(x >= y) + 1",
        "(x == y) + 1",
        "(x != y) + 1",
        "where(x and y, 1, 2)",
        "where(x or not y, x, 2)",
        "where(x < y < z, x, y)",
    ),
    *("sqrt(3) * x", "where(where(x > y, x > 0, y > 0), x, z)", "minimum(x, 0) + maximum(0, y)", "x * inf", "2"),
]


@needs_compiler
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_every_function_of_an_expression_gives_what_numpy_gives(dtype, tmp_path):
    values = np.array(
        [
            *(0.0, -0.0, 1, -1, 0.5, -0.5, 0.3, 2, -3.7, 1e-9, 1e-5, 10, -10, 100, np.pi, -np.pi, 9.43),
            np.nan,
            np.inf,
            -np.inf,
        ]
    )
    x, y = (grid.ravel().astype(dtype) for grid in np.meshgrid(values, values))
    columns = {"x": x, "y": y, "z": np.roll(x, 7)}
    texts = [*(f"{name}({', '.join('xyz'[:count])})" for name, (_, count) in ELEMENTWISE.items()), *OPERATORS]
    formulas = {f"f{i}": Expression(text) for i, text in enumerate(texts)}
    network = identity(len(texts))
    inputs = tuple(Input(name, dtype) for name in columns)
    what = Deliverable("multiclass", (network,), inputs, formulas, tuple(formulas), (), {}, {})
    with np.errstate(over="ignore"):
        rows = [np.broadcast_to(np.asarray(v, np.float32), x.shape) for v in what.feature_values(columns)]
    features = np.where(np.isfinite(rows), rows, np.float32(np.nan)).T.astype(np.float32)
    CPP.write(Cpp(), what, tmp_path / "model.hpp")
    found = CPP.load(tmp_path / "model.hpp")({name: column[:, None] for name, column in columns.items()})
    wanted = network.recipe.apply(features, np.zeros((len(x), 0), np.float32))
    for i, text in enumerate(texts):
        np.testing.assert_allclose(found[:, i], wanted[:, i], rtol=4e-7, atol=1e-15, err_msg=text)


def every_layer(x, k):
    x = k.layers.Dense(4)(x)
    names = ("softplus", "softsign", "exponential", "hard_sigmoid", "mish", "gelu", "silu", "selu", "elu", "tanh", "sigmoid")
    kinds = [k.layers.Activation(name)(x) for name in names]
    kinds += [
        k.layers.ReLU()(x),
        k.layers.LeakyReLU(0.3)(x),
        k.layers.ELU(0.7)(x),
        k.layers.PReLU()(x),
        k.layers.Softmax()(x),
    ]
    kinds += [k.layers.LayerNormalization()(x), k.layers.BatchNormalization()(x), k.layers.Rescaling(0.5, offset=1.0)(x)]
    kinds += [k.layers.Average()([x, -x, 3 * x]), k.layers.Maximum()([x, -x]), k.layers.Minimum()([x, 2.0 - x])]
    kinds += [k.layers.Subtract()([x, 2 * x + 1]), k.layers.Multiply()([x, x]), x[:, 1:3]]
    return k.layers.Concatenate()(kinds)


@needs_compiler
def test_every_layer_and_warnings_of_the_compiler(tmp_path):
    k = keras()
    entry = k.Input((3,))
    model = k.Model(entry, every_layer(entry, k))
    generator = np.random.default_rng(1)
    model.set_weights([np.abs(w + generator.normal(0, 0.3, w.shape)) + 0.1 for w in model.get_weights()])
    network = Network(model, plain_recipe(3))
    features = generator.normal(0, 1, (200, 3)).astype(np.float32)
    what = Deliverable("multiclass", (network,), (Input(FEATURES, SINGLE, 3),), None, ("f0", "f1", "f2"), (), {}, {})
    path = tmp_path / "model.hpp"
    CPP.write(Cpp(namespace="mine"), what, path)
    found, wanted = CPP.load(path)({FEATURES: features}), network.score(features)
    np.testing.assert_allclose(found, wanted, rtol=2e-6, atol=2e-6)
    program = tmp_path / "two.cpp"
    program.write_text(
        f'#include "{path}"\n#include "{path}"\nint main() {{ return mine::outputs == {wanted.shape[1]} ? 0 : 1; }}'
    )
    strict = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run([cpp.compiler(), *strict, str(program), "-o", str(tmp_path / "two")], check=True)
    subprocess.run([str(tmp_path / "two")], check=True)


@needs_compiler
def test_columns_with_any_name_and_metadata_with_any_text(tmp_path):
    network = Network(identity(3).model, plain_recipe(2, ("mass",)))
    names = ["Jets/Jets.pt", "Jets.Jets.pt", "class", "1st", "mass"]
    formulas = {"f0": Expression("`Jets/Jets.pt` + 2 * `Jets.Jets.pt`"), "f1": Expression("`class` * `1st`")}
    metadata = {"description": "ends in a backslash \\\nand a second line */ ??/"}
    inputs = tuple(Input(name, DOUBLE if name != "mass" else SINGLE) for name in names)
    what = Deliverable("multiclass", (network,), inputs, formulas, ("f0", "f1"), (), {}, metadata)
    CPP.write(Cpp(), what, tmp_path / "model.hpp")
    columns = {name: np.float64([[i + 1], [2 * i]]) for i, name in enumerate(names)}
    found = CPP.load(tmp_path / "model.hpp")(columns)
    np.testing.assert_array_equal(found, [[5, 12, 5], [4, 24, 8]])


def test_without_a_compiler_there_is_no_comparison_and_so_no_header(monkeypatch):
    monkeypatch.setenv("CXX", "")
    monkeypatch.setattr(cpp.shutil, "which", lambda name: None)
    with pytest.raises(MissingExtra, match=r"no C\+\+ compiler"):
        CPP.needs()


@needs_compiler
def test_a_header_that_does_not_compile_is_an_error(tmp_path):
    network = Network(identity(3).model, plain_recipe(2, ("mass",)))
    inputs = (Input(FEATURES, SINGLE, 2), Input(PARAMETERS, SINGLE, 1))
    CPP.write(Cpp(), Deliverable("multiclass", (network,), inputs, None, ("f0", "f1"), (), {}, {}), tmp_path / "model.hpp")
    (tmp_path / "model.hpp").write_text((tmp_path / "model.hpp").read_text() + "\nint x = y;\n")
    with pytest.raises(RunError, match="does not compile"):
        CPP.load(tmp_path / "model.hpp")
