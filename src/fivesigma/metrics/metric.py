"""A number with its uncertainty."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.order import ascending, rising_sums

Weight = NDArray[np.floating[Any]]


MOST_DIGITS = 8
"""Digits behind the point; what needs more is shown with a power of ten."""


@dataclass(frozen=True)
class Metric:
    """A value and its standard error (68 % for a Gaussian), in the same unit.

    >>> str(Metric(0.95312, 0.0021)), str(Metric(1.333e-13, 4.1e-15))
    ('0.9531 ± 0.0021', '(1.333 ± 0.041)e-13')
    """

    value: float
    error: float

    def __str__(self) -> str:
        if self.error == 0 and abs(self.value) >= 100 and self.value == round(self.value):
            return f"{self.value:,.0f}"  # a count
        digits, size = 4, abs(self.value)
        if np.isfinite(self.error) and self.error > 0:
            # Two significant digits of the error, and the value to the same place.
            digits, size = max(int(1 - np.floor(np.log10(self.error))), 0), max(size, self.error)
        if 0 < size < 5e-5 and (digits > MOST_DIGITS or digits == 4):
            power = max(int(np.floor(np.log10(size))), -300)
            return f"({Metric(self.value / 10.0**power, self.error / 10.0**power)})e{power:+03d}"
        digits = min(digits, MOST_DIGITS)
        return f"{self.value:.{digits}f} ± {self.error:.{digits}f}"

    def to_dict(self) -> dict[str, float | None]:
        """For JSON, where NaN does not exist: an undefined number is null."""
        return {"value": _finite(self.value), "error": _finite(self.error)}


def is_metric(tree: Any) -> bool:
    """Whether a JSON value has the form that `Metric.to_dict` returns."""
    return isinstance(tree, dict) and set(tree) == {"value", "error"}


def shown(tree: Any) -> str:
    """A metric from JSON as text; a dash if it is undefined.

    >>> shown({"value": 0.95312, "error": 0.0021}), shown(None)
    ('0.9531 ± 0.0021', '–')
    """
    if not is_metric(tree) or tree["value"] is None:
        return "–"
    return str(Metric(tree["value"], np.nan if tree["error"] is None else tree["error"]))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def sums_by(cell: NDArray[Any], weight: Weight, cells: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Σw and Σw² in every cell, [cell].

    Args:
        cell: index of the cell of each event, [event].
        weight: [event].
        cells: number of cells.

    >>> sums_by(np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0]), 3)
    (array([1., 0., 5.]), array([ 1.,  0., 13.]))
    """
    sums, squares = (np.bincount(cell, power, cells).astype(np.float64) for power in (weight, np.square(weight)))
    return sums, squares


def quantile_neighbours(values: NDArray[Any], weight: Weight, shares: Sequence[float]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The values on either side of weighted quantiles, each [share].

    Both are the same unless the cumulative weight equals the share exactly between two events.

    Args:
        values: [event].
        weight: [event]; with negative ones the cumulative weight is that of `rising_sums`.
        shares: cumulative fractions of the weight, from 0 to 1.

    >>> quantile_neighbours(np.array([1.0, 3.0]), np.ones(2), [0.5])
    (array([1.]), array([3.]))
    """
    if (weight == 1).all():  # values alone are sorted in a third of the time
        ordered, total = np.sort(values), np.arange(1.0, len(values) + 1)
    else:
        order = ascending(values)
        ordered = values[order]
        total = rising_sums(weight[order], ordered)
    points = np.asarray(shares) * total[-1]
    sides = (np.searchsorted(total, points, side="left"), np.searchsorted(total, points, side="right"))
    low, high = (ordered[np.minimum(side, len(values) - 1)] for side in sides)
    return low, high


def weighted_mean(values: NDArray[Any], weight: Weight) -> Metric:
    """Mean of a quantity over weighted events, with the error of a ratio of sums.

    The variance is Σ w²(x − x̄)² / (Σw)², the delta-method variance of Σwx/Σw when the events
    are independent. Negative weights are allowed; a sum of weights of zero gives NaN. A single event
    has no spread, so its error is NaN, too.

    >>> weighted_mean(np.array([0.0, 1.0]), np.ones(2))
    Metric(value=0.5, error=0.3535533905932738)
    """
    total = weight.sum()
    if len(values) == 0 or total == 0:
        return Metric(np.nan, np.nan)
    mean = (weight * values).sum() / total
    if np.count_nonzero(weight) < 2:
        return Metric(float(mean), np.nan)
    variance = (weight**2 * (values - mean) ** 2).sum() / total**2
    return Metric(float(mean), float(np.sqrt(variance)))


def propagated(metric: Metric, value: float, derivative: float) -> Metric:
    """A function of a metric, with the error propagated to first order: error times |derivative|."""
    return Metric(value, abs(derivative) * metric.error)


def replicas(
    table: NDArray[np.float64], variance: NDArray[np.float64], statistic: Callable[[Any], float], count: int = 200
) -> Metric:
    """A statistic of a table of weighted counts, with its error from Poisson replicas of the table.

    Args:
        table: Σw per cell.
        variance: Σw² per cell.
        statistic: table → number.
        count: number of replicas. The generator is seeded: the same table gives the same error.

    Each cell is replaced by (Σw²/Σw) times a Poisson count of mean (Σw)²/Σw², which has the
    cell's mean and variance (Bohm and Zech, arXiv:1309.1287, section 2); a cell with a negative
    sum fluctuates as a Gaussian.
    """
    generator = np.random.default_rng(20240229)
    positive = (table > 0) & (variance > 0)
    scale = np.where(positive, variance / np.where(positive, table, 1), 0)
    effective = np.where(positive, table / np.where(positive, scale, 1), 0)
    draws = generator.poisson(effective, (count, *table.shape)) * scale
    gaussian = generator.normal(table, np.sqrt(variance), (count, *table.shape))
    draws = np.where(positive, draws, gaussian)
    with np.errstate(all="ignore"):
        values = np.array([statistic(draw) for draw in draws])
        values = values[np.isfinite(values)]
        return Metric(float(statistic(table)), float(values.std()) if len(values) else np.nan)
