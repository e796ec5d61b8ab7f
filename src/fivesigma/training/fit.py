"""The training loop: every window of batches is one compiled program, and this file reads top to bottom.

`fit` prepares the state, then repeats: windows of shuffled mini-batches, each inside a single XLA
program, stop_after_epoch the epoch is over; one pass over the validation events, one row of history, one checkpoint.
"""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from fivesigma.analysis.train import Train
from fivesigma.cluster.devices import Team, local
from fivesigma.cluster.multiprocess import named_peer_errors
from fivesigma.errors import EventsError
from fivesigma.prefetch import prefetch
from fivesigma.training import checkpoint
from fivesigma.training.apply import logits_of
from fivesigma.training.checkpoint import State
from fivesigma.training.losses import loss_named
from fivesigma.training.program import compiled_window
from fivesigma.training.program_cache import cached_program
from fivesigma.training.schedule import optimizer_for, relative_rate
from fivesigma.training.validation import Pieces, Validator, monitored
from fivesigma.training.windows import Arrays, InMemory, Source, Window

SAVE_SECONDS = 60.0
"""Within a long epoch, the state is saved this often."""

History = list[dict[str, float]]


def fit(
    model: Any,
    training: Arrays | Source,
    validation: Arrays | Pieces | None,
    settings: Train,
    task: str,
    *,
    checkpoint_path: Path | None = None,
    resume: bool = False,
    shuffle: bool = True,
    target_scale: float = 1.0,
    stop_after_epoch: int | None = None,
    on_epoch: Callable[[dict[str, float], int], None] | None = None,
) -> History:
    """Train a Keras model; on return it holds the weights of the best (or last) epoch.

    Args:
        model: any `keras.Model`, [event, input] → [event, output]. If its last layer is a sigmoid
            or softmax activation, the loss is computed on the logits before it.
        training: training events, in memory or from shards.
        validation: validation events; without them, the training loss is monitored.
        settings: the `train` section.
        task: `binary`, `multiclass` or `regression`.
        checkpoint_path: where the state is kept after every epoch, and now and then within a long one.
        resume: go on from `checkpoint_path` if it exists.
        shuffle: draw a new order of the events each epoch.
        target_scale: factor the regression target was multiplied by; rmse and mae are given without it.
        stop_after_epoch: pause after this epoch; the schedule is that of all `settings.epochs`.
        on_epoch: called after each epoch with the row of history and the number of epochs.

    Returns:
        One row per epoch: loss, accuracy (or rmse), the same with `val_`, the rate, the seconds.

    Raises:
        EventsError: if the loss is no longer a number.
        FivesigmaError: if another process of this training is gone.
        RunError: if the checkpoint is another network's.
    """
    network, link = logits_of(model)
    loss = loss_named(settings.loss, task, from_logits=link is not None, huber_delta=settings.huber_delta)
    team = Team(settings.batch_size)
    source = _in_memory(training, settings, team, shuffle) if isinstance(training, Arrays) else training
    optimizer = optimizer_for(settings)
    optimizer.build(model.trainable_variables)
    rate = relative_rate(settings, source.steps)
    state = initial(model, optimizer, settings)
    if resume and checkpoint_path is not None and checkpoint_path.is_file():
        state = checkpoint.load(checkpoint_path, state)
    depends = (*decides(settings), task, link, source.steps, team.size, team.processes, team.rank)
    run_window = cached_program(
        network,
        depends,
        lambda: compiled_window(
            network,
            optimizer,
            loss,
            task,
            rate=rate,
            average=settings.average,
            decision_boundary=0.0 if link else 0.5,
            team=team,
        ),
    )
    judge = Validator(network, link, loss, task, settings.monitor, target_scale, team.rank, team.processes)

    variables = team.replicated(state.variables)
    last = settings.epochs if stop_after_epoch is None else min(stop_after_epoch, settings.epochs)
    started = saved = time.perf_counter()
    for window in prefetch(_windows(source, state, last, settings)):
        block = team.shared(window.block)
        with named_peer_errors():
            variables, sums = jax.block_until_ready(
                run_window(variables, block, window.counts, window.steps, settings.learning_rate)
            )
        state.sums = [total + float(part) for total, part in zip(state.sums, local(sums), strict=True)]
        state.window = window.number + 1
        if not window.last:
            if checkpoint_path is not None and time.perf_counter() - saved > SAVE_SECONDS:
                _keep(state, variables, checkpoint_path, team)
                saved = time.perf_counter()
            continue
        row = history_row(state, task, target_scale)
        state.take(local(variables))
        if validation is not None:
            row |= judge(state.judged, state.other, validation)
        row["learning_rate"] = settings.learning_rate * float(rate(row["epoch"] * source.steps))
        row["seconds"] = time.perf_counter() - started
        state.record(row, monitored(row, settings.monitor))
        _keep(state, variables, checkpoint_path, team)
        started = saved = time.perf_counter()
        if on_epoch is not None and team.rank == 0:
            on_epoch(row, settings.epochs)
        if state.stops(settings.patience):
            break
    assign(model, state, settings)
    return state.history


def decides(settings: Train) -> tuple[Any, ...]:
    """The settings that a compiled window depends on."""
    more = {"learning_rate", "monitor", "patience", "keep", "window", "seed", "balance"}
    return tuple(settings.model_dump(exclude=more).items())


def _in_memory(arrays: Arrays, settings: Train, team: Team, shuffle: bool) -> InMemory:
    return InMemory(
        arrays,
        settings.batch_size,
        devices=team.size,
        rank=team.rank,
        processes=team.processes,
        seed=settings.seed,
        shuffle=shuffle,
    )


def _windows(source: Source, state: State, last: int, settings: Train) -> Iterator[Window]:
    """All windows from where the state stands; made ahead, so the state is looked at only once."""
    if state.stops(settings.patience):
        return
    first, window = state.epoch, state.window
    for epoch in range(first, last):
        yield from source.windows(epoch, window if epoch == first else 0)


def initial(model: Any, optimizer: Any, settings: Train) -> State:
    """The state before the first step."""
    trainable = [np.asarray(v.value) for v in model.trainable_variables]
    return State(
        trainable=trainable,
        other=[np.asarray(v.value) for v in model.non_trainable_variables],
        optimizer=[np.asarray(v.value) for v in optimizer.variables],
        average=trainable if settings.average is not None else [],
    )


def _keep(state: State, variables: Any, path: Path | None, team: Team) -> None:
    """Write the checkpoint; of several processes, the first one does."""
    if path is not None and team.rank == 0:
        state.take(local(variables))
        checkpoint.save(path, state)


def history_row(state: State, task: str, scale: float) -> dict[str, float]:
    """Loss and accuracy (or rmse) on the training events of the epoch that is just over.

    Raises:
        EventsError: if the loss is no longer a number.
    """
    weighted, weight, figure, event_weight = state.sums
    mean = figure / event_weight if event_weight else math.nan
    loss = weighted / weight if weight else math.nan
    if not math.isfinite(loss):
        raise EventsError(
            f"the training loss is {loss} in epoch {state.epoch + 1}",
            hint="lower train.learning_rate, set train.clip_norm, or look for outliers among the features",
        )
    row = {"epoch": state.epoch + 1, "loss": loss}
    return row | ({"rmse": math.sqrt(max(mean, 0.0)) / scale} if task == "regression" else {"accuracy": mean})


def assign(model: Any, state: State, settings: Train) -> None:
    """Give the model the weights that are kept: those of the best epoch, or of the last."""
    best = settings.keep == "best" and state.best_trainable
    trainable, other = (state.best_trainable, state.best_other) if best else (state.judged, state.other)
    for variable, value in zip(model.trainable_variables, trainable, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, other, strict=True):
        variable.assign(value)
