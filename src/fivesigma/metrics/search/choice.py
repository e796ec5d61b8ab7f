"""Choose a cut, and join cells of the score to bins, so that enough background stands behind each."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.search.counts import Counts
from fivesigma.metrics.search.significance import Yields

STEPS = 200
"""Cuts that are tried, at equal shares of the signal."""

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Enough:
    """What a bin, or the events above a cut, must have to be offered.

    Attributes:
        min_background: least background, in events.
        max_mc_error: largest relative Monte Carlo error of it; at least 1/error² effective events stand behind it.
    """

    min_background: float = 1.0
    max_mc_error: float = 0.3

    def __call__(self, yields: Yields) -> NDArray[np.bool_]:
        enough = yields.background >= self.min_background
        return np.asarray(enough & (yields.background_error <= self.max_mc_error * yields.background))

    def __str__(self) -> str:
        return f"{self.min_background:g} background events known to {self.max_mc_error:.0%}"


def cuts_to_try(score: NDArray[Any], target: NDArray[Any], steps: int = STEPS) -> NDArray[np.float64]:
    """Rising cuts at equal shares of the signal."""
    return np.unique(np.quantile(score[target == 1], np.linspace(0, 1, steps, endpoint=False)).astype(np.float64))


def best_of(yields: Yields, enough: Enough, systematic: float | None) -> Index:
    """Position of the cut of largest significance, [...]; −1 where no cut leaves enough background."""
    allowed = enough(yields)
    significance = np.where(allowed, np.nan_to_num(yields.significance(systematic)), -1.0)
    return np.where(allowed.any(axis=-1), significance.argmax(axis=-1), -1).astype(np.intp)


def bin_numbers(counts: Counts, enough: Enough) -> tuple[Index, Index]:
    """Join cells from the top until each bin has signal and enough background.

    What is left at the bottom joins the lowest bin.

    Returns:
        The number of the bin of each cell, 0 for the highest scores, [..., cell], and how many bins there are, [...]; none
        if the background is not enough for one.
    """
    cells = counts.signal.shape[-1]
    signal = np.zeros((*counts.signal.shape[:-1], 1))
    background = np.zeros((*counts.background.shape[:-1], 1))
    number = np.zeros(counts.signal.shape[:-2], np.intp)
    numbers = np.zeros((*number.shape, cells), np.intp)
    for i in range(cells - 1, -1, -1):
        signal, background = signal + counts.signal[..., i : i + 1], background + counts.background[..., i : i + 1]
        yields = Counts(counts.cuts[i : i + 1], signal, background, counts.mean_weight).inside()
        full = (enough(yields) & (yields.signal > 0))[..., 0]
        numbers[..., i] = number
        number = number + full
        keep = ~full[..., None, None]
        signal, background = signal * keep, background * keep[..., None]
    return np.minimum(numbers, np.maximum(number - 1, 0)[..., None]), number


def joined(bins: Counts) -> Index:
    """Which bins have to be joined so that the background of each is known to better than itself, [..., bin].

    Bins are chosen on other events than those they are used for; where the latter are few, or some of their weights
    negative, a bin may come out empty. It joins the next bin of lower score (the lowest ones join the one above).

    Args:
        bins: from the highest score down.

    Returns:
        New number of each bin, rising from 0.
    """
    total = np.zeros((*bins.background.shape[:-1], 1))
    number = np.zeros(bins.signal.shape[:-2], np.intp)
    found = np.zeros((*number.shape, bins.signal.shape[-1]), np.intp)
    for i in range(found.shape[-1]):
        total = total + bins.background[..., i : i + 1]
        own = Counts(bins.cuts[:1], np.zeros((*number.shape, 2, 1)), total, bins.mean_weight).inside()
        known = ((own.background > 0) & (own.background_error < own.background))[..., 0]
        found[..., i] = number
        number = number + known
        total = total * ~known[..., None, None, None]
    return np.minimum(found, np.maximum(number - 1, 0)[..., None])
