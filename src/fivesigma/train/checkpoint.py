"""The state of a training that was stopped: enough to go on as if it had not been."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.atomic import writing
from fivesigma.errors import RunError

Arrays = list[Any]


@dataclass
class State:
    """Everything that changes during training.

    Attributes:
        trainable, other, optimizer: values of the model's trainable and other variables (batch
            normalisation, dropout seeds) and of the optimiser's variables.
        epoch: epochs finished.
        best: best value of the monitored metric, as "smaller is better".
        best_epoch: the epoch it was reached in, from 1.
        best_trainable, best_other: the variables of that epoch.
        history: one row per finished epoch.
    """

    trainable: Arrays
    other: Arrays
    optimizer: Arrays
    epoch: int = 0
    best: float = float("inf")
    best_epoch: int = 0
    best_trainable: Arrays = field(default_factory=list)
    best_other: Arrays = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)


_GROUPS = ("trainable", "other", "optimizer", "best_trainable", "best_other")


def save(path: Path, state: State) -> None:
    """Write the state in one step; a kill at any moment leaves the previous checkpoint whole."""
    arrays = {f"{group}_{i}": np.asarray(a) for group in _GROUPS for i, a in enumerate(getattr(state, group))}
    scalars = {"epoch": state.epoch, "best": state.best, "best_epoch": state.best_epoch, "history": state.history}
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
    for group in ("trainable", "other", "optimizer"):
        shapes = [np.shape(a) for a in getattr(like, group)]
        if [np.shape(a) for a in groups[group]] != shapes:
            raise RunError(f"the checkpoint {path} belongs to another network", hint="start a new run")
    return State(**groups, **scalars)


def _group(archive: Any, name: str) -> Arrays:
    count = sum(key.startswith(f"{name}_") and key.removeprefix(f"{name}_").isdigit() for key in archive.files)
    return [archive[f"{name}_{i}"] for i in range(count)]


def as_device_arrays(arrays: Sequence[Any]) -> Arrays:
    """Copies on the device; a copy, because the training step overwrites its arguments."""
    import jax.numpy as jnp

    return [jnp.array(a) for a in arrays]
