"""The scale of a trigger: the cut on the estimate that accepts 90 % of the muons of a given momentum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivesigma.errors import EventsError
from fivesigma.metrics.order import between, ties
from fivesigma.metrics.trigger.muons import Muons

STEP = 0.05
"""Width of the finest bins of the true momentum, in ln pT."""
LEAST, NODES = 30, 80
"""A bin has at least `LEAST` effective muons and a fraction 1/`NODES` of all."""
FEWEST = 100
"""Smallest number of effective muons for a scale."""
FAR, SLOPE = 50.0, 1e-7
"""Extrapolation of the scale beyond its nodes, in ln pT; slope of a flat part, in ln of the cut."""

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """pT_L1 = f(estimate), such that P(pT_L1 ≥ X | true pT = X) is the wanted efficiency for every X.

    Attributes:
        pt: nodes, GeV, increasing.
        cut: cut on the estimate that the wanted fraction of the muons of that momentum passes, increasing.

    Between the nodes ln pT is linear in the logarithm of the cut; beyond them pT_L1 is proportional to the estimate.

    >>> Scale(np.array([5.0, 50.0]), np.array([4.0, 40.0]))(np.array([8.0])).round(6)
    array([10.])
    """

    pt: Column
    cut: Column

    def __call__(self, estimate: Column) -> Column:
        """Momentum on the scale of the trigger, GeV, [event]."""
        x, y = self._logarithms()
        return np.asarray(np.exp(np.interp(np.log(estimate), y, x)))

    def cut_at(self, threshold: Column) -> Column:
        """Cut on the estimate for each threshold in GeV, [threshold]."""
        x, y = self._logarithms()
        return np.asarray(np.exp(np.interp(np.log(threshold), x, y)))

    def _logarithms(self) -> tuple[Column, Column]:
        x, y = np.log(self.pt), np.log(self.cut)
        return np.concatenate([[x[0] - FAR], x, [x[-1] + FAR]]), np.concatenate([[y[0] - FAR], y, [y[-1] + FAR]])


class ScaleFit:
    """Fits the scale, repeatedly with other weights.

    In bins of the true momentum, the cut is the quantile of ln(estimate/pT) at 1 − efficiency. As the ratio varies slowly
    with pT, finite bins need no correction to first order. Isotonic regression makes the cuts monotonic: they are flat
    where the estimate does not rise with the momentum.

    Args:
        muons: calibration muons, which must not be judged with this scale.
        efficiency: fraction of the muons at a threshold that pass it.

    Raises:
        EventsError: if there are too few muons.

    Source of the definition: CMS Collaboration, The Phase-2 Upgrade of the CMS Level-1 Trigger, CERN-LHCC-2020-004:
    thresholds are compared where 90 % of the muons at the threshold pass.
    """

    def __init__(self, muons: Muons, efficiency: float) -> None:
        self._efficiency = efficiency
        used = muons.weight != 0
        x, weight = np.log(muons.pt[used]), muons.weight[used]
        residual = np.log(muons.estimate[used]) - x
        place = _bins(x, weight, muons.number[used])
        order = np.lexsort((residual, place))
        self._order, self._residual, self._weight = np.flatnonzero(used)[order], residual[order], weight[order]
        self._ties = ties((np.diff(residual[order]) != 0) | (np.diff(place[order]) != 0))
        self._starts = np.searchsorted(place[order], np.arange(place.max() + 2))
        self._place, self._is_signed = place[order], bool((weight < 0).any())
        with np.errstate(all="ignore"):  # the weights of a bin can cancel
            mean = np.bincount(place, weight * x) / np.bincount(place, weight)
        low, high = (extreme.reduceat(x[order], self._starts[:-1]) for extreme in (np.minimum, np.maximum))
        self._x = np.clip(mean, low, high) if self._is_signed else mean

    def __call__(self, factor: NDArray[np.float64] | None = None) -> Scale:
        """The scale with every muon's weight multiplied by `factor` [event]."""
        weight = self._weight if factor is None else self._weight * factor[self._order]
        passed = np.concatenate([[0.0], np.cumsum(weight)])
        if self._is_signed:
            passed = self._rising(passed)
        low, high = passed[self._starts[:-1]], passed[self._starts[1:]]
        # The largest cut that at least the wanted fraction passes.
        wanted = low + (1 - self._efficiency) * (high - low)
        first = np.searchsorted(passed, wanted + 1e-9 * (high - low), side="left") - 1
        cut = self._residual[np.clip(first, self._starts[:-1], self._starts[1:] - 1)]
        some = high > low
        return _monotone(self._x[some], (self._x + cut)[some], (high - low)[some])

    def _rising(self, passed: Column) -> Column:
        """Running sums that rise within each bin, as `rising_sums` does; a bin of a negative sum becomes empty."""
        low, high = passed[self._starts[:-1]], passed[self._starts[1:]]
        total = np.maximum(high - low, 0.0)
        base = np.concatenate([[0.0], np.cumsum(total)])
        inside = np.clip(passed[1:] - low[self._place], 0.0, total[self._place])
        ends, of_value = self._ties
        return np.concatenate([[0.0], between((base[self._place] + inside)[ends])[of_value]])


def _monotone(x: Column, y: Column, weight: Column) -> Scale:
    """Monotonic cuts, with a small slope where they are flat, so that the scale can be inverted."""
    from scipy.optimize import isotonic_regression  # half a second, for analyses with a trigger

    blocks = isotonic_regression(y, weights=weight).blocks
    level = np.add.reduceat(weight * y, blocks[:-1]) / np.add.reduceat(weight, blocks[:-1])
    lift = np.minimum(SLOPE, np.append(np.diff(level), np.inf) / 2)
    ends = np.unique(np.concatenate([blocks[:-1], blocks[1:] - 1]))
    block = np.searchsorted(blocks, ends, side="right") - 1
    cut = level[block] + np.where(ends > blocks[block], lift[block], 0.0)
    return Scale(np.exp(x[ends]), np.exp(cut))


def _bins(x: Column, weight: Column, number: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Bin of each muon in x = ln pT: as fine as the number of muons allows, [event]."""
    _, event = np.unique(number, return_inverse=True)
    # Rows of one event are not independent: their weights are added before they are squared.
    whole = np.bincount(event, weight)
    squares = whole[event] * weight
    effective = weight.sum() ** 2 / squares.sum() if len(x) else 0.0
    if weight.sum() < 0:
        raise EventsError("the weights of the validation muons add up to a negative number: they set no scale of a trigger")
    if effective < FEWEST:
        raise EventsError(
            f"{effective:.0f} validation muons are too few for the scale of a trigger", hint=f"at least {FEWEST} are needed"
        )
    least = max(effective / NODES, LEAST)
    fine = np.floor((x - x.min()) / STEP).astype(np.intp)
    sums, spread = np.bincount(fine, weight), np.bincount(fine, squares)
    joined, group = np.zeros(len(sums), np.intp), 0
    total = variance = 0.0
    for i in range(len(sums)):
        joined[i] = group
        total, variance = total + sums[i], variance + spread[i]
        if total > 0 and variance > 0 and total**2 / variance >= least:
            group, total, variance = group + 1, 0.0, 0.0
    joined[joined == group] = max(group - 1, 0)  # the muons that remain at high momenta join the last bin
    return np.asarray(joined[fine])
