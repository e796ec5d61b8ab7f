"""Choose the cut on the score and merge its cells into bins, each with enough simulated background."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.search.counts import Counts
from fivesigma.metrics.search.significance import Yields

STEPS = 200
"""Number of cuts that are tried, at equally spaced signal efficiencies."""

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Enough:
    """Requirement on the background of a bin, or above a cut.

    Attributes:
        min_background: smallest expected background, in events.
        max_mc_error: largest relative Monte Carlo error of the background: it needs 1/error² effective events.
    """

    min_background: float = 1.0
    max_mc_error: float = 0.3

    def __call__(self, yields: Yields) -> NDArray[np.bool_]:
        enough = yields.background >= self.min_background
        return np.asarray(enough & (yields.background_error <= self.max_mc_error * yields.background))

    def __str__(self) -> str:
        return (
            f"{self.min_background:g} background events known to {self.max_mc_error:.0%} (evaluate.search.min_background "
            "and max_mc_error)"
        )


def cuts_to_try(score: NDArray[Any], target: NDArray[Any], steps: int = STEPS) -> NDArray[np.float64]:
    """Cuts at equally spaced signal efficiencies, in increasing order."""
    return np.unique(np.quantile(score[target == 1], np.linspace(0, 1, steps, endpoint=False)).astype(np.float64))


def best_of(yields: Yields, enough: Enough, systematic: float | None) -> int | None:
    """Index of the cut with the largest significance; None if no cut leaves enough background."""
    allowed = enough(yields)
    if not allowed.any():
        return None
    return int(np.where(allowed, np.nan_to_num(yields.significance(systematic)), -1.0).argmax())


def bin_numbers(counts: Counts, enough: Enough, with_signal: bool = True) -> tuple[Index, int]:
    """Merge cells from the highest score down until each bin has enough background, and no negative signal.

    The cells that remain at the lowest scores join the lowest bin, which joins the next ones if its signal is negative or
    its background not enough then, as negative weights can make it.

    Args:
        counts: counts in cells, in order of increasing score.
        enough: requirement on the background of a bin.
        with_signal: whether a bin must have signal as well.

    Returns:
        The index of each cell's bin, 0 for the highest scores, [cell], and the number of bins, which is zero if the
        background is not enough for one.
    """
    cells = counts.signal.shape[-1]
    numbers, count, top = np.zeros(cells, np.intp), 0, cells
    for i in range(cells - 1, -1, -1):
        joined = counts.summed(slice(i, top)).inside()
        numbers[i] = count
        if enough(joined)[0] and (joined.signal[0] > 0 or (joined.signal[0] == 0 and not with_signal)):
            count, top = count + 1, i
    while count:
        lowest = counts.summed(slice(0, int((numbers >= count - 1).sum()))).inside()
        if enough(lowest)[0] and (lowest.signal[0] >= 0 or count == 1):
            break
        count -= 1
    return np.minimum(numbers, max(count - 1, 0)), count
