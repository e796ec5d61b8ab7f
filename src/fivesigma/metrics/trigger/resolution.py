"""Momentum resolution: median, core, width and tails."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.intervals import fraction
from fivesigma.metrics.metric import Metric, Weight, weighted_mean
from fivesigma.metrics.order import ascending, rising_sums
from fivesigma.metrics.regression import half_width_68
from fivesigma.metrics.trigger.turn_on import bin_of

WINDOW = 2.0
"""The core extends over so many of its own widths on either side of the centre."""
TRUNCATED = 0.8796256610342398
"""Standard deviation of a standard normal distribution truncated at ±2."""
FEEDBACK = 1 / (1 - 0.472)
"""How much more the width of the core changes than that of the events in its window, which moves with it; see `core`."""
TAIL = 3.0
"""Tails begin at so many widths of the core from the centre."""
FEWEST = 20
"""Smallest number of effective events of a bin."""

Column = NDArray[np.float64]


def median(values: Column, weight: Weight) -> Metric:
    """Weighted median; its error is half the distance between the quantiles at ½ ± ½/√n for n effective events.

    >>> median(np.array([1.0, 2.0, 9.0]), np.ones(3)).value
    2.0
    """
    total = float(weight.sum())
    if not len(values) or total <= 0:
        return Metric(np.nan, np.nan)
    order = ascending(values)
    ordered = values[order]
    share = rising_sums(weight[order], ordered) / total
    half = 0.5 * float(np.sqrt((weight**2).sum())) / total
    places = np.searchsorted(share, np.array([0.5 - half, 0.5, 0.5 + half]) - 1e-12)
    low, centre, high = ordered[np.minimum(places, len(values) - 1)]
    return Metric(float(centre), float(high - low) / 2)


def core(residual: Column, weight: Weight) -> Metric:
    """Width σ of the Gaussian core, as from a fit of a Gaussian within ±2σ of the median.

    Instead of a fit, the standard deviation within ±2σ is divided by that of a standard normal distribution truncated at
    ±2, 0.8796, and the window is adapted until both agree. Tails beyond the window do not contribute.

    The error is that of the standard deviation, from the spread of the squared distances in the window (0.584 σ/√n for n
    events of a Gaussian); as the window moves with the width, it grows by 1/(1 − 0.472), to 1.107 σ/√n for a Gaussian.
    """
    centre, sigma = median(residual, weight).value, half_width_68(residual, weight).value
    distance = np.abs(residual - centre)
    square = Metric(np.nan, np.nan)
    for _ in range(100):
        inside = distance <= WINDOW * sigma
        sums = weight[inside].sum()
        if not (sigma > 0 and sums > 0):
            return Metric(np.nan, np.nan)
        mean = (weight[inside] * residual[inside]).sum() / sums
        square = weighted_mean((residual[inside] - mean) ** 2, weight[inside])
        if not square.value > 0:
            return Metric(np.nan, np.nan)
        found = float(np.sqrt(square.value)) / TRUNCATED
        done = abs(found - sigma) <= 1e-6 * sigma
        sigma = found
        if done:
            break
    return Metric(sigma, FEEDBACK * sigma * square.error / (2 * square.value))


def resolution(residual: Column, weight: Weight) -> dict[str, Metric]:
    """`median`, `core`, `width_68`, and the fractions `tail_low` and `tail_high` beyond three core widths.

    A Gaussian has 0.13 % in either tail.

    Args:
        residual: prediction − truth, or relative to the truth, [event].
        weight: [event].
    """
    centre, sigma = median(residual, weight), core(residual, weight)
    far = TAIL * sigma.value
    beyond = [residual < centre.value - far, residual > centre.value + far]
    low, high = (fraction(each, weight) if np.isfinite(far) else Metric(np.nan, np.nan) for each in beyond)
    return {
        "median": centre,
        "core": sigma,
        "width_68": half_width_68(residual, weight),
        "tail_low": low,
        "tail_high": high,
    }


def in_bins(residual: Column, weight: Weight, values: Column, edges: list[float]) -> list[dict[str, Any]]:
    """The resolution in bins of another quantity; bins with too few events are left out.

    Args:
        residual, weight: as for `resolution`.
        values: the quantity that is binned, [event].
        edges: bin edges.
    """
    place, found = bin_of(values, edges), []
    for i, (low, high) in enumerate(pairwise(edges)):
        own = place == i
        total, squares = weight[own].sum(), (weight[own] ** 2).sum()
        if squares > 0 and total > 0 and total**2 / squares >= FEWEST:
            row = {"low": low, "high": high, "events": float(total**2 / squares)}
            found.append(row | resolution(residual[own], weight[own]))
    return found
