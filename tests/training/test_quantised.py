"""Layers with trainable bit widths go through the same compiled loop (HGQ2, an optional library)."""

import numpy as np
import pytest

from fivesigma.analysis.train import Train
from fivesigma.models.backend import keras
from fivesigma.training.fit import fit
from fivesigma.training.problem import Problem

from .test_fit import INPUTS, sample


@pytest.mark.filterwarnings("ignore")
def test_quantised_layers_are_trained_bit_widths_and_all():
    k = keras()
    layers = pytest.importorskip("hgq.layers", reason="HGQ2 is not installed")
    scope = pytest.importorskip("hgq.config").LayerConfigScope
    with scope(enable_ebops=True, beta0=1e-5):
        entry = k.Input((INPUTS,))
        hidden = layers.QDense(16, activation="relu")(entry)
        model = k.Model(entry, k.layers.Activation("sigmoid")(layers.QDense(1)(hidden)))
    widths = [np.asarray(v.value).copy() for v in model.trainable_variables if "quantizer" in v.path]
    history = fit(
        model,
        sample("binary"),
        sample("binary", seed=4),
        Train(epochs=12, batch_size=32, learning_rate=0.01),
        Problem("binary"),
    )
    assert history[-1]["val_accuracy"] > 0.8
    after = [np.asarray(v.value) for v in model.trainable_variables if "quantizer" in v.path]
    assert any(not np.array_equal(one, other) for one, other in zip(widths, after, strict=True))
    assert all("ebops" not in v.path or float(np.asarray(v.value).sum()) > 0 for v in model.non_trainable_variables)
