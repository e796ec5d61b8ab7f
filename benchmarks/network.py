"""The network of the article, which every contender trains: 28-112-112-112-1, ReLU, sigmoid."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

INPUTS = 28
LAYERS = (112, 112, 112)
RATE = 1e-3

SHAPES = tuple(zip((INPUTS, *LAYERS), (*LAYERS, 1), strict=True))
"""Inputs and outputs of each layer."""


def training_flops() -> int:
    """Multiplications and additions in the matrix products of one training step, per event.

    Two for each weight forward, two for the gradient of the weight, two for the gradient of the layer's
    input; the first layer's input needs no gradient. Biases, activations and Adam are not counted.
    """
    weights = [a * b for a, b in SHAPES]
    return 6 * sum(weights) - 2 * weights[0]


def problem(events: int, seed: int = 1) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two overlapping Gaussians: inputs [event, 28] and labels [event], float32; throughput needs no more."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 2, events).astype(np.float32)
    x = generator.standard_normal((events, INPUTS), np.float32) + np.float32(0.25) * y[:, None]
    return x, y


def keras_model(units: int = LAYERS[0], rate: float = RATE, steps_per_execution: int = 1) -> Any:
    """The model as the article writes it, compiled."""
    from fivesigma.models.backend import keras

    k = keras()
    hidden = [k.layers.Dense(units, activation="relu") for _ in LAYERS]
    model = k.Sequential([k.Input((INPUTS,)), *hidden, k.layers.Dense(1, activation="sigmoid")])
    model.compile(
        loss="binary_crossentropy",
        optimizer=k.optimizers.Adam(learning_rate=rate),
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
    )
    return model
