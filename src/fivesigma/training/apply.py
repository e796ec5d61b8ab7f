"""Apply a network to any number of events, compiled once, on every device."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from fivesigma.cluster.devices import Team
from fivesigma.models.backend import keras
from fivesigma.training.program_cache import cached_program

CHUNK = 1 << 15
"""Most events per call: large enough to hide the cost of a call, small enough to stay in the cache."""
SMALLEST = 1 << 10
"""Fewest rows of a call; smaller samples are filled up to it, larger ones to the next power of two."""


def logits_of(model: Any) -> tuple[Any, str | None]:
    """Take a final sigmoid or softmax layer off the network; also returns the name of that activation.

    Returns:
        (a model that shares all variables, `sigmoid` | `softmax`), or (the model itself, None)
        if its last layer is something else; `linear` outputs are reported as None too.
    """
    k = keras()
    last = model.layers[-1]
    name = getattr(getattr(last, "activation", None), "__name__", "")
    if isinstance(last, k.layers.Activation) and name in ("sigmoid", "softmax"):
        return k.Model(model.inputs, last.input), name
    return model, None


def compiled_apply(network: Any) -> Callable[[Any, Any, NDArray[np.float32]], NDArray[np.float32]]:
    """Compile a function that applies the network to any number of events: (trainable, other, x) → outputs."""
    team = Team(CHUNK, alone=True)

    def one(trainable: Any, other: Any, x: Any) -> Any:
        outputs, _ = network.stateless_call(trainable, other, x, training=False)
        return outputs

    compiled = cached_program(
        network,
        ("apply", team.layout),
        lambda: jax.jit(
            one,
            **team.shardings((team.everywhere, team.everywhere, team.by_event), team.by_event),
            compiler_options=team.compiler_options,
        ),
    )

    held: list[Any] = []  # the weights of the last call, and their copies on the devices

    def apply(trainable: Any, other: Any, x: NDArray[np.float32]) -> NDArray[np.float32]:
        # A few sizes only: each is a compilation.
        size = min(CHUNK, max(SMALLEST, 1 << (len(x) - 1).bit_length())) if len(x) else CHUNK
        size += -size % team.size
        weights = [*trainable, *other]
        if len(held) != 2 or any(a is not b for a, b in zip(held[0], weights, strict=True)):
            held[:] = [weights, team.replicated((list(trainable), list(other)))]
        trainable, other = held[1]
        parts, waiting = [], None
        for start in range(0, len(x), size):
            part = x[start : start + size]
            filled = (
                part if len(part) == size else np.concatenate([part, np.zeros((size - len(part), *x.shape[1:]), x.dtype)])
            )
            # The next call is sent before this one's result is fetched.
            outputs = compiled(trainable, other, filled)
            if waiting is not None:
                parts.append(np.asarray(waiting))
            waiting = outputs
        if waiting is None:
            return np.zeros((0, network.output_shape[-1]), np.float32)
        parts.append(np.asarray(waiting)[: len(x) - size * len(parts)])
        return np.concatenate(parts)

    return apply


def probabilities(outputs: NDArray[np.float32], link: str | None) -> NDArray[np.float32]:
    """Convert network outputs to scores: the probability of class 1, of each class, or the prediction.

    Args:
        outputs: [event, output].
        link: `sigmoid` or `softmax` if these are logits, None if they are final.

    Returns:
        [event] for one output, [event, class] for several.
    """
    if link == "sigmoid":
        # Both branches are stable: exp never sees a positive argument.
        small = np.exp(-np.abs(outputs))
        outputs = np.where(outputs >= 0, 1 / (1 + small), small / (1 + small)).astype(np.float32)
    elif link == "softmax":
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        outputs = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs
