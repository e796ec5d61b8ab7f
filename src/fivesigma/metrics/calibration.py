"""Scores as probabilities: how well calibrated they are, and a monotone map that calibrates them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.errors import EventsError
from fivesigma.metrics.metric import Metric, Weight, replicas, sums_by
from fivesigma.metrics.order import ascending, ties

BINS = 20
"""Bins of the calibration error, with equal numbers of events."""
GROUPS = 1000
"""Largest number of groups of neighbouring events for the isotonic regression."""


def calibration_error(score: NDArray[Any], target: NDArray[Any], weight: Weight, bins: int = BINS) -> Metric:
    """Expected calibration error: mean distance of score and fraction of signal over bins with equal numbers of events.

    Args:
        score: probability of class 1, [event].
        target: class index 0 or 1, [event].
        weight: [event].
        bins: number of bins.

    Raises:
        EventsError: if there is no bin.

    The error comes from replicas of the bins. Statistical fluctuations of bins with n events bias the value upwards, by
    about √(p(1−p)/n). Source: Naeini, Cooper, Hauskrecht, AAAI (2015) 2901, with bins of equal population.

    >>> score = np.array([0.25] * 4 + [0.75] * 4)
    >>> calibration_error(score, np.array([0, 0, 0, 1, 0, 1, 1, 1]), np.ones(8), bins=2).value
    0.0
    """
    if bins < 1:
        raise EventsError(f"calibration_error: {bins} is no number of bins", hint="give one bin or more")
    if not weight.sum() > 0:
        return Metric(np.nan, np.nan)
    found = _Bins.of(score, weight, bins)
    cell = 2 * found.place + (target == 1)
    table, variance = (sums.reshape(-1, 2) for sums in sums_by(cell, weight, 2 * len(found.means)))
    error = replicas(table, variance, found.distance)
    return error if np.count_nonzero(weight) > 1 else Metric(error.value, np.nan)


def calibration_error_by_chance(score: NDArray[Any], target: NDArray[Any], weight: Weight, bins: int = BINS) -> Metric:
    """Calibration error of a score that is calibrated: mean and standard deviation of what fluctuations give.

    Args:
        score, target, weight, bins: as for `calibration_error`.

    The fraction of signal in a bin scatters around the mean score p with the variance
    σ² = p(1−p) Σw²/(Σw)² · [(1−p)m₁ + p m₀]/[p m₁ + (1−p)m₀], where m = Σw²/Σw of a class in all bins; and |x| of a normal x
    has the mean √(2/π)σ and the variance (1−2/π)σ².

    >>> found = calibration_error_by_chance(np.full(400, 0.5), np.arange(400) % 2, np.ones(400))
    >>> round(found.value, 4), round(found.error, 4)
    (0.0199, 0.0151)
    """
    if not weight.sum() > 0:
        return Metric(np.nan, np.nan)
    found = _Bins.of(score, weight, bins)
    sums, squares = (np.bincount(found.place, power, len(found.means)) for power in (weight, weight**2))
    p, share = np.clip(found.means, 0, 1), np.maximum(sums, 0) / np.maximum(sums, 0).sum()
    signal, background = (_typical(weight[side]) or _typical(weight) or 1.0 for side in (target == 1, target != 1))
    # An event moves the fraction by its distance from p: those of the rarer class count more than in Σw².
    unequal = ((1 - p) * signal + p * background) / (p * signal + (1 - p) * background)
    sigma = np.sqrt(p * (1 - p) * squares * unequal) / np.where(sums > 0, sums, np.inf)
    spread = np.sqrt((1 - 2 / np.pi) * ((share * sigma) ** 2).sum())
    return Metric(float((share * np.sqrt(2 / np.pi) * sigma).sum()), float(spread))


def _typical(weight: Weight) -> float:
    """Σw²/Σw: the weight of so many equal events that have the same sum and the same fluctuation; 0 without a sum."""
    total = float(weight.sum())
    return float((weight**2).sum()) / total if total > 0 else 0.0


def calibration_difference(
    first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight, bins: int = BINS
) -> Metric:
    """The calibration error of the first scores minus that of the second, on the same events.

    The error comes from replicas of the bins of both scores together, in which common fluctuations cancel. Fluctuations
    raise the smaller calibration error more than the larger one, so that a difference below `calibration_error_by_chance`
    is too small; the error does not include that.

    Args:
        first, second: probabilities of class 1, [event].
        target, weight, bins: as for `calibration_error`.

    >>> score = np.array([0.25] * 4 + [0.75] * 4)
    >>> calibration_difference(score, score, np.array([0, 0, 0, 1, 0, 1, 1, 1]), np.ones(8), bins=2)
    Metric(value=0.0, error=0.0)
    """
    if not weight.sum() > 0:
        return Metric(np.nan, np.nan)
    both = [_Bins.of(score, weight, bins) for score in (first, second)]
    shape = (len(both[0].means), len(both[1].means), 2)
    cell = (both[0].place * shape[1] + both[1].place) * 2 + (target == 1)
    table, variance = (sums.reshape(shape) for sums in sums_by(cell, weight, math.prod(shape)))

    def gap(counts: NDArray[np.float64]) -> float:
        return both[0].distance(counts.sum(axis=1)) - both[1].distance(counts.sum(axis=0))

    return replicas(table, variance, gap)


@dataclass(frozen=True)
class _Bins:
    """Bins of a score with equal numbers of events.

    Attributes:
        place: the bin of each event.
        means: of the score in each bin.
    """

    place: NDArray[np.intp]
    means: NDArray[np.float64]

    @classmethod
    def of(cls, score: NDArray[Any], weight: Weight, bins: int) -> "_Bins":
        edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1]))
        place, count = np.searchsorted(edges, score, side="right"), len(edges) + 1
        sums = np.bincount(place, weight, count)
        means = np.divide(np.bincount(place, weight * score, count), sums, out=np.zeros(count), where=sums != 0)
        return cls(place, means)

    def distance(self, counts: NDArray[np.float64]) -> float:
        """Mean distance of score and fraction of signal, for sums of weights [bin, class]."""
        total = counts.sum(axis=1)
        share = np.divide(counts[:, 1], total, out=self.means.copy(), where=total > 0)
        return float((np.maximum(total, 0) * np.abs(share - self.means)).sum() / np.maximum(total, 0).sum())


@dataclass(frozen=True)
class Isotonic:
    """A non-decreasing, piecewise linear map from score to probability.

    Attributes:
        score: knots, in increasing order.
        probability: at the knots, non-decreasing.
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
    """Fit a non-decreasing map from score to fraction of signal by least squares.

    Neighbouring events are first merged into groups of equal size, and these with their neighbours until every sum of
    weights is positive: no event is left out, and the mean probability follows the share of signal, also with negative
    weights.

    Args:
        score: [event], of events the network was not trained on.
        target: class index 0 or 1, [event].
        weight: [event]; negative ones are kept.
        groups: largest number of groups.

    Source: Barlow, Bartholomew, Bremner, Brunk, Statistical Inference under Order Restrictions (1972), pool adjacent
    violators; Zadrozny, Elkan, KDD (2002) 694, for calibration.

    Raises:
        ValueError: if the sum of all weights is not positive.

    >>> fitted = isotonic(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 1, 0, 1]), np.ones(4))
    >>> fitted.probability
    (0.0, 0.5, 0.5, 1.0)
    """
    from scipy.optimize import isotonic_regression

    if not len(score):
        raise ValueError("no positive weight to calibrate with")
    order = ascending(score)
    place = (np.arange(len(order)) * min(groups, len(order))) // max(len(order), 1)
    values, w = np.asarray(score, np.float64)[order], np.asarray(weight, np.float64)[order]
    # Events of one score are in one group, that of the last of them: a map has one value there, whatever the order of rows.
    ends, of_value = ties(values[1:] != values[:-1])
    place = np.unique(place[ends][of_value], return_inverse=True)[1]
    merged, sums = _positive(np.asarray(np.bincount(place, w), np.float64))
    place = merged[place]
    share = np.bincount(place, w * (target[order] == 1)) / sums
    means = np.bincount(place, values) / np.bincount(place)
    fitted = np.clip(isotonic_regression(share, weights=sums).x, 0, 1)
    return Isotonic(tuple(means.tolist()), tuple(fitted.tolist()))


def _positive(sums: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Merge neighbours until all sums are positive.

    Returns:
        The number of the merged group, [group], and the sums, [merged group].

    Raises:
        ValueError: if the sum of all is not positive.

    >>> _positive(np.array([1.0, -2.0, 1.5, 1.0, -3.0, 4.0]))
    (array([0, 1, 1, 1, 2, 2]), array([1. , 0.5, 1. ]))
    >>> _positive(np.array([3.0, 1.0, -2.0]))
    (array([0, 0, 0]), array([2.]))
    """
    groups: list[tuple[int, float]] = []  # the first of each, and its sum
    first, total = 0, 0.0
    for i, value in enumerate(sums.tolist()):
        total += value
        if total > 0:
            groups.append((first, total))
            first, total = i + 1, 0.0
    if first < len(sums):  # what is left at the end goes to the groups before it
        while groups and total <= 0:
            first, before = groups.pop()
            total += before
        groups.append((first, total))
    if not groups or groups[0][1] <= 0:
        raise ValueError("no positive weight to calibrate with")
    begins = np.zeros(len(sums), np.intp)
    begins[[first for first, _ in groups[1:]]] = 1
    return np.cumsum(begins), np.array([total for _, total in groups])
