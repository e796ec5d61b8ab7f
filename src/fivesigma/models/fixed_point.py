"""The quantisers of HGQ2 as plain arrays, by which any format rounds as they do, and events beyond their ranges."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.models.backend import keras

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


def quantised_layers(model: Any) -> list[Any]:
    """The layers of a model whose values have numbers of bits; none of a network in floating point."""
    return [layer for layer in model.layers if getattr(layer, "enable_ebops", False)]


def leaves_ranges(model: Any) -> Callable[[Any, Any, Any], Any] | None:
    """Make the function that finds events in which a value does not fit into its bits and wraps around.

    Args:
        model: a quantised network.

    Returns:
        (trainable, other, inputs [event, input]) → [event], for JAX to compile; None if nothing can wrap around, or if the
        network is one of the user's own that is not taken apart here: with layers that are called twice, whose results are
        quantised, or whose values are no plain columns.
    """
    import jax.numpy as jnp

    layers = [layer for layer in quantised_layers(model) if layer.enable_iq]
    try:
        if any(len(layer.input.shape) != 2 or len(layer._inbound_nodes) != 1 or layer.enable_oq for layer in layers):
            return None
        found = [quantiser(layer.iq, int(layer.input.shape[-1])) for layer in layers]
        taps = keras().Model(model.inputs, [*(layer.input for layer in layers), *model.outputs])
    except (AttributeError, ValueError):  # other quantisers or inputs, in a network of the user's own
        return None
    in_order = all(
        [id(variable) for variable in getattr(taps, group)] == [id(variable) for variable in getattr(model, group)]
        for group in ("trainable_variables", "non_trainable_variables")
    )
    if not in_order or not any("span" in arrays for arrays, _ in found):
        return None

    def outside(trainable: Any, other: Any, x: Any) -> Any:
        values, _ = taps.stateless_call(trainable, other, x, training=False)
        flags = jnp.zeros(len(x), bool)
        for value, (arrays, half) in zip(values[:-1], found, strict=True):
            if "span" in arrays:
                rounded = jnp.floor(value * arrays["scale"] + half) * arrays["step"]
                beyond = (rounded < arrays["low"]) | (rounded >= arrays["low"] + arrays["span"])
                flags |= (beyond & (arrays["step"] > 0)).any(axis=1)
        return flags

    return outside
