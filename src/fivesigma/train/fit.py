"""The training loop: every epoch is one compiled program, and this file reads top to bottom.

`fit` prepares the state, then repeats: one epoch of shuffled mini-batches inside a single XLA
program (`lax.scan`), one pass over the validation events, one row of history, one checkpoint.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis import Train
from fivesigma.errors import EventsError
from fivesigma.evaluate.classes import accuracy, balanced_accuracy, f1_macro
from fivesigma.evaluate.regression import mae, rmse
from fivesigma.evaluate.roc import auc
from fivesigma.models.backend import keras
from fivesigma.train import checkpoint
from fivesigma.train.checkpoint import State
from fivesigma.train.losses import Loss, loss_named
from fivesigma.train.schedule import learning_rate, optimizer_for

CHUNK = 1 << 15
"""Events per call when the network is only applied: large enough to hide the cost of a call."""


@dataclass(frozen=True)
class Arrays:
    """What the loop trains on or validates with.

    Attributes:
        x: network inputs, float32 [event, input].
        y: class index, 0/1, or the scaled regression target, [event].
        weight: training weight, class weights included, [event].
        event_weight: the event's own weight, for the metrics, [event].
    """

    x: NDArray[np.float32]
    y: NDArray[Any]
    weight: NDArray[np.floating[Any]]
    event_weight: NDArray[np.floating[Any]]

    def __len__(self) -> int:
        return len(self.x)


History = list[dict[str, float]]


def fit(
    model: Any,
    training: Arrays,
    validation: Arrays | None,
    settings: Train,
    task: str,
    *,
    checkpoint_path: Path | None = None,
    resume: bool = False,
    shuffle: bool = True,
    target_scale: float = 1.0,
    until: int | None = None,
    on_epoch: Callable[[dict[str, float], int], None] | None = None,
) -> History:
    """Train a Keras model; on return it holds the weights of the best (or last) epoch.

    Args:
        model: any `keras.Model`, [event, input] → [event, output]. If its last layer is a sigmoid
            or softmax activation, the loss is computed on the logits before it.
        training: training events.
        validation: validation events; without them, the training loss is monitored.
        settings: the `train` section.
        task: `binary`, `multiclass` or `regression`.
        checkpoint_path: where the state is kept after every epoch.
        resume: go on from `checkpoint_path` if it exists.
        shuffle: draw a new order of the events each epoch.
        target_scale: factor the regression target was multiplied by; rmse and mae are given without it.
        until: pause after this epoch; the schedule is that of all `settings.epochs`.
        on_epoch: called after each epoch with the row of history and the number of epochs.

    Returns:
        One row per epoch: loss, accuracy (or rmse), the same with `val_`, the rate, the seconds.

    Raises:
        EventsError: if the loss is no longer a number.
    """
    network, link = logits_of(model)
    loss = loss_named(settings.loss, task, from_logits=link is not None, huber_delta=settings.huber_delta)
    steps = math.ceil(len(training) / settings.batch_size)
    optimizer = optimizer_for(settings, steps)
    optimizer.build(model.trainable_variables)
    rate = learning_rate(settings, steps)
    state = _initial(model, optimizer)
    if resume and checkpoint_path is not None and checkpoint_path.is_file():
        state = checkpoint.load(checkpoint_path, state)
    run_epoch = _compiled_epoch(network, optimizer, loss, task, steps, settings.batch_size, shuffle, 0.0 if link else 0.5)
    apply = compiled_apply(network)
    data = tuple(jnp.asarray(a, jnp.float32) for a in (training.x, training.y, training.weight, training.event_weight))
    root_key = jax.random.key(settings.seed)

    variables = tuple(checkpoint.as_device_arrays(group) for group in (state.trainable, state.other, state.optimizer))
    last = settings.epochs if until is None else min(until, settings.epochs)
    while state.epoch < last and not _stops(state, settings):
        started = time.perf_counter()
        # The key depends on the epoch alone, so a resumed run shuffles as the first would have.
        variables, sums = run_epoch(variables, jax.random.fold_in(root_key, state.epoch), data)
        row = _row(sums, task, state.epoch + 1, target_scale)
        if not math.isfinite(row["loss"]):
            raise EventsError(
                f"the training loss is {row['loss']} in epoch {state.epoch + 1}",
                hint="lower train.learning_rate, set train.clip_norm, or look for outliers among the features",
            )
        if validation is not None:
            row |= _validate(apply, variables, validation, loss, link, task, settings.monitor, target_scale)
        row["learning_rate"] = float(rate(row["epoch"] * steps)) if callable(rate) else rate
        row["seconds"] = time.perf_counter() - started
        _record(state, variables, row, settings)
        if checkpoint_path is not None:
            checkpoint.save(checkpoint_path, state)
        if on_epoch is not None:
            on_epoch(row, settings.epochs)
    _assign(model, state, settings)
    return state.history


def logits_of(model: Any) -> tuple[Any, str | None]:
    """The network without a final sigmoid or softmax layer, and the name of that activation.

    Returns:
        (a model that shares all variables, `sigmoid` | `softmax`), or (the model itself, None)
        if its last layer is something else; `linear` outputs are reported as None too.
    """
    k = keras()
    last = model.layers[-1]
    name = getattr(getattr(last, "activation", None), "__name__", "")
    if isinstance(last, k.layers.Activation) and name in ("sigmoid", "softmax"):
        return k.Model(model.inputs, last.input), name
    return model, None


def compiled_apply(network: Any) -> Callable[[Any, Any, NDArray[np.float32]], NDArray[np.float32]]:
    """A function that applies the network to any number of events: (trainable, other, x) → outputs."""

    def one(trainable: Any, other: Any, x: Any) -> Any:
        outputs, _ = network.stateless_call(trainable, other, x, training=False)
        return outputs

    compiled = jax.jit(one)

    def apply(trainable: Any, other: Any, x: NDArray[np.float32]) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(x), CHUNK):
            part = x[start : start + CHUNK]
            # Padding to one shape means one compilation.
            padded = (
                part if len(part) == CHUNK else np.concatenate([part, np.zeros((CHUNK - len(part), x.shape[1]), x.dtype)])
            )
            parts.append(np.asarray(compiled(trainable, other, padded))[: len(part)])
        return np.concatenate(parts) if parts else np.zeros((0, network.output_shape[-1]), np.float32)

    return apply


def _initial(model: Any, optimizer: Any) -> State:
    return State(
        trainable=[np.asarray(v.value) for v in model.trainable_variables],
        other=[np.asarray(v.value) for v in model.non_trainable_variables],
        optimizer=[np.asarray(v.value) for v in optimizer.variables],
    )


def _compiled_epoch(
    network: Any, optimizer: Any, loss: Loss, task: str, steps: int, batch: int, shuffle: bool, middle: float
) -> Callable[..., Any]:
    """One epoch as one program: ((trainable, other, optimizer), key, data) → (the same, sums).

    `middle` is the output that separates two classes: 0 for a logit, 0.5 for a probability.
    """

    def objective(trainable: Any, other: Any, x: Any, y: Any, weight: Any, count: Any) -> Any:
        outputs, other, penalties = network.stateless_call(trainable, other, x, training=True, return_losses=True)
        weighted = (weight * loss(outputs, y)).sum()
        return weighted / count + sum(penalties), (outputs, other, weighted)

    gradient = jax.value_and_grad(objective, has_aux=True)

    def step(carry: Any, rows: Any, data: Any) -> Any:
        (trainable, other, optimizer_variables), sums = carry
        index, real = rows
        x, y, weight, event_weight = (column[index] for column in data)
        weight, event_weight = weight * real, event_weight * real
        (_, (outputs, other, weighted)), gradients = gradient(trainable, other, x, y, weight, real.sum())
        trainable, optimizer_variables = optimizer.stateless_apply(optimizer_variables, gradients, trainable)
        figure = (event_weight * _figure(outputs, y, task, middle)).sum()
        sums = sums + jnp.stack([weighted, weight.sum(), figure, event_weight.sum()])
        return ((trainable, other, optimizer_variables), sums), None

    def epoch(variables: Any, key: Any, data: Any) -> Any:
        count = len(data[0])
        order = jax.random.permutation(key, count) if shuffle else jnp.arange(count)
        # The last batch is filled up with events of weight zero: every batch has one shape.
        padding = steps * batch - count
        index = jnp.concatenate([order, jnp.zeros(padding, order.dtype)]).reshape(steps, batch)
        real = (jnp.arange(steps * batch) < count).astype(jnp.float32).reshape(steps, batch)
        start = (variables, jnp.zeros(4))
        (variables, sums), _ = jax.lax.scan(lambda c, r: step(c, r, data), start, (index, real))
        return variables, sums

    compiled: Callable[..., Any] = jax.jit(epoch)
    return compiled


def _figure(outputs: Any, y: Any, task: str, middle: float) -> Any:
    """What is averaged beside the loss: correct or not, or the squared error, per event."""
    if task == "binary":
        return ((outputs[:, 0] > middle) == (y > 0.5)).astype(jnp.float32)
    if task == "multiclass":
        return (outputs.argmax(axis=1) == y.astype(jnp.int32)).astype(jnp.float32)
    return (outputs[:, 0] - y) ** 2


def _row(sums: Any, task: str, epoch: int, scale: float) -> dict[str, float]:
    weighted, weight, figure, event_weight = (float(v) for v in sums)
    mean = figure / event_weight if event_weight else math.nan
    row = {"epoch": epoch, "loss": weighted / weight if weight else math.nan}
    return row | ({"rmse": math.sqrt(max(mean, 0.0)) / scale} if task == "regression" else {"accuracy": mean})


def _validate(
    apply: Any, variables: Any, validation: Arrays, loss: Loss, link: str | None, task: str, monitor: str, scale: float
) -> dict[str, float]:
    outputs = apply(variables[0], variables[1], validation.x)
    per_event = np.asarray(loss(jnp.asarray(outputs), jnp.asarray(validation.y, jnp.float32)), np.float64)
    values = {"val_loss": float(np.sum(validation.weight * per_event) / np.sum(validation.weight))}
    y, weight = validation.y, np.asarray(validation.event_weight, np.float64)
    if task == "regression":
        metrics = {"rmse": rmse, "mae": mae}
        wanted = {"rmse"} | ({monitor} & set(metrics))
        return values | {f"val_{name}": metrics[name](outputs[:, 0], y, weight).value / scale for name in sorted(wanted)}
    score = probabilities(outputs, link)
    values["val_accuracy"] = accuracy(score, y, weight).value
    if monitor == "auc":
        values["val_auc"] = auc(score, y, weight).value
    elif monitor == "balanced_accuracy":
        values["val_balanced_accuracy"] = balanced_accuracy(score, y, weight).value
    elif monitor == "f1_macro":
        values["val_f1_macro"] = f1_macro(score, y, weight).value
    return values


def probabilities(outputs: NDArray[np.float32], link: str | None) -> NDArray[np.float32]:
    """Network outputs as scores: the probability of class 1, of each class, or the prediction.

    Args:
        outputs: [event, output].
        link: `sigmoid` or `softmax` if these are logits, None if they are final.

    Returns:
        [event] for one output, [event, class] for several.
    """
    if link == "sigmoid":
        # Both branches are stable: exp never sees a positive argument.
        small = np.exp(-np.abs(outputs))
        outputs = np.where(outputs >= 0, 1 / (1 + small), small / (1 + small)).astype(np.float32)
    elif link == "softmax":
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        outputs = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs


def monitored(row: dict[str, float], monitor: str) -> float:
    """The monitored value of an epoch, as "smaller is better"; on training if there is no validation."""
    value = row.get(f"val_{monitor}", row.get(monitor, row["loss"]))
    return value if monitor in ("loss", "rmse", "mae") else -value


def _record(state: State, variables: Any, row: dict[str, float], settings: Train) -> None:
    state.trainable, state.other, state.optimizer = ([np.asarray(v) for v in group] for group in variables)
    state.epoch += 1
    state.history.append(row)
    value = monitored(row, settings.monitor)
    if value < state.best:
        state.best, state.best_epoch = value, state.epoch
        state.best_trainable, state.best_other = list(state.trainable), list(state.other)


def _stops(state: State, settings: Train) -> bool:
    return settings.patience is not None and state.epoch - state.best_epoch >= settings.patience


def _assign(model: Any, state: State, settings: Train) -> None:
    best = settings.keep == "best" and state.best_trainable
    trainable, other = (state.best_trainable, state.best_other) if best else (state.trainable, state.other)
    for variable, value in zip(model.trainable_variables, trainable, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, other, strict=True):
        variable.assign(value)
