"""Turn-on curves: efficiency of a threshold against true momentum."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.intervals import Share, Shares, share, shares
from fivesigma.metrics.metric import Weight

NEAR = 0.1
"""Muons within this share of a threshold show the efficiency at it."""

Column = NDArray[np.float64]


def turn_on(momentum: Column, pt: Column, weight: Weight, threshold: float, edges: list[float]) -> Shares:
    """Share of muons with pT_L1 at or above a threshold, in bins of the true momentum.

    Args:
        momentum: on the scale of the trigger, GeV, [event].
        pt: true, GeV, [event].
        weight: [event].
        threshold: GeV.
        edges: of the bins, GeV; the lower one belongs to the bin.

    >>> turn_on(np.array([21.0, 9.0]), np.array([25.0, 26.0]), np.ones(2), 20.0, [24.0, 30.0]).value
    array([0.5])
    """
    return shares(momentum >= threshold, weight, bin_of(pt, edges), len(edges) - 1)


def at_threshold(momentum: Column, pt: Column, weight: Weight, threshold: float) -> Share:
    """Efficiency at a threshold: what the scale was set to, checked on other muons.

    Of the muons within 10 % of the threshold the share is counted that passes a threshold at its own true momentum. The
    scale promises the same efficiency for each of them, whereas the plain share above one threshold would be the mean of
    a curve that bends there: too low by several percent for a good resolution.
    """
    near = np.abs(np.log(pt / threshold)) < NEAR
    return share(momentum[near] >= pt[near], weight[near])


def plateau(momentum: Column, pt: Column, weight: Weight, threshold: float, factor: float) -> Share:
    """Share that passes of the muons with at least `factor` times the threshold."""
    far = pt >= factor * threshold
    return share(momentum[far] >= threshold, weight[far])


def against_eta(momentum: Column, pt: Column, eta: Column, weight: Weight, threshold: float, edges: list[float]) -> Shares:
    """Share that passes of the muons above a threshold, in bins of pseudorapidity."""
    above = pt >= threshold
    return shares(momentum[above] >= threshold, weight[above], bin_of(eta[above], edges), len(edges) - 1)


def bin_of(values: NDArray[Any], edges: list[float]) -> NDArray[np.intp]:
    """Bin of each value, [event]: −1 or the number of bins for what lies outside.

    >>> bin_of(np.array([0.5, 1.0, 2.0]), [0.0, 1.0, 2.0])
    array([0, 1, 2])
    """
    return np.searchsorted(np.asarray(edges, np.float64), values, side="right") - 1


def rows(edges: list[float], found: Shares) -> list[dict[str, Any]]:
    """One row for each bin that holds muons: `low`, `high`, `events` and the share."""
    return [
        {"low": low, "high": high, "events": float(found.events[i]), "share": found[i]}
        for i, (low, high) in enumerate(pairwise(edges))
        if found.events[i] > 0
    ]
