"""Scores as probabilities: how well calibrated they are, and a monotone map that calibrates them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Metric, Weight, replicas, sums_by

BINS = 20
"""Bins of equal numbers of events for the calibration error."""
GROUPS = 1000
"""Groups of neighbouring events that isotonic regression works on, at most."""


def calibration_error(score: NDArray[Any], target: NDArray[Any], weight: Weight, bins: int = BINS) -> Metric:
    """Mean distance between the score and the share of signal, over bins with as many events each.

    Args:
        score: probability of class 1, [event].
        target: class index 0 or 1, [event].
        weight: [event].
        bins: how many.

    The error comes from replicas of the bins. Few events in a bin make the value too large, by about
    √(p(1−p)/n) for n events. Source: Naeini, Cooper, Hauskrecht, AAAI (2015) 2901, with bins of equal population.

    >>> score = np.array([0.25] * 4 + [0.75] * 4)
    >>> calibration_error(score, np.array([0, 0, 0, 1, 0, 1, 1, 1]), np.ones(8), bins=2).value
    0.0
    """
    if not (weight > 0).any():
        return Metric(np.nan, np.nan)
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, score, side="right")
    cell = 2 * place + (target == 1)
    table, variance = (sums.reshape(-1, 2) for sums in sums_by(cell, weight, 2 * (len(edges) + 1)))
    sums = np.bincount(place, weight, len(edges) + 1)
    means = np.divide(np.bincount(place, weight * score, len(edges) + 1), sums, out=np.zeros(len(sums)), where=sums != 0)

    def distance(counts: NDArray[np.float64]) -> float:
        total = counts.sum(axis=1)
        share = np.divide(counts[:, 1], total, out=means.copy(), where=total > 0)
        return float((np.maximum(total, 0) * np.abs(share - means)).sum() / np.maximum(total, 0).sum())

    return replicas(table, variance, distance)


@dataclass(frozen=True)
class Isotonic:
    """A rising, piecewise linear map from score to probability.

    Attributes:
        score: knots, rising.
        probability: at the knots, never falling.
    """

    score: tuple[float, ...]
    probability: tuple[float, ...]

    def __call__(self, score: NDArray[Any]) -> NDArray[np.float32]:
        """Probability of signal, [event]; constant beyond the outer knots."""
        return np.asarray(np.interp(score, self.score, self.probability), np.float32)

    def to_dict(self) -> dict[str, list[float]]:
        """Plain lists, for JSON."""
        return {"score": list(self.score), "probability": list(self.probability)}


def isotonic(score: NDArray[Any], target: NDArray[Any], weight: Weight, groups: int = GROUPS) -> Isotonic:
    """Fit the rising map from score to share of signal that has the least squared error.

    Neighbouring events are first joined in groups of equal numbers, whose sums of weights are positive even if some
    weights are not.

    Args:
        score: [event], of events the network was not trained on.
        target: class index 0 or 1, [event].
        weight: [event]; negative ones are kept.
        groups: how many at most.

    Source: Barlow, Bartholomew, Bremner, Brunk, Statistical Inference under Order Restrictions (1972), pool adjacent
    violators; Zadrozny, Elkan, KDD (2002) 694, for calibration.

    Raises:
        ValueError: if no weight is left.

    >>> fitted = isotonic(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 1, 0, 1]), np.ones(4))
    >>> fitted.probability
    (0.0, 0.5, 0.5, 1.0)
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(score, kind="stable")
    place = (np.arange(len(order)) * min(groups, len(order))) // max(len(order), 1)
    values, w = np.asarray(score, np.float64)[order], np.asarray(weight, np.float64)[order]
    sums = np.bincount(place, w)
    some = sums > 0
    if not some.any():
        raise ValueError("no positive weight to calibrate with")
    share = np.bincount(place, w * (target[order] == 1))[some] / sums[some]
    means = (np.bincount(place, values) / np.bincount(place))[some]
    fitted = np.clip(isotonic_regression(share, weights=sums[some]).x, 0, 1)
    return Isotonic(tuple(means.tolist()), tuple(fitted.tolist()))
