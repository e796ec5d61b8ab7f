"""The absolute error of a regression."""

from typing import Any, Literal

from fivesigma.analysis.section import Section
from fivesigma.training.losses.base import REGRESSION, Loss, LossKind


class AbsoluteError(Section):
    """|prediction − target|: the median is learned."""

    kind: Literal["absolute_error"] = "absolute_error"


def absolute_error(outputs: Any, target: Any) -> Any:
    """|prediction − target|."""
    import jax.numpy as jnp

    return jnp.abs(outputs[:, 0] - target)


def make(settings: Section, task: str, from_logits: bool) -> Loss:
    """The loss; it has no settings."""
    return absolute_error


ABSOLUTE_ERROR = LossKind("absolute_error", AbsoluteError, REGRESSION, make)
