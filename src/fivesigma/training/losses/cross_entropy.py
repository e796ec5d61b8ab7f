"""Cross-entropy of two or more classes."""

from typing import Any, Literal

from fivesigma.analysis.section import Section
from fivesigma.training.losses.base import CLASSES, Loss, LossKind


class CrossEntropy(Section):
    """−ln of the probability that the network gives to the true class."""

    kind: Literal["cross_entropy"] = "cross_entropy"


def binary_cross_entropy(logits: Any, target: Any) -> Any:
    """−[y ln p + (1 − y) ln(1 − p)] with p the logistic function of the logit; exact for any logit.

    >>> import jax.numpy as jnp
    >>> round(float(binary_cross_entropy(jnp.array([[0.0]]), jnp.array([1.0]))[0]), 6)
    0.693147
    """
    import jax.numpy as jnp

    z = logits[:, 0]
    return jnp.maximum(z, 0) - z * target + jnp.log1p(jnp.exp(-jnp.abs(z)))


def cross_entropy(logits: Any, target: Any) -> Any:
    """−ln of the softmax probability of the true class; `target` holds class indices.

    >>> import jax.numpy as jnp
    >>> round(float(cross_entropy(jnp.zeros((1, 4)), jnp.array([2]))[0]), 6)
    1.386294
    """
    import jax
    import jax.numpy as jnp

    one_hot = jax.nn.one_hot(target.astype(jnp.int32), logits.shape[1], dtype=logits.dtype)
    return jax.nn.logsumexp(logits, axis=1) - (one_hot * logits).sum(axis=1)


_TINY = 1e-7


def binary_cross_entropy_of_probability(probability: Any, target: Any) -> Any:
    """The same for a network whose output is already a probability; clipped at 1e-7 as in Keras."""
    import jax.numpy as jnp

    p = jnp.clip(probability[:, 0], _TINY, 1 - _TINY)
    return -(target * jnp.log(p) + (1 - target) * jnp.log(1 - p))


def cross_entropy_of_probability(probability: Any, target: Any) -> Any:
    """The same for probabilities per class; clipped at 1e-7 as in Keras."""
    import jax
    import jax.numpy as jnp

    one_hot = jax.nn.one_hot(target.astype(jnp.int32), probability.shape[1], dtype=probability.dtype)
    return -jnp.log(jnp.clip((one_hot * probability).sum(axis=1), _TINY, 1 - _TINY))


def make(settings: Section, task: str, from_logits: bool) -> Loss:
    """The cross-entropy of a task."""
    if task == "binary":
        return binary_cross_entropy if from_logits else binary_cross_entropy_of_probability
    return cross_entropy if from_logits else cross_entropy_of_probability


CROSS_ENTROPY = LossKind("cross_entropy", CrossEntropy, CLASSES, make)
