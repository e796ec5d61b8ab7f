"""C++ headers against the network: expressions, layers, names; the other rules are those of every format."""

import shutil
import subprocess

import numpy as np
import pytest
from pydantic import ValidationError

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


def written(what, path, **settings):
    CPP.write(Cpp(**settings), what, path)
    return path


def of_formula(text, names, weight=1.0):
    network = identity(1)
    network.model.set_weights([np.float32([[weight]]), np.zeros(1, np.float32)])
    inputs = tuple(Input(name, DOUBLE) for name in names)
    return Deliverable("multiclass", (network,), inputs, {"f0": Expression(text)}, ("f0",), (), {}, {})


@needs_compiler
@pytest.mark.parametrize(
    "flags", [["-O2"], ["-O3", "-march=native"], ["-O2", "-mfma"], ["-O3", "-march=native", "-fno-math-errno"]]
)
def test_the_root_of_a_difference_of_squares_is_that_of_the_training_whatever_the_compiler_fuses(tmp_path, flags):
    generator = np.random.default_rng(1)
    momentum = generator.normal(0, 30, (1000, 3))
    energy = np.sqrt((momentum**2).sum(axis=1))  # without mass, so that rounding decides whether there is a root
    names, columns = ("e", "px", "py", "pz"), np.column_stack([energy, momentum])
    what = of_formula("sqrt(e*e - px*px - py*py - pz*pz)", names)
    with np.errstate(invalid="ignore"):
        [mass] = what.feature_values(dict(zip(names, columns.T, strict=True)))
    path = written(what, tmp_path / "model.hpp")
    command = [
        cpp.compiler(),
        "-std=c++17",
        *flags,
        "-DFIVESIGMA_TEST_PROGRAM",
        "-x",
        "c++",
        str(path),
        "-o",
        str(tmp_path / "m"),
    ]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"this compiler does not know {flags}")
    text = "\n".join(" ".join(map(repr, row)) for row in columns.tolist())
    done = subprocess.run([str(tmp_path / "m")], input=text, capture_output=True, text=True, check=False)
    if done.returncode < 0:
        pytest.skip("this processor does not know these instructions")
    np.testing.assert_array_equal(np.float32(done.stdout.split()), np.where(np.isnan(mass), 12345, mass).astype(np.float32))


@needs_compiler
@pytest.mark.parametrize("flag", ["-ffast-math", "-ffinite-math-only"])
def test_a_compiler_that_forgets_missing_values_is_refused(tmp_path, flag):
    path = written(of_formula("x", ["x"]), tmp_path / "model.hpp")
    command = [cpp.compiler(), "-std=c++17", flag, "-fsyntax-only", "-x", "c++", str(path)]
    assert "missing values are NaN" in subprocess.run(command, capture_output=True, text=True, check=False).stderr


@needs_compiler
def test_two_models_of_one_namespace_are_refused_by_the_compiler(tmp_path):
    one, again = (written(of_formula("x", ["x"]), tmp_path / f"{name}.hpp") for name in ("one", "again"))
    other = written(of_formula("x", ["x"], weight=2.0), tmp_path / "other.hpp")
    apart = written(of_formula("x", ["x"], weight=2.0), tmp_path / "apart.hpp", namespace="apart")
    for second, words in ((again, ""), (other, "another model has the namespace fivesigma"), (apart, "")):
        (tmp_path / "two.cpp").write_text(f'#include "{one}"\n#include "{second}"\n')
        command = [cpp.compiler(), "-std=c++17", "-Wall", "-Werror", "-fsyntax-only", str(tmp_path / "two.cpp")]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        assert bool(said) == bool(words), said
        assert words in said


@needs_compiler
def test_columns_that_have_the_names_of_keywords_and_macros(tmp_path):
    names = ["bitand", "wchar_t", "NAN", "INFINITY", "M_PI", "static_cast", "x__y", "_Up", "ends\\", "last", "EOF"]
    what = of_formula(" + ".join(f"`{name}`" for name in names), names)
    found = CPP.load(written(what, tmp_path / "model.hpp"))({name: np.float64([[2.0**i]]) for i, name in enumerate(names)})
    assert found.tolist() == [2.0 ** len(names) - 1]


def test_a_namespace_that_means_something_else_is_refused():
    for name in ("class", "std", "main", "NAN"):
        with pytest.raises(ValidationError, match="means something else in C"):
            Cpp(namespace=name)


@needs_compiler
def test_no_events_have_no_scores(tmp_path):
    score = CPP.load(written(of_formula("x", ["x"]), tmp_path / "model.hpp"))
    assert score({"x": np.zeros((0, 1))}).shape == (0,)


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


@needs_compiler
def test_what_a_formula_leaves_behind_is_no_line_of_the_header(tmp_path):
    """A difference of angles is found within an arctangent, whose sine and cosine nobody needs then."""
    path = written(of_formula("delta_phi(a, b)", ["a", "b"]), tmp_path / "model.hpp")
    assert "= static_cast<double>(sin(" not in path.read_text()
    strict = ["-O2", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-DFIVESIGMA_TEST_PROGRAM", "-x", "c++"]
    subprocess.run([cpp.compiler(), *strict, str(path), "-o", str(tmp_path / "test")], check=True)
    found = CPP.load(path)({"a": np.float64([[3.0], [0.5]]), "b": np.float64([[-3.0], [0.25]])})
    np.testing.assert_allclose(found.ravel(), [6 - 2 * np.pi, 0.25], rtol=1e-6)
