"""Charge misassignment: the fraction of muons whose q/pT has the wrong sign."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.intervals import Share, Shares, share, shares
from fivesigma.metrics.metric import Weight
from fivesigma.metrics.trigger.turn_on import bin_of


def wrong_sign(curvature: NDArray[Any], true: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether the charge is wrong, [event]; a prediction of exactly zero counts as wrong.

    >>> wrong_sign(np.array([0.1, -0.1, 0.0]), np.array([0.2, 0.2, 0.2])).tolist()
    [False, True, True]
    """
    return np.asarray(np.sign(curvature) != np.sign(true))


def misassigned(curvature: NDArray[Any], true: NDArray[Any], weight: Weight) -> Share:
    """Fraction of all muons with the wrong charge."""
    return share(wrong_sign(curvature, true), weight)


def misassigned_in_bins(
    curvature: NDArray[Any], true: NDArray[Any], weight: Weight, pt: NDArray[Any], edges: list[float]
) -> Shares:
    """Fraction of muons with the wrong charge in bins of the true momentum; at high momenta it approaches one half."""
    return shares(wrong_sign(curvature, true), weight, bin_of(pt, edges), len(edges) - 1)
