"""Quantised layers of HGQ2: their numbers of bits as plain arrays, so that any format can round as they do"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.errors import RunError

SAME = (
    *("Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization", "Identity", "Flatten"),
    "SpatialDropout1D",
)
"""Layers that change nothing once a network is trained, on values of the shape [event, value]."""

ROUNDING = {"RND": 0.5, "TRN": 0.0}
"""How a quantiser rounds → what it adds before it cuts off: half, so that ties go up, or nothing."""


def quantiser(layer: Any, width: int) -> tuple[dict[str, NDArray[np.float32]], float]:
    """A quantiser as a few numbers for each value: floor(x·scale + half)·step, kept between two bounds.

    Args:
        layer: HGQ2's `Quantizer`.
        width: values per event.

    Returns:
        `scale`, `step` and `low`, and `high` if it saturates before it rounds, or `span` if it wraps around after; and half.

    Raises:
        ValueError: if it is of another kind; says which.
    """
    inner = layer.quantizer
    if not hasattr(inner, "kif") or layer.scaler is not None or layer.affine is not None:
        raise ValueError("its quantiser is no plain fixed-point one")
    if inner.round_mode not in ROUNDING or inner.overflow_mode not in ("WRAP", "SAT", "SAT_SYM"):
        raise ValueError(f"its quantiser rounds by {inner.round_mode} and overflows by {inner.overflow_mode}")
    shape = (1, width)
    signed, integers, fractional = (
        np.broadcast_to(np.asarray(inner.bw_mapper.bw_to_x(value, shape), np.float64), shape)[0] for value in inner.kif
    )
    used = signed + integers + fractional > 0
    # A value without bits is zero.
    found = {"scale": np.where(used, 2.0**fractional, 1), "step": np.where(used, 2.0**-fractional, 0)}
    integers = np.maximum(integers, -fractional)
    found["low"] = np.where(used, -signed * 2.0**integers, 0)
    if inner.overflow_mode == "WRAP":
        found["span"] = np.where(used, 2.0 ** (integers + signed), 1)
    else:
        found["high"] = np.where(used, 2.0**integers - found["step"], 0)
        found["low"] = -signed * found["high"] if inner.overflow_mode == "SAT_SYM" else found["low"]
    return {name: values.astype(np.float32) for name, values in found.items()}, ROUNDING[inner.round_mode]


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
