"""Weighted histograms: counts, errors, edges."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Weight
from fivesigma.metrics.order import quantiles


@dataclass(frozen=True)
class Histogram:
    """Σw per bin with its error √Σw²; `outside` is Σw beyond the edges."""

    edges: NDArray[np.float64]
    counts: NDArray[np.float64]
    errors: NDArray[np.float64]
    outside: float = 0.0

    def density(self) -> "Histogram":
        """The histogram normalised to unit area within the edges."""
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
    """Fill a histogram; NaN values are ignored.

    >>> histogram(np.array([0.5, 1.5, 1.6]), np.array([1.0, 2.0, 2.0]), np.array([0.0, 1.0, 2.0])).counts
    array([1., 4.])
    """
    edges = np.asarray(edges, np.float64)
    bins: dict[str, Any] = {"bins": edges}
    if edges[0] < edges[-1] and np.array_equal(edges, np.linspace(edges[0], edges[-1], len(edges))):
        # NumPy computes the places in even bins, and sorts for others.
        bins = {"bins": len(edges) - 1, "range": (edges[0], edges[-1])}
    if len(weight) and (weight == weight[0]).all():  # counting takes a third of the time of two sums
        entries = np.histogram(values, **bins)[0].astype(np.float64)
        one, beyond = float(weight[0]), np.count_nonzero(~np.isnan(values)) - entries.sum()
        return Histogram(edges, entries * one, np.sqrt(entries) * abs(one), float(beyond * one))
    counts, _ = np.histogram(values, **bins, weights=weight)
    squares, _ = np.histogram(values, **bins, weights=np.square(weight))
    inside = (values >= edges[0]) & (values <= edges[-1])
    outside = float(np.asarray(weight)[~inside & ~np.isnan(values)].sum())
    return Histogram(edges, counts.astype(np.float64), np.sqrt(squares), outside)


def sensible_edges(values: NDArray[Any], bins: int = 50) -> NDArray[np.float64]:
    """Bin edges that suit the distribution of a quantity.

    Integers get bins of integer width, so that every bin covers as many of them; a positive quantity with a long tail
    gets logarithmic bins; the outermost 0.1 % on either side are cut.

    Args:
        values: a sample of the quantity, [event]; NaN is ignored.
        bins: approximate number of bins.

    >>> sensible_edges(np.array([0, 1, 1, 2]))
    array([-0.5,  0.5,  1.5,  2.5])
    """
    values = np.asarray(values) if np.asarray(values).dtype == np.float32 else np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return np.array([0.0, 1.0])
    ordered = np.sort(values)
    # Values of the sample: with fewer than a thousand events nothing is cut.
    places = (0, int(0.001 * (len(values) - 1)), math.ceil(0.999 * (len(values) - 1)), -1)
    low, cut_low, cut_high, high = (float(ordered[place]) for place in places)
    sample = values[:: max(1, len(values) // 20_000)]
    # Beyond 2⁵⁰ a bin of width one has no middle.
    if (sample == np.rint(sample)).all() and max(abs(low), abs(high)) < 2.0**50:
        if high - low > bins:
            low, high = cut_low, cut_high
        width = max(1.0, np.ceil((high - low + 1) / bins))
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + width, width)
    far, middle = quantiles(ordered, [0.99, 0.5])
    if cut_low > 0 and far > 20 * middle:
        return np.geomspace(cut_low, cut_high, bins + 1)
    if cut_high - cut_low <= 1e-12 * max(abs(cut_low), abs(cut_high)):
        half = max(0.5, 1e-9 * abs(cut_low))
        return np.linspace(cut_low - half, cut_low + half, bins + 1)
    margin = 0.02 * (cut_high - cut_low)
    return np.linspace(cut_low - margin, cut_high + margin, bins + 1)
