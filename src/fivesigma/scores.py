"""Scores: the network's answer for each event beside target, weight and parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scores:
    """The network's answer per event.

    Attributes:
        score: probability of class 1 [event] for two classes, probabilities [event, class] for
            more, or the predicted target [event] for regression.
        target: the true class index or the true target, [event].
        weight: event weight, float64 [event].
        classes: class names; empty for regression.
        parameters: parameter values each event was scored at, [event, parameter].
        parameter_names: one name per parameter.
        at_hypothesis: for each hypothesis (a tuple of parameter values), the score of every event
            under it, [event]; the signal of that hypothesis against all background is the test
            that a search makes.
        observers: columns carried along, each [event].
        event_number: uint64 [event].
    """

    score: NDArray[np.float32]
    target: NDArray[Any]
    weight: NDArray[np.float64]
    classes: tuple[str, ...] = ()
    parameters: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    parameter_names: tuple[str, ...] = ()
    at_hypothesis: Mapping[tuple[float, ...], NDArray[np.float32]] = field(default_factory=dict)
    observers: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    event_number: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))

    def __len__(self) -> int:
        return len(self.score)

    @property
    def task(self) -> str:
        """`binary`, `multiclass` or `regression`."""
        if not self.classes:
            return "regression"
        return "binary" if len(self.classes) == 2 else "multiclass"


def concatenate(pieces: Sequence[Scores]) -> Scores:
    """Scores of several pieces of one part, in order."""
    first = pieces[0]
    arrays = [f.name for f in fields(first) if isinstance(getattr(first, f.name), np.ndarray)]
    changes: dict[str, Any] = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in arrays}
    for name in ("at_hypothesis", "observers"):
        changes[name] = {key: np.concatenate([getattr(p, name)[key] for p in pieces]) for key in getattr(first, name)}
    return replace(first, **changes)


def reordered(scores: Scores, index: NDArray[np.intp]) -> Scores:
    """The events at `index`, in that order."""
    arrays = [f.name for f in fields(scores) if isinstance(getattr(scores, f.name), np.ndarray)]
    # Columns that are absent have no rows.
    changes: dict[str, Any] = {name: getattr(scores, name)[index] for name in arrays if len(getattr(scores, name))}
    for name in ("at_hypothesis", "observers"):
        changes[name] = {key: column[index] for key, column in getattr(scores, name).items()}
    return replace(scores, **changes)
