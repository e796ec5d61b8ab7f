"""The quantised network: its layers, its settings, its file, and trainings that do not suit it."""

import sys

import numpy as np
import pytest

import fivesigma as fs
from fivesigma.errors import AnalysisError, MissingExtra
from fivesigma.models.backend import keras, load_model
from fivesigma.models.base import Inputs
from fivesigma.models.quantised import QUANTISED, Quantised

SETTINGS = Quantised(layers=[4, 3])


@pytest.fixture
def hgq():
    return pytest.importorskip("hgq", reason="HGQ2 is not installed")


def test_quantised_layers_end_before_the_probability(hgq):
    model = QUANTISED.build(SETTINGS, Inputs(4, outputs=3, link="softmax", parameters=1, seed=3))
    assert [layer.name for layer in model.layers] == ["inputs", "hidden_1", "hidden_2", "output", "softmax"]
    kinds = [type(layer) for layer in model.layers]
    assert kinds[1:] == [hgq.layers.QDense] * 3 + [keras().layers.Activation]
    assert [layer.activation.__name__ for layer in model.layers[1:]] == ["relu", "relu", "linear", "softmax"]
    assert all(each.config.scaler is None for layer in model.layers[1:4] for each in (layer.iq, layer.kq, layer.bq))


def test_the_defaults_of_the_process_change_nothing(hgq):
    with hgq.config.LayerConfigScope(enable_ebops=False, enable_oq=True, beta0=3.0):
        model = QUANTISED.build(SETTINGS, Inputs(4, link="linear"))
    layer = model.layers[1]
    assert layer.enable_ebops
    assert not layer.enable_oq
    assert float(layer.beta) == pytest.approx(1e-8)


def test_the_same_seed_gives_the_same_weights_and_a_file_the_same_outputs(hgq, tmp_path):
    inputs = Inputs(4, link="sigmoid", seed=3)
    one, same, other = (QUANTISED.build(SETTINGS, Inputs(4, link="sigmoid", seed=seed)) for seed in (3, 3, 4))
    pairs = [[np.array_equal(a, b) for a, b in zip(one.get_weights(), m.get_weights(), strict=True)] for m in (same, other)]
    assert all(pairs[0])
    assert not all(pairs[1])
    one.save(tmp_path / "model.keras")
    x = np.random.default_rng(1).normal(size=(20, int(inputs))).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(load_model(tmp_path / "model.keras")(x)), np.asarray(one(x)))


def test_a_file_with_quantised_layers_says_what_is_missing(hgq, tmp_path, monkeypatch):
    QUANTISED.build(SETTINGS, Inputs(4)).save(tmp_path / "model.keras")
    monkeypatch.setitem(sys.modules, "hgq", None)
    with pytest.raises(MissingExtra, match=r"a quantised network needs 'hgq'") as caught:
        load_model(tmp_path / "model.keras")
    assert "fivesigma[firmware]" in caught.value.hint


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"train.optimizer": "sgd"}, "hardly moves the bits"),
        ({"train.weight_decay": 0.01, "train.optimizer": "adamw"}, "make the bits of a quantised network decay"),
        ({"train.average": 0.99}, "average numbers of bits"),
        ({"train.patience": 3}, "stop before the last step"),
        ({"train.epochs": 3}, "each of the 4 steps of `model.beta` needs one"),
        ({"model.beta": [1e-6, 1e-7]}, "must increase"),
        ({"model.activation": "gelu"}, "is not allowed"),
        ({"model.budget": {"ebops": 0}}, "greater than 0"),
    ],
)
def test_trainings_that_break_it_are_refused_in_a_sentence(settings, words):
    with pytest.raises(AnalysisError, match=words):
        fs.load("muon-pt-firmware", settings)
