"""Judge the network on validation events after every epoch, with weighted metrics."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import jax.numpy as jnp
import numpy as np

from fivesigma.cluster.devices import gathered
from fivesigma.cluster.multiprocess import named_peer_errors
from fivesigma.metrics.spec import MetricOptions, functions_of
from fivesigma.training.apply import compiled_apply, probabilities
from fivesigma.training.losses.base import Loss
from fivesigma.training.problem import Problem
from fivesigma.training.windows import Arrays


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
        object.__setattr__(self, "_apply", compiled_apply(self.network))

    def __call__(self, trainable: Any, other: Any, events: Arrays | Pieces) -> dict[str, float]:
        """`val_loss`, `val_accuracy` or `val_rmse`, and the monitored metric; the same in every process."""
        pieces = iter([_share(events, self.rank, self.processes)]) if isinstance(events, Arrays) else None
        found = [
            (self._apply(trainable, other, piece.x), piece.y, piece.weight, piece.event_weight)  # type: ignore[attr-defined]
            for piece in pieces or events.pieces(self.rank, self.processes)  # type: ignore[union-attr]
        ]
        columns = [np.concatenate(column) for column in zip(*found, strict=True)]
        if self.processes > 1:
            with named_peer_errors():
                columns = [gathered(column) for column in columns]
        return self._values(*columns)

    def _values(self, outputs: Any, y: Any, weight: Any, event_weight: Any) -> dict[str, float]:
        per_event = np.asarray(self.loss(jnp.asarray(outputs), jnp.asarray(y, jnp.float32)), np.float64)
        weight, event_weight = (np.asarray(w, np.float64) for w in (weight, event_weight))
        values = {"val_loss": float(np.sum(weight * per_event) / np.sum(weight))}
        task = self.problem.task
        score: Any
        if task == "regression":
            # Metrics are stated, and may depend on, the target's own unit.
            scale, shift = self.problem.scale, self.problem.shift
            score, y = (np.asarray(column, np.float64) / scale + shift for column in (outputs[:, 0], y))
        else:
            score = probabilities(outputs, self.link)
        functions = functions_of(task)
        for name in sorted({"rmse" if task == "regression" else "accuracy", self.monitor} & set(functions)):
            values[f"val_{name}"] = float(functions[name](score, y, event_weight, _QUICK).value)
        return values


_QUICK = MetricOptions(bootstrap=0)
"""After an epoch the values are needed, not their errors."""


def _share(events: Arrays, rank: int, processes: int) -> Arrays:
    if processes == 1:
        return events
    rows = slice(rank * len(events) // processes, (rank + 1) * len(events) // processes)
    return Arrays(events.x[rows], events.y[rows], events.weight[rows], events.event_weight[rows])
