"""Measure how a cut on the score changes the shape of the background, which could fake a bump."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.histogram import Histogram, histogram, sensible_edges
from fivesigma.metrics.metric import Metric, Weight, quantile_neighbours, replicas, sums_by

BINS = 20
SLICES = (0.0, 0.5, 0.8, 0.95, 1.0)
"""Fractions of the background below the edges of the slices that are drawn."""


@dataclass(frozen=True)
class Sculpting:
    """Effect of a cut on the score on the distribution of an observer in the background.

    Attributes:
        divergence: Jensen–Shannon divergence, in bits, between the background that passes the cut and the background
            that fails it; 0 for equal distributions, 1 for disjoint ones.
        by_chance: mean and standard deviation of the divergence of equal distributions, due to fluctuations alone.
        cut: on the score.
        efficiency: fraction of the signal above the cut.
        slices: slice of the background's score, from low to high → distribution of the observer.
    """

    divergence: Metric
    by_chance: Metric
    cut: float
    efficiency: float
    slices: dict[str, Histogram]


def sculpting(
    score: NDArray[Any], target: NDArray[Any], weight: Weight, observer: NDArray[Any], efficiency: float = 0.5
) -> Sculpting:
    """Compare the background above a cut on the score with the background below it.

    Args:
        score: [event], larger for signal.
        target: 1 for signal, [event].
        weight: [event].
        observer: the quantity that must not be shaped, such as a mass, [event]; NaN is ignored.
        efficiency: fraction of the signal that passes the cut.

    Raises:
        ValueError: if there is no signal, or no background.

    Source: the divergence as a measure of sculpting, ATLAS, ATL-PHYS-PUB-2018-014; errors from Poisson
    replicas of the bins, which have equal numbers of background events.
    """
    background = (target != 1) & np.isfinite(observer)
    if not background.any() or not (target == 1).any():
        raise ValueError("sculpting needs signal and background")
    cut = _weighted_quantile(score[target == 1], weight[target == 1], 1 - efficiency)
    values, w, passed = observer[background].astype(np.float64), weight[background], score[background] >= cut
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
    cell = 2 * np.searchsorted(edges, values, side="right") + passed
    table, variance = (sums.reshape(-1, 2) for sums in sums_by(cell, w, 2 * (len(edges) + 1)))
    return Sculpting(
        replicas(table, variance, jensen_shannon),
        _by_chance(table, variance),
        cut,
        efficiency,
        _slices(score[background], values, w),
    )


def jensen_shannon(table: NDArray[np.float64]) -> float:
    """Jensen–Shannon divergence of two distributions over the same bins, in bits.

    Args:
        table: [bin, 2]; negative entries count as zero.

    >>> jensen_shannon(np.array([[1.0, 0.0], [0.0, 5.0]])), jensen_shannon(np.array([[1.0, 2.0], [2.0, 4.0]]))
    (1.0, 0.0)
    """
    table = np.maximum(table, 0)
    sums = table.sum(axis=0)
    if (sums <= 0).any():
        return np.nan
    shares = table / sums
    middle = shares.mean(axis=1, keepdims=True)
    ratio = np.divide(shares, middle, out=np.ones_like(shares), where=shares > 0)
    return float((shares * np.log2(ratio)).sum() / 2)


def _by_chance(table: NDArray[np.float64], variance: NDArray[np.float64], count: int = 200) -> Metric:
    """Divergence of replicas in which both columns have the shape of their sum."""
    share = table.sum(axis=0) / table.sum()
    shape = table.sum(axis=1, keepdims=True) * share
    spread = variance.sum(axis=1, keepdims=True) * variance.sum(axis=0) / max(variance.sum(), 1e-300)
    generator = np.random.default_rng(20240229)
    drawn = generator.normal(shape, np.sqrt(np.maximum(spread, 0)), (count, *table.shape))
    values = np.array([jensen_shannon(one) for one in drawn])
    values = values[np.isfinite(values)]
    return Metric(float(values.mean()), float(values.std())) if len(values) else Metric(np.nan, np.nan)


def _slices(score: NDArray[Any], values: NDArray[np.float64], weight: Weight) -> dict[str, Histogram]:
    """Distribution of the observer in slices of the score."""
    edges = sensible_edges(values, 40)
    cuts = quantile_neighbours(score, np.maximum(weight, 0), SLICES[1:-1])[0]
    place = np.searchsorted(cuts, score, side="right")
    return {
        f"{100 * low:.0f}–{100 * high:.0f} %": histogram(values[place == i], weight[place == i], edges)
        for i, (low, high) in enumerate(pairwise(SLICES))
    }


def _weighted_quantile(values: NDArray[Any], weight: Weight, share: float) -> float:
    """Quantile of the weighted values at `share`; negative weights count as zero."""
    return float(quantile_neighbours(values, np.maximum(weight, 0), [share])[0][0])
