"""Save and load the state of a training, so that it goes on as if it had not stopped."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.atomic import writing
from fivesigma.errors import RunError

Arrays = list[Any]


@dataclass
class State:
    """Everything that changes during the training.

    Attributes:
        trainable, other, optimizer: values of the model's trainable and other variables (batch
            normalisation, dropout seeds) and of the optimiser's variables.
        epoch: epochs finished.
        average: moving average of the trainable variables; empty without one.
        window: windows finished in the current epoch.
        sums: their sums, as `compiled_window` gives them.
        best: best value of the monitored metric, as "smaller is better".
        best_epoch: the epoch it was reached in, from 1.
        best_trainable, best_other: the variables of that epoch.
        history: one row per finished epoch.
        layout: how a batch is shared between devices; the training goes on with it.
        stages: what was found at the end of each stage that is over, for kinds of networks with stages.
        stage_trainable, stage_other: the variables of these networks, one stage after the other.
    """

    trainable: Arrays
    other: Arrays
    optimizer: Arrays
    average: Arrays = field(default_factory=list)
    epoch: int = 0
    window: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0] * 4)
    best: float = float("inf")
    best_epoch: int = 0
    best_trainable: Arrays = field(default_factory=list)
    best_other: Arrays = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    layout: str = ""
    stages: list[dict[str, Any]] = field(default_factory=list)
    stage_trainable: Arrays = field(default_factory=list)
    stage_other: Arrays = field(default_factory=list)

    @property
    def variables(self) -> dict[str, Arrays]:
        """The variables that a training step changes."""
        return {name: getattr(self, name) for name in _VARIABLES}

    def take(self, variables: dict[str, Arrays]) -> None:
        """The inverse of `variables`."""
        for name in _VARIABLES:
            setattr(self, name, list(variables[name]))

    def record(self, row: dict[str, float], value: float) -> None:
        """Record a finished epoch: its row of history, and the monitored value as "smaller is better"."""
        self.epoch += 1
        self.window, self.sums = 0, [0.0] * len(self.sums)
        self.history.append(row)
        if value < self.best:
            self.best, self.best_epoch = value, self.epoch
            self.best_trainable, self.best_other = list(self.judged), list(self.other)

    def keep_stage(self, found: dict[str, Any], other: Arrays) -> None:
        """Keep the network at the end of a stage.

        Args:
            found: of the stage, as JSON can hold it.
            other: its other variables.
        """
        self.stages.append(found)
        self.stage_trainable += self.judged
        self.stage_other += other

    def of_stage(self, number: int) -> tuple[Arrays, Arrays]:
        """The trainable and the other variables at the end of a stage, from 0."""
        first, second = len(self.trainable), len(self.other)
        return (
            self.stage_trainable[number * first : (number + 1) * first],
            self.stage_other[number * second : (number + 1) * second],
        )

    def stops(self, patience: int | None) -> bool:
        """Whether the best epoch was at least this many epochs ago."""
        return patience is not None and self.epoch - self.best_epoch >= patience

    @property
    def judged(self) -> Arrays:
        """The weights to evaluate: the moving average if there is one."""
        return self.average or self.trainable


_VARIABLES = ("trainable", "other", "optimizer", "average")
_GROUPS = (*_VARIABLES, "best_trainable", "best_other", "stage_trainable", "stage_other")
_SCALARS = ("epoch", "window", "sums", "best", "best_epoch", "history", "layout", "stages")


def save(path: Path, state: State) -> None:
    """Write the state in one step: if the process is killed, the previous checkpoint stays intact."""
    arrays = {f"{group}_{i}": np.asarray(a) for group in _GROUPS for i, a in enumerate(getattr(state, group))}
    scalars = {name: getattr(state, name) for name in _SCALARS}
    arrays["scalars"] = np.frombuffer(json.dumps(scalars).encode(), np.uint8)
    with writing(path) as part, open(part, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(path: Path, like: State) -> State:
    """Read a state that `save` wrote for the same network.

    Raises:
        RunError: if the file is corrupt or belongs to another network.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            groups: dict[str, Any] = {group: _group(archive, group) for group in _GROUPS}
            scalars = json.loads(bytes(archive["scalars"]).decode())
    except Exception as error:
        raise RunError(f"the checkpoint {path} cannot be read: {error}", hint="start a new run") from None
    for group in _VARIABLES:
        shapes = [np.shape(a) for a in getattr(like, group)]
        if [np.shape(a) for a in groups[group]] != shapes:
            raise RunError(f"the checkpoint {path} belongs to another network", hint="start a new run")
    return State(**groups, **scalars)


def _group(archive: Any, name: str) -> Arrays:
    count = sum(key.startswith(f"{name}_") and key.removeprefix(f"{name}_").isdigit() for key in archive.files)
    return [archive[f"{name}_{i}"] for i in range(count)]
