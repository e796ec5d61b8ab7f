"""Weighted histograms: counts, errors, edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.evaluate.metric import Weight


@dataclass(frozen=True)
class Histogram:
    """Σw per bin with the error √Σw²; what lies outside the edges is counted, not drawn."""

    edges: NDArray[np.float64]
    counts: NDArray[np.float64]
    errors: NDArray[np.float64]
    outside: float = 0.0

    def density(self) -> "Histogram":
        """The same, normalised to unit area (within the edges)."""
        area = (self.counts * np.diff(self.edges)).sum()
        factor = 1 / area if area else 0.0
        return Histogram(self.edges, self.counts * factor, self.errors * factor, self.outside)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, for JSON."""
        return {
            "edges": self.edges.tolist(),
            "counts": self.counts.tolist(),
            "errors": self.errors.tolist(),
            "outside": self.outside,
        }


def histogram(values: NDArray[Any], weight: Weight, edges: NDArray[Any]) -> Histogram:
    """Fill a histogram; NaN values are left out.

    >>> histogram(np.array([0.5, 1.5, 1.6]), np.array([1.0, 2.0, 2.0]), np.array([0.0, 1.0, 2.0])).counts
    array([1., 4.])
    """
    edges = np.asarray(edges, np.float64)
    counts, _ = np.histogram(values, edges, weights=weight)
    squares, _ = np.histogram(values, edges, weights=np.square(weight))
    inside = (values >= edges[0]) & (values <= edges[-1])
    outside = float(np.asarray(weight)[~inside & ~np.isnan(values)].sum())
    return Histogram(edges, counts.astype(np.float64), np.sqrt(squares), outside)


def sensible_edges(values: NDArray[Any], bins: int = 50, most_integers: int = 40) -> NDArray[np.float64]:
    """Bin edges that show a distribution: whole numbers get a bin each, long tails are cut at 0.1 %.

    Args:
        values: any sample of the quantity, [event]; NaN is ignored.
        bins: number of bins for a continuous quantity.
        most_integers: a quantity with at most so many whole values gets a bin for each.
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return np.array([0.0, 1.0])
    low, high = values.min(), values.max()
    distinct = np.unique(values[:20_000])
    if len(distinct) <= most_integers and (distinct == np.rint(distinct)).all() and high - low <= most_integers:
        return np.arange(np.floor(low) - 0.5, np.floor(high) + 1)
    low, high = np.quantile(values, [0.001, 0.999])
    if high <= low:
        return np.linspace(low - 0.5, low + 0.5, bins + 1)
    margin = 0.02 * (high - low)
    return np.linspace(low - margin, high + margin, bins + 1)


def stacked(histograms: Sequence[Histogram]) -> NDArray[np.float64]:
    """Counts of several histograms with the same edges, [histogram, bin]."""
    return np.stack([h.counts for h in histograms])
