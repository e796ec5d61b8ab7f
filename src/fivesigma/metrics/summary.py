"""Compute all standard metrics of one set of scores."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fivesigma.cluster.cores import cores
from fivesigma.events import carries, parameter_text
from fivesigma.metrics import classes
from fivesigma.metrics.intervals import Share
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.order import ascending
from fivesigma.metrics.roc import auc
from fivesigma.metrics.spec import MetricOptions, functions_of
from fivesigma.prefetch import side_by_side
from fivesigma.scores import Scores, reordered

T = TypeVar("T")


def summarise(scores: Scores, threshold: float = 0.5, bootstrap: int = 200) -> dict[str, Any]:
    """The standard metrics of a task, also per class and per hypothesis.

    Args:
        scores: of one part of the data.
        threshold: an event with at least this score counts as signal.
        bootstrap: number of replicas for errors without a closed form.

    Returns:
        name → Metric, and `per_class`, `confusion`, `per_parameter` where they apply.
    """
    options = MetricOptions(threshold, bootstrap)
    columns = (scores.score, scores.target, scores.weight)
    result: dict[str, Any] = {name: function(*columns, options) for name, function in functions_of(scores.task).items()}
    if scores.task != "regression":
        result |= _classes(scores, options)
    result |= negative_weights(scores.weight)
    if scores.at_hypothesis:
        result["per_parameter"] = per_parameter(scores, threshold)
    return result


def by_score(scores: Scores) -> Scores:
    """Scores of two classes in rising order, so that no metric and no curve has to sort them again; others as they are.

    Args:
        scores: of one part of the data.

    Returns:
        The same events without observers, event numbers and scores at hypotheses, each of which has an order of its own.
    """
    kept = replace(scores, at_hypothesis={}, observers={}, event_number=scores.event_number[:0])
    return reordered(kept, ascending(scores.score)) if scores.task == "binary" else kept


def negative_weights(weight: NDArray[np.float64]) -> dict[str, Any]:
    """Fraction of negative weights and effective number of events; empty if no weight is negative."""
    if not (weight < 0).any():
        return {}
    effective = float(weight.sum()) ** 2 / float((weight**2).sum())
    return {"negative_weights": {"share": float((weight < 0).mean()), "effective_events": effective}}


def _classes(scores: Scores, options: MetricOptions) -> dict[str, Any]:
    """Metrics of each class, and the confusion matrix."""
    table, variance = classes.confusion(scores.score, scores.target, scores.weight, options.threshold)
    return {
        "per_class": classes.per_class(table, variance, scores.classes, options.bootstrap),
        "confusion": {"counts": table.tolist(), "errors": np.sqrt(variance).tolist(), "classes": list(scores.classes)},
    }


def per_parameter(scores: Scores, threshold: float) -> dict[str, dict[str, Any]]:
    """Metrics at each hypothesis: its signal against all background, both scored under it.

    This is what a search tests at a mass, as background has no mass of its own.
    """
    return at_each_hypothesis(scores, partial(at_hypothesis, threshold=threshold))


def at_hypothesis(
    values: Mapping[str, float], score: NDArray[Any], target: NDArray[Any], weight: NDArray[Any], threshold: float
) -> dict[str, Any]:
    """Metrics at one hypothesis.

    Args:
        values: of the parameters.
        score, target, weight: of its signal and of all background.
        threshold: an event with at least this score counts as signal.
    """
    return {
        "auc": auc(score, target, weight),
        # With all background against one mass, plain accuracy would mostly count background.
        "accuracy": classes.accuracy(score, target, weight * _balance(target, weight), threshold),
        "signal_events": int((target == 1).sum()),
        "parameters": dict(values),
    }


def at_each_hypothesis(scores: Scores, function: Callable[..., T], most: int = 2) -> dict[str, T]:
    """Hypothesis → what a function gives for its signal and all background.

    Args:
        scores: of one part of the data.
        function: (values by parameter, score, target, weight), each under the hypothesis and in rising order of the score.
            It takes most of its time in NumPy, so that threads share the cores.
        most: hypotheses at a time, which need memory.
    """

    def found(test: tuple[tuple[float, ...], NDArray[Any]]) -> tuple[str, T]:
        values, score = test
        chosen = np.flatnonzero(((scores.target == 1) & carries(scores.parameters, values)) | (scores.target == 0))
        chosen = chosen[ascending(score[chosen])]
        names = dict(zip(scores.parameter_names, values, strict=True))
        columns = (score[chosen], scores.target[chosen], scores.weight[chosen])
        return hypothesis_name(scores.parameter_names, values), function(names, *columns)

    return dict(side_by_side(found, iter(scores.at_hypothesis.items()), workers=min(cores(), most)))


def _balance(target: NDArray[Any], weight: NDArray[Any]) -> NDArray[np.float64]:
    sums = [weight[target == value].sum() for value in (0, 1)]
    return np.where(target == 1, 1 / (sums[1] or 1), 1 / (sums[0] or 1))


def hypothesis_name(names: tuple[str, ...], values: tuple[float, ...]) -> str:
    """A readable key for one hypothesis.

    >>> hypothesis_name(("mass",), (500.0,))
    'mass=500'
    """
    return ",".join(f"{name}={parameter_text(value)}" for name, value in zip(names, values, strict=True))


def of_one_network(scores: Scores, each: NDArray[np.float32], threshold: float = 0.5) -> dict[str, Metric]:
    """Metrics of single networks: their mean and standard deviation over several networks.

    Args:
        scores: scores of the mean of the networks, of which targets and weights are used.
        each: scores of every network, [network, event] or [network, event, class].
        threshold: an event with at least this score counts as signal.

    Returns:
        name → mean over the networks, with their standard deviation as its error.
    """
    rows = [_brief(scores.task, score, scores.target, scores.weight, threshold) for score in each]
    values = {name: np.array([row[name].value for row in rows]) for name in rows[0] if not name.endswith("_of_constant")}
    return {name: Metric(float(value.mean()), float(value.std(ddof=1))) for name, value in values.items()}


def _brief(task: str, score: NDArray[Any], target: NDArray[Any], weight: NDArray[Any], threshold: float) -> dict[str, Any]:
    """The metrics that are fast to compute."""
    options = MetricOptions(threshold)
    return {name: function(score, target, weight, options) for name, function in functions_of(task, in_bins=True).items()}


def in_bins(scores: Scores, observer: str, edges: list[float], threshold: float = 0.5) -> list[dict[str, Any]]:
    """The metrics in bins of an observer (empty bins are left out).

    Args:
        scores: of one part of the data.
        observer: name of an observer.
        edges: bin edges.

    Returns:
        One row per bin: `low`, `high`, `events` and the metrics.
    """
    values = np.asarray(scores.observers[observer], np.float64)
    rows = []
    for low, high in pairwise(edges):
        chosen = (values >= low) & (values < high)
        if not chosen.any():
            continue
        row: dict[str, Any] = {"low": low, "high": high, "events": int(chosen.sum())}
        part = (scores.score[chosen], scores.target[chosen], scores.weight[chosen])
        rows.append(row | _brief(scores.task, *part, threshold))
    return rows


def as_json(value: Any) -> Any:
    """Nested mappings of metrics and fractions as plain numbers for JSON; NaN becomes null."""
    if type(value) is float:  # of curves there are very many
        return value if math.isfinite(value) else None
    if isinstance(value, Metric | Share):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        return as_json(value.tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
