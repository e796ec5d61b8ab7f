"""Apply a trigger's scale to muons that it was not set with."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.order import rising_sums
from fivesigma.metrics.trigger.muons import Muons
from fivesigma.metrics.trigger.replicas import counts
from fivesigma.metrics.trigger.scale import Scale, ScaleFit
from fivesigma.metrics.trigger.turn_on import is_near, takes_few_values

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
class _Near:
    """The judged muons near a threshold.

    Attributes:
        rows: which they are.
        pt: momentum for which the scale's cut is compared with the estimate of each, GeV.
        groups: places in `rows` of the muons of each group.
    """

    rows: NDArray[np.intp]
    pt: Column
    groups: tuple[NDArray[np.intp], ...]


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
    _known_near: dict[float, "_Near"] = field(default_factory=dict, init=False, repr=False)

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
        """What the cut on the estimate is to be multiplied by, so that the wanted fraction of the judged muons at each
        threshold passes, [threshold]; 1 for an exact scale.

        It is a quantile of the estimates of the muons within 10 % of the threshold, in units of the cut that the scale
        has at each muon's own momentum: so all of them stand for muons of exactly this threshold. Estimates that take few
        values, as those of a look-up table, cannot be moved to another momentum, and are compared with the cut at the
        threshold itself; of these, at least the wanted fraction passes.

        Args:
            thresholds: GeV.
            replica: of the muons; without one, the muons themselves.

        Returns:
            The factors; NaN for a threshold without muons near it.
        """
        weight = self.judged.weight * (1.0 if replica is None else replica.own)
        scales = [fit() for fit, _, _ in self._shares] if replica is None else list(replica.scales)
        found = []
        for threshold in thresholds.tolist():
            near = self._near(threshold)
            height = np.empty(len(near.rows))
            for scale, own in zip(scales, near.groups, strict=True):
                height[own] = self.judged.estimate[near.rows[own]] / scale.cut_at(near.pt[own])
            order = np.argsort(-height, kind="stable")
            passed = rising_sums(weight[near.rows][order], height[order])
            if not len(order) or passed[-1] <= 0:
                found.append(np.nan)
                continue
            place = np.searchsorted(passed, self.efficiency * passed[-1] * (1 - 1e-12))
            found.append(height[order][min(int(place), len(order) - 1)])
        return np.array(found)

    def _near(self, threshold: float) -> "_Near":
        """The judged muons near a threshold, which are looked for once."""
        if threshold not in self._known_near:
            rows = np.flatnonzero(is_near(self.judged.pt, threshold))
            group = np.empty(len(self.judged), np.intp)
            for number, (_, _, judged) in enumerate(self._shares):
                group[judged] = number
            groups = tuple(np.flatnonzero(group[rows] == number) for number in range(len(self._shares)))
            pt = self.judged.pt[rows]
            self._known_near[threshold] = _Near(
                rows, np.full(len(rows), threshold) if self.in_steps(threshold) else pt, groups
            )
        return self._known_near[threshold]

    def in_steps(self, threshold: float) -> bool:
        """Whether the estimates of the judged muons near a threshold take few values, as those of a look-up table."""
        return takes_few_values(self.judged.estimate[is_near(self.judged.pt, threshold)])

    @cached_property
    def _orders(self) -> list[tuple[NDArray[np.intp], Column]]:
        """For each group, its muons in order of decreasing estimate, and the negated estimates."""
        found = []
        for _, _, judged in self._shares:
            order = judged[np.argsort(-self.judged.estimate[judged], kind="stable")]
            found.append((order, -self.judged.estimate[order]))
        return found

    def passing(
        self, thresholds: Column, weight: Column, replica: Replica | None = None, factors: Column | float = 1.0
    ) -> Column:
        """Sum of weights of the judged muons at or above each threshold, [threshold].

        Args:
            thresholds: GeV.
            weight: of each judged muon; for a replica, times its multiplicity.
            replica: whose scales count, fitted with its own muons.
            factors: of the cut on the estimate at each threshold.
        """
        total = np.zeros(len(thresholds))
        scales = [fit() for fit, _, _ in self._shares] if replica is None else replica.scales
        for scale, (order, negated) in zip(scales, self._orders, strict=True):
            own = weight[order]
            sums = np.concatenate([[0.0], np.cumsum(own)])
            # A margin for rounding keeps the muon that defines the cut.
            total += sums[np.searchsorted(negated, -factors * scale.cut_at(thresholds) * (1 - 1e-12), side="right")]
        return total
