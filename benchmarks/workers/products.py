"""The matrix products of one training step and nothing else, by NumPy, JAX or PyTorch: the limit of any training."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.network import SHAPES, training_flops

LIBRARIES = ("numpy", "jax", "torch")
SQUARE = 4096
"""Side of the large square product that tells what the processor can do at best."""


class Products:
    """Repeats the products of a training step on one batch of random numbers.

    Args:
        library: one of `LIBRARIES`.
        batch: events.
    """

    def __init__(self, library: str, batch: int) -> None:
        self._library = library
        self._batch = batch
        self._step: Callable[[], Any] | None = None
        self._square: Callable[[], Any] | None = None

    def step(self, seconds: float) -> float:
        """GFLOP/s of the products of a training step, repeated for about so many seconds."""
        if self._step is None:
            self._step = globals()[f"_{self._library}_step"](_operands(self._batch))
        return _rate(self._step, self._batch * training_flops(), seconds)

    def square(self, seconds: float) -> float:
        """GFLOP/s of a large square product."""
        if self._square is None:
            generator = np.random.default_rng(1)
            pair = [generator.standard_normal((SQUARE, SQUARE), np.float32) for _ in range(2)]
            self._square = globals()[f"_{self._library}_square"](*pair)
        return _rate(self._square, 2 * SQUARE**3, seconds)


def _rate(action: Callable[[], Any], flops: float, seconds: float) -> float:
    action()
    calls, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        action()
        calls += 1
    return calls * flops / (time.perf_counter() - started) / 1e9


Operands = list[tuple[Any, Any, Any]]
"""Per layer: its input [event, a], its weight [a, b], the gradient of its output [event, b]."""


def _operands(batch: int) -> Operands:
    generator = np.random.default_rng(1)

    def normal(*shape: int) -> Any:
        return generator.standard_normal(shape, np.float32)

    return [(normal(batch, a), normal(a, b), normal(batch, b)) for a, b in SHAPES]


def _products(operands: Operands) -> list[Any]:
    """Forward, gradients of the weights, and gradients of the inputs of all layers but the first."""
    forward = [x @ weight for x, weight, _ in operands]
    weights = [x.T @ gradient for x, _, gradient in operands]
    inputs = [gradient @ weight.T for _, weight, gradient in operands[1:]]
    return [*forward, *weights, *inputs]


def _numpy_step(operands: Operands) -> Callable[[], Any]:
    triples = [(x, weight) for x, weight, _ in operands]
    triples += [(x.T, gradient) for x, _, gradient in operands]
    triples += [(gradient, weight.T) for _, weight, gradient in operands[1:]]
    results = _products(operands)

    def step() -> None:
        for (a, b), result in zip(triples, results, strict=True):
            np.matmul(a, b, out=result)

    return step


def _jax_step(operands: Operands) -> Callable[[], Any]:
    import jax

    compiled = jax.jit(_products)
    on_device = jax.tree.map(jax.numpy.asarray, operands)
    return lambda: jax.block_until_ready(compiled(on_device))


def _torch_step(operands: Operands) -> Callable[[], Any]:
    import torch

    tensors = [tuple(torch.from_numpy(array) for array in triple) for triple in operands]
    return lambda: _products(tensors)


def _numpy_square(a: Any, b: Any) -> Callable[[], Any]:
    result = a @ b
    return lambda: np.matmul(a, b, out=result)


def _jax_square(a: Any, b: Any) -> Callable[[], Any]:
    import jax

    compiled = jax.jit(lambda a, b: a @ b)
    a, b = jax.numpy.asarray(a), jax.numpy.asarray(b)
    return lambda: jax.block_until_ready(compiled(a, b))


def _torch_square(a: Any, b: Any) -> Callable[[], Any]:
    import torch

    left, right = torch.from_numpy(a), torch.from_numpy(b)
    return lambda: left @ right
