"""Differences of two models in every metric, on the same events."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma import plugins
from fivesigma.metrics.metric import Metric, Weight
from fivesigma.metrics.spec import Function, MetricOptions, MetricSpec
from fivesigma.metrics.trigger.replicas import counts
from fivesigma.scores import Scores


def differences(
    ours: Scores,
    theirs: Scores,
    options: MetricOptions | None = None,
    names: Collection[str] | None = None,
    *,
    complete: bool = False,
) -> dict[str, Metric]:
    """Every metric of another model minus that of the network, on the same events.

    Fluctuations common to both models cancel, so the errors are smaller than those for independent samples.

    Args:
        ours: scores of the network.
        theirs: scores of the other model.
        options: threshold, and number of replicas for errors without a closed form.
        names: of the metrics; None for all of them.
        complete: also the differences of the calibration error, and of what a constant answer reaches, which are zero.

    Returns:
        name → difference; empty if the models were not judged on the same events and targets.
    """
    if not _comparable(ours, theirs):
        return {}
    options = options or MetricOptions()
    columns = (theirs.score, ours.score, ours.target, ours.weight)
    number = ours.event_number if len(ours.event_number) else np.arange(len(ours), dtype=np.uint64)
    specs: list[MetricSpec] = [spec for spec in plugins.metrics if ours.task in spec.tasks]
    found = {}
    for spec in specs:
        is_constant = spec.name.endswith("_of_constant")
        if (is_constant or spec.function is None) and not complete:
            continue
        if names is not None and spec.name not in names:
            continue
        if spec.difference is not None:
            found[spec.name] = spec.difference(*columns, options)
        elif is_constant:
            found[spec.name] = Metric(0.0, 0.0)
        elif spec.function is not None:
            found[spec.name] = bootstrap_difference(spec.function, *columns, number, options)
    return found


def _comparable(ours: Scores, theirs: Scores) -> bool:
    """Whether both are scores of the same events and targets, in the same order."""
    same = ours.classes == theirs.classes and np.array_equal(ours.target, theirs.target)
    return same and (
        ours.event_number.shape != theirs.event_number.shape or bool((ours.event_number == theirs.event_number).all())
    )


def bootstrap_difference(
    function: Function,
    first: NDArray[Any],
    second: NDArray[Any],
    target: NDArray[Any],
    weight: Weight,
    number: NDArray[np.uint64],
    options: MetricOptions,
) -> Metric:
    """The difference first − second of any metric, with an error from replicas of the events.

    A hash of the event number gives the multiplicity of an event in a replica, as for trigger rates.
    """
    fast = MetricOptions(options.threshold, bootstrap=0)

    def difference(factor: NDArray[np.float64] | float) -> float:
        values = [function(score, target, weight * factor, fast).value for score in (first, second)]
        return float(values[0] - values[1])

    each = np.array([difference(counts(number, i)) for i in range(options.bootstrap)])
    each = each[np.isfinite(each)]
    return Metric(difference(1.0), float(each.std()) if len(each) else np.nan)
