"""The specification of a metric: name, direction, unit, meaning and function, all in one place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma import plugins
from fivesigma.metrics.metric import Metric, Weight

TARGET = "target"
"""Stands for the unit of a regression's target."""

TASKS = ("binary", "multiclass", "regression")


@dataclass(frozen=True)
class MetricOptions:
    """What a metric depends on beside the events.

    Attributes:
        threshold: an event with at least this score counts as signal (two classes).
        bootstrap: number of replicas for errors without a closed form; with 0, which is faster, they are NaN.
    """

    threshold: float = 0.5
    bootstrap: int = 200


Function = Callable[[NDArray[Any], NDArray[Any], Weight, MetricOptions], Metric]

Difference = Callable[[NDArray[Any], NDArray[Any], NDArray[Any], Weight, MetricOptions], Metric]


@dataclass(frozen=True)
class MetricSpec:
    """A metric, as plug-ins register it in the group `metrics`.

    Attributes:
        name: in `metrics.json`, in tables, and in `train.monitor` and `tune.objective`.
        tasks: those of `binary`, `multiclass` and `regression` that it applies to.
        larger_is_better: its direction; None if it has none and cannot be optimised.
        meaning: one line for a reader of the report.
        unit: `target` for the unit of a regression's target, else the unit itself; empty if it has none.
        function: (score, target, weight, options) → `Metric`. The score is [event], or [event, class] for more than two
            classes; a regression's score is the prediction, in the target's unit. None if an assessment computes the
            number.
        in_bins: whether it is also computed in bins of observers and for single networks; slow metrics are not.
        label: for axes and sentences; the name by default.
        difference: (first score, second score, target, weight, options) → first − second on the same events, with its error;
            without it the error comes from a bootstrap.
    """

    name: str
    tasks: tuple[str, ...]
    larger_is_better: bool | None
    meaning: str
    unit: str = ""
    function: Function | None = None
    in_bins: bool = True
    label: str = ""
    difference: Difference | None = None

    @property
    def can_be_optimised(self) -> bool:
        """Whether a training or a search can go by it: it follows from scores alone, and one direction is better."""
        return self.function is not None and self.larger_is_better is not None

    def unit_for(self, target_unit: str) -> str:
        """The unit of the metric in an analysis.

        Args:
            target_unit: of the regression's target; empty for classes.
        """
        return target_unit if self.unit == TARGET else self.unit


LOSS = MetricSpec("loss", TASKS, False, "what the training makes small, on validation events")
"""The loss, which can be monitored as metrics can."""


def spec_of(name: str) -> MetricSpec:
    """The specification of a metric, or of the loss.

    Raises:
        AnalysisError: if there is no such metric.
    """
    found: MetricSpec = LOSS if name == LOSS.name else plugins.metrics.get(name)
    return found


def functions_of(task: str, *, in_bins: bool = False) -> dict[str, Function]:
    """Name → function of every metric of a task.

    Args:
        task: `binary`, `multiclass` or `regression`.
        in_bins: only those that are computed in bins.
    """
    specs: list[MetricSpec] = [spec for spec in plugins.metrics if task in spec.tasks and (spec.in_bins or not in_bins)]
    return {spec.name: spec.function for spec in specs if spec.function is not None}


def monitorable(task: str) -> list[str]:
    """What `train.monitor` and `tune.objective` accept: the loss, and every metric of the task that has a direction."""
    specs: list[MetricSpec] = list(plugins.metrics)
    usable = [s.name for s in specs if task in s.tasks and s.function is not None and s.larger_is_better is not None]
    return [LOSS.name, *usable]


def monitored(row: Mapping[str, float], monitor: str) -> float:
    """The number that ranks an epoch; smaller is better.

    Args:
        row: of the history; its validation value is used, or its training value if there are no validation events.
        monitor: name of the metric. If the row does not have it (most metrics need validation events), the training loss
            is used.

    >>> monitored({"loss": 0.4, "val_loss": 0.5, "val_auc": 0.9}, "auc"), monitored({"loss": 0.4}, "auc")
    (-0.9, 0.4)
    """
    for key in (f"val_{monitor}", monitor):
        if key in row:
            return -row[key] if spec_of(monitor).larger_is_better else row[key]
    return row[LOSS.name]


def kept_epoch(
    history: Sequence[Mapping[str, float]], monitor: str, keep: str, front: Mapping[str, Any] | None = None
) -> Mapping[str, float]:
    """The row of the epoch whose weights a training keeps.

    Args:
        history: its rows.
        monitor, keep: of the section `train`.
        front: what `front.json` holds, for a training in steps.

    >>> rows = [{"epoch": 1, "val_loss": 0.5, "val_auc": 0.8}, {"epoch": 2, "val_loss": 0.6, "val_auc": 0.9}]
    >>> [kept_epoch(rows, monitor, keep)["epoch"] for monitor, keep in (("loss", "best"), ("auc", "best"), ("loss", "last"))]
    [1, 2, 2]
    """
    chosen = history[-1]
    if front is not None:
        last = next((point["last_epoch"] for point in front["points"] if point["step"] == front["chosen"]), chosen["epoch"])
        return next((row for row in history if row["epoch"] == last), chosen)
    lowest = np.inf
    for row in history if keep == "best" else ():
        if (value := monitored(row, monitor)) < lowest:  # one that is not a number is never the best
            chosen, lowest = row, value
    return chosen


def kept_in_words(row: Mapping[str, float], monitor: str) -> str:
    """The epoch that is kept, with the number that ranks epochs.

    >>> kept_in_words({"epoch": 2, "loss": 0.4, "val_auc": 0.9}, "auc"), kept_in_words({"epoch": 1, "loss": 0.4}, "auc")
    ('epoch 2 (validation AUC 0.9000)', 'epoch 1 (training loss 0.4000)')
    """
    for key, part, name in ((f"val_{monitor}", "validation", monitor), (monitor, "training", monitor)):
        if key in row:
            return f"epoch {row['epoch']:.0f} ({part} {spec_of(name).label or name} {row[key]:.4f})"
    return f"epoch {row['epoch']:.0f} (training {LOSS.name} {row[LOSS.name]:.4f})"


def better(values: list[float], name: str) -> float:
    """The best of some values of a metric, or of the loss; undefined values are left out, unless all are undefined.

    >>> better([0.2, 0.3], "auc"), better([np.nan, 0.2, 0.3], "loss")
    (0.3, 0.2)
    """
    values = [value for value in values if not np.isnan(value)] or [np.nan]
    return max(values) if spec_of(name).larger_is_better else min(values)


def undefined() -> Metric:
    """The value of a metric that the events do not define: NaN."""
    return Metric(np.nan, np.nan)
