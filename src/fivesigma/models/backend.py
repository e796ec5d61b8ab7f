"""Keras on JAX, chosen before Keras is first imported."""

import os
import sys
import zipfile
from pathlib import Path
from typing import Any

from fivesigma import extras
from fivesigma.cluster.devices import set_up
from fivesigma.errors import FivesigmaError


def keras() -> Any:
    """The Keras module, running on JAX.

    Raises:
        FivesigmaError: if Keras was already imported with another backend.
    """
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "jax"
    set_up()
    with extras.alone():
        import keras as module

    backend = module.backend.backend()
    if backend != "jax":
        raise FivesigmaError(
            f"Keras is already loaded with the {backend} backend, and fivesigma needs JAX",
            hint="set KERAS_BACKEND=jax in the environment, or import fivesigma before keras",
        )
    return module


def last_operation(model: Any) -> tuple[Any, Any]:
    """The operation whose result a model gives, and what it is applied to.

    The last of `model.layers` may be another one: operations such as `0.5 * x` are no layers, and a layer may be called
    several times. An `Activation("linear")`, by which networks of mixed precision end in float32, changes nothing and is
    passed over.

    Args:
        model: a Keras model with one output.

    Returns:
        (a layer or an operation of `keras.ops`, the tensors it takes: one, or a list)
    """
    k = keras()
    tensor = model.outputs[0]
    while True:
        history = tensor._keras_history
        tensors = history.operation._inbound_nodes[history.node_index].input_tensors
        if type(history.operation) is not k.layers.Activation or history.operation.activation is not k.activations.linear:
            return history.operation, tensors[0] if len(tensors) == 1 else list(tensors)
        tensor = tensors[0]


def load_model(path: Path) -> Any:
    """Read a saved Keras model, after the library of its layers.

    Args:
        path: a `.keras` file; no code in it is run.

    Raises:
        MissingExtra: if it has quantised layers, and HGQ2 is not installed.
    """
    k = keras()
    with zipfile.ZipFile(path) as archive:
        quantised = b'"hgq' in archive.read("config.json")
    if quantised:
        extras.hgq()  # registers its layers
    return k.saving.load_model(path, compile=False)
