"""One network under training: its settings, its state, and where that is kept."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis.train import Train
from fivesigma.errors import EventsError, RunError
from fivesigma.metrics.spec import monitored
from fivesigma.models.stages import Stages, stage_ends
from fivesigma.training import checkpoint
from fivesigma.training.checkpoint import State
from fivesigma.training.problem import Problem
from fivesigma.training.schedule import optimizer_for


@dataclass
class Member:
    """One network under training.

    Attributes:
        model: a Keras model.
        settings: the `train` section; networks that are trained together differ in their learning rate alone.
        checkpoint_path: where its state is saved; None to save nothing.
        resume: whether to continue from that state.
        stages: what changes between stages of the training, for kinds of networks that have stages.
        failure: why its training failed.
        state: state of the training; set by `begin`.
    """

    model: Any
    settings: Train
    checkpoint_path: Path | None = None
    resume: bool = True
    stages: Stages | None = None
    failure: EventsError | None = None
    state: State = field(init=False)

    def begin(self) -> Any:
        """Load the state from the checkpoint if there is one, else begin afresh; returns the optimiser.

        Raises:
            RunError: if the checkpoint cannot be read, or is not of this training.
        """
        optimizer = optimizer_for(self.settings)
        optimizer.build(self.model.trainable_variables)
        self.state = initial(self.model, optimizer, self.settings)
        if self.resume and self.checkpoint_path is not None and self.checkpoint_path.is_file():
            self.state = checkpoint.load(self.checkpoint_path, self.state)
            over = [stage["row"]["epoch"] for stage in self.state.stages]
            if self.state.epoch < self.settings.epochs and over != [end for end in self.ends if end <= self.state.epoch]:
                raise RunError(
                    f"the checkpoint {self.checkpoint_path} was written by a version of fivesigma that divided the epochs "
                    "among the steps differently",
                    hint="start a new run",
                )
        return optimizer

    @property
    def goes_on(self) -> bool:
        """Whether the training continues."""
        return self.failure is None and not self.state.stops(self.settings.patience)

    def add(self, sums: Any) -> None:
        """Add the sums of a window."""
        self.state.sums = [total + float(part) for total, part in zip(self.state.sums, sums, strict=True)]

    def history_row(self, problem: Problem) -> dict[str, float]:
        """Loss and accuracy (or RMSE) on the training events of the epoch that has just finished.

        Raises:
            EventsError: if the loss is no longer a number.
        """
        weighted, weight, figure, event_weight = self.state.sums
        mean = figure / event_weight if event_weight else math.nan
        loss = weighted / weight if weight else math.nan
        if not math.isfinite(loss):
            raise EventsError(
                f"the training loss is {loss} in epoch {self.state.epoch + 1}",
                hint="lower train.learning_rate, set train.clip_norm, or look for outliers among the features",
            )
        row = {"epoch": self.state.epoch + 1, "loss": loss}
        if problem.task == "regression":
            return row | {"rmse": math.sqrt(max(mean, 0.0)) / problem.scale}
        return row | {"accuracy": mean}

    @property
    def ends(self) -> tuple[int, ...]:
        """The epochs after which its stages end; empty for a network without stages."""
        return () if self.stages is None else stage_ends(self.stages.count, self.settings.epochs)

    def record(self, row: dict[str, float]) -> None:
        """Record the row of a finished epoch, and keep the weights if it is the best so far."""
        self.state.record(row, monitored(row, self.settings.monitor))

    def save(self, variables: Any = None) -> None:
        """Write the checkpoint, with these variables if they are given."""
        if self.checkpoint_path is not None:
            if variables is not None:
                self.state.take(variables)
            checkpoint.save(self.checkpoint_path, self.state)

    def assign(self) -> None:
        """Load the final weights into the model: those of the best epoch, or of the last."""
        state = self.state
        best = self.settings.keep == "best" and state.best_trainable
        self.put(*((state.best_trainable, state.best_other) if best else (state.judged, state.other)))

    def put(self, trainable: Any, other: Any) -> None:
        """Load these values of the trainable and the other variables into the model."""
        for variable, value in zip(self.model.trainable_variables, trainable, strict=True):
            variable.assign(value)
        for variable, value in zip(self.model.non_trainable_variables, other, strict=True):
            variable.assign(value)


def initial(model: Any, optimizer: Any, settings: Train) -> State:
    """The state before the first step."""
    trainable = [np.asarray(v.value) for v in model.trainable_variables]
    return State(
        trainable=trainable,
        other=[np.asarray(v.value) for v in model.non_trainable_variables],
        optimizer=[np.asarray(v.value) for v in optimizer.variables],
        average=trainable if settings.average is not None else [],
    )
