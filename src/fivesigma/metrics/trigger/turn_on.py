"""Turn-on curves: efficiency of a threshold against the true momentum."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.intervals import Share, Shares, share, shares
from fivesigma.metrics.metric import Weight

NEAR = 0.1
"""Largest relative distance to a threshold of the muons that measure the efficiency at it."""

FEW = 100
"""An estimate of fewer values near a threshold moves in steps: with so many, which spread over four resolutions, the
steps are a twenty-fifth of a resolution, and the efficiency at the threshold changes by less than a percent from one to
the next."""

Column = NDArray[np.float64]


def turn_on(momentum: Column, pt: Column, weight: Weight, threshold: float, edges: list[float]) -> Shares:
    """Efficiency of a threshold on pT_L1 in bins of the true momentum.

    Args:
        momentum: pT_L1, the momentum on the scale of the trigger, GeV, [event].
        pt: true momentum, GeV, [event].
        weight: [event].
        threshold: GeV.
        edges: bin edges, GeV; a bin contains its lower edge.

    >>> turn_on(np.array([21.0, 9.0]), np.array([25.0, 26.0]), np.ones(2), 20.0, [24.0, 30.0]).value
    array([0.5])
    """
    return shares(momentum >= threshold, weight, bin_of(pt, edges), len(edges) - 1)


def at_threshold(momentum: Column, pt: Column, weight: Weight, threshold: float, *, in_steps: bool = False) -> Share:
    """Efficiency at a threshold, which checks the scale on other muons.

    It is the fraction of the muons within 10 % of the threshold whose pT_L1 is at least their own true momentum. The scale
    gives all of them the same efficiency, whereas the fraction above the threshold itself is a mean over a curve that
    bends there: for a good resolution it is too low by several percent. If the estimate takes few values, as that of a
    look-up table, it is the fraction above the threshold: which muons pass changes in steps, which need not be at their
    momenta.

    Args:
        momentum: pT_L1, GeV, [event].
        pt: true momentum, GeV, [event].
        weight: [event].
        threshold: GeV.
        in_steps: whether the estimate takes few values near the threshold.
    """
    near = is_near(pt, threshold)
    cut = threshold if in_steps else pt[near]
    return share(momentum[near] >= cut, weight[near])


def is_near(pt: Column, threshold: float) -> NDArray[np.bool_]:
    """Which muons measure the efficiency at a threshold, [event]: those within 10 % of it, |ln(pT/threshold)| < 0.1."""
    return np.asarray(np.abs(np.log(pt / threshold)) < NEAR)


def takes_few_values(estimate: Column) -> bool:
    """Whether an estimate is one of few values, so that it does not follow a small change of the momentum.

    >>> takes_few_values(np.arange(90.0)), takes_few_values(np.arange(90.0).repeat(3)), takes_few_values(np.arange(1e4))
    (False, True, False)
    """
    values = len(np.unique(estimate))
    return values < min(FEW, len(estimate) / 2)


def plateau(momentum: Column, pt: Column, weight: Weight, threshold: float, factor: float) -> Share:
    """Efficiency of a threshold for muons with at least `factor` times its momentum."""
    far = is_far(pt, threshold, factor)
    return share(momentum[far] >= threshold, weight[far])


def is_far(pt: Column, threshold: float, factor: float) -> NDArray[np.bool_]:
    """Which muons measure the efficiency on the plateau, [event]."""
    return np.asarray(pt >= factor * threshold)


def against_eta(momentum: Column, pt: Column, eta: Column, weight: Weight, threshold: float, edges: list[float]) -> Shares:
    """Efficiency of a threshold for muons above it, in bins of pseudorapidity."""
    above = pt >= threshold
    return shares(momentum[above] >= threshold, weight[above], bin_of(eta[above], edges), len(edges) - 1)


def bin_of(values: NDArray[Any], edges: list[float]) -> NDArray[np.intp]:
    """Bin of each value, [event]: −1 below the first edge, the number of bins from the last edge on.

    >>> bin_of(np.array([0.5, 1.0, 2.0]), [0.0, 1.0, 2.0])
    array([0, 1, 2])
    """
    return np.searchsorted(np.asarray(edges, np.float64), values, side="right") - 1


def rows(edges: list[float], found: Shares) -> list[dict[str, Any]]:
    """One row for each bin with muons: `low`, `high`, `events` and `share`."""
    return [
        {"low": low, "high": high, "events": float(found.events[i]), "share": found[i]}
        for i, (low, high) in enumerate(pairwise(edges))
        if found.events[i] > 0
    ]
