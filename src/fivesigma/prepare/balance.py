"""Weights and resampling that give small classes a say in training; evaluation never sees them."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fivesigma.events import Events


def class_weight(
    target: NDArray[Any],
    weight: NDArray[np.float64],
    classes: tuple[str, ...],
    setting: Literal["balanced"] | Mapping[str, float] | None,
) -> NDArray[np.float64]:
    """The factor on each class's training weight, [class].

    `balanced` gives every class the same sum of weights: Σw / (classes · Σw of the class), the
    rule of King and Zeng (Political Analysis 9, 2001) that scikit-learn also uses.
    """
    if setting is None:
        return np.ones(len(classes))
    if setting == "balanced":
        sums = np.bincount(target.astype(np.int64), weights=weight, minlength=len(classes))
        return np.asarray(sums.sum() / (len(classes) * np.where(sums > 0, sums, np.inf)))
    return np.array([setting.get(name, 1.0) for name in classes])


def resample(events: Events, direction: Literal["up", "down"] | None, seed: int) -> Events:
    """Training events with as many of every class.

    Args:
        events: training events; the other parts are never resampled.
        direction: `up` repeats events of the small classes until all equal the largest; `down`
            draws from the large classes without repetition until all equal the smallest.
        seed: of the draw.
    """
    if direction is None:
        return events
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(events.target == value) for value in range(len(events.classes))]
    size = (max if direction == "up" else min)(len(member) for member in members)
    chosen = []
    for member in members:
        if direction == "down":
            chosen.append(generator.choice(member, size, replace=False))
        else:
            # Every event first, then repetitions: no event of a small class is lost by chance.
            repeats = np.tile(member, size // len(member))
            rest = generator.choice(member, size - len(repeats), replace=False)
            chosen.append(np.concatenate([repeats, rest]))
    return events.take(np.sort(np.concatenate(chosen)))
