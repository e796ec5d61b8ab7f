"""Measure how a cut on the score changes the shape of the background, which could fake a bump."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.histogram import Histogram, sensible_edges
from fivesigma.metrics.metric import Metric, Weight, quantile_neighbours, replicas, sums_by
from fivesigma.metrics.order import quantiles

BINS = 20
MANY = 1e15
"""Events from which a count is drawn as a Gaussian."""
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
    signal = target == 1
    return BackgroundShape(target, weight, observer).below_and_above(score, score[signal], weight[signal], efficiency)


class BackgroundShape:
    """The distribution of an observer in the background, on which several scores are tested.

    Args:
        target: 1 for signal, [event].
        weight: [event].
        observer: the quantity that must not be shaped, [event]; NaN is ignored.

    Raises:
        ValueError: if there is no background.
    """

    def __init__(self, target: NDArray[Any], weight: Weight, observer: NDArray[Any]) -> None:
        self._rows = np.flatnonzero((target != 1) & np.isfinite(observer))
        if not len(self._rows):
            raise ValueError("sculpting needs signal and background")
        values, self._weight = observer[self._rows].astype(np.float64), weight[self._rows]
        edges = np.unique(quantiles(np.sort(values), np.linspace(0, 1, BINS + 1)[1:-1].tolist()))
        self._bin, self._bins = np.searchsorted(edges, values, side="right"), len(edges) + 1
        self._edges = sensible_edges(values, 40)
        self._drawn = np.searchsorted(self._edges, values, side="right")
        self._drawn[values == self._edges[-1]] -= 1  # the last bin has both its edges

    def below_and_above(
        self, score: NDArray[Any], signal_score: NDArray[Any], signal_weight: Weight, efficiency: float = 0.5
    ) -> Sculpting:
        """Compare the background above a cut on the score with the background below it.

        Args:
            score: of all events.
            signal_score, signal_weight: of the signal, [event of the signal].
            efficiency: fraction of the signal that passes the cut.

        Raises:
            ValueError: if there is no signal.
        """
        if not len(signal_score) or signal_weight.sum() <= 0:
            raise ValueError("sculpting needs signal and background")
        cut = float(quantile_neighbours(signal_score, signal_weight, [1 - efficiency])[0][0])
        score = score[self._rows]
        cell = 2 * self._bin + (score >= cut)
        table, variance = (sums.reshape(-1, 2) for sums in sums_by(cell, self._weight, 2 * self._bins))
        chance = _by_chance(table, variance)
        return Sculpting(replicas(table, variance, jensen_shannon), chance, cut, efficiency, self._slices(score))

    def _slices(self, score: NDArray[Any]) -> dict[str, Histogram]:
        """Distribution of the observer in slices of the score."""
        cuts = quantile_neighbours(score, self._weight, SLICES[1:-1])[0]
        width = len(self._edges) + 1  # with a cell below and one above
        cell = width * np.searchsorted(cuts, score, side="right") + self._drawn
        sums, squares = (s.reshape(-1, width) for s in sums_by(cell, self._weight, width * (len(SLICES) - 1)))
        return {
            f"{100 * low:.0f}–{100 * high:.0f} %": Histogram(
                self._edges, sums[i, 1:-1], np.sqrt(squares[i, 1:-1]), float(sums[i, 0] + sums[i, -1])
            )
            for i, (low, high) in enumerate(pairwise(SLICES))
        }


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
    """Divergence of replicas in which both columns have the shape of their sum.

    The content of a cell is a scaled Poisson count (Bohm, Zech, arXiv:1309.1287): few events are far from a Gaussian.
    """
    share = table.sum(axis=0) / table.sum()
    shape = table.sum(axis=1, keepdims=True) * share
    spread = variance.sum(axis=1, keepdims=True) * variance.sum(axis=0) / max(variance.sum(), 1e-300)
    generator = np.random.default_rng(20240229)
    some = (shape != 0) & (spread > 0)
    scale = np.divide(spread, shape, out=np.zeros_like(shape), where=some)
    events = np.divide(shape, scale, out=np.zeros_like(shape), where=some)
    few = np.where(events < MANY, events, 0.0)
    drawn = generator.poisson(few, (count, *table.shape)) * scale
    gaussian = generator.normal(shape, np.sqrt(np.maximum(spread, 0)), (count, *table.shape))
    drawn = np.where(events < MANY, drawn, gaussian)
    values = np.array([jensen_shannon(one) for one in drawn])
    values = values[np.isfinite(values)]
    return Metric(float(values.mean()), float(values.std())) if len(values) else Metric(np.nan, np.nan)
