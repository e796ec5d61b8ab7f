"""Fisher's linear discriminant as a baseline."""

from typing import Any, Literal

import numpy as np

from fivesigma.analysis.section import Section
from fivesigma.baselines.base import ArrayBaseline, ArrayModel, Sample


class Fisher(Section):
    """The plane that separates two Gaussians of one shape best (Fisher, Ann. Eugenics 7 (1936) 179)."""

    kind: Literal["fisher"] = "fisher"


class Discriminant(ArrayModel):
    """A logit that is linear in the inputs; a missing one counts as the weighted mean of the training events."""

    def __init__(self, mean: Any, slope: Any, offset: Any) -> None:
        self.mean, self.slope, self.offset = mean, slope, offset

    @classmethod
    def fit(cls, settings: Any, training: Sample, validation: Any, classes: int, on_round: Any) -> "Discriminant":
        background, signal = (training.weight * (training.target == side) for side in (0, 1))
        mean = np.ma.average(np.ma.masked_invalid(training.inputs), 0, training.weight).filled(0)
        x = np.where(np.isfinite(training.inputs), training.inputs, mean)
        low, high = (w @ x / w.sum() for w in (background, signal))
        covariance = sum((x - m).T * w @ (x - m) for m, w in ((low, background), (high, signal))) / training.weight.sum()
        scale = np.sqrt(np.diag(covariance)) + 1e-6 * np.abs(mean) + 1e-30  # a constant input has no width of its own
        slope = np.linalg.pinv(covariance / np.outer(scale, scale)) @ ((high - low) / scale) / scale
        return cls(mean, slope, np.log(signal.sum() / background.sum()) - slope @ (low + high) / 2)

    def score(self, inputs: Any) -> Any:
        logit = np.where(np.isfinite(inputs), inputs, self.mean) @ self.slope + self.offset
        return (0.5 + 0.5 * np.tanh(logit / 2)).astype(np.float32)


TWO = ("Fisher's discriminant separates two classes, no other number", "leave it out")
FISHER = ArrayBaseline("fisher", Fisher, Discriminant, lambda _: "Fisher", refuses=lambda _, n: None if n == 2 else TWO)
