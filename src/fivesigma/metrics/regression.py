"""Weighted metrics of regressions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Metric, Weight, propagated, weighted_mean
from fivesigma.metrics.order import ascending, rising_sums

TAIL = 0.15865
"""Fraction of a Gaussian beyond one standard deviation, on each side."""
GAUSSIAN = 0.962
"""√n times the error of the half width of n Gaussian residuals with σ = 1: √((p(1−p) − p²)/2)/φ(1) with p = `TAIL`."""
FEW = 20.0
"""With fewer effective events the quantiles say little on the density between them."""
WINDOW = 2.0
"""The density around a quantile is that of the events within so many standard deviations of its place in their order."""


def rmse(prediction: NDArray[Any], target: NDArray[Any], weight: Weight) -> Metric:
    """Root of the mean squared error, in the target's unit.

    >>> rmse(np.array([1.0, 3.0]), np.array([0.0, 0.0]), np.ones(2)).value.__round__(4)
    2.2361
    """
    square = weighted_mean((prediction.astype(np.float64) - target) ** 2, weight)
    root = float(np.sqrt(square.value)) if square.value >= 0 else np.nan
    return propagated(square, root, 1 / (2 * root) if root else 0.0)


def mae(prediction: NDArray[Any], target: NDArray[Any], weight: Weight) -> Metric:
    """Mean absolute error, in the target's unit."""
    return weighted_mean(np.abs(prediction.astype(np.float64) - target), weight)


def bias(prediction: NDArray[Any], target: NDArray[Any], weight: Weight) -> Metric:
    """Mean of prediction − target, in the target's unit."""
    return weighted_mean(prediction.astype(np.float64) - target, weight)


def r_squared(prediction: NDArray[Any], target: NDArray[Any], weight: Weight) -> Metric:
    """Fraction of the target's variance that the prediction explains: 1 − MSE / variance; NaN for a constant target."""
    residual = (prediction.astype(np.float64) - target) ** 2
    mean = weighted_mean(target.astype(np.float64), weight).value
    spread = weighted_mean((target - mean) ** 2, weight).value
    if _is_constant(target, spread):
        return Metric(np.nan, np.nan)
    # The ratio of two means on the same events: their linearised difference carries the error.
    value = 1 - weighted_mean(residual, weight).value / spread
    error = weighted_mean(residual - (1 - value) * (target - mean) ** 2, weight).error / spread
    return Metric(float(value), float(error))


def _is_constant(target: NDArray[Any], spread: float) -> bool:
    """Whether a target does not vary: the mean of equal numbers may differ from them in the last bits."""
    return not spread > (8 * np.finfo(np.float64).eps * float(np.abs(target).max(initial=0.0))) ** 2


def half_width_68(residual: NDArray[Any], weight: Weight) -> Metric:
    """Half the central interval that contains 68.27 % of the residuals: σ for a Gaussian, insensitive to tails.

    The error is that of the two quantiles, whose correlation counts, at the density of the residuals around each of
    them: a quantile q of the fraction p changes by (p − [residual ≤ q]) / density with each event (R. R. Bahadur, Ann. Math.
    Statist. 37 (1966) 577). Fewer than twenty effective events hardly show that density: there the error is at least that
    for a Gaussian, 0.962 σ/√n.

    >>> found = half_width_68(np.arange(5.0), np.ones(5))
    >>> found.value, round(found.error, 2)
    (2.0, 0.86)
    """
    width, change = _width_68(residual, weight)
    if not np.isfinite(width):
        return Metric(width, np.nan)
    error, effective = weighted_mean(change, weight).error, weight.sum() ** 2 / (weight**2).sum()
    return Metric(width, max(error, float(GAUSSIAN * width / np.sqrt(effective))) if effective < FEW else error)


def _width_68(residual: NDArray[Any], weight: Weight) -> tuple[float, NDArray[np.float64]]:
    """Half the central interval, NaN if it is undefined, and its change with each event, [event]."""
    total, none = weight.sum(), np.zeros(len(residual))
    if len(residual) < 2 or total <= 0:
        return np.nan, none
    order = ascending(residual)
    ordered = residual[order]
    share = rising_sums(weight[order], ordered) / total

    def quantile(fraction: float) -> float:
        return float(ordered[min(int(np.searchsorted(share, fraction)), len(ordered) - 1)])

    effective = total**2 / (weight**2).sum()
    near = WINDOW * np.sqrt(TAIL * (1 - TAIL) / effective)
    quantiles, changes = [], []
    for fraction in (TAIL, 1 - TAIL):
        below, above = max(fraction - near, 0.0), min(fraction + near, 1.0)
        quantiles.append(quantile(fraction))
        per_share = (quantile(above) - quantile(below)) / (above - below)  # one over the density
        changes.append(per_share * (fraction - (residual <= quantiles[-1])))
    return (quantiles[1] - quantiles[0]) / 2, (changes[1] - changes[0]) / 2


def rmse_difference(first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight) -> Metric:
    """RMSE of the first prediction minus that of the second, on the same events.

    The error is that of √(mean of squares), linearised for both predictions together.
    """
    squares = [(prediction.astype(np.float64) - target) ** 2 for prediction in (first, second)]
    roots = [rmse(prediction, target, weight).value for prediction in (first, second)]
    parts = [square / (2 * root) if root > 0 else 0 * square for square, root in zip(squares, roots, strict=True)]
    return Metric(roots[0] - roots[1], weighted_mean(parts[0] - parts[1], weight).error)


def r_squared_difference(first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight) -> Metric:
    """R² of the first prediction minus that of the second, on the same events."""
    both = [r_squared(prediction, target, weight).value for prediction in (first, second)]
    if not np.isfinite(both).all():
        return Metric(np.nan, np.nan)
    squares = [(prediction.astype(np.float64) - target) ** 2 for prediction in (first, second)]
    mean = weighted_mean(target.astype(np.float64), weight).value
    deviation = (target - mean) ** 2
    change = squares[1] - squares[0] - (both[0] - both[1]) * deviation
    spread = weighted_mean(deviation, weight).value
    return Metric(both[0] - both[1], weighted_mean(change, weight).error / spread)


def width_difference(first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight) -> Metric:
    """`half_width_68` of the first prediction minus that of the second, on the same events.

    The error is that of the difference of what each event changes in both.
    """
    found = [_width_68(prediction.astype(np.float64) - target, weight) for prediction in (first, second)]
    (one, change), (other, other_change) = found
    if not np.isfinite([one, other]).all():
        return Metric(np.nan, np.nan)
    return Metric(one - other, weighted_mean(change - other_change, weight).error)
