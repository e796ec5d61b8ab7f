"""The loss that suits the task: cross-entropy for classes, the squared error for a regression."""

from typing import Literal

from fivesigma.analysis.section import Section
from fivesigma.training.losses import cross_entropy, squared_error
from fivesigma.training.losses.base import CLASSES, REGRESSION, Loss, LossKind


class Auto(Section):
    """Cross-entropy for classes, the squared error for a regression."""

    kind: Literal["auto"] = "auto"


def make(settings: Section, task: str, from_logits: bool) -> Loss:
    """Make the loss that suits the task."""
    make_it = squared_error.make if task == "regression" else cross_entropy.make
    return make_it(settings, task, from_logits)


AUTO = LossKind("auto", Auto, (*CLASSES, *REGRESSION), make)
