"""Losses against Keras and NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

from fivesigma.models.backend import keras
from fivesigma.plugins import losses
from fivesigma.training.losses import cross_entropy

RNG = np.random.default_rng(1)
LOGITS = RNG.normal(0, 3, (200, 1)).astype(np.float32)
MANY = RNG.normal(0, 3, (200, 4)).astype(np.float32)
LABELS = RNG.integers(0, 2, 200).astype(np.float32)
CLASSES = RNG.integers(0, 4, 200)


def loss_of(name):
    kind = losses.get(name)
    return kind.make(kind.settings(), "regression", False)


def as_numpy(value):
    return np.asarray(value)


def test_binary_cross_entropy_is_that_of_keras():
    expected = keras().ops.binary_crossentropy(LABELS[:, None], LOGITS, from_logits=True)[:, 0]
    np.testing.assert_allclose(cross_entropy.binary_cross_entropy(LOGITS, LABELS), as_numpy(expected), rtol=1e-5, atol=1e-6)


def test_cross_entropy_is_that_of_keras():
    expected = keras().ops.sparse_categorical_crossentropy(CLASSES, MANY, from_logits=True)
    np.testing.assert_allclose(
        cross_entropy.cross_entropy(MANY, jnp.asarray(CLASSES)), as_numpy(expected), rtol=1e-4, atol=1e-6
    )


def test_losses_of_probabilities_equal_those_of_logits():
    probability = 1 / (1 + np.exp(-LOGITS))
    np.testing.assert_allclose(
        cross_entropy.binary_cross_entropy_of_probability(probability, LABELS),
        cross_entropy.binary_cross_entropy(LOGITS, LABELS),
        rtol=2e-4,
        atol=1e-6,
    )
    powers = np.exp(MANY)
    np.testing.assert_allclose(
        cross_entropy.cross_entropy_of_probability(powers / powers.sum(axis=1, keepdims=True), jnp.asarray(CLASSES)),
        cross_entropy.cross_entropy(MANY, jnp.asarray(CLASSES)),
        rtol=2e-4,
        atol=1e-6,
    )


def test_extreme_logits_give_finite_losses():
    extreme = np.array([[1e4], [-1e4]], np.float32)
    assert np.isfinite(cross_entropy.binary_cross_entropy(extreme, np.array([0.0, 1.0]))).all()


@pytest.mark.parametrize("name", ["huber", "log_cosh", "squared_error", "absolute_error"])
def test_regression_losses_are_those_of_keras(name):
    target = RNG.normal(0, 1, 200).astype(np.float32)
    classes = {
        "huber": "Huber",
        "log_cosh": "LogCosh",
        "squared_error": "MeanSquaredError",
        "absolute_error": "MeanAbsoluteError",
    }
    expected = getattr(keras().losses, classes[name])(reduction=None)(target[:, None], LOGITS)
    ours = loss_of(name)(LOGITS, target)
    np.testing.assert_allclose(ours, as_numpy(expected), rtol=1e-4, atol=1e-5)
