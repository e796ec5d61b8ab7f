"""Choose the cut and the bins of a search on some events, and compute the significance on others."""

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
from fivesigma.metrics.search.significance import Yields, binned, discovered, excluded, weakened

REPLICAS = 300
"""Number of replicas of the sample, whose spread is the statistical error."""
SEED = 20_241_107
MARGIN = 2.0
"""Effective background events required when a cut or bin is chosen, relative to those required in the end."""

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """Cut and bins, chosen on other events than those they are applied to.

    Attributes:
        settings: the section `evaluate.search`.
        cuts: cuts that were tried, increasing, [cut].
        counts: for each group, counts between the cuts of the events that its choice is based on.
        index: index of each group's best cut.
        bins: for each group, the index of the bin of each cell, 0 for the highest scores.
    """

    settings: Search
    cuts: Column
    counts: tuple[Counts, ...]
    index: tuple[int, ...]
    bins: tuple[NDArray[np.intp], ...]

    @property
    def cut(self) -> float:
        """The cut; the median if there are several groups."""
        return float(np.median(self.cuts[list(self.index)]))

    @property
    def edges(self) -> list[Column]:
        """Bin edges of each group, increasing from 0 to 1."""
        return [_edges(self.cuts, numbers) for numbers in self.bins]


def _edges(cuts: Column, numbers: NDArray[np.intp]) -> Column:
    """Edges, increasing from 0 to 1, of bins that are numbered from the highest score down."""
    starts = cuts[np.append(True, np.diff(numbers) != 0)]
    return np.concatenate([[0.0], starts[1:], [1.0]])


def _enough(settings: Search, margin: float = 1.0) -> Enough:
    """Requirement on a bin, with `margin` times the effective events."""
    return Enough(settings.min_background, settings.max_mc_error / margin**0.5)


def choose(events: Expected, settings: Search) -> Choice:
    """Choose the best cut and the bins of the score; with several groups, for each on the events of the others.

    If possible, twice the required number of effective background events is asked for, so that the events that cut and
    bins are applied to suffice as well, in spite of fluctuations.

    Args:
        events: events that the network was not trained on.
        settings: the section `evaluate.search`.

    Raises:
        ValueError: if a class has no events, or no cut or bin has enough background.
    """
    for target, name in ((1, "signal"), (0, "background")):
        if not (events.target == target).any():
            raise ValueError(f"there is no {name} event to choose cut and bins with")
    try:
        return _chosen(events, settings, _enough(settings, MARGIN))
    except ValueError:
        return _chosen(events, settings, _enough(settings))


def _chosen(events: Expected, settings: Search, enough: Enough) -> Choice:
    """The best cut and the bins with enough background.

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
        if count == 1 and settings.bins > 1:  # too little above the lowest edge: the best cut divides the bin
            numbers, count = _numbered(one, np.isin(np.arange(len(cuts)), (0, place)), enough)
        found.append((numbers, count))
    number = min(count for _, count in found)
    if number == 0:
        raise ValueError(f"no bin has {enough}")
    # All groups get the same number of bins: additional ones are merged at the lowest scores.
    bins = tuple(np.minimum(numbers, number - 1) for numbers, _ in found)
    return Choice(settings, cuts, counts, tuple(index), bins)


def _numbered(counts: Counts, edge: NDArray[np.bool_], enough: Enough) -> tuple[NDArray[np.intp], int]:
    """Index of the bin of each cell, [cell], and number of bins, which may begin at the marked cells only."""
    coarse = np.cumsum(edge) - 1
    numbers, count = bin_numbers(counts.grouped(coarse, int(coarse[-1]) + 1), enough)
    return numbers[coarse], count


def _of_others(each: list[Counts]) -> tuple[Counts, ...]:
    """For each group, the counts of all others, scaled to all groups; a single group keeps its own."""
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
    """Counts of a search with a given choice, for one sample or for replicas.

    Attributes:
        judged: counts between the cuts, of all groups.
        index: index of each group's cut.
        numbers: for each group, the bin of each cell, numbered from the highest score down.
        above: counts above the cuts, one cell.
        bins: counts in the bins, in order of increasing score.
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
        """Significance of all bins together, [...]."""
        return binned(_filled(self.bins), systematic)

    def excluded(self, systematic: float, shapes: Column | None = None) -> Column:
        """About the signal strength that can be excluded, [...]; `shapes` as for `results`."""
        yields = _filled(self.bins)
        return excluded(yields, systematic) * _weakened(yields, systematic, shapes)

    def discovered(self, systematic: float, shapes: Column | None = None) -> Column:
        """About the discovery significance of the fit, [...]; `shapes` as for `results`."""
        yields = _filled(self.bins)
        return discovered(yields, systematic) / _weakened(yields, systematic, shapes)


def _weakened(yields: Yields, systematic: float, shapes: Column | None) -> Column | float:
    return 1.0 if shapes is None or len(shapes) == 0 else weakened(yields, systematic, shapes)


def _filled(bins: Counts) -> Yields:
    """Yields of bins; bins without background are given no signal, so that they do not contribute."""
    yields = bins.inside()
    empty = yields.background <= 0
    return Yields(
        np.where(empty, 0.0, yields.signal),
        np.where(empty, 1.0, yields.background),
        yields.signal_error,
        np.where(empty, 0.0, yields.background_error),
    )


def _reached(events: Expected, choice: Choice) -> Reached:
    """Count `events` above the cuts and in the bins of a choice.

    A bin with too little background, or with a negative signal, joins the next bin of lower score, as when bins are chosen.

    Raises:
        ValueError: if no cut leaves enough background, or the weights of the signal sum to less than zero.
    """
    judged = [events.counts(choice.cuts, group) for group in range(len(choice.counts))]
    index = _offered(judged, list(choice.index), choice.settings)
    above = _sum([counts.summed(slice(place, None)) for counts, place in zip(judged, index, strict=True)])
    count = max(int(numbers.max()) for numbers in choice.bins) + 1
    # From the lowest score up, as cells are.
    rising = _sum([counts.grouped(count - 1 - numbers, count) for counts, numbers in zip(judged, choice.bins, strict=True)])
    if rising.signal[0].sum() < 0:
        raise ValueError("the weights of the signal that is evaluated sum to less than zero")
    new, count = bin_numbers(rising, _enough(choice.settings), with_signal=False)
    if count == 0:
        raise ValueError(f"no bin has {_enough(choice.settings)} among the events that are evaluated")
    numbers = [new[::-1][own] for own in choice.bins]
    return Reached(_sum(judged), index, numbers, above, rising.grouped(count - 1 - new, count))


def _offered(judged: list[Counts], index: list[int], settings: Search) -> list[int]:
    """The cuts, or the next lower ones that leave enough background."""
    enough = _enough(settings)
    for lower in range(max(index) + 1):
        found = [max(place - lower, 0) for place in index]
        above = _sum([counts.summed(slice(place, None)) for counts, place in zip(judged, found, strict=True)])
        if enough(above.inside()).all():
            return found
    raise ValueError(f"no cut leaves {enough} among the events that are evaluated")


def _sum(counts: list[Counts]) -> Counts:
    total = counts[0]
    for one in counts[1:]:
        total = total + one
    return total


@dataclass(frozen=True)
class Bins:
    """Bins of the score.

    Attributes:
        edges: edges of each group, increasing from 0 to 1.
    """

    edges: list[Column]

    def filled(self, events: Expected) -> Yields:
        """Yields per bin of all groups, in order of increasing score."""
        return _sum([events.counts(edges[:-1], group) for group, edges in enumerate(self.edges)]).inside()


def in_bins(events: Expected, choice: Choice) -> tuple[Bins, Yields]:
    """Bins and their yields; a bin with too little background has joined its neighbour.

    Raises:
        ValueError: if no cut leaves enough background of these events.
    """
    return _bins_of(_reached(events, choice), choice)


def _bins_of(reached: Reached, choice: Choice) -> tuple[Bins, Yields]:
    """Bins and their yields."""
    return Bins([_edges(choice.cuts, numbers) for numbers in reached.numbers]), reached.bins.inside()


@dataclass(frozen=True)
class Spread:
    """Spread of the results of a search over repeated simulations of the evaluated events.

    Cut and bins are kept: they were chosen on other events.

    Attributes:
        nominal: counts of the sample.
        replicas: counts of its replicas.
        one_more: counts with one more event of a process in a bin or above the cut, for each of them in turn.
    """

    nominal: Reached
    replicas: Reached
    one_more: Reached

    def error(self, number: Callable[[Reached], Column], counts: Callable[[Reached], Counts]) -> float:
        """Standard error of a number.

        It has two parts: the spread of the replicas, and the change by one more event of each process of which a cell
        by chance holds none, so that no replica does either.

        Args:
            number: computes the number.
            counts: the counts from which it is computed.
        """
        return self._error(number(self.replicas), number(self.one_more), number(self.nominal), counts)

    def limit_error(self, systematic: float, shapes: Column | None = None) -> float:
        """Relative standard error of a limit; `shapes` as for `results`."""
        return self._relative(partial(Reached.excluded, systematic=systematic, shapes=shapes))

    def discovery_error(self, systematic: float, shapes: Column | None = None) -> float:
        """Relative standard error of the discovery significance of the fit; `shapes` as for `results`."""
        return self._relative(partial(Reached.discovered, systematic=systematic, shapes=shapes))

    def _relative(self, number: Callable[[Reached], Column]) -> float:
        """The spread of the logarithm of what is a scale."""
        with np.errstate(divide="ignore", invalid="ignore"):
            each = [np.log(number(one)) for one in (self.replicas, self.one_more, self.nominal)]
        return self._error(each[0], each[1], each[2], lambda reached: reached.bins)

    def _error(self, values: Column, more: Column, nominal: Any, counts: Callable[[Reached], Counts]) -> float:
        values = values[np.isfinite(values)]
        if len(values) == 0 or not np.isfinite(nominal):
            return float("nan")
        change = np.where(np.isfinite(more), more - float(nominal), 0.0) ** 2 * counts(self.nominal).unseen()
        return float(np.sqrt(values.var() + change.sum()))


def _spread(events: Expected, choice: Choice) -> Spread:
    """Counts above the cut and in the bins, with their replicas."""
    nominal = _reached(events, choice)
    generator = np.random.default_rng(SEED)
    above, bins = (counts.replicas(REPLICAS, generator) for counts in (nominal.above, nominal.bins))
    more = replace(nominal, above=nominal.above.one_more(), bins=nominal.bins.one_more())
    return Spread(nominal, replace(nominal, above=above, bins=bins), more)


def results(
    events: Expected, choice: Choice, settings: Search, shapes: Column | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Results of a search.

    Args:
        events: events that neither the network was trained on nor `choice` was made with.
        choice: cut and bins, from `choose`.
        settings: the section `evaluate.search`.
        shapes: relative change of the background of each bin by one standard deviation of each systematic uncertainty,
            [uncertainty, bin].

    Returns:
        Metrics, and the numbers behind the figures: the scan of the cut and the bins. In entries named `known` the
        background is known exactly; the others include its systematic uncertainty and its Monte Carlo error.
        `relative_error` is that of the limit, `relative_error_discovery` that of the discovery significance.

    Raises:
        ValueError: if no cut leaves enough background.
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
    metrics["relative_error"] = spread.limit_error(settings.systematic, shapes)
    metrics["relative_error_discovery"] = spread.discovery_error(settings.systematic, shapes)
    return metrics, {"scan": _scan(reached.judged, settings), "bins": _bins(bins, yields, settings)}


def _metric(spread: Spread, number: Callable[[Reached], Column], counts: Callable[[Reached], Counts]) -> Metric:
    return Metric(float(number(spread.nominal)), spread.error(number, counts))


def _scan(counts: Counts, settings: Search) -> dict[str, Any]:
    """Significance of every cut; NaN where too little background is left."""
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
