"""The pinball loss: a regression learns a quantile of the target instead of its mean."""

from typing import Any, Literal

from pydantic import Field

from fivesigma.analysis.section import Section
from fivesigma.training.losses.base import REGRESSION, Loss, LossKind


class Quantile(Section):
    """q·x where the target lies x above the prediction, (1 − q)·x where it lies x below; x is never negative."""

    kind: Literal["quantile"] = "quantile"
    quantile: float = Field(0.5, gt=0, lt=1, description="which one is learned; 0.5 is the median")


def make(settings: Quantile, task: str, from_logits: bool) -> Loss:
    """The loss of one quantile. Source: Koenker, Bassett, Econometrica 46 (1978) 33."""
    import jax.numpy as jnp

    def loss(outputs: Any, target: Any) -> Any:
        above = target - outputs[:, 0]
        return jnp.maximum(settings.quantile * above, (settings.quantile - 1) * above)

    return loss


QUANTILE = LossKind("quantile", Quantile, REGRESSION, make)
