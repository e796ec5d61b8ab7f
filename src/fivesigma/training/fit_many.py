"""Several networks of one shape trained at once: one compiled program, one reading of the events.

What one small network leaves idle, its twins use: accelerators, and CPUs where batches and layers are
so small that a step is mostly overhead. They differ in their learning rate (and their first weights) alone.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import jax
import numpy as np

from fivesigma.analysis.model import Model
from fivesigma.analysis.train import Train
from fivesigma.cluster.devices import Team, local
from fivesigma.errors import EventsError
from fivesigma.prefetch import prefetch
from fivesigma.training import checkpoint
from fivesigma.training.apply import logits_of
from fivesigma.training.checkpoint import State
from fivesigma.training.fit import assign, decides, fit, history_row, initial
from fivesigma.training.losses import loss_named
from fivesigma.training.program import compiled_window
from fivesigma.training.program_cache import cached_program
from fivesigma.training.schedule import optimizer_for, relative_rate
from fivesigma.training.validation import Validator, monitored
from fivesigma.training.windows import Arrays, InMemory

LARGEST_STEP = 1024
"""Rows of a batch × widest layer up to which a CPU gains: three networks are 1.3 × as fast at 32 × 28, slower at 32 × 112"""


def worth_it(train: Train, model: Model) -> bool:
    """Whether training twins together is faster than one after the other, on this machine."""
    if jax.default_backend() != "cpu":
        return True
    return train.batch_size * max(model.layers, default=1) <= LARGEST_STEP


@dataclass
class Member:
    """One of the networks.

    Attributes:
        model: of the same layers as the others.
        settings: the `train` section; equal to the others' but for the learning rate.
        checkpoint_path: where its state is kept; one that is there is gone on with.
        failure: why its training came to nothing.
        state: how far it has got.
    """

    model: Any
    settings: Train
    checkpoint_path: Path
    failure: EventsError | None = None
    state: State = field(init=False)

    def begin(self) -> Any:
        """Take up the state; returns the optimiser."""
        optimizer = optimizer_for(self.settings)
        optimizer.build(self.model.trainable_variables)
        self.state = initial(self.model, optimizer, self.settings)
        if self.checkpoint_path.is_file():
            self.state = checkpoint.load(self.checkpoint_path, self.state)
        return optimizer

    @property
    def goes_on(self) -> bool:
        """Whether it is to be trained further."""
        return self.failure is None and not self.state.stops(self.settings.patience)


OnEpoch = Callable[[int, dict[str, float]], None]


def fit_many(
    twins: Sequence[Member],
    training: Arrays,
    validation: Arrays | None,
    task: str,
    *,
    stop_after_epoch: int,
    target_scale: float = 1.0,
    on_epoch: OnEpoch = lambda number, row: None,
) -> None:
    """Train models of equal shape together; each ends as `fit` would have left it, up to rounding.

    Args:
        twins: the networks; afterwards `state.history` and `failure` tell what became of them.
        training, validation, task, target_scale, stop_after_epoch: as for `fit`.
        on_epoch: called with the number of the twin and its row, after each of its epochs.

    Raises:
        ValueError: if they differ in more than the learning rate.
    """
    common = twins[0].settings
    if any(twin.settings.model_copy(update={"learning_rate": common.learning_rate}) != common for twin in twins):
        raise ValueError("twins may differ in their learning rate alone")
    optimizers = [twin.begin() for twin in twins]
    if len({(twin.state.epoch, twin.state.window) for twin in twins}) > 1 or twins[0].state.window:
        # A kill between two checkpoints left them at different points.
        for number, twin in enumerate(twins):
            _alone(twin, training, validation, task, stop_after_epoch, target_scale, partial(on_epoch, number))
        return
    network, link = logits_of(twins[0].model)
    loss = loss_named(common.loss, task, from_logits=link is not None, huber_delta=common.huber_delta)
    team = Team(1, alone=True)
    source = InMemory(training, common.batch_size, seed=common.seed)
    rate = relative_rate(common, source.steps)
    depends = (*decides(common), task, link, source.steps, "twins")
    run_window = cached_program(
        network,
        depends,
        lambda: compiled_window(
            network,
            optimizers[0],
            loss,
            task,
            rate=rate,
            average=common.average,
            decision_boundary=0.0 if link else 0.5,
            team=team,
            twins=True,
        ),
    )
    judge = Validator(network, link, loss, task, common.monitor, target_scale)
    largest = np.array([twin.settings.learning_rate for twin in twins], np.float32)
    variables = team.replicated(jax.tree.map(lambda *each: np.stack(each), *[twin.state.variables for twin in twins]))
    started = time.perf_counter()
    epochs = range(twins[0].state.epoch, min(stop_after_epoch, common.epochs))
    for window in prefetch(each for epoch in epochs for each in source.windows(epoch)):
        if not any(twin.goes_on for twin in twins):
            break
        variables, sums = run_window(variables, team.shared(window.block), window.counts, window.steps, largest)
        for twin, parts in zip(twins, local(sums), strict=True):
            twin.state.sums = [total + float(part) for total, part in zip(twin.state.sums, parts, strict=True)]
        if not window.last:
            continue
        values = local(variables)
        more = {
            "learning_rate": float(rate((window.epoch + 1) * source.steps)),
            "seconds": (time.perf_counter() - started) / len(twins),
        }
        for number, twin in enumerate(twins):
            if twin.goes_on:
                mine = jax.tree.map(itemgetter(number), values)
                _finish_epoch(
                    twin, mine, more, task, target_scale, partial(judge, events=validation) if validation else None
                )
                if twin.failure is None:
                    on_epoch(number, twin.state.history[-1])
        started = time.perf_counter()
    for twin in twins:
        assign(twin.model, twin.state, twin.settings)


def _finish_epoch(
    twin: Member, variables: Any, more: dict[str, float], task: str, scale: float, judge: Callable[..., Any] | None
) -> None:
    try:
        row = history_row(twin.state, task, scale)
    except EventsError as error:
        twin.failure = error
        return
    twin.state.take(variables)
    if judge is not None:
        row |= judge(twin.state.judged, twin.state.other)
    row |= {**more, "learning_rate": twin.settings.learning_rate * more["learning_rate"]}
    twin.state.record(row, monitored(row, twin.settings.monitor))
    checkpoint.save(twin.checkpoint_path, twin.state)


def _alone(
    twin: Member,
    training: Arrays,
    validation: Arrays | None,
    task: str,
    stop_after_epoch: int,
    scale: float,
    on_epoch: Callable[[dict[str, float]], None],
) -> None:
    try:
        fit(
            twin.model,
            training,
            validation,
            twin.settings,
            task,
            checkpoint_path=twin.checkpoint_path,
            resume=True,
            stop_after_epoch=stop_after_epoch,
            target_scale=scale,
            on_epoch=lambda row, _: on_epoch(row),
        )
        twin.begin()
    except EventsError as error:
        twin.failure = error
