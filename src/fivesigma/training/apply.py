"""Apply a network to any number of events, compiled once, on every device."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from fivesigma.cluster.devices import Team
from fivesigma.models.backend import keras, last_operation
from fivesigma.training.program_cache import cached_program

CHUNK = 1 << 15
"""Most events per call: large enough to hide the cost of a call, small enough to stay in the cache."""
SMALLEST = 1 << 10
"""Fewest rows of a call; smaller samples are filled up to it, larger ones to the next power of two."""


def logits_of(model: Any) -> tuple[Any, str | None]:
    """Take a final sigmoid or softmax layer off the network; also returns the name of that activation.

    Returns:
        (a model that shares all variables, `sigmoid` | `softmax`), or (the model itself, None)
        if it ends in something else; `linear` outputs are reported as None too.
    """
    k = keras()
    last, inputs = last_operation(model)
    name = getattr(getattr(last, "activation", None), "__name__", "")
    if type(last) is k.layers.Activation and name in ("sigmoid", "softmax"):
        return k.Model(model.inputs, inputs), name
    return model, None


class Apply:
    """A network that is applied to any number of events, compiled once: (trainable, other, x) → outputs.

    Args:
        network: a Keras model.
    """

    def __init__(self, network: Any) -> None:
        team = self._team = Team(CHUNK, alone=True)

        def one(trainable: Any, other: Any, x: Any) -> Any:
            outputs, _ = network.stateless_call(trainable, other, x, training=False)
            return outputs

        self._compiled = cached_program(
            network,
            ("apply", team.layout),
            lambda: jax.jit(
                one,
                **team.shardings((team.everywhere, team.everywhere, team.by_event), team.by_event),
                compiler_options=team.compiler_options,
            ),
        )
        self._held: list[Any] = []  # the weights of the last call, and their copies on the devices

    def __call__(self, trainable: Any, other: Any, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The outputs of all events, [event, output].

        Args:
            trainable, other: the network's variables.
            x: [event, input].
        """
        return next(self.each(trainable, other, iter([x])))

    def each(self, trainable: Any, other: Any, pieces: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """The outputs of each piece in turn.

        While the network is applied to a piece, the next one is made and the outputs of the last one are used.

        Args:
            trainable, other: the network's variables.
            pieces: inputs, which may not change once they are given.
        """
        weights = self._on_devices(trainable, other)
        parts: list[NDArray[np.float32]] = []
        before: tuple[Any, int, bool] | None = None
        for x, rows, ends in self._calls(pieces):
            # The next call is sent before the result of this one is fetched.
            sent = self._compiled(*weights, x), rows, ends
            if before is not None:
                yield from _finished(parts, *before)
            before = sent
        if before is not None:
            yield from _finished(parts, *before)

    def _calls(self, pieces: Iterator[NDArray[np.float32]]) -> Iterator[tuple[NDArray[np.float32], int, bool]]:
        """Inputs of each call, how many of their rows are events, and whether it is the last one of its piece."""
        for x in pieces:
            size = compiled_rows(len(x))
            size += -size % self._team.size
            for start in range(0, max(len(x), 1), size):
                part = x[start : start + size]
                rows = len(part)
                if rows < size:
                    part = np.concatenate([part, np.zeros((size - rows, *x.shape[1:]), x.dtype)])
                yield part, rows, start + size >= len(x)

    def _on_devices(self, trainable: Any, other: Any) -> Any:
        weights, held = [*trainable, *other], self._held
        if len(held) != 2 or any(a is not b for a, b in zip(held[0], weights, strict=True)):
            held = self._held = [weights, self._team.replicated((list(trainable), list(other)))]
        return held[1]


def compiled_rows(events: int) -> int:
    """Rows of a call that holds so many events: one of a few sizes, as each is a compilation.

    >>> compiled_rows(10), compiled_rows(1500), compiled_rows(10**6)
    (1024, 2048, 32768)
    """
    return min(CHUNK, max(SMALLEST, 1 << (events - 1).bit_length()))


def _finished(parts: list[NDArray[np.float32]], outputs: Any, rows: int, ends: bool) -> Iterator[NDArray[np.float32]]:
    """Fetch the outputs of a call; those of its piece, if it was the last one."""
    parts.append(np.asarray(outputs)[:rows])
    if ends:
        yield np.concatenate(parts)
        parts.clear()


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
