"""Weighted metrics of regressions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Metric, Weight, propagated, weighted_mean


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
    """Share of the target's variance that the prediction explains: 1 − MSE / variance; NaN for a constant target."""
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
    """Half the central interval that holds 68.27 % of the residuals: σ for a Gaussian, deaf to tails.

    The error is that of the two quantiles of a Gaussian of this width,
    σ·√(α(1−2α)/n)/(√2·φ(1)) with α = 0.15865 and n the effective number of events.
    """
    total = weight.sum()
    if len(residual) < 2 or total <= 0:
        return Metric(np.nan, np.nan)
    order = np.argsort(residual, kind="stable")
    share = np.cumsum(weight[order]) / total
    low, high = (residual[order][min(int(np.searchsorted(share, q)), len(residual) - 1)] for q in (0.15865, 0.84135))
    width = float(high - low) / 2
    effective = total**2 / (weight**2).sum()
    density = np.exp(-0.5) / np.sqrt(2 * np.pi)
    return Metric(width, float(width * np.sqrt(0.15865 * 0.6827 / effective) / (np.sqrt(2) * density)))
