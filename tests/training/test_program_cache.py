"""Programs that are traced once: found again for the same shape, never for another, and never wrong."""

import numpy as np
import pytest

from fivesigma.analysis.train import Train
from fivesigma.models.backend import keras as keras_on_jax
from fivesigma.models.base import Inputs
from fivesigma.models.mlp import Mlp, mlp
from fivesigma.training import fit as fitting
from fivesigma.training import program_cache as keeping
from fivesigma.training.fit import fit
from fivesigma.training.problem import Problem
from fivesigma.training.program_cache import cached_program
from fivesigma.training.windows import Arrays


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    monkeypatch.setattr(keeping, "_programs", type(keeping._programs)())


def arrays(seed):
    generator = np.random.default_rng(seed)
    x = generator.normal(0, 1, (200, 3)).astype(np.float32)
    return Arrays(x, (x[:, 0] > 0).astype(np.float32), np.ones(200), np.ones(200))


def trained(monkeypatch, made, seed=1, layers=(8,), **settings):
    """Weights after a training, with every program that is traced noted."""
    original = fitting.compiled_window
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "compiled_window", lambda *a, **k: made.append(1) or original(*a, **k))
        model = mlp(Mlp(layers=list(layers), dropout=0.2), Inputs(3, link="sigmoid", seed=seed))
        fit(
            model,
            arrays(seed),
            arrays(5),
            Train(**{"epochs": 2, "batch_size": 32, "seed": seed, **settings}),
            Problem("binary"),
        )
    return model.get_weights()


def test_another_start_and_another_rate_take_the_same_program_and_end_as_alone(monkeypatch):
    made = []
    first = trained(monkeypatch, made)
    second = trained(monkeypatch, made, seed=2, learning_rate=0.01)
    assert len(made) == 1
    keeping._programs.clear()
    for one, other in zip(second, trained(monkeypatch, made, seed=2, learning_rate=0.01), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(made) == 2
    assert not np.array_equal(first[0], second[0])


@pytest.mark.parametrize(
    "change",
    [
        {"layers": (9,)},
        {"batch_size": 50},
        {"clip_norm": 1.0},
        {"optimizer": "sgd"},
        {"schedule": "cosine"},
        {"epochs": 3},
        {"average": 0.9},
        {"weight_decay": 0.1},
    ],
)
def test_what_the_program_depends_on_makes_another(monkeypatch, change):
    made = []
    trained(monkeypatch, made)
    trained(monkeypatch, made, **change)
    assert len(made) == 2


def test_what_is_not_keras_s_own_is_never_kept():
    keras = keras_on_jax()

    class Own(keras.layers.Layer):
        def call(self, x):
            return x

    entry = keras.Input((3,))
    network = keras.Model(entry, Own()(keras.layers.Dense(2)(entry)))
    calls = []
    for _ in range(2):
        cached_program(network, (), lambda: calls.append(1))
    function = keras.Model(entry, keras.layers.Activation(lambda x: 2 * x)(keras.layers.Dense(2)(entry)))
    for _ in range(2):
        cached_program(function, (), lambda: calls.append(1))
    assert len(calls) == 4


def test_only_so_many_are_kept():
    network = mlp(Mlp(layers=[4]), Inputs(3, link="sigmoid", seed=1))
    for number in range(keeping.MOST + 5):
        cached_program(network, (number,), lambda number=number: number)
    assert len(keeping._programs) == keeping.MOST
    assert cached_program(network, (keeping.MOST + 4,), lambda: "made anew") == keeping.MOST + 4
    assert cached_program(network, (0,), lambda: "made anew") == "made anew"
