"""The multilayer perceptron and its backend."""

import subprocess
import sys

import numpy as np

from fivesigma.models.base import Inputs
from fivesigma.models.mlp import Mlp, mlp


def test_the_articles_network_has_its_number_of_weights():
    model = mlp(Mlp(layers=[112, 112, 112]), Inputs(28, link="sigmoid"))
    assert model.count_params() == 28 * 112 + 112 + 2 * (112 * 112 + 112) + 112 + 1


def test_same_seed_same_weights():
    first, second, other = (mlp(Mlp(layers=[8]), Inputs(3, link="sigmoid", seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_one_dropout_per_layer():
    model = mlp(Mlp(layers=[8, 8, 8], dropout=[0.1, 0, 0.3], batch_norm=True), Inputs(3, outputs=4, link="softmax"))
    assert [layer.rate for layer in model.layers if "dropout" in layer.name] == [0.1, 0.3]


def test_another_backend_already_loaded_is_said_clearly():
    code = (
        "import os; os.environ['KERAS_BACKEND'] = 'numpy'; import keras\n"
        "from fivesigma.models.backend import keras as ours\n"
        "try: ours()\nexcept Exception as error: print(type(error).__name__, error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "already loaded with the numpy backend" in run.stdout


def test_an_affine_network_is_what_its_formula_says():
    model = mlp(Mlp(layers=[5, 4], activation="tanh", parameters="affine"), Inputs(4, seed=3, parameters=1))
    weights = {layer.name: [np.asarray(w, np.float64) for w in layer.get_weights()] for layer in model.layers}
    rows = np.random.default_rng(1).normal(0, 1, (7, 4)).astype(np.float32)
    h, m = rows[:, :3].astype(np.float64), rows[:, 3:].astype(np.float64)

    def dense(name, x):
        return x @ weights[name][0] + weights[name][1]

    for i in (1, 2):
        h = np.tanh(dense(f"hidden_{i}", h)) * dense(f"scale_{i}", m) + dense(f"shift_{i}", m)
    np.testing.assert_allclose(model(rows), dense("output", h), rtol=2e-5, atol=1e-6)


def test_without_parameters_there_is_nothing_affine():
    inputs = Inputs(3, link="sigmoid", seed=1)
    plain, affine = (mlp(Mlp(layers=[8], parameters=kind), inputs) for kind in ("input", "affine"))
    assert plain.count_params() == affine.count_params()
