"""The weighted ROC curve and the area below it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.intervals import certain, without_failure
from fivesigma.metrics.metric import Metric, Weight
from fivesigma.metrics.order import ascending, ties


@dataclass(frozen=True)
class Roc:
    """Efficiencies of the cut `score ≥ threshold` for decreasing thresholds: they rise monotonically from 0 to 1, [point].

    The efficiency of a class without events is NaN; without any events there is only the first point.
    """

    signal: NDArray[np.float64]
    background: NDArray[np.float64]
    threshold: NDArray[np.float64]


def roc(score: NDArray[Any], target: NDArray[Any], weight: Weight) -> Roc:
    """Signal and background efficiency at every distinct score, [point].

    Negative weights are kept: efficiencies are ratios of sums of weights. Where a range of scores has a negative sum,
    thresholds within it are left out until both efficiencies rise monotonically; the curve is exact at those that
    remain. `auc` uses all of them.

    Args:
        score: larger means more signal-like, [event].
        target: 1 for signal, 0 for background, [event].
        weight: [event].
    """
    if not len(score):
        return Roc(np.zeros(1), np.zeros(1), np.array([np.inf]))
    order = ascending(score)[::-1]  # scores that rise already are not sorted again
    score, signal = score[order], target[order] == 1
    weights = weight[order].astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(score) != 0, True))
    passed = [np.cumsum(np.where(chosen, weights, 0.0))[ends] for chosen in (signal, ~signal)]
    if weights.min() < 0:
        kept = rising(np.column_stack(passed))
        ends, passed = ends[kept], [p[kept] for p in passed]
    with np.errstate(all="ignore"):
        efficiencies = [np.concatenate([[0.0], p / p[-1]]) for p in passed]
    return Roc(efficiencies[0], efficiencies[1], np.concatenate([[np.inf], score[ends].astype(np.float64)]))


def rising(sums: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows between which no column decreases, starting from zero; the last row is always kept.

    A step in which a column decreases is merged with the one before it (the first step with the one after it) until none
    is left: neighbours are pooled as in isotonic regression (Barlow et al., Statistical Inference under Order Restrictions,
    1972, section 1.2), without changing any sum.

    Args:
        sums: running sums, [row, column].

    Returns:
        Positions of the rows that are kept, in increasing order.

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

    The error is that of DeLong et al., Biometrics 44 (1988) 837, eqs. (3)–(5), with event weights: it follows from the
    spread, over the events of each class, of the fraction of the other class below (or above) them. If the classes are
    separated, it is the length of the Clopper–Pearson interval for the effective number of events of the smaller class.
    With fewer than ten effective events in a class, whose spread says little, it is at least that of Hanley and McNeil,
    Radiology 143 (1982) 29, eq. (1), which follows from the area A ≥ ½ (or 1 − A) and the effective numbers of
    events alone; the larger one of both ways to name the classes. From ten to twenty events the two errors pass into
    each other. If the classes are nearly separated, the spread depends on a few events on the wrong side: with fewer than
    ten effective ones the variance is at least the geometric mean of both, and from ten to twenty they pass into each
    other again, unless the class itself has hardly more events than that.

    Args:
        score: larger means more signal-like, [event].
        target: 1 for signal, 0 for background, [event].
        weight: [event]; negative ones are kept.

    >>> auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]), np.ones(4)).value
    0.75
    """
    if not _has_area(target, weight):
        return Metric(np.nan, np.nan)
    order = ascending(score)
    score, target, weight = score[order], target[order], weight[order]
    below, above = _beaten(score, target, weight)
    found = _mean_of_pairs(below, above, target, weight)
    if certain(found):
        sides = [weight[target == 1], weight[target != 1]]
        return Metric(found.value, max(float(without_failure(side.sum(), (side**2).sum())) for side in sides))
    return Metric(found.value, _at_least(found, (weight[target == 1], below), (weight[target != 1], above)))


_FEW = 10.0
"""Effective events of a class below which their spread says little; with twice as many it is relied on."""


def _effective(weight: Weight) -> float:
    """Effective number of events, at least one."""
    squares = float(np.square(weight, dtype=np.float64).sum())
    return max(1.0, float(weight.sum()) ** 2 / squares) if squares else 1.0


def _at_least(found: Metric, *classes: tuple[Weight, NDArray[np.float64]]) -> float:
    """The error of an area; with few events in a class, or few on the wrong side, that of Hanley and McNeil counts, too.

    Args:
        found: the area, with the error that follows from the spread.
        classes: weights of the events of each class, and the fraction of the other class that each of them beats.
    """
    events = [_effective(weight) for weight, _ in classes]
    share = float(np.clip(2 - min(events) / _FEW, 0, 1))
    beaten = [each if found.value < 0.5 else 1 - each for _, each in classes]  # by the events on the other side
    wrong = [_effective(weight * each) for (weight, _), each in zip(classes, beaten, strict=True)]
    # In few events that are mixed well, half of them are effective, and their spread is not that of outliers.
    few = (min(2 - w / _FEW, 2 - 4 * w / n) for w, n in zip(wrong, events, strict=True))
    between = float(np.clip(max(few), 0, 1))
    if not 0 <= found.value <= 1 or share == between == 0:  # negative weights may lead outside
        return found.error
    a = max(found.value, 1 - found.value)
    one_above_two, two_above_one = 2 * a**2 / (1 + a) - a**2, a / (2 - a) - a**2
    variance = max(
        (a * (1 - a) + (signal - 1) * two_above_one + (background - 1) * one_above_two) / (signal * background)
        for signal, background in (events, events[::-1])
    )
    own = found.error**2
    return float(np.sqrt(own + max(share * max(variance - own, 0), between * max(np.sqrt(variance * own) - own, 0))))


def _of_few(events: float) -> float:
    """The factor on the variance of a difference that is due to one class: one, but with few effective events larger.

    With few events the spread is too small by n/(n − 1), and the 68 % interval is that of Student's t: its quantile is
    1 + 1/(2ν) + 1/(3ν²) within a hundredth, with ν = n − 1. Not a number for a single event.
    """
    if events >= 2 * _FEW:
        return 1.0
    free = events - 1
    return events / free * (1 + 0.5 / free + 1 / (3 * free**2)) ** 2 if free >= 1 else np.nan


def auc_difference(first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight) -> Metric:
    """AUC of the first score minus that of the second, on the same events.

    The error is that of DeLong et al. (eqs. 4 to 6) for two areas of the same events, whose common fluctuations cancel. The
    part of a class with fewer than twenty effective events is enlarged as by Student's t, also if all of it comes from so
    few events; in a class with fewer than two it is unknown.

    Args:
        first, second: the two scores, [event].
        target, weight: as for `auc`.

    >>> target, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> auc_difference(score, score, target, np.ones(4))
    Metric(value=0.0, error=0.0)
    """
    if not _has_area(target, weight):
        return Metric(np.nan, np.nan)
    pairs = zip(_beaten_in_place(first, target, weight), _beaten_in_place(second, target, weight), strict=True)
    below, above = (one - other for one, other in pairs)
    found = _mean_of_pairs(below, above, target, weight)
    sides = [weight[target == 1], weight[target != 1]]
    if found.error == 0:
        return found
    parts = [
        (side**2 * (each - found.value) ** 2).sum() / side.sum() ** 2 * _of_few(_that_differ(side, each))
        for side, each in zip(sides, (below, above), strict=True)
    ]
    return Metric(found.value, float(np.sqrt(sum(parts))))


def _that_differ(weight: Weight, difference: NDArray[np.float64]) -> float:
    """Effective number of events of a class that a difference comes from; two at least.

    Of differences with a Gaussian distribution it is 2/π of all events. Above 60 % of that all events count, below 30 % the
    effective ones alone, with a straight line in between.
    """
    events = _effective(weight)
    share = np.pi / 2 * _effective(np.abs(weight * difference)) / events
    return max(events * float(np.interp(share, [0.0, 0.3, 0.6], [0.0, 0.3, 1.0])), min(events, 2.0))


class MeanAuc:
    """Mean of the AUC of several tests, each with signal of its own and all with the same background.

    The error is that of DeLong et al. (eqs. 3 to 6): the signal events of different tests fluctuate independently of one
    another, and those of the background move all areas together.

    >>> mean = MeanAuc()
    >>> for signal in (0.35, 0.8):
    ...     mean.add(np.array([0.1, 0.4, signal, 0.9]), np.array([0, 0, 1, 1]), np.ones(4))
    >>> mean.result().value
    0.875
    """

    def __init__(self) -> None:
        self._areas: list[Metric] = []
        self._above: NDArray[np.float64] | None = None
        self._signal, self._together = 0.0, 0.0
        self._weight = np.zeros(0)

    def add(self, score: NDArray[Any], target: NDArray[Any], weight: Weight) -> None:
        """Add a test.

        Args:
            score, target, weight: as for `auc`; the background events are those of the other tests, in the same order.
        """
        self._areas.append(auc(score, target, weight))
        if not np.isfinite(self._areas[-1].value):
            return
        below, above = _beaten_in_place(score, target, weight)
        area, signal = self._areas[-1], target == 1
        own = weight[signal]
        if certain(Metric(area.value, 0.0)):  # separated classes have no spread, but an error, which may be the background's
            self._together += area.error
            least = 0.0
        else:  # few events of a test have a larger error than their spread
            least = area.error**2 - _mean_of_pairs(below, above, target, weight).error ** 2
        self._signal += float((own**2 * (below - area.value) ** 2).sum() / own.sum() ** 2) + max(least, 0.0)
        self._weight = weight[~signal]
        self._above = above if self._above is None else self._above + above

    def result(self) -> Metric:
        """The mean; not a number without tests, or if one of them has none."""
        areas = np.array([area.value for area in self._areas])
        if self._above is None or not np.isfinite(areas).all():
            return Metric(np.nan, np.nan)
        value, number = float(areas.mean()), len(areas)
        moved = self._weight**2 * (self._above / number - value) ** 2
        variance = self._signal / number**2 + moved.sum() / self._weight.sum() ** 2
        return Metric(value, float(np.sqrt(variance + (self._together / number) ** 2)))


def _has_area(target: NDArray[Any], weight: Weight) -> bool:
    """Whether there are events of both classes, whose weights do not cancel."""
    sides = [weight[target == 1], weight[target != 1]]
    return all(len(side) and side.sum() != 0 for side in sides)


def _beaten(score: NDArray[Any], target: NDArray[Any], weight: Weight) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fraction of background below each signal event, and of signal above each background event; ties count one half.

    The scores must rise.
    """
    signal = target == 1
    ends, of_score = ties(score[1:] != score[:-1])
    below, above = (_share_below(np.where(side, weight, 0.0), ends) for side in (~signal, signal))
    return below[of_score[signal]], 1 - above[of_score[~signal]]


def _share_below(weight: NDArray[np.float64], ends: NDArray[np.intp]) -> NDArray[np.float64]:
    """Share of the sum of weights below each distinct score, that at the score itself counting one half."""
    sums = np.cumsum(weight)[ends]
    middle = (sums + np.concatenate([[0.0], sums[:-1]])) / 2
    return np.asarray(middle / sums[-1])


def _beaten_in_place(
    score: NDArray[Any], target: NDArray[Any], weight: Weight
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """As `_beaten`, for scores in any order and in that order."""
    order = ascending(score)
    signal = target == 1
    found = np.empty(len(score))
    rises = signal[order]
    found[order[rises]], found[order[~rises]] = _beaten(score[order], target[order], weight[order])
    return found[signal], found[~signal]


def _mean_of_pairs(below: NDArray[np.float64], above: NDArray[np.float64], target: NDArray[Any], weight: Weight) -> Metric:
    """Mean over all pairs of a signal and a background event, from the means for each event."""
    signal = target == 1
    total = [float(weight[chosen].sum()) for chosen in (signal, ~signal)]
    value = float((weight[signal] * below).sum() / total[0])
    variance = (weight[signal] ** 2 * (below - value) ** 2).sum() / total[0] ** 2
    variance += (weight[~signal] ** 2 * (above - value) ** 2).sum() / total[1] ** 2
    return Metric(value, float(np.sqrt(variance)))
