"""The log-cosh loss of a regression."""

from typing import Any, Literal

from fivesigma.analysis.section import Section
from fivesigma.training.losses.base import REGRESSION, Loss, LossKind


class LogCosh(Section):
    """ln cosh(prediction − target): quadratic near zero, linear far away."""

    kind: Literal["log_cosh"] = "log_cosh"


def log_cosh(outputs: Any, target: Any) -> Any:
    """ln cosh(prediction − target): quadratic near zero, linear far away, smooth everywhere.

    >>> import jax.numpy as jnp
    >>> round(float(log_cosh(jnp.array([[50.0]]), jnp.array([0.0]))[0]), 4)
    49.3069
    """
    import jax.numpy as jnp

    x = jnp.abs(outputs[:, 0] - target)
    return x + jnp.log1p(jnp.exp(-2 * x)) - jnp.log(2.0)


def make(settings: Section, task: str, from_logits: bool) -> Loss:
    """The loss; it has no settings."""
    return log_cosh


LOG_COSH = LossKind("log_cosh", LogCosh, REGRESSION, make)
