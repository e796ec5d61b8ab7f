"""Weighted counts of signal and of every background process between neighbouring cuts on the score."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Weight
from fivesigma.metrics.search.significance import Yields

BAND = 3.0
"""Weights of one process differ by at most this factor."""
FEWEST = 3
"""Smallest number of events in a band of weights; a band with fewer joins the next one."""


def processes(weight: Weight, sample: NDArray[Any] | None = None) -> NDArray[np.intp]:
    """Index of the process of each event, inferred from its sample and its weight, [event].

    Weights of one process have the same sign and similar size. Processes that share a file are told apart by their
    weights: from the largest weight of each sign down, weights within a factor of three count as one process.

    Args:
        weight: [event].
        sample: index of the sample of each event, [event]; by default there is one sample.

    >>> found = processes(np.array([1.0, 1.1] * 10 + [50.0, 60.0] * 10))
    >>> found[:2].tolist(), found[-2:].tolist()
    ([1, 1], [0, 0])
    """
    w = np.asarray(weight, np.float64)
    members = np.zeros(len(w), np.intp) if sample is None else np.asarray(sample, np.intp)
    found = np.zeros(len(w), np.intp)
    count = 0
    for number in np.unique(members):
        for sign in (1, -1):
            own = np.flatnonzero((members == number) & (np.sign(w) == sign))
            if len(own):
                found[own] = count + _bands(np.abs(w[own]))
                count = int(found[own].max()) + 1
    return found


def _bands(size: NDArray[np.float64]) -> NDArray[np.intp]:
    """Index of the band of each weight, [event]: 0 for the largest weights."""
    band = np.floor(np.log(size.max() / size) / np.log(BAND) + 1e-9).astype(np.intp)
    numbers, where, events = np.unique(band, return_inverse=True, return_counts=True)
    joined, current, held = np.zeros(len(numbers), np.intp), 0, 0
    for i, more in enumerate(events):
        joined[i], held = current, held + int(more)
        if held >= FEWEST:
            current, held = current + 1, 0
    if held:  # too few of the smallest weights: they join the band above
        joined = np.minimum(joined, max(current - 1, 0))
    return joined[where]


@dataclass(frozen=True)
class Counts:
    """Sums of weights in cells between neighbouring cuts, with leading axes for replicas.

    Attributes:
        cuts: lower edge of each cell, increasing, [cell]; the last cell has no upper edge.
        signal: Σw and Σw², [..., 2, cell].
        background: the same of each process, [..., process, 2, cell].
        mean_weight: Σw² / Σw of each process over all cells, [process].
    """

    cuts: NDArray[np.float64]
    signal: NDArray[np.float64]
    background: NDArray[np.float64]
    mean_weight: NDArray[np.float64]

    def __add__(self, other: "Counts") -> "Counts":
        """Sum of the counts of two samples with the same cuts and processes."""
        return replace(self, signal=self.signal + other.signal, background=self.background + other.background)

    def cumulated(self) -> "Counts":
        """Counts at or above the lower edge of each cell."""
        signal, background = (np.cumsum(a[..., ::-1], axis=-1)[..., ::-1] for a in (self.signal, self.background))
        return replace(self, signal=signal, background=background)

    def summed(self, cells: slice) -> "Counts":
        """Counts of some neighbouring cells, merged into one."""
        signal, background = (a[..., cells].sum(axis=-1, keepdims=True) for a in (self.signal, self.background))
        return replace(self, cuts=self.cuts[cells][:1], signal=signal, background=background)

    def times(self, factor: float) -> "Counts":
        """Counts with every weight multiplied by `factor`."""
        powers = np.array([factor, factor**2])[:, None]
        return replace(
            self,
            signal=self.signal * powers,
            background=self.background * powers,
            mean_weight=self.mean_weight * factor,
        )

    def above(self) -> Yields:
        """Yields above the cut at the lower edge of each cell, [..., cell]."""
        return self.cumulated().inside()

    def inside(self) -> Yields:
        """Yields in each cell, [..., cell]."""
        variance = np.maximum(self.background[..., 1, :], self.mean_weight[:, None] ** 2).sum(axis=-2)
        return Yields(
            self.signal[..., 0, :],
            self.background[..., 0, :].sum(axis=-2),
            np.sqrt(self.signal[..., 1, :]),
            np.sqrt(variance),
        )

    def grouped(self, number: NDArray[np.intp], groups: int) -> "Counts":
        """Counts of groups of cells.

        Args:
            number: index of the group that each cell joins, [cell].
            groups: number of groups.
        """
        hot = (number[:, None] == np.arange(groups)).astype(np.float64)  # [cell, group]
        cuts = np.arange(groups, dtype=np.float64)
        return replace(self, cuts=cuts, signal=self.signal @ hot, background=self.background @ hot)

    def one_more(self) -> "Counts":
        """The counts with one more event of one process in one cell, for every such pair, [process and cell, ...].

        In a cell without an event of the process, the floor on the variance already stands for a first one; the event
        is added to that.
        """
        number, _, cells = self.background.shape
        place = np.arange(number * cells)
        process, cell = np.divmod(place, cells)
        squares = self.mean_weight**2
        background = np.repeat(self.background[None], len(place), axis=0)
        background[place, process, 0, cell] += self.mean_weight[process]
        background[place, process, 1, cell] = (
            np.maximum(background[place, process, 1, cell], squares[process]) + squares[process]
        )
        return replace(self, signal=np.repeat(self.signal[None], len(place), axis=0), background=background)

    def unseen(self) -> NDArray[np.float64]:
        """Weight of the case that a cell misses an event of a process by chance, [process and cell].

        It is 1 / (1 + n) for n effective events: 1 for an empty cell, small for a full one.
        """
        sums, squares = self.background[:, 0, :], self.background[:, 1, :]
        return (1 / (1 + sums**2 / np.where(squares > 0, squares, 1))).ravel()

    def replicas(self, number: int, generator: np.random.Generator) -> "Counts":
        """Replicas of the sample, [replica, ...].

        The content of a cell is replaced by (Σw²/Σw) times a Poisson count of mean (Σw)²/Σw², which has its mean and
        variance (Bohm, Zech, Nucl. Instrum. Meth. A 748 (2014) 1, arXiv:1309.1287, section 2).
        """
        return replace(
            self, signal=_drawn(self.signal, number, generator), background=_drawn(self.background, number, generator)
        )


def _drawn(sums: NDArray[np.float64], number: int, generator: np.random.Generator) -> NDArray[np.float64]:
    total, squares = sums[..., 0, :], sums[..., 1, :]
    some = (total != 0) & (squares > 0)
    scale = np.where(some, squares / np.where(some, total, 1), 0)
    events = np.where(some, total / np.where(some, scale, 1), 0)
    drawn = generator.poisson(events, (number, *events.shape))
    return np.stack([drawn * scale, drawn * scale**2], axis=-2)


def counted(
    score: NDArray[Any], target: NDArray[Any], weight: Weight, cuts: NDArray[Any], process: NDArray[Any] | None = None
) -> Counts:
    """Count events between cuts; those below the first cut are not counted.

    Args:
        score: [event], larger for signal.
        target: 1 for signal, 0 for background, [event].
        weight: expected events per simulated event, with luminosity and cross section, [event].
        cuts: increasing, [cell].
        process: index of the process of each background event, [event]; by default what `processes` infers from the
            weights.
    """
    w = np.asarray(weight, np.float64)
    background = target != 1
    if process is None:
        process = np.zeros(len(w), np.intp)
        process[background] = processes(w[background])
    number = int(process[background].max()) + 1 if background.any() else 1
    cell = np.searchsorted(cuts, score, side="right") - 1
    inside = cell >= 0
    place = np.where(background, process + 1, 0) * len(cuts) + np.where(inside, cell, 0)
    sums, squares = (
        np.bincount(place, np.where(inside, power, 0.0), (number + 1) * len(cuts)).reshape(number + 1, len(cuts))
        for power in (w, w**2)
    )
    both: NDArray[np.float64] = np.stack([sums, squares], axis=1).astype(np.float64)
    means = np.zeros(number, np.float64)
    totals, total_squares = (np.bincount(process[background], power[background], number) for power in (w, w**2))
    np.divide(total_squares, totals, out=means, where=totals != 0)
    return Counts(np.asarray(cuts, np.float64), both[0], both[1:], np.abs(means))
