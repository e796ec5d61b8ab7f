"""Keras on JAX, chosen before Keras is first imported."""

import os
import sys
from typing import Any

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
    import keras as module

    backend = module.backend.backend()
    if backend != "jax":
        raise FivesigmaError(
            f"Keras is already loaded with the {backend} backend, and fivesigma needs JAX",
            hint="set KERAS_BACKEND=jax in the environment, or import fivesigma before keras",
        )
    return module
