"""Find layers that firmware cannot have."""

from typing import Any

from fivesigma.errors import RunError

SAME = (
    *("Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization", "Identity", "Flatten"),
    "SpatialDropout1D",
)
"""Layers that change nothing once a network is trained, on values of the shape [event, value]."""


def refuse_unquantised(model: Any) -> None:
    """Refuse a network whose weights or values have no number of bits.

    Raises:
        RunError: naming the first layer that is not quantised.
    """
    for layer in model._flatten_layers(include_self=False):
        kind = type(layer).__name__
        if type(layer).__module__.startswith("hgq.") or kind in ("InputLayer", "Functional", "Sequential", *SAME):
            continue
        name = getattr(getattr(layer, "activation", None), "__name__", "relu" if kind == "ReLU" else "")
        if kind in ("ReLU", "Activation") and name in ("relu", "linear"):
            continue
        raise RunError(
            f"the layer {layer.name!r} ({kind}) of the network is not quantised, and firmware needs a number of bits for "
            "everything",
            hint="train with model: {kind: quantised}; see docs/firmware.md",
        )
