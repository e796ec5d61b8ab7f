"""The weighted ROC curve and the area below it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.evaluate.metric import Metric, Weight


@dataclass(frozen=True)
class Roc:
    """Efficiencies of the cut `score ≥ threshold`, as the threshold falls; both start at 0 and end at 1."""

    signal: NDArray[np.float64]
    background: NDArray[np.float64]
    threshold: NDArray[np.float64]


def roc(score: NDArray[Any], target: NDArray[Any], weight: Weight) -> Roc:
    """Signal against background efficiency at every distinct score, [point].

    Negative weights are kept: the efficiencies are then those of the summed weights, which need
    not rise everywhere.

    Args:
        score: larger means more signal-like, [event].
        target: 1 for signal, 0 for background, [event].
        weight: [event].
    """
    order = np.argsort(-score, kind="stable")
    score, signal = score[order], target[order] == 1
    weights = weight[order].astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(score) != 0, True))
    passed = [np.cumsum(np.where(chosen, weights, 0.0))[ends] for chosen in (signal, ~signal)]
    with np.errstate(all="ignore"):
        efficiencies = [np.concatenate([[0.0], p / p[-1]]) for p in passed]
    return Roc(efficiencies[0], efficiencies[1], np.concatenate([[np.inf], score[ends].astype(np.float64)]))


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
    signal = target == 1
    total = [float(weight[chosen].sum()) for chosen in (signal, ~signal)]
    if min(signal.sum(), (~signal).sum()) == 0 or 0.0 in total:
        return Metric(np.nan, np.nan)
    below = _share_below(score[signal], score[~signal], weight[~signal])
    above = 1 - _share_below(score[~signal], score[signal], weight[signal])
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
