"""Check that parameters of background events have the same distribution in every part and do not reveal the class."""

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Weight
from fivesigma.metrics.overtraining import largest_distance
from fivesigma.metrics.roc import auc
from fivesigma.scores import Scores

LEAST, UNLIKELY = 0.02, 2.2
"""Two distributions differ if their Kolmogorov–Smirnov distance D is above the first number and D·√n above the second,
which fluctuations alone exceed once in 8,000 cases."""

MOST = 500_000
"""Largest number of events of each part that are compared."""


def parameter_sentences(parts: Mapping[str, "Carried"], drawn: Collection[str] = ()) -> list[str]:
    """Sentences on problems with the parameters of the background; empty if there are none.

    Args:
        parts: part → parameters of its events, training first.
        drawn: parameters whose values for background are drawn from those of the signal.
    """
    found = []
    for (first, one), (second, other) in pairwise(parts.items()):
        for i, name in enumerate(one.names):
            sides = [(c.values[c.target == 0, i], c.weight[c.target == 0]) for c in (one, other)]
            gap, unlikely = distance(*sides[0], *sides[1])
            if gap > LEAST and unlikely > UNLIKELY:
                found.append(
                    f"the background has another distribution of {name} in {second} than in {first} events (cumulative "
                    f"distributions differ by {gap:.2f}): metrics for all values of {name} together cannot be compared "
                    "between them, those at each hypothesis can"
                )
    last = list(parts)[-1] if parts else ""
    return [*found, *(_alone(parts[last], last, drawn) if parts else [])]


def _alone(carried: "Carried", part: str, drawn: Collection[str]) -> Iterator[str]:
    """Sentences on parameters that separate signal from background without any feature."""
    for i, name in enumerate(carried.names):
        values, signal = carried.values[:, i], carried.target == 1
        gap, unlikely = distance(values[signal], carried.weight[signal], values[~signal], carried.weight[~signal])
        if gap > LEAST and unlikely > UNLIKELY:
            area = auc(values, carried.target, carried.weight)
            advice = f"draw its values for background from the signal, parameters.{name}.background: signal"
            if name in drawn:
                advice = (
                    "its values for background are drawn from events of the signal, whose weights differ between them; "
                    f"train.balance: [class, {name}] lets all of them count alike in the training, and the metrics at each "
                    "hypothesis do not depend on it"
                )
            yield (
                f"{name} alone separates signal from background in {part} events (AUC {area}, cumulative distributions "
                f"differ by {gap:.2f}): {advice}"
            )


class Carried:
    """Parameters, targets and weights of a part, kept to compare it with the others.

    Args:
        scores: two classes, with parameters.
    """

    def __init__(self, scores: Scores) -> None:
        self.names = scores.parameter_names
        rows: Any = slice(None)
        if len(scores) > MOST:  # at random, as files may have their classes in turn
            rows = np.random.default_rng(1).choice(len(scores), MOST, replace=False, shuffle=False)
        self.values, self.target, self.weight = scores.parameters[rows], scores.target[rows], scores.weight[rows]


def distance(first: NDArray[Any], first_weight: Weight, second: NDArray[Any], second_weight: Weight) -> tuple[float, float]:
    """Kolmogorov–Smirnov distance of two weighted samples, also in units of its fluctuations.

    Returns:
        The distance D, and D·√n, where 1/n is the sum of the inverse effective numbers of events of both samples. For
        samples of one distribution D·√n exceeds a value z with probability 2·exp(−2z²), for z = 2.2 once in 8,000 cases
        (more rarely if values are discrete): Smirnov, Ann. Math. Statist. 19 (1948) 279.

    >>> distance(np.array([1.0, 2.0]), np.ones(2), np.array([1.0, 2.0, 1.0, 2.0]), np.ones(4))[0]
    0.0
    """
    sums = [float(weight.sum()) for weight in (first_weight, second_weight)]
    if not min(sums, default=0.0) > 0:
        return 0.0, 0.0
    values, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    places = np.split(place.ravel(), [len(first)])
    tables = [
        np.bincount(where, weight, len(values)).astype(np.float64)
        for where, weight in zip(places, (first_weight, second_weight), strict=True)
    ]
    gap = float(largest_distance(tables[0], tables[1]))
    chance = sum(
        float((weight**2).sum()) / total**2 for weight, total in zip((first_weight, second_weight), sums, strict=True)
    )
    return gap, gap / chance**0.5
