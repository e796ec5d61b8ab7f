"""Choose cut and bins of a search on some events, and work out the significance on others."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.search import Search
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.search.choice import (
    Enough,
    best_of,
    bin_numbers,
    cuts_to_try,
)
from fivesigma.metrics.search.counts import Counts
from fivesigma.metrics.search.expected import Expected
from fivesigma.metrics.search.significance import Yields, binned, excluded

REPLICAS = 300
"""Samples that the given one might have been, whose spread is the statistical error."""
SEED = 20_241_107
MARGIN = 2.0
"""Effective background events of a cut or bin when it is chosen, relative to those that it must have."""

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """What is decided before the events are looked at that count.

    Attributes:
        settings: the section `evaluate.search`.
        cuts: those that were tried, rising, [cut].
        counts: the events that decide for each group, between the cuts.
        index: position of each group's best cut.
        bins: for each group, the number of the bin of each cell, 0 for the highest scores.
    """

    settings: Search
    cuts: Column
    counts: tuple[Counts, ...]
    index: tuple[int, ...]
    bins: tuple[NDArray[np.intp], ...]

    @property
    def cut(self) -> float:
        """The cut; of several groups, the median."""
        return float(np.median(self.cuts[list(self.index)]))

    @property
    def edges(self) -> list[Column]:
        """For each group, rising edges of the bins from 0 to 1."""
        return [_edges(self.cuts, numbers) for numbers in self.bins]


def _edges(cuts: Column, numbers: NDArray[np.intp]) -> Column:
    """Rising edges from 0 to 1 of bins that are numbered from the highest score down."""
    starts = cuts[np.append(True, np.diff(numbers) != 0)]
    return np.concatenate([[0.0], starts[1:], [1.0]])


def _enough(settings: Search, margin: float = 1.0) -> Enough:
    """What a bin must have, with so many times the effective events."""
    return Enough(settings.min_background, settings.max_mc_error / margin**0.5)


def choose(events: Expected, settings: Search) -> Choice:
    """The best cut, and bins of the score; for each group by the events of all others, if there are several.

    Where that is possible, twice as many effective background events are asked for as a bin must have, so that the events
    that count are enough too, in spite of their fluctuations.

    Args:
        events: which the network was not trained on.
        settings: the section `evaluate.search`.

    Raises:
        ValueError: if there is too little background for any.
    """
    for target, name in ((1, "signal"), (0, "background")):
        if not (events.target == target).any():
            raise ValueError(f"there is no {name} event to choose cut and bins by")
    try:
        return _chosen(events, settings, _enough(settings, MARGIN))
    except ValueError:
        return _chosen(events, settings, _enough(settings))


def _chosen(events: Expected, settings: Search, enough: Enough) -> Choice:
    """The best cut and the bins that have enough background.

    Raises:
        ValueError: if there are none.
    """
    edges = cuts_to_try(events.score, events.target, settings.bins)
    cuts = np.unique(np.concatenate([[0.0], cuts_to_try(events.score, events.target), edges]))
    coarse = np.isin(cuts, edges[1:]) | (cuts == 0)
    each = [events.counts(cuts, group) for group in range(events.groups)]
    counts = _of_others(each)
    index, found = [], []
    for one in counts:
        place = best_of(one.above(), enough, settings.systematic)
        if place is None:
            raise ValueError(f"no cut leaves {enough}")
        index.append(place)
        numbers, count = _numbered(one, coarse, enough)
        if count == 1 and settings.bins > 1:  # too little is above the lowest edge: the best cut divides the bin
            numbers, count = _numbered(one, np.isin(np.arange(len(cuts)), (0, place)), enough)
        found.append((numbers, count))
    number = min(count for _, count in found)
    if number == 0:
        raise ValueError(f"no bin has {enough}")
    # Every group has as many bins: of those with more, the lowest are one.
    bins = tuple(np.minimum(numbers, number - 1) for numbers, _ in found)
    return Choice(settings, cuts, counts, tuple(index), bins)


def _numbered(counts: Counts, edge: NDArray[np.bool_], enough: Enough) -> tuple[NDArray[np.intp], int]:
    """The bin of each cell, [cell], and how many bins there are, if only some cells may begin one."""
    coarse = np.cumsum(edge) - 1
    numbers, count = bin_numbers(counts.grouped(coarse, int(coarse[-1]) + 1), enough)
    return numbers[coarse], count


def _of_others(each: list[Counts]) -> tuple[Counts, ...]:
    """For each group, the events of all others, as many times as it takes to stand for all; of one group, its own."""
    if len(each) == 1:
        return tuple(each)
    found = []
    for i in range(len(each)):
        others = [counts for k, counts in enumerate(each) if k != i]
        total = others[0]
        for counts in others[1:]:
            total = total + counts
        found.append(total.times(len(each) / len(others)))
    return tuple(found)


@dataclass(frozen=True)
class Reached:
    """What a search reaches with a choice, for one sample or for replicas.

    Attributes:
        judged: counts between the cuts, of all groups.
        index: position of each group's cut.
        numbers: for each group the bin of each cell, numbered from the highest score down.
        above: counts above the cuts, one cell.
        bins: counts in the bins, from the lowest score up.
    """

    judged: Counts
    index: list[int]
    numbers: list[NDArray[np.intp]]
    above: Counts
    bins: Counts

    def cut(self, systematic: float | None) -> Column:
        """Significance of the cut, [...]."""
        return self.above.inside().significance(systematic)[..., 0]

    def binned(self, systematic: float | None) -> Column:
        """Significance of the bins, [...]."""
        return binned(_filled(self.bins), systematic)

    def excluded(self, systematic: float) -> Column:
        """About the signal strength that can be excluded, [...]."""
        return excluded(_filled(self.bins), systematic)


def _filled(bins: Counts) -> Yields:
    """Yields of bins; those that hold nothing at all say nothing."""
    yields = bins.inside()
    empty = yields.background <= 0
    return Yields(
        np.where(empty, 0.0, yields.signal),
        np.where(empty, 1.0, yields.background),
        yields.signal_error,
        np.where(empty, 0.0, yields.background_error),
    )


def _reached(events: Expected, choice: Choice) -> Reached:
    """The events that count above the cuts and in the bins.

    A bin with too little of their background joins the next bin of lower score, as when bins are chosen.

    Raises:
        ValueError: if no cut leaves enough of their background.
    """
    judged = [events.counts(choice.cuts, group) for group in range(len(choice.counts))]
    index = _offered(judged, list(choice.index), choice.settings)
    above = _sum([counts.summed(slice(place, None)) for counts, place in zip(judged, index, strict=True)])
    count = max(int(numbers.max()) for numbers in choice.bins) + 1
    # From the lowest score up, as cells are.
    rising = _sum([counts.grouped(count - 1 - numbers, count) for counts, numbers in zip(judged, choice.bins, strict=True)])
    new, count = bin_numbers(rising, _enough(choice.settings), with_signal=False)
    numbers = [new[::-1][own] for own in choice.bins]
    return Reached(_sum(judged), index, numbers, above, rising.grouped(count - 1 - new, count))


def _offered(judged: list[Counts], index: list[int], settings: Search) -> list[int]:
    """The cuts, or the next lower ones above which the events that count are enough."""
    enough = _enough(settings)
    for lower in range(max(index) + 1):
        found = [max(place - lower, 0) for place in index]
        above = _sum([counts.summed(slice(place, None)) for counts, place in zip(judged, found, strict=True)])
        if enough(above.inside()).all():
            return found
    raise ValueError(f"no cut leaves {enough} among the events that count")


def _sum(counts: list[Counts]) -> Counts:
    total = counts[0]
    for one in counts[1:]:
        total = total + one
    return total


@dataclass(frozen=True)
class Bins:
    """Bins of the score.

    Attributes:
        edges: for each group, rising edges from 0 to 1.
    """

    edges: list[Column]

    def filled(self, events: Expected) -> Yields:
        """Content of the bins, from the lowest score up, of all groups."""
        return _sum([events.counts(edges[:-1], group) for group, edges in enumerate(self.edges)]).inside()


def in_bins(events: Expected, choice: Choice) -> tuple[Bins, Yields]:
    """Bins and their contents; a bin with too little background has joined its neighbour.

    Raises:
        ValueError: if no cut leaves enough of the background of these events.
    """
    return _bins_of(_reached(events, choice), choice)


def _bins_of(reached: Reached, choice: Choice) -> tuple[Bins, Yields]:
    """Bins, and what is in them."""
    return Bins([_edges(choice.cuts, numbers) for numbers in reached.numbers]), reached.bins.inside()


@dataclass(frozen=True)
class Spread:
    """How far the numbers of a search would be spread if the events that count were simulated again.

    The cut and the bins stay: other events have chosen them.

    Attributes:
        nominal: what is reached.
        replicas: what is reached with other samples.
        one_more: what is reached with one event more of a process in a bin or above the cut, for each of them in turn.
    """

    nominal: Reached
    replicas: Reached
    one_more: Reached

    def error(self, number: Callable[[Reached], Column], counts: Callable[[Reached], Counts]) -> float:
        """Standard error of a number.

        It has two parts: the spread of the replicas, and what one event more would change of each process that the
        sample by chance holds none of, so that no replica does.

        Args:
            number: what is computed.
            counts: what it is computed from.
        """
        values, more, nominal = number(self.replicas), number(self.one_more), float(number(self.nominal))
        values = values[np.isfinite(values)]
        if len(values) == 0 or not np.isfinite(nominal):
            return float("nan")
        change = np.where(np.isfinite(more), more - nominal, 0.0) ** 2 * counts(self.nominal).unseen()
        return float(np.sqrt(values.var() + change.sum()))


def _spread(events: Expected, choice: Choice) -> Spread:
    """Replicas of the events above the cut and in the bins."""
    nominal = _reached(events, choice)
    generator = np.random.default_rng(SEED)
    above, bins = (counts.replicas(REPLICAS, generator) for counts in (nominal.above, nominal.bins))
    more = replace(nominal, above=nominal.above.one_more(), bins=nominal.bins.one_more())
    return Spread(nominal, replace(nominal, above=above, bins=bins), more)


def results(events: Expected, choice: Choice, settings: Search) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a search reaches on the events that count.

    Args:
        events: on which neither the network nor `choice` was made.
        choice: what `choose` gives.
        settings: the section `evaluate.search`.

    Returns:
        Metrics, and the numbers behind the figures: the scan of the cut and the bins. `known` means with a background
        that is known exactly; otherwise its systematic uncertainty and its Monte Carlo error count. `relative_error` is
        that of a limit.

    Raises:
        ValueError: if no cut leaves enough of the judged background.
    """
    spread = _spread(events, choice)
    reached = spread.nominal
    above = reached.above.inside()
    bins, yields = _bins_of(reached, choice)
    cuts = [float(choice.cuts[i]) for i in reached.index]
    metrics: dict[str, Any] = {
        "total_background": events.total(0),
        "total_signal": events.total(1),
        "cut": float(np.median(cuts)),
        "background": Metric(float(above.background[0]), float(above.background_error[0])),
        "effective_background": float((above.background[0] / above.background_error[0]) ** 2),
        "signal": Metric(float(above.signal[0]), float(above.signal_error[0])),
    }
    if len(cuts) > 1:
        metrics["cuts"] = cuts
    for name, systematic in (("", settings.systematic), ("_known", None)):
        cut, binned_ = partial(Reached.cut, systematic=systematic), partial(Reached.binned, systematic=systematic)
        metrics[f"best_cut{name}"] = _metric(spread, cut, lambda one: one.above)
        metrics[f"binned{name}"] = _metric(spread, binned_, lambda one: one.bins)
    limit = _metric(spread, lambda one: one.excluded(settings.systematic), lambda one: one.bins)
    metrics["relative_error"] = limit.error / limit.value if np.isfinite(limit.value) else float("nan")
    return metrics, {"scan": _scan(reached.judged, settings), "bins": _bins(bins, yields, settings)}


def _metric(spread: Spread, number: Callable[[Reached], Column], counts: Callable[[Reached], Counts]) -> Metric:
    return Metric(float(number(spread.nominal)), spread.error(number, counts))


def _scan(counts: Counts, settings: Search) -> dict[str, Any]:
    """Significance of every cut; none where too little background is left."""
    found = counts.above()
    enough = _enough(settings)(found)
    replicas = counts.replicas(REPLICAS, np.random.default_rng(SEED)).above().significance(settings.systematic)
    error = np.full(len(counts.cuts), np.nan)
    error[enough] = np.nanstd(replicas[:, enough], axis=0)
    return {
        "cut": counts.cuts,
        "significance": np.where(enough, found.significance(settings.systematic), np.nan),
        "error": error,
        "known": np.where(enough, found.significance(None), np.nan),
        "signal": found.signal,
        "background": found.background,
    }


def _bins(bins: Bins, yields: Yields, settings: Search) -> dict[str, Any]:
    return {
        "edges": bins.edges[0] if len(bins.edges) == 1 else bins.edges,
        "signal": yields.signal,
        "signal_error": yields.signal_error,
        "background": yields.background,
        "background_error": yields.background_error,
        "significance": yields.significance(settings.systematic),
    }
