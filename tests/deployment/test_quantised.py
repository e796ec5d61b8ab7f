"""Quantised networks in formats without numbers of bits: ONNX and C++ give every bit of them."""

import shutil

import numpy as np
import pytest

from fivesigma.deployment.base import FEATURES, Deliverable, Input
from fivesigma.deployment.columns import SINGLE
from fivesigma.deployment.layers import steps_of
from fivesigma.deployment.onnx import ONNX, Onnx
from fivesigma.errors import RunError
from fivesigma.models.backend import keras
from fivesigma.training.network import Network

from .conftest import quantised, recipe_of

pytest.importorskip("hgq")
pytest.importorskip("onnxruntime")

FORMATS = ["onnx"] + (["cpp"] if shutil.which("g++") else [])


def wrapping():
    """A network whose ranges wrap around, with some values of no bits, output quantisers, and one that cuts off."""
    from hgq.config import QuantizerConfig
    from hgq.layers import QDense
    from hgq.quantizer import Quantizer

    def bits(signed, integers, fractional, mode="RND", overflow="WRAP"):
        return QuantizerConfig(
            "kif", "datalane", k0=signed, i0=integers, f0=fractional, round_mode=mode, overflow_mode=overflow
        )

    entry = keras().Input((4,))
    x = QDense(6, activation="relu", iq_conf=bits(1, 1, 3), oq_conf=bits(0, 1, 4), enable_oq=True, name="one")(entry)
    x = Quantizer(bits(0, 1, 2, "TRN", "SAT_SYM"), name="between")(x)
    x = QDense(5, activation="relu", iq_conf=bits(0, 0, 5), use_bias=False, name="two")(x)
    x = QDense(3, iq_conf=bits(0, 1, 6), name="three")(x)
    model = keras().Model(entry, keras().layers.Activation("softmax", name="softmax")(x))
    # Of the third value nothing is left.
    model.get_layer("three").iq.quantizer._f.assign(np.where(np.arange(5) == 2, -4.0, 6.0)[None, :])
    generator = np.random.default_rng(1)
    for layer in ("one", "two", "three"):
        kernel = model.get_layer(layer)._kernel
        kernel.assign(kernel + generator.normal(0, 0.3, kernel.shape))
    return model


NETWORKS = {
    "saturating": (lambda: quantised(4), "regression"),
    "binary": (lambda: quantised(4, 1, "sigmoid"), "binary"),
    "wrapping": (wrapping, "multiclass"),
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_score_is_that_of_the_network(name, format, tmp_path):
    from fivesigma import plugins

    build, task = NETWORKS[name]
    network = Network(build(), recipe_of(), 10.0 if task == "regression" else 1.0)
    what = Deliverable(task, (network,), (Input(FEATURES, SINGLE, 4),), None, network.recipe.features, (), {}, {})
    features = np.random.default_rng(2).normal(0, 20, (5000, 4)).astype(np.float32)
    features[::9, 1] = np.nan
    exporter = plugins.exporters.get(format)
    exporter.write(exporter.settings(), what, tmp_path / f"model{exporter.ending}")
    found = exporter.load(tmp_path / f"model{exporter.ending}")({FEATURES: features})
    wanted = network.score(features)
    assert np.ptp(wanted) > 0.1
    if task == "regression":  # the sigmoid and the softmax are another library's
        np.testing.assert_array_equal(found, wanted)
    else:
        assert np.abs(found - wanted).max() < 2e-7


def test_a_quantiser_that_no_format_knows_is_refused_by_its_layer():
    from hgq.config import QuantizerConfig
    from hgq.layers import QDense

    entry = keras().Input((4,))
    odd = QDense(2, iq_conf=QuantizerConfig("kif", "datalane", round_mode="RND_CONV"), name="odd")(entry)
    with pytest.raises(RunError, match=r"'odd' \(QDense\).*rounds by RND_CONV"):
        steps_of(keras().Model(entry, odd))


def test_small_runtimes_are_told_that_it_rounds(tmp_path):
    network = Network(quantised(4), recipe_of())
    what = Deliverable("regression", (network,), (Input(FEATURES, SINGLE, 4),), None, network.recipe.features, (), {}, {})
    ONNX.write(Onnx(), what, tmp_path / "model.onnx")
    (note,) = ONNX.notes(Onnx(), tmp_path / "model.onnx")
    assert note.endswith("the layers are quantised")
    assert "Floor" in note
