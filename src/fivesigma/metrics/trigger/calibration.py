"""Divide muons so that a trigger's scale is never set by the muons that it is judged on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.trigger.muons import Muons
from fivesigma.metrics.trigger.scale import Scale, ScaleFit

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """A model's muons on the scale of the trigger.

    Attributes:
        setting: muons that set the scale.
        judged: muons that are judged.
        efficiency: share of muons at a threshold that pass it.
        groups: if some muons are in both, a group for each of `setting` and each of `judged`: muons of a group are judged
            by a scale that the other groups set.
    """

    setting: Muons
    judged: Muons
    efficiency: float
    groups: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None

    @cached_property
    def _shares(self) -> list[tuple[ScaleFit, NDArray[np.intp], NDArray[np.intp]]]:
        """For each group a fit, the muons that set it, and the muons it is for."""
        if self.groups is None:
            every = np.arange(len(self.setting)), np.arange(len(self.judged))
            return [(ScaleFit(self.setting, self.efficiency), *every)]
        others, own = self.groups
        pairs = [(np.flatnonzero(others != group), np.flatnonzero(own == group)) for group in np.unique(own)]
        return [(ScaleFit(self.setting.take(setting), self.efficiency), setting, judged) for setting, judged in pairs]

    @cached_property
    def scale(self) -> Scale:
        """The scale that all calibration muons set."""
        return ScaleFit(self.setting, self.efficiency)()

    @cached_property
    def momentum(self) -> Column:
        """pT_L1 of the muons that are judged, GeV, [event]."""
        result = np.empty(len(self.judged))
        for fit, _, judged in self._shares:
            result[judged] = fit()(self.judged.estimate[judged])
        return result

    @cached_property
    def _orders(self) -> list[tuple[NDArray[np.intp], Column]]:
        """For each group its muons by falling estimate, and these estimates, negated so that they rise."""
        found = []
        for _, _, judged in self._shares:
            order = judged[np.argsort(-self.judged.estimate[judged], kind="stable")]
            found.append((order, -self.judged.estimate[order]))
        return found

    def passing(self, thresholds: Column, weight: Column, counts: tuple[Column, Column] | None = None) -> Column:
        """Sum of weights of the judged muons at or above each threshold, [threshold].

        Args:
            thresholds: GeV.
            weight: of each judged muon.
            counts: for a replica, how often each muon of `setting` and of `judged` stands in it: the scale is then set anew.
        """
        total = np.zeros(len(thresholds))
        for (fit, setting, _), (order, negated) in zip(self._shares, self._orders, strict=True):
            scale = fit() if counts is None else fit(counts[0][setting])
            own = weight[order] if counts is None else weight[order] * counts[1][order]
            sums = np.concatenate([[0.0], np.cumsum(own)])
            # The smallest part of a cut more, so that rounding keeps a muon that defines the cut.
            total += sums[np.searchsorted(negated, -scale.cut_at(thresholds) * (1 - 1e-12), side="right")]
        return total
