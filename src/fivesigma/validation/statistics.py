"""Weighted quantiles, correlations and uniformity, each with its statistical error."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

QUANTILE_STEP = 0.01
"""Half the range in probability over which the density at a quantile is taken."""


def effective(weight: Values) -> float:
    """Number of unweighted events of the same statistical power (Kish): (sum w)^2 / sum w^2."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def quantiles(values: Values, weight: Values, shares: tuple[float, ...]) -> list[tuple[float, float]]:
    """Weighted quantiles and their errors.

    The error is sqrt(p (1 - p)/n) over the density at the quantile, with n effective events.

    >>> quantiles(np.arange(101.0), np.ones(101), (0.5,))[0][0]
    50.0
    """
    order = np.argsort(values, kind="stable")
    ordered, below = values[order], np.cumsum(weight[order])
    # The middle of an event's own weight, so that one event is its own median.
    place = (below - 0.5 * weight[order]) / below[-1]
    found = []
    for p in shares:
        value, low, high = np.interp([p, p - QUANTILE_STEP, p + QUANTILE_STEP], place, ordered)
        error = np.sqrt(p * (1 - p) / effective(weight)) * (high - low) / (2 * QUANTILE_STEP)
        found.append((float(value), float(error)))
    return found


def mean(values: Values, weight: Values) -> tuple[float, float]:
    """Weighted mean and its error."""
    value = float(np.average(values, weights=weight))
    variance = float(np.average((values - value) ** 2, weights=weight))
    return value, float(np.sqrt(variance / effective(weight)))


def deviation(values: Values, weight: Values) -> tuple[float, float]:
    """Weighted standard deviation and its error, from the fourth moment."""
    offset = values - np.average(values, weights=weight)
    variance = float(np.average(offset**2, weights=weight))
    if variance == 0:
        return 0.0, 0.0
    fourth = float(np.average(offset**4, weights=weight))
    error = np.sqrt(max(fourth - variance**2, 0.0) / effective(weight)) / (2 * np.sqrt(variance))
    return float(np.sqrt(variance)), float(error)


def correlation(one: Values, other: Values, weight: Values) -> tuple[float, float]:
    """Weighted Pearson correlation and its error (1 - r^2)/sqrt(n); NaN where a column is constant."""
    x, y = (column - np.average(column, weights=weight) for column in (one, other))
    size = np.sqrt(np.average(x * x, weights=weight) * np.average(y * y, weights=weight))
    if size == 0:
        return float("nan"), float("nan")
    r = float(np.average(x * y, weights=weight) / size)
    return r, float((1 - r * r) / np.sqrt(effective(weight)))


def uniformity(angle: Values) -> float:
    """Kolmogorov's distance of angles from a uniform distribution in -pi to pi, times sqrt(n).

    For truly uniform angles it exceeds 1.95 in one of a thousand samples.
    """
    place = np.sort((angle + np.pi) / (2 * np.pi))
    n = len(place)
    steps = np.arange(n + 1) / n
    distance = max(float(np.max(steps[1:] - place)), float(np.max(place - steps[:-1])))
    return distance * float(np.sqrt(n))


def harmonic(angle: Values, order: int) -> float:
    """Amplitude a of the harmonic in the density (1 + a cos(order (angle - phase)))/2 pi; its error is sqrt(2/n).

    >>> round(harmonic(np.array([0.0, np.pi]), 2), 6)
    2.0
    """
    return float(2 * np.abs(np.mean(np.exp(1j * order * angle))))
