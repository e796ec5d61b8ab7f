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
