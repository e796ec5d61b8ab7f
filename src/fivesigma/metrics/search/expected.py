"""Expected events of each hypothesis: scores and scaled weights of one part of the data, the input of a search."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.events import carries
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.search.counts import Counts, counted, processes
from fivesigma.metrics.summary import hypothesis_name
from fivesigma.scores import Scores

ALL = "all"
"""Name of the only test if there are no hypotheses."""

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """Factors from the weights of a part of the data to the events expected in total.

    Attributes:
        factor: factor of every weight: the luminosity, divided by the fraction of all events in the part.
        yields: expected events of background and signal, which replace the sums of weights, or None.
        sampled: sums of weights of background and signal in the part, divided by those of the events that are counted, if
            these are a random sample of the part.
    """

    factor: float = 1.0
    yields: tuple[float | None, float | None] = (None, None)
    sampled: tuple[float, float] = (1.0, 1.0)

    def factors(self, target: NDArray[Any], weight: Column) -> Column:
        """Expected events per unit of weight, [class].

        >>> Scale(2.0, (None, 30.0)).factors(np.array([0, 1, 1]), np.array([1.0, 1.0, 2.0])).tolist()
        [2.0, 10.0]
        """
        sums = [float(weight[target == i].sum()) for i in (0, 1)]
        known = zip(self.yields, sums, self.sampled, strict=True)
        return np.array([self.factor * more if n is None else n / s if s else 0.0 for n, s, more in known])


@dataclass(frozen=True)
class Expected:
    """Signal of one hypothesis and all background, scored under it.

    Attributes:
        score: below 1, [event].
        target: 1 for signal, 0 for background, [event].
        weight: expected events per simulated event, [event].
        factors: factors by which the weights were multiplied, [class].
        process: index of the process of each event, from `processes`, [event].
        group: index of the group of each event, [event]. If cut and bins are chosen on the events that they are applied to,
            those of one group are evaluated with the choice of the other groups; otherwise there is one group.
    """

    score: Column
    target: NDArray[Any]
    weight: Column
    factors: Column
    process: NDArray[np.intp]
    group: NDArray[np.intp]

    def total(self, target: int) -> Metric:
        """Expected events of a class, with their Monte Carlo error."""
        weight = self.weight[self.target == target]
        return Metric(float(weight.sum()), float(np.sqrt((weight**2).sum())))

    @cached_property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.group.max()) + 1 if len(self.group) else 1

    def counts(self, cuts: Column, group: int | None = None) -> Counts:
        """Counts between cuts, of one group or of all."""
        # The mean weight of a process does not depend on the group.
        whole = counted(self.score, self.target, self.weight, cuts, self.process)
        if group is None or self.groups == 1:
            return whole
        own = self.group == group
        every = counted(self.score[own], self.target[own], self.weight[own], cuts, self.process[own])
        missing = len(whole.mean_weight) - len(every.mean_weight)
        background = np.pad(every.background, ((0, missing), (0, 0), (0, 0)))
        return replace(every, background=background, mean_weight=whole.mean_weight)


def expected(
    scores: Scores,
    scale: Scale,
    nominal: Mapping[str, Expected] | None = None,
    *,
    sample: NDArray[Any] | None = None,
    group: NDArray[np.intp] | None = None,
) -> dict[str, Expected]:
    """Hypothesis → events of a search for it; without hypotheses the only key is `all`.

    Args:
        scores: scores of one part of the data, two classes.
        scale: factors from weights to expected events.
        nominal: expected events without variation, whose factors are used: a variation may change the yields.
        sample: index of the sample of each event, [event]; see `processes`.
        group: index of the group of each event, [event]; one group by default.
    """
    found = {}
    for name, score, chosen in _tests(scores):
        target, weight = scores.target[chosen], scores.weight[chosen].astype(np.float64)
        factors = scale.factors(target, weight) if nominal is None else nominal[name].factors
        # A score of exactly one belongs to the highest bin, which ends there.
        below = np.minimum(score[chosen].astype(np.float64), np.nextafter(1.0, 0.0))
        scaled = weight * factors[target.astype(np.intp)]
        process = np.zeros(len(target), np.intp)
        background = target != 1
        own = None if sample is None else sample[chosen][background]
        process[background] = processes(scaled[background], own)
        # Small types, and one zero for all events, save memory: every hypothesis has columns of its own.
        groups = np.broadcast_to(np.intp(0), len(target)) if group is None else group[chosen]
        found[name] = Expected(below, target.astype(np.int8), scaled, factors, process, groups)
    return found


def _tests(scores: Scores) -> list[tuple[str, NDArray[np.float32], NDArray[np.bool_]]]:
    """Name of each hypothesis, score of every event under it, and a mask of its events."""
    if not scores.at_hypothesis:
        return [(ALL, scores.score, np.ones(len(scores), bool))]
    found = []
    for values, score in scores.at_hypothesis.items():
        own = carries(scores.parameters, values)
        found.append((hypothesis_name(scores.parameter_names, values), score, (scores.target == 0) | own))
    return found
