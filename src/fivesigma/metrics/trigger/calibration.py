"""Apply a trigger's scale to muons that it was not set with."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.order import rising_sums
from fivesigma.metrics.trigger.muons import Muons
from fivesigma.metrics.trigger.replicas import counts
from fivesigma.metrics.trigger.scale import Scale, ScaleFit
from fivesigma.metrics.trigger.turn_on import NEAR

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Replica:
    """A bootstrap replica of the muons.

    Attributes:
        own: multiplicity of each judged muon.
        scales: the scale of each group, fitted with the multiplicities of the muons that set it.
    """

    own: Column
    scales: tuple[Scale, ...]


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
    _known_near: dict[float, NDArray[np.intp]] = field(default_factory=dict, init=False, repr=False)

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

    def replica(self, number: int) -> Replica:
        """A replica of the muons, the same ones for every model: see `counts`.

        Args:
            number: of the replica, from 0.
        """
        setting = counts(self.setting.number, number)
        scales = tuple(fit(setting[chosen]) for fit, chosen, _ in self._shares)
        return Replica(counts(self.judged.number, number), scales)

    def measured(self, thresholds: Column, replica: Replica | None = None) -> Column:
        """The cut on pT_L1 that the wanted fraction of the judged muons at each threshold passes, GeV, [threshold].

        It is the threshold times the corresponding quantile of pT_L1/pT of the muons within 10 % of it, which is one for
        an exact scale.

        Args:
            thresholds: GeV.
            replica: of the muons; without one, the muons themselves.

        Returns:
            The cuts; NaN for a threshold without muons near it.
        """
        near = self._near(thresholds)
        weight = self.judged.weight * (1.0 if replica is None else replica.own)
        momentum = self.momentum if replica is None else self._momentum_of(near, replica)
        found = []
        for threshold, rows in zip(thresholds, near, strict=True):
            ratio = momentum[rows] / self.judged.pt[rows]
            order = np.argsort(-ratio, kind="stable")
            passed = rising_sums(weight[rows][order], ratio[order])
            if not len(rows) or passed[-1] <= 0:
                found.append(np.nan)
                continue
            place = np.searchsorted(passed, self.efficiency * passed[-1] * (1 - 1e-12))
            found.append(threshold * ratio[order][min(int(place), len(rows) - 1)])
        return np.array(found)

    def _near(self, thresholds: Column) -> list[NDArray[np.intp]]:
        """For each threshold, the judged muons near it, which are looked for once."""
        for threshold in set(thresholds.tolist()).difference(self._known_near):
            self._known_near[threshold] = np.flatnonzero(np.abs(np.log(self.judged.pt / threshold)) < NEAR)
        return [self._known_near[threshold] for threshold in thresholds.tolist()]

    def _momentum_of(self, near: list[NDArray[np.intp]], replica: Replica) -> Column:
        """pT_L1 of some judged muons on the scale of a replica; NaN for all others, [event]."""
        chosen = np.zeros(len(self.judged), bool)
        for rows in near:
            chosen[rows] = True
        result = np.full(len(self.judged), np.nan)
        for scale, (_, _, judged) in zip(replica.scales, self._shares, strict=True):
            own = judged[chosen[judged]]
            result[own] = scale(self.judged.estimate[own])
        return result

    @cached_property
    def _orders(self) -> list[tuple[NDArray[np.intp], Column]]:
        """For each group, its muons in order of decreasing estimate, and the negated estimates."""
        found = []
        for _, _, judged in self._shares:
            order = judged[np.argsort(-self.judged.estimate[judged], kind="stable")]
            found.append((order, -self.judged.estimate[order]))
        return found

    def passing(self, thresholds: Column, weight: Column, replica: Replica | None = None) -> Column:
        """Sum of weights of the judged muons at or above each threshold, [threshold].

        Args:
            thresholds: GeV.
            weight: of each judged muon; for a replica, times its multiplicity.
            replica: whose scales count, fitted with its own muons.
        """
        total = np.zeros(len(thresholds))
        scales = [fit() for fit, _, _ in self._shares] if replica is None else replica.scales
        for scale, (order, negated) in zip(scales, self._orders, strict=True):
            own = weight[order]
            sums = np.concatenate([[0.0], np.cumsum(own)])
            # A margin for rounding keeps the muon that defines the cut.
            total += sums[np.searchsorted(negated, -scale.cut_at(thresholds) * (1 - 1e-12), side="right")]
        return total
