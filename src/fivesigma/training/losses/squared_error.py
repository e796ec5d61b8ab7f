"""The squared error of a regression."""

from typing import Any, Literal

from fivesigma.analysis.section import Section
from fivesigma.training.losses.base import REGRESSION, Loss, LossKind


class SquaredError(Section):
    """(prediction − target)²: the mean is learned."""

    kind: Literal["squared_error"] = "squared_error"


def squared_error(outputs: Any, target: Any) -> Any:
    """(prediction − target)²."""
    return (outputs[:, 0] - target) ** 2


def make(settings: Section, task: str, from_logits: bool) -> Loss:
    """The loss; it has no settings."""
    return squared_error


SQUARED_ERROR = LossKind("squared_error", SquaredError, REGRESSION, make)
