"""Losses per event, on the network's output before its last activation where there is one."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Loss = Callable[[Any, Any], Any]
"""(outputs [event, output], target [event]) → loss [event]."""


def binary_cross_entropy(logits: Any, target: Any) -> Any:
    """−[y ln p + (1 − y) ln(1 − p)] with p the logistic function of the logit; exact for any logit.

    >>> round(float(binary_cross_entropy(jnp.array([[0.0]]), jnp.array([1.0]))[0]), 6)
    0.693147
    """
    z = logits[:, 0]
    return jnp.maximum(z, 0) - z * target + jnp.log1p(jnp.exp(-jnp.abs(z)))


def cross_entropy(logits: Any, target: Any) -> Any:
    """−ln of the softmax probability of the true class; `target` holds class indices.

    >>> round(float(cross_entropy(jnp.zeros((1, 4)), jnp.array([2]))[0]), 6)
    1.386294
    """
    one_hot = jax.nn.one_hot(target.astype(jnp.int32), logits.shape[1], dtype=logits.dtype)
    return jax.nn.logsumexp(logits, axis=1) - (one_hot * logits).sum(axis=1)


_TINY = 1e-7


def binary_cross_entropy_of_probability(probability: Any, target: Any) -> Any:
    """The same for a network whose output is already a probability; clipped at 1e-7 as in Keras."""
    p = jnp.clip(probability[:, 0], _TINY, 1 - _TINY)
    return -(target * jnp.log(p) + (1 - target) * jnp.log(1 - p))


def cross_entropy_of_probability(probability: Any, target: Any) -> Any:
    """The same for probabilities per class; clipped at 1e-7 as in Keras."""
    one_hot = jax.nn.one_hot(target.astype(jnp.int32), probability.shape[1], dtype=probability.dtype)
    return -jnp.log(jnp.clip((one_hot * probability).sum(axis=1), _TINY, 1 - _TINY))


def squared_error(outputs: Any, target: Any) -> Any:
    """(prediction − target)²."""
    return (outputs[:, 0] - target) ** 2


def absolute_error(outputs: Any, target: Any) -> Any:
    """|prediction − target|."""
    return jnp.abs(outputs[:, 0] - target)


def log_cosh(outputs: Any, target: Any) -> Any:
    """ln cosh(prediction − target): quadratic near zero, linear far away, smooth everywhere.

    >>> round(float(log_cosh(jnp.array([[50.0]]), jnp.array([0.0]))[0]), 4)
    49.3069
    """
    x = jnp.abs(outputs[:, 0] - target)
    return x + jnp.log1p(jnp.exp(-2 * x)) - jnp.log(2.0)


def huber(delta: float) -> Loss:
    """½x² up to `delta` and linear beyond, with x the residual. Source: Huber, Ann. Math. Statist. 35 (1964) 73."""

    def loss(outputs: Any, target: Any) -> Any:
        x = jnp.abs(outputs[:, 0] - target)
        return jnp.where(x <= delta, 0.5 * x**2, delta * (x - 0.5 * delta))

    return loss


def loss_named(name: str, task: str, *, from_logits: bool = True, huber_delta: float = 1.0) -> Loss:
    """The loss of a task.

    Args:
        name: `auto` (cross-entropy, or squared error for a regression), `cross_entropy`,
            `squared_error`, `huber`, `log_cosh` or `absolute_error`.
        task: `binary`, `multiclass` or `regression`.
        from_logits: whether the outputs come before the last activation.
        huber_delta: where the Huber loss turns linear.
    """
    if task == "binary":
        return binary_cross_entropy if from_logits else binary_cross_entropy_of_probability
    if task == "multiclass":
        return cross_entropy if from_logits else cross_entropy_of_probability
    losses = {
        "auto": squared_error,
        "squared_error": squared_error,
        "absolute_error": absolute_error,
        "log_cosh": log_cosh,
        "huber": huber(huber_delta),
    }
    return losses[name]
