"""ONNX files against the network: recipe, layers, parameters, folds, opsets, bytes, metadata."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fivesigma.deployment.base import FEATURES, PARAMETERS, Deliverable, Input
from fivesigma.deployment.columns import DOUBLE, SINGLE
from fivesigma.deployment.graph import SMALL
from fivesigma.deployment.onnx import Onnx, build, load, notes, write
from fivesigma.errors import RunError
from fivesigma.expressions import Expression
from fivesigma.models.backend import keras
from fivesigma.models.base import Inputs
from fivesigma.models.mlp import Mlp, mlp
from fivesigma.preparation.recipe import Recipe
from fivesigma.training.folds import Folds
from fivesigma.training.network import LINKS, Network

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


NUMBERS = ("fill", "shift", "scale")


def recipe_of(parameters=0):
    """All that a recipe can do, with a shift that single precision does not hold."""
    return Recipe(
        features=("a", "b", "c", "d"),
        kept=(0, 2, 3),
        logarithm=(2,),
        flagged=(0, 3),
        fill=(0.5, 1.0, 1000.12),
        shift=(0.1, -0.2, 1000.123456789),
        scale=(1.5, 0.7, 0.001),
        parameters=("mass", "width")[:parameters],
        parameter_shift=(1000.123456789, 3.0)[:parameters],
        parameter_scale=(0.5, 2.0)[:parameters],
        missing=(0.1, 1.0, 0.0, 0.2),
    )


def events(parameters=0, count=300):
    generator = np.random.default_rng(3)
    x = generator.normal(0, 1, (count, 4)).astype(np.float32)
    x[:, 3] = 1000.123 + generator.normal(0, 0.002, count)
    x[::7, 0] = x[::5, 3] = x[3, 2] = x[5] = np.nan
    x[4, 2] = 0
    p = np.asarray([1000.0, 4.0][:parameters] + generator.normal(size=(count, parameters)), np.float32)
    return x, p


def shaken(model, seed=1):
    """A model with weights, means and variances such as a training gives."""
    generator = np.random.default_rng(seed)
    model.set_weights([w + generator.normal(0, 0.3, w.shape) for w in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, keras().layers.BatchNormalization):
            layer.moving_variance.assign(np.abs(np.asarray(layer.moving_variance)) + 0.3)
    return model


@cache
def network_of(task="binary", parameters=0, seed=1, mode="input", **settings):
    recipe = recipe_of(parameters)
    inputs = Inputs(
        len(recipe.inputs), outputs=3 if task == "multiclass" else 1, link=LINKS[task], parameters=parameters, seed=seed
    )
    model = shaken(mlp(Mlp(**{"layers": [8, 6], "parameters": mode, **settings}), inputs), seed)
    return Network(model, recipe, *((4.0, -1.5) if task == "regression" else ()))


def deliverable(*networks, task="binary", fixed=None):
    free = [name for name in networks[0].recipe.parameters if name not in (fixed or {})]
    inputs = [Input(FEATURES, SINGLE, 4), *([Input(PARAMETERS, SINGLE, len(free))] if free else [])]
    return Deliverable(task, networks, tuple(inputs), None, ("a", "b", "c", "d"), (), fixed or {}, {"fivesigma": "1"})


def scores(what, arrays, tmp_path, **settings):
    write(Onnx(**settings), what, tmp_path / "model.onnx")
    return load(tmp_path / "model.onnx")(arrays)


@pytest.mark.parametrize("mode", ["input", "affine", "both"])
def test_a_parameterised_network_of_two_classes(mode, tmp_path):
    own, (x, p) = network_of(parameters=2, mode=mode, activation="gelu", batch_norm=True, dropout=0.1), events(2)
    found = scores(deliverable(own), {FEATURES: x, PARAMETERS: p}, tmp_path)
    assert found.shape == (300,)
    assert np.abs(found - own.score(x, p)).max() < 5e-7
    assert np.ptp(found) > 0.1


@pytest.mark.parametrize("activation", ["relu", "tanh", "selu", "elu", "silu", "leaky_relu", "sigmoid"])
def test_several_classes_with_every_activation(activation, tmp_path):
    own, (x, _) = network_of("multiclass", activation=activation), events()
    found = scores(deliverable(own, task="multiclass"), {FEATURES: x}, tmp_path)
    assert np.abs(found - own.score(x)).max() < 5e-7


def test_a_regression_with_missing_values_and_the_scale_of_its_target(tmp_path):
    own, (x, _) = network_of("regression"), events()
    what = deliverable(own, task="regression")
    found = scores(what, {FEATURES: x}, tmp_path)
    assert np.abs(found - own.score(x)).max() < 5e-7 * np.abs(own.score(x)).max()
    infinite = np.where(np.isnan(x), np.float32(np.inf), x)
    np.testing.assert_array_equal(load(tmp_path / "model.onnx")({FEATURES: infinite}), found)
    assert load(tmp_path / "model.onnx")({FEATURES: x[:0]}).shape == (0,)


def operators(what):
    return [node.op_type for node in build(Onnx(), what).graph.node]


@pytest.mark.parametrize("mode", ["input", "affine"])
def test_first_layers_divide_by_the_scale_unless_something_else_takes_the_inputs(mode, tmp_path):
    own, (x, p) = network_of(parameters=2, mode=mode), events(2)
    what = deliverable(own)
    assert ("Div" in operators(what)) == (mode == "affine")
    assert np.abs(scores(what, {FEATURES: x, PARAMETERS: p}, tmp_path) - own.score(x, p)).max() < 5e-7


@pytest.mark.parametrize("factor", [1e-25, 1e25])
def test_a_scale_that_no_weight_can_hold_stays_a_division(factor, tmp_path):
    own, (x, _) = network_of(), events()
    recipe = replace(own.recipe, logarithm=(), **{k: tuple(factor * v for v in getattr(own.recipe, k)) for k in NUMBERS})
    other, x = replace(own, recipe=recipe), (factor * x.astype(np.float64)).astype(np.float32)
    what = deliverable(other)
    assert "Div" in operators(what)
    found = scores(what, {FEATURES: x}, tmp_path)
    assert np.ptp(found) > 0.1
    assert np.abs(found - other.score(x)).max() < 5e-7


def test_folds_are_one_graph_that_gives_their_mean(tmp_path):
    folds, (x, p) = Folds(tuple(network_of(parameters=1, seed=seed) for seed in (1, 2, 3))), events(1)
    found = scores(deliverable(*folds.networks), {FEATURES: x, PARAMETERS: p}, tmp_path)
    assert np.abs(found - folds.score(x, p)).max() < 2e-7


@pytest.mark.parametrize("fixed", [{"mass": 1000.5}, {"width": 2.0}, {"mass": 999.0, "width": 4.5}])
def test_parameters_can_be_fixed(fixed, tmp_path):
    own, (x, p) = network_of(parameters=2), events(2)
    for i, name in enumerate(own.recipe.parameters):
        p[:, i] = fixed.get(name, p[:, i])
    free = p[:, [i for i, name in enumerate(own.recipe.parameters) if name not in fixed]]
    found = scores(deliverable(own, fixed=fixed), {FEATURES: x, PARAMETERS: free}, tmp_path)
    assert np.abs(found - own.score(x, p)).max() < 5e-7


def test_columns_go_in_and_new_variables_are_computed_inside(tmp_path):
    own, (x, p) = network_of(parameters=1), events(1)
    formulas = {
        "a": Expression("where(turned < 0, -1, 1) * first"),
        "turned": Expression("delta_phi(phi, 3)"),
        "c": Expression("sqrt(first ** 2 + 1)"),
        "b": Expression("2"),
    }
    columns = {"first": x[:, 0].astype(np.float64), "phi": np.linspace(-3, 3, 300).astype(np.float32), "d": x[:, 3]}
    columns["first"][10:20] = -999
    inputs = [Input("first", DOUBLE), Input("phi", SINGLE), Input("d", SINGLE), Input("mass", SINGLE)]
    what = Deliverable("binary", (own,), tuple(inputs), formulas, ("a", "b", "c", "d"), (-999.0,), {}, {})
    arrays = {name: column[:, None] for name, column in {**columns, "mass": p[:, 0]}.items()}
    found = scores(what, arrays, tmp_path)
    columns["first"][10:20] = np.nan
    features = np.stack([np.broadcast_to(v, 300) for v in what.feature_values(columns)], axis=1).astype(np.float32)
    assert np.abs(found - own.score(features, p)).max() < 5e-7
    assert "double precision" in notes(Onnx(), tmp_path / "model.onnx")[0]


@pytest.mark.parametrize("opset", range(13, 24))
def test_every_opset_says_the_same_with_operators_that_small_runtimes_take(opset, tmp_path):
    own, (x, p) = network_of(parameters=1, mode="both", activation="gelu", batch_norm=True), events(1)
    found = scores(deliverable(own), {FEATURES: x, PARAMETERS: p}, tmp_path, opset=opset)
    assert np.abs(found - own.score(x, p)).max() < 5e-7
    model = onnx.load(tmp_path / "model.onnx")
    assert (model.opset_import[0].version, model.graph.name) == (opset, "fivesigma")
    assert {node.op_type for node in model.graph.node} <= SMALL
    assert model.ir_version == onnx.helper.find_min_ir_version_for(model.opset_import)
    assert notes(Onnx(), tmp_path / "model.onnx") == []


def test_the_same_network_gives_the_same_bytes(tmp_path):
    own = network_of()
    for name in ("one", "two"):
        write(Onnx(), deliverable(own), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_metadata_and_names_are_in_the_file():
    model = build(Onnx(licence="CC-BY-4.0"), deliverable(network_of("multiclass"), task="multiclass"))
    assert {entry.key: entry.value for entry in model.metadata_props} == {"fivesigma": "1", "licence": "CC-BY-4.0"}
    assert [given.name for given in model.graph.input] == ["features"]
    assert [given.name for given in model.graph.output] == ["probabilities"]
    assert json.dumps(model.producer_name) == '"fivesigma"'


def custom(layers):
    """A network of layers, after a Dense layer of four units."""
    k = keras()
    entry = k.Input((5,))
    x = layers(k.layers.Dense(4)(entry), k)
    x = k.layers.Dense(1)(x)
    return Network(shaken(k.Model(entry, k.layers.Activation("sigmoid")(x))), recipe_of())


LAYERS = {
    "activations": lambda x, k: k.layers.Concatenate()(
        [
            k.layers.Activation(a)(x)
            for a in ("softplus", "softsign", "exponential", "hard_sigmoid", "mish", "linear", "gelu")
        ]
    ),
    "activation layers": lambda x, k: k.layers.Concatenate()(
        [k.layers.ReLU()(x), k.layers.LeakyReLU(0.3)(x), k.layers.ELU(0.7)(x), k.layers.PReLU()(x), k.layers.Softmax()(x)]
    ),
    "norms": lambda x, k: k.layers.LayerNormalization()(k.layers.BatchNormalization(scale=False, center=False)(x)),
    "sums": lambda x, k: k.layers.Add()([x, k.layers.Multiply()([x, x]), k.layers.Subtract()([x, k.layers.Dense(4)(x)])]),
    "extremes": lambda x, k: k.layers.Average()([k.layers.Maximum()([x, -x]), k.layers.Minimum()([x, 2.0 - x])]),
    "numbers": lambda x, k: k.layers.Rescaling(0.5, offset=1.0)((1.5 * x + 2.0 - 0.25) * 0.5),
    "nothing": lambda x, k: k.layers.Flatten()(k.layers.GaussianNoise(0.2)(k.layers.Dropout(0.2)(k.layers.Identity()(x)))),
    "columns": lambda x, k: k.layers.Concatenate()([x[:, 1:3], x[:, -1:], x[:, ::2]]),
    "inner": lambda x, k: k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="relu", use_bias=False)])(x),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_a_users_own_network(name, tmp_path):
    own, (x, _) = custom(LAYERS[name]), events()
    found = scores(deliverable(own), {FEATURES: x}, tmp_path)
    assert np.abs(found - own.score(x)).max() < (5e-6 if name == "norms" else 1e-6)  # nearly equal values are stretched
    assert np.ptp(found) > 0.01


UNKNOWN = {
    r"'turned' \(Reshape\).*more than one axis": lambda x, k: k.layers.Flatten()(k.layers.Reshape((4, 1), name="turned")(x)),
    r"'unit' \(UnitNormalization\)": lambda x, k: k.layers.UnitNormalization(name="unit")(x),
    r"'six' \(ReLU\).*largest value": lambda x, k: k.layers.ReLU(max_value=6.0, name="six")(x),
    r"'act' \(Activation\).*'tanh_shrink'": lambda x, k: k.layers.Activation("tanh_shrink", name="act")(x),
}


@pytest.mark.parametrize("message", UNKNOWN)
def test_an_unknown_layer_is_refused_by_name(message):
    with pytest.raises(RunError, match=message) as caught:
        build(Onnx(), deliverable(custom(UNKNOWN[message])))
    assert "BatchNormalization" in caught.value.hint


def test_an_operator_that_small_runtimes_lack_is_refused():
    from fivesigma.deployment.graph import Graph

    with pytest.raises(RunError, match="Atan is not among"):
        Graph().node("Atan", "x")
