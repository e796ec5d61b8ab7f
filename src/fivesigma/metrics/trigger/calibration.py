"""Apply a trigger's scale to muons that it was not set with."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.trigger.muons import Muons
from fivesigma.metrics.trigger.scale import Scale, ScaleFit
from fivesigma.metrics.trigger.turn_on import NEAR

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """The muons of a model on the scale of the trigger.

    Attributes:
        setting: muons that the scale is fitted to.
        judged: muons that the scale is applied to.
        efficiency: fraction of the muons at a threshold that pass it.
        groups: if some muons are in both, the index of the group of each muon of `setting` and of `judged`: the scale of a
            group is fitted to the other groups.
    """

    setting: Muons
    judged: Muons
    efficiency: float
    groups: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None

    @cached_property
    def _shares(self) -> list[tuple[ScaleFit, NDArray[np.intp], NDArray[np.intp]]]:
        """For each group, the fit, the muons that it uses and the muons that it is applied to."""
        if self.groups is None:
            every = np.arange(len(self.setting)), np.arange(len(self.judged))
            return [(ScaleFit(self.setting, self.efficiency), *every)]
        others, own = self.groups
        pairs = [(np.flatnonzero(others != group), np.flatnonzero(own == group)) for group in np.unique(own)]
        return [(ScaleFit(self.setting.take(setting), self.efficiency), setting, judged) for setting, judged in pairs]

    @cached_property
    def scale(self) -> Scale:
        """The scale fitted to all calibration muons."""
        return ScaleFit(self.setting, self.efficiency)()

    @cached_property
    def momentum(self) -> Column:
        """pT_L1 of the judged muons, GeV, [event]."""
        result = np.empty(len(self.judged))
        for fit, _, judged in self._shares:
            result[judged] = fit()(self.judged.estimate[judged])
        return result

    def measured(self, thresholds: Column, counts: tuple[Column, Column] | None = None) -> Column:
        """The cut on pT_L1 that the wanted fraction of the judged muons at each threshold passes, GeV, [threshold].

        It is the threshold times the corresponding quantile of pT_L1/pT of the muons within 10 % of it, which is one for
        an exact scale.

        Args:
            thresholds: GeV.
            counts: as for `passing`.

        Returns:
            The cuts; NaN for a threshold without muons near it.
        """
        weight = np.maximum(self.judged.weight, 0) * (1.0 if counts is None else counts[1])
        near = self._near(thresholds)
        momentum = self.momentum if counts is None else self._replica_momentum(np.unique(np.concatenate(near)), counts[0])
        found = []
        for threshold, rows in zip(thresholds, near, strict=True):
            ratio = momentum[rows] / self.judged.pt[rows]
            order = np.argsort(-ratio, kind="stable")
            passed = np.cumsum(weight[rows][order])
            if not len(rows) or passed[-1] <= 0:
                found.append(np.nan)
                continue
            place = np.searchsorted(passed, self.efficiency * passed[-1] * (1 - 1e-12))
            found.append(threshold * ratio[order][min(int(place), len(rows) - 1)])
        return np.array(found)

    def _near(self, thresholds: Column) -> list[NDArray[np.intp]]:
        return [np.flatnonzero(np.abs(np.log(self.judged.pt / threshold)) < NEAR) for threshold in thresholds]

    def _replica_momentum(self, rows: NDArray[np.intp], setting_counts: Column) -> Column:
        """pT_L1 of the judged muons at `rows` on the scale of a replica; NaN for all others, [event]."""
        chosen = np.zeros(len(self.judged), bool)
        chosen[rows] = True
        result = np.full(len(self.judged), np.nan)
        for fit, setting, judged in self._shares:
            own = judged[chosen[judged]]
            result[own] = fit(setting_counts[setting])(self.judged.estimate[own])
        return result

    @cached_property
    def _orders(self) -> list[tuple[NDArray[np.intp], Column]]:
        """For each group, its muons in order of decreasing estimate, and the negated estimates."""
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
            counts: for a replica, the multiplicity of each muon of `setting` and of `judged`; the scale is fitted again.
        """
        total = np.zeros(len(thresholds))
        for (fit, setting, _), (order, negated) in zip(self._shares, self._orders, strict=True):
            scale = fit() if counts is None else fit(counts[0][setting])
            own = weight[order] if counts is None else weight[order] * counts[1][order]
            sums = np.concatenate([[0.0], np.cumsum(own)])
            # A margin for rounding keeps the muon that defines the cut.
            total += sums[np.searchsorted(negated, -scale.cut_at(thresholds) * (1 - 1e-12), side="right")]
        return total
