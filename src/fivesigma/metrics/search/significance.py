"""Expected significance of a counting experiment, of the best cut, and of a binned score."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Metric, Weight

FLOOR, MOST_ERROR = 1.0, 0.3
"""Least background of a bin (or above a cut), in events, and its largest relative Monte Carlo error."""


def asimov(signal: Any, background: Any, uncertainty: Any = 0.0) -> Any:
    """Median significance of a counting experiment, in standard deviations.

    Args:
        signal: expected signal events s.
        background: expected background events b > 0.
        uncertainty: standard deviation σ of b, in events.

    Returns:
        √(2[(s+b) ln(1+s/b) − s]) without uncertainty (Cowan, Cranmer, Gross, Vitells, Eur. Phys. J. C 71 (2011) 1554,
        arXiv:1007.1727, eq. 97); with it, the form for a background measured in a control region of that precision
        (Cowan, "Discovery sensitivity for a counting experiment with background uncertainty", 2012, eq. 20).
        Zero for s ≤ 0, NaN for b ≤ 0.

    >>> round(float(asimov(10.0, 100.0)), 4), round(float(asimov(10.0, 100.0, 10.0)), 4)
    (0.984, 0.6902)
    """
    s, b, sigma = (np.asarray(value, np.float64) for value in (signal, background, uncertainty))
    s, b, variance = np.broadcast_arrays(np.maximum(s, 0), np.where(b > 0, b, np.nan), sigma**2)
    n = s + b
    with np.errstate(divide="ignore", invalid="ignore"):
        known = n * np.log1p(s / b) - s
        first = n * np.log(n * (b + variance) / (b**2 + n * variance))
        second = b**2 / variance * np.log1p(variance * s / (b * (b + variance)))
        # A tiny uncertainty is a difference of two huge terms: then it does not matter.
        measured = np.where(variance > 1e-10 * b**2, first - second, known)
    return np.sqrt(np.maximum(2 * measured, 0))


@dataclass(frozen=True)
class Yields:
    """Events expected above cuts, or in bins.

    Attributes:
        signal, background: Σw, [cut or bin].
        signal_error, background_error: √Σw², from the number of simulated events.
    """

    signal: NDArray[np.float64]
    background: NDArray[np.float64]
    signal_error: NDArray[np.float64]
    background_error: NDArray[np.float64]

    def significance(self, systematic: float | None = 0.0) -> NDArray[np.float64]:
        """Asimov significance with the Monte Carlo error and a relative systematic one on the background.

        With None, the background is taken as known exactly.
        """
        if systematic is None:
            return np.asarray(asimov(self.signal, self.background))
        uncertainty = np.hypot(self.background_error, systematic * self.background)
        return np.asarray(asimov(self.signal, self.background, uncertainty))

    def errors(self, systematic: float | None = 0.0) -> NDArray[np.float64]:
        """Standard error of each significance, from those of the yields."""
        step = 1e-4
        here = self.significance(systematic)
        total = np.zeros_like(here)
        for s, b, change in ((1 + step, 1, self.signal_error), (1, 1 + step, self.background_error)):
            moved = Yields(self.signal * s, self.background * b, self.signal_error, self.background_error)
            yields = self.signal if s != 1 else self.background
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = (moved.significance(systematic) - here) / (step * yields)
            total += np.where(yields > 0, slope * change, 0) ** 2
        return np.sqrt(total)


def yields_above(score: NDArray[Any], target: NDArray[Any], weight: Weight, cuts: NDArray[Any]) -> Yields:
    """Events with a score of at least each cut.

    Args:
        score: [event], larger for signal.
        target: 1 for signal, 0 for background, [event].
        weight: events that each stands for, luminosity and cross section included, [event].
        cuts: [cut], rising.
    """
    order = np.argsort(score, kind="stable")
    first = np.searchsorted(score[order], cuts, side="left")

    def above(values: NDArray[Any]) -> NDArray[np.float64]:
        total = np.concatenate([np.cumsum(values[order][::-1])[::-1], [0.0]])
        return np.asarray(total[first], np.float64)

    w = np.asarray(weight, np.float64)
    s, b = np.where(target == 1, w, 0.0), np.where(target == 1, 0.0, w)
    return Yields(above(s), above(b), np.sqrt(above(s**2)), np.sqrt(above(b**2)))


@dataclass(frozen=True)
class BestCut:
    """The cut with the largest significance, and the scan it was found in."""

    cut: float
    significance: Metric
    signal: Metric
    background: Metric
    cuts: NDArray[np.float64]
    scan: NDArray[np.float64]


def best_cut(
    score: NDArray[Any],
    target: NDArray[Any],
    weight: Weight,
    *,
    systematic: float | None = 0.0,
    steps: int = 200,
    min_background: float = FLOOR,
    max_mc_error: float = MOST_ERROR,
) -> BestCut:
    """Scan a cut on the score.

    Cuts above which the background is less than `min_background`, or known to worse than `max_mc_error`, are not considered:
    there the significance is that of a fluctuation.

    Args:
        score, target, weight: as for `yields_above`.
        systematic: relative uncertainty of the background, beside that of its simulated number; None to take the
            background as known exactly.
        steps: cuts that are tried, at equal shares of the signal.
        min_background: least background above a cut, in events.
        max_mc_error: largest relative Monte Carlo error of that background.

    Raises:
        ValueError: if no cut leaves enough background.
    """
    shares = np.linspace(0, 1, steps, endpoint=False)
    cuts = np.unique(np.quantile(score[target == 1], shares))
    found = yields_above(score, target, weight, cuts)
    known = (found.background >= min_background) & (found.background_error <= max_mc_error * found.background)
    if not known.any():
        raise ValueError(f"no cut leaves {min_background:g} background events known to {max_mc_error:.0%}")
    scan = np.where(known, found.significance(systematic), np.nan)
    i = int(np.nanargmax(scan))
    return BestCut(
        float(cuts[i]),
        Metric(float(scan[i]), float(found.errors(systematic)[i])),
        Metric(float(found.signal[i]), float(found.signal_error[i])),
        Metric(float(found.background[i]), float(found.background_error[i])),
        cuts,
        scan,
    )


def automatic_edges(
    score: NDArray[Any],
    target: NDArray[Any],
    weight: Weight,
    *,
    bins: int = 20,
    min_background: float = FLOOR,
    max_mc_error: float = MOST_ERROR,
) -> NDArray[np.float64]:
    """Edges of the binned score: equal shares of the signal, joined from the top until the background is known.

    Every bin has positive signal, at least `min_background` background events, and a background known to `max_mc_error`.

    Args:
        score, target, weight: as for `yields_above`; for a search, of events the network was not trained on.
        bins: most bins.
        min_background: least background of a bin, in events.
        max_mc_error: largest relative Monte Carlo error of a bin's background.

    Returns:
        Rising edges; the outer ones hold every score.

    Raises:
        ValueError: if not even one bin can be made.
    """
    low, high = float(score.min()), float(np.nextafter(score.max(), np.inf, dtype=np.float64))
    inner = np.unique(np.quantile(score[target == 1], np.arange(1, bins) / bins))
    candidates = np.unique(np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]]))
    w = np.asarray(weight, np.float64)
    place = np.clip(np.searchsorted(candidates, score, side="right") - 1, 0, len(candidates) - 2)
    kinds = {1: w * (target == 1), 0: w * (target != 1)}
    sums = {kind: np.bincount(place, values, len(candidates) - 1) for kind, values in kinds.items()}
    squares = np.bincount(place, kinds[0] ** 2, len(candidates) - 1)
    edges, s, b, variance = [high], 0.0, 0.0, 0.0
    for i in range(len(candidates) - 2, -1, -1):
        s, b, variance = s + sums[1][i], b + sums[0][i], variance + squares[i]
        if s > 0 and b >= min_background and variance**0.5 <= max_mc_error * b:
            edges.append(float(candidates[i]))
            s = b = variance = 0.0
    if len(edges) == 1:
        raise ValueError(f"no bin has {min_background:g} background events known to {max_mc_error:.0%}")
    edges[-1] = low  # what is left at the bottom joins the lowest bin
    return np.array(edges[::-1])


def yields_in(score: NDArray[Any], target: NDArray[Any], weight: Weight, edges: NDArray[Any]) -> Yields:
    """Events in bins of the score; outside the edges, none is counted."""
    place = np.searchsorted(edges, score, side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    w = np.where(inside, np.asarray(weight, np.float64), 0.0)
    place = np.clip(place, 0, len(edges) - 2)
    s, b = w * (target == 1), w * (target != 1)
    parts = [np.bincount(place, values, len(edges) - 1).astype(np.float64) for values in (s, b, s**2, b**2)]
    return Yields(parts[0], parts[1], np.sqrt(parts[2]), np.sqrt(parts[3]))


def without_empty(yields: Yields) -> NDArray[np.intp]:
    """Which bins of some events have to be joined so that every one has background, known to better than itself.

    Edges are chosen on other events than those they are used for; where the latter are few, or some of their weights
    negative, a bin may come out empty. It joins its lower neighbour (the lowest its upper one).

    Returns:
        Position of the lower edge of every bin that is left, rising from 0.

    >>> zero, some = np.zeros(4), np.full(4, 0.1)
    >>> without_empty(Yields(some, np.array([9.0, 0.0, 4.0, -1.0]), zero, some))
    array([0, 2])
    """
    starts: list[int] = []
    b = variance = 0.0
    for i in range(len(yields.background) - 1, -1, -1):
        b, variance = b + float(yields.background[i]), variance + float(yields.background_error[i]) ** 2
        if b > 0 and variance < b**2:
            starts.append(i)
            b = variance = 0.0
    if not starts:
        return np.zeros(1, np.intp)
    starts[-1] = 0  # what is left at the bottom joins the lowest bin
    return np.array(starts[::-1], np.intp)


def binned(yields: Yields, systematic: float | None = 0.0) -> Metric:
    """Significance of all bins together: √ΣZ², the bins' uncertainties taken as independent."""
    each, errors = yields.significance(systematic), yields.errors(systematic)
    total = float(np.sqrt((each**2).sum()))
    error = float(np.sqrt(((each * errors) ** 2).sum()) / total) if total > 0 else 0.0
    return Metric(total, error)
