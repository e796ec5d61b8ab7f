"""The weighted ROC curve and the area below it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Metric, Weight


@dataclass(frozen=True)
class Roc:
    """Efficiencies of the cut `score ≥ threshold`, as the threshold falls; both start at 0, never fall, and end at 1.

    The efficiency of a class without events is NaN; without any events, only the start is there.
    """

    signal: NDArray[np.float64]
    background: NDArray[np.float64]
    threshold: NDArray[np.float64]


def roc(score: NDArray[Any], target: NDArray[Any], weight: Weight) -> Roc:
    """Signal against background efficiency at every distinct score, [point].

    Negative weights are kept: the efficiencies are those of the summed weights. Where a stretch of scores sums to a
    negative weight, no cut is placed within it: the thresholds there are left out until both efficiencies rise with
    every one that is left, which is the exact curve at fewer thresholds. `auc` leaves nothing out.

    Args:
        score: larger means more signal-like, [event].
        target: 1 for signal, 0 for background, [event].
        weight: [event].
    """
    if not len(score):
        return Roc(np.zeros(1), np.zeros(1), np.array([np.inf]))
    order = np.argsort(-score, kind="stable")
    score, signal = score[order], target[order] == 1
    weights = weight[order].astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(score) != 0, True))
    passed = [np.cumsum(np.where(chosen, weights, 0.0))[ends] for chosen in (signal, ~signal)]
    if len(weights) and weights.min() < 0:
        kept = rising(np.column_stack(passed))
        ends, passed = ends[kept], [p[kept] for p in passed]
    with np.errstate(all="ignore"):
        efficiencies = [np.concatenate([[0.0], p / p[-1]]) for p in passed]
    return Roc(efficiencies[0], efficiencies[1], np.concatenate([[np.inf], score[ends].astype(np.float64)]))


def rising(sums: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows between which no column falls, from zero before the first row; the last row is always among them.

    A step in which a column falls is joined to the one before it (the first one to the one after), again and again:
    neighbours are pooled as in isotonic regression (Barlow et al., Statistical Inference under Order Restrictions,
    1972, section 1.2), without changing any sum.

    Args:
        sums: running sums, [row, column].

    Returns:
        Positions of the rows that are left, rising.

    >>> rising(np.array([[5.0], [4.0], [3.0], [6.0]]))
    array([2, 3])
    """
    kept = np.arange(len(sums))
    while len(kept) > 1:
        falls = np.diff(sums[kept], axis=0, prepend=0.0).min(axis=1) < 0
        if not falls.any():
            break
        # A row ends the step before it: to join a step to the one before, leave out the row between them.
        left_out = np.append(falls[1:], False)
        left_out[0] |= falls[0]
        kept = kept[~left_out]
    return kept


def auc(score: NDArray[Any], target: NDArray[Any], weight: Weight) -> Metric:
    """Probability that a signal event scores above a background event, ties counting one half.

    The error is the one of DeLong et al., Biometrics 44 (1988) 837, eqs. (3)–(5), with event
    weights: the spread of each event's share of the other class below (or above) it.

    Args:
        score: larger means more signal-like, [event].
        target: 1 for signal, 0 for background, [event].
        weight: [event]; negative ones are kept.

    >>> auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]), np.ones(4)).value
    0.75
    """
    if not _has_area(target, weight):
        return Metric(np.nan, np.nan)
    return _mean_of_pairs(*_beaten(score, target, weight), target, weight)


def auc_difference(first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight) -> Metric:
    """How much larger the area of one score is than that of another, on the same events.

    The error is that of DeLong et al. (eqs. 4 to 6) for two areas of the same events: what fluctuates alike in both does
    not count.

    Args:
        first, second: the two scores, [event].
        target, weight: as for `auc`.

    >>> target, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> auc_difference(score, score, target, np.ones(4))
    Metric(value=0.0, error=0.0)
    """
    if not _has_area(target, weight):
        return Metric(np.nan, np.nan)
    pairs = zip(_beaten(first, target, weight), _beaten(second, target, weight), strict=True)
    below, above = (one - other for one, other in pairs)
    return _mean_of_pairs(below, above, target, weight)


def _has_area(target: NDArray[Any], weight: Weight) -> bool:
    """Whether there are events of both classes, whose weights do not cancel."""
    sides = [weight[target == 1], weight[target != 1]]
    return all(len(side) and side.sum() != 0 for side in sides)


def _beaten(score: NDArray[Any], target: NDArray[Any], weight: Weight) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each signal event the share of background below it, for each background event that of signal above it."""
    signal = target == 1
    below = _share_below(score[signal], score[~signal], weight[~signal])
    return below, 1 - _share_below(score[~signal], score[signal], weight[signal])


def _mean_of_pairs(below: NDArray[np.float64], above: NDArray[np.float64], target: NDArray[Any], weight: Weight) -> Metric:
    """Mean over all pairs of a signal and a background event, from the means over each event's partners."""
    signal = target == 1
    total = [float(weight[chosen].sum()) for chosen in (signal, ~signal)]
    value = float((weight[signal] * below).sum() / total[0])
    variance = (weight[signal] ** 2 * (below - value) ** 2).sum() / total[0] ** 2
    variance += (weight[~signal] ** 2 * (above - value) ** 2).sum() / total[1] ** 2
    return Metric(value, float(np.sqrt(variance)))


def _share_below(points: NDArray[Any], others: NDArray[Any], weight: Weight) -> NDArray[np.float64]:
    """For each point, the weighted share of `others` below it, ties counting one half."""
    order = np.argsort(others, kind="stable")
    ordered = others[order]
    sums = np.concatenate([[0.0], np.cumsum(weight[order].astype(np.float64))])
    low = sums[np.searchsorted(ordered, points, side="left")]
    high = sums[np.searchsorted(ordered, points, side="right")]
    return np.asarray((low + high) / 2 / sums[-1])
