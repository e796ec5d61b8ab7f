"""The network judged on validation events after every epoch, by metrics that take event weights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import jax.numpy as jnp
import numpy as np

from fivesigma.analysis.train import CLASS_METRICS, REGRESSION_METRICS, SMALLER_IS_BETTER
from fivesigma.cluster.devices import gathered
from fivesigma.cluster.multiprocess import named_peer_errors
from fivesigma.metrics.classes import SUMMARIES, accuracy, confusion, log_loss
from fivesigma.metrics.regression import half_width_68, mae, r_squared, rmse
from fivesigma.metrics.roc import auc
from fivesigma.training.apply import compiled_apply, probabilities
from fivesigma.training.losses import Loss
from fivesigma.training.windows import Arrays


class Pieces(Protocol):
    """Events that come piece by piece."""

    def pieces(self, rank: int, processes: int) -> Iterator[Arrays]:
        """This process's share of the events."""


@dataclass(frozen=True)
class Validator:
    """What is needed to judge a network.

    Attributes:
        network: gives logits or predictions.
        link: the activation after it, as `logits_of` tells.
        loss: (outputs, target) → loss per event.
        task: `binary`, `multiclass` or `regression`.
        monitor: the metric that is needed beside the loss.
        scale: factor the target was multiplied by.
        rank, processes: which share of the events this process scores.
    """

    network: Any
    link: str | None
    loss: Loss
    task: str
    monitor: str
    scale: float
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
        if self.task == "regression":
            outputs = outputs[:, 0]
            for name in sorted({"rmse"} | ({self.monitor} & set(REGRESSION_METRICS))):
                value = _REGRESSION[name](outputs, y, event_weight).value
                values[f"val_{name}"] = value if name == "r_squared" else value / self.scale
            return values
        score = probabilities(outputs, self.link)
        for name in sorted({"accuracy"} | ({self.monitor} & set(CLASS_METRICS))):
            values[f"val_{name}"] = _class_metric(name, score, y, event_weight)
        return values


_REGRESSION: dict[str, Callable[..., Any]] = {
    "rmse": rmse,
    "mae": mae,
    "width_68": lambda prediction, target, weight: half_width_68(prediction - target, weight),
    "r_squared": r_squared,
}
_CLASSES: dict[str, Callable[..., Any]] = {"accuracy": accuracy, "auc": auc, "log_loss": log_loss}


def _class_metric(name: str, score: Any, target: Any, weight: Any) -> float:
    if name in SUMMARIES:
        return SUMMARIES[name](confusion(score, target, weight)[0])
    return float(_CLASSES[name](score, target, weight).value)


def _share(events: Arrays, rank: int, processes: int) -> Arrays:
    if processes == 1:
        return events
    rows = slice(rank * len(events) // processes, (rank + 1) * len(events) // processes)
    return Arrays(events.x[rows], events.y[rows], events.weight[rows], events.event_weight[rows])


def monitored(row: dict[str, float], monitor: str) -> float:
    """The monitored value of an epoch, as "smaller is better"; on training if there is no validation."""
    value = row.get(f"val_{monitor}", row.get(monitor, row["loss"]))
    return value if monitor in SMALLER_IS_BETTER else -value
