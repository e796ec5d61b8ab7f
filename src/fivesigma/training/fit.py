"""The training loop: every window of batches is one compiled program, and this file reads top to bottom.

`fit` trains one network, `fit_many` several of one shape in one program: what a small network leaves idle, the others
use, on accelerators and on CPUs where batches and layers are so small that a step is mostly overhead. Both run `_loop`:
windows of shuffled mini-batches, each inside a single XLA program, until the epoch is over; one pass over the
validation events, one row of history, one checkpoint.
"""

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.train import Train
from fivesigma.cluster.base import stop_if_closed
from fivesigma.cluster.devices import Layout, Team, local
from fivesigma.cluster.multiprocess import named_peer_errors
from fivesigma.errors import AnalysisError, EventsError
from fivesigma.models.stages import Stages
from fivesigma.plugins import losses
from fivesigma.prefetch import prefetch
from fivesigma.training.apply import logits_of
from fivesigma.training.checkpoint import State
from fivesigma.training.front import Front, OnFront
from fivesigma.training.layout import Timed, measured, settled, timer
from fivesigma.training.member import Member
from fivesigma.training.problem import Problem
from fivesigma.training.program import Step, compiled_window
from fivesigma.training.program_cache import cached_program
from fivesigma.training.ranges import SAMPLE, tracer
from fivesigma.training.schedule import relative_rate
from fivesigma.training.validation import Pieces, Validator
from fivesigma.training.windows import Arrays, InMemory, Shareable, Source, Window, steps_of_window

SAVE_SECONDS = 60.0
"""Within a long epoch, the state is saved this often."""

LARGEST_STEP = 1024
"""Rows of a batch × widest layer up to which a CPU gains from training several networks in one program: three are
1.3 × as fast at 32 × 28, slower at 32 × 112."""

History = list[dict[str, float]]
OnEpoch = Callable[[int, dict[str, float]], None]
"""Called with the number of the network, from 0, and its row of history after each of its epochs."""


@dataclass(frozen=True)
class FitOptions:
    """Options for the training of one network.

    Attributes:
        checkpoint_path: where the state is saved after every epoch, and every minute within a long one.
        resume: go on from `checkpoint_path` if it exists.
        shuffle: draw a new order of the events each epoch.
        stop_after_epoch: pause after this epoch; the schedule is that of all `train.epochs`.
        on_epoch: called after each epoch with the row of history and the number of epochs.
        before_trial: called before candidates of how a batch is shared between devices are measured, if they are: other
            work of this process would falsify it.
        on_layout: called before the first step with how a batch is shared between devices, and the rows per second of
            each candidate if they were measured now.
        stages: what changes between stages of the training, for kinds of networks that have stages.
        on_front: called with the networks at the end of the stages, once the training is over.
        on_window: called within an epoch of several windows with the number of epochs that are trained, a fraction.
    """

    checkpoint_path: Path | None = None
    resume: bool = False
    shuffle: bool = True
    stop_after_epoch: int | None = None
    on_epoch: Callable[[dict[str, float], int], None] | None = None
    before_trial: Callable[[], None] | None = None
    on_layout: Callable[[Layout, Mapping[str, float]], None] | None = None
    stages: Stages | None = None
    on_front: OnFront | None = None
    on_window: Callable[[float], None] | None = None


def fit(
    model: Any,
    training: Arrays | Shareable,
    validation: Arrays | Pieces | None,
    settings: Train,
    problem: Problem,
    options: FitOptions | None = None,
) -> History:
    """Train a Keras model; on return it holds the weights of the best (or last) epoch, or of the chosen stage.

    Args:
        model: any `keras.Model`, [event, input] → [event, output]. If its last layer is a sigmoid
            or softmax activation, the loss is computed on the logits before it.
        training: training events, in memory or from shards.
        validation: validation events; without them, the training loss is monitored.
        settings: the `train` section.
        problem: the task, and the scale of the target.
        options: checkpoint, order and what is called after an epoch.

    Returns:
        One row per epoch: loss, accuracy (or RMSE), the same with `val_`, learning rate, seconds.

    Raises:
        EventsError: if the loss is no longer a number.
        FivesigmaError: if another process of this training is gone.
        OverBudget: if the network of no stage will do.
        RunError: if the checkpoint belongs to another network.
    """
    options = options or FitOptions()
    member = Member(model, settings, options.checkpoint_path, options.resume, options.stages)
    optimizer = member.begin()
    team, rates = _team(member, optimizer, training, problem, options.before_trial)
    source: Source
    if isinstance(training, Arrays):
        source = _in_memory(training, settings, team, options.shuffle)
    else:
        source = training.shared_by(team.per_process)
    member.state.layout = str(team.layout)
    if options.on_layout is not None and team.rank == 0:
        options.on_layout(team.layout, rates)

    def on_epoch(_: int, row: dict[str, float]) -> None:
        if options.on_epoch is not None and team.rank == 0:
            options.on_epoch(row, settings.epochs)

    loop = _Loop([member], optimizer, source, team, problem)
    loop.run(validation, options.stop_after_epoch or settings.epochs, on_epoch, options.on_window)
    if member.failure is not None:
        raise member.failure
    member.assign()
    if member.ends and member.state.epoch == settings.epochs:
        _choose(member, options.on_front)
    return member.state.history


def _choose(member: Member, on_front: OnFront | None) -> None:
    """Give the model the weights of the stage that is kept."""
    front = Front.of(member)
    if on_front is not None:
        on_front(front)
    if front.chosen is None:
        assert front.problem is not None
        raise front.problem
    front.put(front.chosen)


def _team(
    member: Member,
    optimizer: Any,
    training: Arrays | Shareable,
    problem: Problem,
    before_trial: Callable[[], None] | None,
) -> tuple[Team, dict[str, float]]:
    """The devices that share every batch: as before if the training goes on, else known, else measured now."""
    settings, network = member.settings, member.model
    batch, rates = settings.batch_size, dict[str, float]()
    steps = math.ceil(len(training) / batch) if isinstance(training, Arrays) else training.steps
    columns = network.input_shape[-1] + 3

    def timed(layout: Layout) -> Timed:
        team = Team(batch, layout=layout)
        rows = batch + -batch % team.size
        window = steps_of_window(steps, rows, columns) if isinstance(training, Arrays) else training.window_steps
        program = _program(member, optimizer, steps, team, problem)
        return timer(program, team, member.state.variables, (window, rows, columns), settings.learning_rate)

    if member.state.layout:
        layout: Layout | None = Layout.parse(member.state.layout)
    else:
        layout = settled(batch, steps * batch * settings.epochs, network)
    if layout is None:
        if before_trial is not None:
            before_trial()
        layout, rates = measured(batch, network, timed)
    return Team(batch, layout=layout), rates


def fit_many(
    members: Sequence[Member],
    training: Arrays,
    validation: Arrays | Pieces | None,
    problem: Problem,
    stop_after_epoch: int,
    on_epoch: OnEpoch = lambda number, row: None,
) -> None:
    """Train models of equal shape together; each ends up as after `fit`, apart from rounding.

    Args:
        members: the networks; afterwards `state.history` and `failure` hold the outcome of each.
        training, validation, problem, stop_after_epoch: as for `fit`.
        on_epoch: called with the number of the network and its row, after each of its epochs.

    Raises:
        ValueError: if they differ in more than the learning rate.
    """
    common = members[0].settings
    if any(each.settings.model_copy(update={"learning_rate": common.learning_rate}) != common for each in members):
        raise ValueError("networks that are trained together may differ in their learning rate alone")
    optimizers = [member.begin() for member in members]
    if len({(member.state.epoch, member.state.window) for member in members}) > 1:
        # A kill between two checkpoints left them at different points: each catches up by itself.
        for number, member in enumerate(members):
            _alone(member, training, validation, problem, stop_after_epoch, partial(on_epoch, number))
        return
    source = InMemory(training, common.batch_size, seed=common.seed)
    _Loop(members, optimizers[0], source, Team(1, alone=True), problem).run(validation, stop_after_epoch, on_epoch)
    for member in members:
        member.assign()


def _alone(
    member: Member,
    training: Arrays,
    validation: Arrays | Pieces | None,
    problem: Problem,
    stop_after_epoch: int,
    on_epoch: Callable[[dict[str, float]], None],
) -> None:
    options = FitOptions(
        member.checkpoint_path, resume=True, stop_after_epoch=stop_after_epoch, on_epoch=lambda row, _: on_epoch(row)
    )
    try:
        fit(member.model, training, validation, member.settings, problem, options)
        member.begin()
    except EventsError as error:
        member.failure = error


def gains_together(train: Train, widest: int) -> bool:
    """Whether training several networks in one program is faster than one after the other, on this machine.

    Args:
        train: the section; its batch size counts.
        widest: units of the widest layer.
    """
    return jax.default_backend() != "cpu" or train.batch_size * widest <= LARGEST_STEP


class _Loop:
    """Windows, epochs and checkpoints of one network, or of several that one program trains.

    Args:
        members: the networks, all at the same point of their training.
        optimizer: optimiser of the first one; the others have the same.
        source: the training events.
        team: the devices that share every batch.
        problem: task and target scale.
    """

    def __init__(self, members: Sequence[Member], optimizer: Any, source: Source, team: Team, problem: Problem) -> None:
        self._members, self._source, self._team, self._problem = members, source, team, problem
        self._many = len(members) > 1
        settings = members[0].settings
        network, link = _without_link(members[0].model, problem)
        loss = losses.get(settings.loss.kind).make(settings.loss, problem.task, link is not None)
        self._stages, self._ends = members[0].stages, members[0].ends
        if self._stages is not None:
            if self._many or team.processes > 1:
                raise AnalysisError(
                    "a network that is trained in stages, such as a quantised one, is trained by one process, alone",
                    hint="start one process; it uses all cores of this machine",
                )
            self._trace = tracer(members[0].model, self._stages)
        self._rate = relative_rate(settings, source.steps, self._ends)
        self._run_window = _program(members[0], optimizer, source.steps, team, problem, many=self._many)
        self._validator = Validator(network, link, loss, problem, settings.monitor, team.rank, team.processes)

    def run(
        self,
        validation: Arrays | Pieces | None,
        stop_after_epoch: int,
        on_epoch: OnEpoch,
        on_window: Callable[[float], None] | None = None,
    ) -> None:
        """Train until the last epoch, or until every network has stopped early."""
        members, team = self._members, self._team
        rates = np.array([member.settings.learning_rate for member in members], np.float32)
        largest: Any = rates if self._many else members[0].settings.learning_rate
        variables = team.replicated(self._stacked([member.state.variables for member in members]))
        started = saved = time.perf_counter()
        for window in prefetch(self._windows(min(stop_after_epoch, members[0].settings.epochs))):
            stop_if_closed()
            if self._stages is not None and not window.number:
                other = self._stages.begin(self._stage(window.epoch), variables["other"])
                variables = {**variables, "other": team.replicated(other)}
            block = team.shared(window.block)
            with named_peer_errors():
                variables, sums = jax.block_until_ready(
                    self._run_window(variables, block, window.counts, window.steps, largest)
                )
            for member, parts in zip(members, self._each(local(sums)), strict=True):
                member.add(parts)
                member.state.window = window.number + 1
            if not window.last:
                if on_window is not None and team.rank == 0:
                    # All windows of an epoch but the last have as many steps.
                    on_window(window.epoch + (window.number + 1) * window.steps / self._source.steps)
                if time.perf_counter() - saved > SAVE_SECONDS:
                    self._save(variables)
                    saved = time.perf_counter()
                continue
            each = zip(members, self._each(local(variables)), strict=True)
            seconds = (time.perf_counter() - started) / len(members)
            for number, (member, mine) in enumerate(each):
                if member.goes_on and self._finish_epoch(member, mine, validation, (seconds, window)):
                    on_epoch(number, member.state.history[-1])
            started = saved = time.perf_counter()
            if not any(member.goes_on for member in members):
                break

    def _windows(self, last: int) -> Iterator[Window]:
        """All windows from the present state on; they are prepared in advance, so the state is read only once."""
        if not any(member.goes_on for member in self._members):
            return
        first, window = self._members[0].state.epoch, self._members[0].state.window
        for epoch in range(first, last):
            yield from self._source.windows(epoch, window if epoch == first else 0)

    def _finish_epoch(
        self, member: Member, variables: Any, validation: Arrays | Pieces | None, trained: tuple[float, Window]
    ) -> bool:
        """Validate a network after an epoch and save its state; False if its loss is no longer a number.

        Args:
            member: the network.
            variables: after the epoch.
            validation: validation events.
            trained: seconds of the epoch, and its last window.
        """
        seconds, window = trained
        started = time.perf_counter()
        try:
            row = member.history_row(self._problem)
        except EventsError as error:
            member.failure = error
            return False
        state: State = member.state
        state.take(variables)
        other = state.other
        if self._stages is not None:
            other = self._seen(state, window)
            row |= self._stages.measure(self._stage(window.epoch), other)
        if validation is not None:
            row |= self._validator(state.judged, other, validation)
        row["learning_rate"] = member.settings.learning_rate * float(self._rate(row["epoch"] * self._source.steps))
        row["seconds"] = seconds + time.perf_counter() - started
        if row["epoch"] in self._ends:
            found = {} if validation is None else self._validator.with_errors(state.judged, other, validation)
            state.keep_stage({"row": row, "metrics": {name: value.to_dict() for name, value in found.items()}}, other)
        member.record(row)
        if self._team.rank == 0:
            member.save()
        return True

    def _stage(self, epoch: int) -> int:
        """The stage of an epoch, both from 0."""
        return bisect_right(self._ends, epoch)

    def _seen(self, state: State, window: Window) -> list[Any]:
        """The other variables once they have seen the training events: all of them at the end of a stage, else some."""
        if window.epoch + 1 in self._ends:
            return self._trace(state.judged, state.other, map(_rows, self._source.windows(window.epoch)))
        return self._trace(state.judged, state.other, [_rows(window)[:SAMPLE]])

    def _save(self, variables: Any) -> None:
        """Write the checkpoints within an epoch; with several processes, only the first one does."""
        if self._team.rank == 0:
            for member, mine in zip(self._members, self._each(local(variables)), strict=True):
                member.save(mine)

    def _stacked(self, trees: Sequence[Any]) -> Any:
        """Stack the networks' arrays for the program: with a first axis over the networks if there are several."""
        return jax.tree.map(lambda *each: np.stack(each), *trees) if self._many else trees[0]

    def _each(self, tree: Any) -> list[Any]:
        """The inverse of `_stacked`."""
        if not self._many:
            return [tree]
        return [jax.tree.map(itemgetter(i), tree) for i in range(len(self._members))]


def _rows(window: Window) -> NDArray[np.float32]:
    """The rows of a window, [row, column]."""
    return window.block[: window.steps].reshape(-1, window.block.shape[-1])


def _program(
    member: Member, optimizer: Any, steps: int, team: Team, problem: Problem, many: bool = False
) -> Callable[..., Any]:
    """The program of a window, compiled when it first runs.

    Args:
        member: the network, or the first of several.
        optimizer: its optimiser.
        steps: batches of an epoch.
        team: the devices that share every batch.
        problem: task and target scale.
        many: whether it trains several networks of this shape.
    """
    settings = member.settings
    network, link = _without_link(member.model, problem)
    loss = losses.get(settings.loss.kind).make(settings.loss, problem.task, link is not None)
    boundary = 0.0 if link else 0.5
    rate = relative_rate(settings, steps, member.ends)
    step = Step(network, optimizer, loss, problem.task, rate, settings.average, boundary)
    depends = (*decides(settings), problem.task, link, steps, team.layout, team.processes, team.rank, many, member.ends)
    return cached_program(network, depends, lambda: compiled_window(step, team, many=many))


def _without_link(model: Any, problem: Problem) -> tuple[Any, str | None]:
    """The network that gives the loss its values, and the activation that was taken off: that of a classifier alone.

    A regression learns the values that the whole network predicts, also if it ends in a sigmoid.
    """
    return (model, None) if problem.task == "regression" else logits_of(model)


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
