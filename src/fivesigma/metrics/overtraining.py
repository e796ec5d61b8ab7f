"""Compare the scores of training and unseen events with a weighted Kolmogorov–Smirnov test."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Weight, sums_by
from fivesigma.scores import Scores

POINTS = 2000
"""Largest number of points at which the distributions are compared: quantiles of both samples together."""
AT_A_TIME, ENOUGH = 100, 50
"""Replicas that are drawn together; with so many at least as far apart as the samples, the p-value is known to 14 %."""

_Tables = list[tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Σw and Σw² of both samples in bins."""


@dataclass(frozen=True)
class Distance:
    """The largest distance between two cumulative distributions, and its p-value.

    Attributes:
        distance: from 0 to 1.
        p_value: fraction of replicas of one common distribution with at least this distance.
        first, second: effective numbers of events, (Σw)²/Σw².
    """

    distance: float
    p_value: float
    first: float
    second: float

    def to_dict(self) -> dict[str, float]:
        """Plain numbers, for JSON."""
        return {"distance": self.distance, "p_value": self.p_value, "first": self.first, "second": self.second}


def kolmogorov_smirnov(
    first: NDArray[Any],
    second: NDArray[Any],
    first_weight: Weight,
    second_weight: Weight,
    replicas: int = 1000,
    points: int = POINTS,
) -> Distance:
    """Kolmogorov–Smirnov test of two weighted samples.

    The p-value comes from replicas in which both samples are drawn from their union: in each bin between two points, Σw
    of a sample is a scaled Poisson variable (Bohm and Zech, arXiv:1309.1287, section 2) whose mean is the sample's
    fraction of the union and whose scale is the union's Σw²/Σw. This assumes that weights have the same distribution in
    both samples, as in two parts of one sample. Replicas are drawn until 50 of them are at least as far apart as the two
    samples; the p-value is then 50 divided by their number (Besag and Clifford, Biometrika 78 (1991) 301), which is as
    valid as that of a fixed number and, for samples that agree, takes a tenth of the time.

    Args:
        first, second: values, [event]; NaN is ignored.
        first_weight, second_weight: [event]; negative ones are kept.
        replicas: largest number of replicas; the p-value is at least 1/(replicas + 1).
        points: largest number of points at which the distributions are compared.

    Returns:
        The distance and its p-value; both are NaN if a sample has no events or no positive sum of weights.

    >>> kolmogorov_smirnov(np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.ones(2), np.ones(2)).distance
    1.0
    """
    some = [~np.isnan(values) for values in (first, second)]
    values = [np.asarray(v)[chosen] for v, chosen in zip((first, second), some, strict=True)]
    weights = [np.asarray(w, np.float64)[chosen] for w, chosen in zip((first_weight, second_weight), some, strict=True)]
    effective = [float(w.sum() ** 2 / (w**2).sum()) if (w != 0).any() else 0.0 for w in weights]
    if min(w.sum() for w in weights) <= 0:
        return Distance(np.nan, np.nan, *effective)
    edges = _points(np.concatenate(values), points)
    tables = [_counted(v, w, edges) for v, w in zip(values, weights, strict=True)]
    distance = largest_distance(tables[0][0], tables[1][0])
    return Distance(float(distance), _p_value(tables, effective, float(distance), replicas), *effective)


def _points(values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Distinct values between which events are counted."""
    ordered = np.sort(values)
    if np.count_nonzero(ordered[1:] != ordered[:-1]) < most:
        return np.unique(ordered)
    # The method `inverted_cdf` of NumPy's quantiles.
    places = np.ceil(len(ordered) * np.linspace(0, 1, most) - 1).astype(np.intp)
    return np.unique(ordered[np.clip(places, 0, len(ordered) - 1)]).astype(np.float64)


def _counted(
    values: NDArray[Any], weight: NDArray[np.float64], edges: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Σw and Σw² between the points, and beyond the first and the last one."""
    if (weight != weight[0]).any():
        return sums_by(np.searchsorted(edges, values), weight, len(edges) + 1)
    # Where all count the same, it is faster to sort the values and look for the points than the other way round.
    up_to = np.searchsorted(np.sort(values), edges, side="right")
    counts = np.diff(up_to, prepend=0, append=len(values)).astype(np.float64)
    return counts * weight[0], counts * weight[0] ** 2


def largest_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> Any:
    """Kolmogorov–Smirnov distance of two distributions, from Σw in bins along the last axis."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = [np.cumsum(table, axis=-1) / table.sum(axis=-1, keepdims=True) for table in (first, second)]
    return np.abs(shares[0] - shares[1]).max(axis=-1)


def _p_value(tables: _Tables, effective: list[float], distance: float, most: int) -> float:
    """Fraction of replicas with at least this distance, from as many as it takes to know it."""
    generator = np.random.default_rng(20240229)
    further, drawn = 0, 0
    for begin in range(0, most, AT_A_TIME):
        far = largest_distance(*_replicas(generator, tables, effective, min(AT_A_TIME, most - begin)))
        far = far[np.isfinite(far)]  # with few events, a replica may be empty
        places = np.flatnonzero(far >= distance - 1e-12)
        if further + len(places) >= ENOUGH:
            return ENOUGH / (drawn + int(places[ENOUGH - further - 1]) + 1)
        further, drawn = further + len(places), drawn + len(far)
    return (further + 1) / (drawn + 1)


def _replicas(
    generator: np.random.Generator, tables: _Tables, effective: list[float], count: int
) -> list[NDArray[np.float64]]:
    """Replicas of two samples of one common distribution, each [replica, bin]."""
    sums, squares = (tables[0][i] + tables[1][i] for i in (0, 1))
    positive = (sums > 0) & (squares > 0)
    scale = np.where(positive, squares / np.where(positive, sums, 1), 0)
    drawn = []
    for number in effective:
        share = number / sum(effective)
        poisson = generator.poisson(np.where(positive, share * sums / np.where(positive, scale, 1), 0), (count, len(sums)))
        table = np.asarray(poisson * scale, np.float64)
        if not positive.all():
            gaussian = generator.normal(share * sums, np.sqrt(share * squares), (count, len(sums)))
            table = np.where(positive, table, gaussian)
        drawn.append(table)
    return drawn


def overtraining(training: Scores, unseen: Scores) -> dict[str, Distance]:
    """Training against unseen events, class by class; for a regression their residuals.

    Args:
        training: scores of events the network was trained on.
        unseen: scores of events of the same kind that it was not trained on.

    Returns:
        class name → distance of the distributions of the score, or of each class's own output; for a regression
        `residual`.
    """
    if training.task == "regression":
        one, other = (scores.score - scores.target.astype(np.float64) for scores in (training, unseen))
        return {"residual": kolmogorov_smirnov(one, other, training.weight, unseen.weight)}
    found = {}
    for i, name in enumerate(training.classes):
        values, weights = [], []
        for scores in (training, unseen):
            member = scores.target == i
            values.append(scores.score[member] if scores.score.ndim == 1 else scores.score[member, i])
            weights.append(scores.weight[member])
        found[name] = kolmogorov_smirnov(*values, *weights)
    return found
