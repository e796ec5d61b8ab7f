"""The Huber loss of a regression."""

from typing import Any, Literal

from pydantic import Field

from fivesigma.analysis.section import Section
from fivesigma.training.losses.base import REGRESSION, Loss, LossKind


class Huber(Section):
    """Quadratic for small residuals and linear for large ones, so that outliers count less."""

    kind: Literal["huber"] = "huber"
    delta: float = Field(1.0, gt=0, description="residual at which it turns linear, in units of the scaled target")


def huber(delta: float) -> Loss:
    """½x² up to `delta` and linear beyond, with x the residual. Source: Huber, Ann. Math. Statist. 35 (1964) 73."""
    import jax.numpy as jnp

    def loss(outputs: Any, target: Any) -> Any:
        x = jnp.abs(outputs[:, 0] - target)
        return jnp.where(x <= delta, 0.5 * x**2, delta * (x - 0.5 * delta))

    return loss


def make(settings: Huber, task: str, from_logits: bool) -> Loss:
    """The loss with its delta."""
    return huber(settings.delta)


HUBER = LossKind("huber", Huber, REGRESSION, make)
