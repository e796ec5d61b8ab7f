"""Judge the network on validation events after every epoch, with weighted metrics."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from fivesigma.cluster.devices import gathered
from fivesigma.cluster.multiprocess import named_peer_errors
from fivesigma.memory import give_back
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.spec import MetricOptions, functions_of
from fivesigma.training.apply import Apply, probabilities
from fivesigma.training.losses.base import Loss
from fivesigma.training.problem import Problem
from fivesigma.training.windows import Arrays

MANY = 1_000_000
"""Validation events whose metrics leave much memory behind."""


class Pieces(Protocol):
    """Events in pieces."""

    def pieces(self, rank: int, processes: int) -> Iterator[Arrays]:
        """This process's share of the events."""


@dataclass(frozen=True)
class Validator:
    """Computes the loss and metrics of a network on validation events.

    Attributes:
        network: gives logits or predictions.
        link: the activation after it, as `logits_of` returns it.
        loss: (outputs, target) → loss per event.
        problem: the task, and the scale of a regression's target.
        monitor: the metric that is needed besides the loss.
        rank, processes: number of this process, and of all processes, which share the events.
    """

    network: Any
    link: str | None
    loss: Loss
    problem: Problem
    monitor: str
    rank: int = 0
    processes: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "_apply", Apply(self.network))

    def __call__(self, trainable: Any, other: Any, events: Arrays | Pieces) -> dict[str, float]:
        """`val_loss`, `val_accuracy` or `val_rmse`, and the monitored metric; the same in every process."""
        return self._values(*self._outputs(trainable, other, events))

    def with_errors(self, trainable: Any, other: Any, events: Arrays | Pieces) -> dict[str, Metric]:
        """The RMSE or the accuracy, the area below the ROC curve and the monitored metric, with their errors."""
        outputs, y, _, event_weight = self._outputs(trainable, other, events)
        return self._metrics(outputs, y, event_weight, MetricOptions(), more=("auc",))

    def _outputs(self, trainable: Any, other: Any, events: Arrays | Pieces) -> list[NDArray[Any]]:
        """Outputs, targets, training weights and event weights of all events."""
        pieces = iter([_share(events, self.rank, self.processes)]) if isinstance(events, Arrays) else None
        beside: list[tuple[NDArray[Any], ...]] = []

        def inputs() -> Iterator[NDArray[np.float32]]:
            for piece in pieces or events.pieces(self.rank, self.processes):  # type: ignore[union-attr]
                beside.append((piece.y, piece.weight, piece.event_weight))
                yield piece.x

        found = list(self._apply.each(trainable, other, inputs()))  # type: ignore[attr-defined]
        columns = [np.concatenate(column) for column in (found, *zip(*beside, strict=True))]
        del found
        if self.processes > 1:
            with named_peer_errors():
                columns = [gathered(column) for column in columns]
        return columns

    def _values(self, outputs: Any, y: Any, weight: Any, event_weight: Any) -> dict[str, float]:
        per_event = np.asarray(self.loss(jnp.asarray(outputs), jnp.asarray(y, jnp.float32)), np.float64)
        weight = np.asarray(weight, np.float64)
        values = {"val_loss": float(np.sum(weight * per_event) / np.sum(weight))}
        found = self._metrics(outputs, y, event_weight, _QUICK)
        if len(per_event) > MANY:
            give_back()
        return values | {f"val_{name}": float(metric.value) for name, metric in found.items()}

    def _metrics(
        self, outputs: Any, y: Any, event_weight: Any, options: MetricOptions, more: tuple[str, ...] = ()
    ) -> dict[str, Metric]:
        """The RMSE or the accuracy, the monitored metric, and `more` of those that the task has."""
        event_weight = np.asarray(event_weight, np.float64)
        task = self.problem.task
        score: Any
        if task == "regression":
            # Metrics are stated, and may depend on, the target's own unit.
            scale, shift = self.problem.scale, self.problem.shift
            score, y = (np.asarray(column, np.float64) / scale + shift for column in (outputs[:, 0], y))
        else:
            score = probabilities(outputs, self.link)
        functions = functions_of(task)
        names = sorted({"rmse" if task == "regression" else "accuracy", self.monitor, *more} & set(functions))
        return {name: functions[name](score, y, event_weight, options) for name in names}


_QUICK = MetricOptions(bootstrap=0)
"""After an epoch the values are needed, not their errors."""


def _share(events: Arrays, rank: int, processes: int) -> Arrays:
    if processes == 1:
        return events
    rows = slice(rank * len(events) // processes, (rank + 1) * len(events) // processes)
    return Arrays(events.x[rows], events.y[rows], events.weight[rows], events.event_weight[rows])
