"""Weighted metrics of regressions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Metric, Weight, propagated, weighted_mean
from fivesigma.metrics.order import ascending

DENSITY = float(np.exp(-0.5) / np.sqrt(2 * np.pi))
"""Density of the standard normal distribution at one standard deviation."""


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
    if not spread > 0:
        return Metric(np.nan, np.nan)
    # The ratio of two means on the same events: their linearised difference carries the error.
    value = 1 - weighted_mean(residual, weight).value / spread
    error = weighted_mean(residual - (1 - value) * (target - mean) ** 2, weight).error / spread
    return Metric(float(value), float(error))


def half_width_68(residual: NDArray[Any], weight: Weight) -> Metric:
    """Half the central interval that contains 68.27 % of the residuals: σ for a Gaussian, insensitive to tails.

    The error is that of the two quantiles of a Gaussian of this width,
    σ·√(α(1−2α)/n)/(√2·φ(1)) with α = 0.15865 and n the effective number of events.
    """
    low, high = _interval_68(residual, weight)
    width = (high - low) / 2
    effective = weight.sum() ** 2 / (weight**2).sum() if np.isfinite(width) else np.nan
    return Metric(width, float(width * np.sqrt(0.15865 * 0.6827 / effective) / (np.sqrt(2) * DENSITY)))


def _interval_68(residual: NDArray[Any], weight: Weight) -> tuple[float, float]:
    """The quantiles at 15.865 % and 84.135 % of the weight; NaN if they are undefined."""
    total = weight.sum()
    if len(residual) < 2 or total <= 0:
        return np.nan, np.nan
    order = ascending(residual)
    share = np.cumsum(weight[order]) / total
    low, high = (residual[order][min(int(np.searchsorted(share, q)), len(residual) - 1)] for q in (0.15865, 0.84135))
    return float(low), float(high)


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

    The error follows from the events between the quantiles, at the density of a Gaussian of the same width.
    """
    widths, changes = [], []
    for prediction in (first, second):
        residual = prediction.astype(np.float64) - target
        low, high = _interval_68(residual, weight)
        widths.append((high - low) / 2)
        inside = (residual > low) & (residual <= high)
        changes.append(widths[-1] * (0.6827 - inside) / (2 * DENSITY))
    if not np.isfinite(widths).all():
        return Metric(np.nan, np.nan)
    return Metric(widths[0] - widths[1], weighted_mean(changes[0] - changes[1], weight).error)
