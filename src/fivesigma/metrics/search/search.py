"""Choose cut and bins of a search on some events, and work out the significance on others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.search import Search
from fivesigma.events import carries
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.search.significance import (
    Yields,
    automatic_edges,
    best_cut,
    binned,
    without_empty,
    yields_above,
    yields_in,
)
from fivesigma.metrics.summary import hypothesis_name
from fivesigma.scores import Scores

ALL = "all"
"""Name of the only test where there are no hypotheses."""


@dataclass(frozen=True)
class Scale:
    """What turns the weights of a part of the data into the events that are expected in all.

    Attributes:
        factor: of every weight: the luminosity, over the share of all events that the part holds.
        yields: expected events of background and signal that replace what the weights add up to, or None.
    """

    factor: float = 1.0
    yields: tuple[float | None, float | None] = (None, None)

    def factors(self, target: NDArray[Any], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected events per unit of weight, [class].

        >>> Scale(2.0, (None, 30.0)).factors(np.array([0, 1, 1]), np.array([1.0, 1.0, 2.0])).tolist()
        [2.0, 10.0]
        """
        sums = [float(weight[target == i].sum()) for i in (0, 1)]
        return np.array([self.factor if n is None else n / s if s else 0.0 for n, s in zip(self.yields, sums, strict=True)])


@dataclass(frozen=True)
class Expected:
    """Signal of one hypothesis and all background, scored under it.

    Attributes:
        score: below 1, [event].
        target: 1 for signal, 0 for background, [event].
        weight: expected events that each stands for, [event].
        factors: what the weights were multiplied with, [class].
    """

    score: NDArray[np.float64]
    target: NDArray[Any]
    weight: NDArray[np.float64]
    factors: NDArray[np.float64]

    def total(self, target: int) -> Metric:
        """Expected events of a class, with the error of their simulated number."""
        weight = self.weight[self.target == target]
        return Metric(float(weight.sum()), float(np.sqrt((weight**2).sum())))


def expected(scores: Scores, scale: Scale, nominal: Mapping[str, Expected] | None = None) -> dict[str, Expected]:
    """Each hypothesis → what a search for it looks at; without hypotheses, one that is called `all`.

    Args:
        scores: of one part of the data, two classes.
        scale: weights → expected events.
        nominal: the same of the nominal events, whose factors are used: a variation may change the yields.
    """
    found = {}
    for name, score, chosen in _tests(scores):
        target, weight = scores.target[chosen], scores.weight[chosen].astype(np.float64)
        factors = scale.factors(target, weight) if nominal is None else nominal[name].factors
        # A score of exactly one belongs to the highest bin, which ends there.
        below = np.minimum(score[chosen].astype(np.float64), np.nextafter(1.0, 0.0))
        found[name] = Expected(below, target, weight * factors[target.astype(np.intp)], factors)
    return found


def _tests(scores: Scores) -> list[tuple[str, NDArray[np.float32], NDArray[np.bool_]]]:
    """Name, score of every event, and which events count."""
    if not scores.at_hypothesis:
        return [(ALL, scores.score, np.ones(len(scores), bool))]
    found = []
    for values, score in scores.at_hypothesis.items():
        own = carries(scores.parameters, values)
        found.append((hypothesis_name(scores.parameter_names, values), score, (scores.target == 0) | own))
    return found


@dataclass(frozen=True)
class Choice:
    """What is decided before the events are looked at that count.

    Attributes:
        cut: on the score.
        cuts: those that were tried, rising.
        edges: of the bins of the score, from 0 to 1.
    """

    cut: float
    cuts: NDArray[np.float64]
    edges: NDArray[np.float64]


def choose(events: Expected, settings: Search) -> Choice:
    """The best cut, and bins of the score.

    Args:
        events: which the network was not trained on, and which the result is not told on.
        settings: the section `evaluate.search`.

    Raises:
        ValueError: if there is too little background for any.
    """
    columns = (events.score, events.target, events.weight)
    min_background, max_mc_error = settings.min_background, settings.max_mc_error
    found = best_cut(*columns, systematic=settings.systematic, min_background=min_background, max_mc_error=max_mc_error)
    edges = automatic_edges(*columns, bins=settings.bins, min_background=min_background, max_mc_error=max_mc_error)
    edges[0], edges[-1] = 0.0, 1.0
    return Choice(found.cut, found.cuts, edges)


def in_bins(events: Expected, choice: Choice) -> tuple[NDArray[np.float64], Yields]:
    """Edges and contents of the bins; a bin that comes out empty has joined its neighbour."""
    columns = (events.score, events.target, events.weight)
    edges = np.append(choice.edges[without_empty(yields_in(*columns, choice.edges))], 1.0)
    return edges, yields_in(*columns, edges)


def results(events: Expected, choice: Choice, settings: Search) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a search reaches on the events that count.

    Args:
        events: on which neither the network nor `choice` was made.
        choice: what `choose` gives.
        settings: the section `evaluate.search`.

    Returns:
        Metrics, and the numbers behind the figures: the scan of the cut and the bins. `known` means with a background
        that is known exactly; otherwise its systematic uncertainty and its Monte Carlo error count.
    """
    columns = (events.score, events.target, events.weight)
    above = yields_above(*columns, np.array([choice.cut]))
    edges, bins = in_bins(events, choice)
    metrics: dict[str, Any] = {
        "total_background": events.total(0),
        "total_signal": events.total(1),
        "cut": choice.cut,
        "background": _first(above.background, above.background_error),
        "signal": _first(above.signal, above.signal_error),
    }
    for name, systematic in (("", settings.systematic), ("_known", None)):
        metrics[f"best_cut{name}"] = _first(above.significance(systematic), above.errors(systematic))
        metrics[f"binned{name}"] = binned(bins, systematic)
    return metrics, {"scan": _scan(events, choice, settings), "bins": _bins(edges, bins, settings)}


def _first(value: NDArray[np.float64], error: NDArray[np.float64]) -> Metric:
    return Metric(float(value[0]), float(error[0]))


def _scan(events: Expected, choice: Choice, settings: Search) -> dict[str, Any]:
    """Significance of every cut; none where too little background is left."""
    found = yields_above(events.score, events.target, events.weight, choice.cuts)
    enough = found.background >= settings.min_background
    enough &= found.background_error <= settings.max_mc_error * found.background
    return {
        "cut": choice.cuts,
        "significance": np.where(enough, found.significance(settings.systematic), np.nan),
        "error": np.where(enough, found.errors(settings.systematic), np.nan),
        "known": np.where(enough, found.significance(None), np.nan),
        "signal": found.signal,
        "background": found.background,
        "chosen": choice.cut,
    }


def _bins(edges: NDArray[np.float64], bins: Yields, settings: Search) -> dict[str, Any]:
    return {
        "edges": edges,
        "signal": bins.signal,
        "signal_error": bins.signal_error,
        "background": bins.background,
        "background_error": bins.background_error,
        "significance": bins.significance(settings.systematic),
    }
