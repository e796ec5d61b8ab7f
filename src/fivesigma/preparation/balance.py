"""Weights and resampling that give small classes a say in training; evaluation never sees them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.events import Events
from fivesigma.preparation.negative_weights import learnt_weight


def class_weight(
    target: NDArray[Any],
    weight: NDArray[np.float64],
    classes: tuple[str, ...],
    setting: Literal["balanced", "root"] | Mapping[str, float] | None,
) -> NDArray[np.float64]:
    """Factor on the training weights of each class, [class].

    `balanced` gives every class the same sum of weights: Σw / (classes · Σw of the class), the
    rule of King and Zeng (Political Analysis 9, 2001) that scikit-learn also uses. `root` takes the
    square root of these factors.
    """
    if setting is None:
        return np.ones(len(classes))
    if setting in ("balanced", "root"):
        sums = np.bincount(target.astype(np.int64), weights=weight, minlength=len(classes))
        factors = np.asarray(sums.sum() / (len(classes) * np.where(sums > 0, sums, np.inf)))
        return np.sqrt(factors) if setting == "root" else factors
    assert not isinstance(setting, str)
    return np.array([setting.get(name, 1.0) for name in classes])


LOPSIDED = 20.0
"""Ratio of the classes' sums of weights from which the small one has hardly a say."""


def lopsided(events: Events, analysis: Analysis) -> str:
    """Warn, in one sentence, if one class has far more weight in training than another and nothing balances them."""
    balanced = analysis.prepare.class_weights or analysis.prepare.resample or "class" in analysis.train.balance
    if not events.classes or balanced:
        return ""
    sums = np.bincount(events.target.astype(np.int64), events.weight, len(events.classes))
    large, small = int(sums.argmax()), int(sums.argmin())
    if not 0 < sums[small] * LOPSIDED < sums[large]:
        return ""
    return (
        f"by their weights {events.classes[large]} counts {sums[large] / sums[small]:,.0f} times as much as "
        f"{events.classes[small]} in training; prepare.class_weights: balanced gives all classes the same say"
    )


def training_shares(events: Events, analysis: Analysis) -> NDArray[np.float64]:
    """Share of each class in the sum of weights that the training sees, [class].

    Args:
        events: training events, before resampling.
        analysis: sections `prepare` and `train` say how they are balanced.
    """
    count = len(events.classes)
    policy = analysis.train.negative_weights
    member, weight = events.target.astype(np.intp), learnt_weight(events.weight, "keep" if policy == "error" else policy)
    if analysis.prepare.resample is not None:
        # As many events of every class, with the mean weight of the class.
        learnt = events.weight >= 0 if policy == "drop" else np.ones(len(member), bool)
        numbers = np.bincount(member[learnt], minlength=count)
        weight = weight / np.maximum(numbers, 1)[member]
    weight = weight * class_weight(member, weight, events.classes, analysis.prepare.class_weights)[member]
    if analysis.train.balance:
        weight = even(weight, groups_of(events, analysis.train.balance), per_event=False)
    sums = np.maximum(np.bincount(member, weight, count), 0.0)
    return np.asarray(sums / (sums.sum() or 1.0))


def resample(events: Events, direction: Literal["up", "down"] | None, seed: int) -> Events:
    """Return training events with the same number of events of every class.

    Args:
        events: training events; the other parts are never resampled.
        direction: `up` repeats events of the small classes until all equal the largest; `down`
            draws from the large classes without repetition until all equal the smallest.
        seed: seed of the draw.
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


def groups_of(events: Events, names: Sequence[str]) -> NDArray[np.intp]:
    """Number of the group each event belongs to, from 0, [event].

    Args:
        events: events of any part; equal values give the same groups, but not the same group numbers.
        names: `class`, parameters, or several of them: each combination of values that occurs is a group.
    """
    columns = [
        np.asarray(
            events.target if name == "class" else events.parameters[:, events.parameter_names.index(name)], np.float64
        )
        for name in names
    ]
    return np.asarray(np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].ravel(), np.intp)


def even(weight: NDArray[np.floating[Any]], groups: NDArray[np.intp], *, per_event: bool) -> NDArray[np.float64]:
    """Weights that give all groups the same total weight in training.

    Args:
        weight: [event].
        groups: what `groups_of` gives, [event].
        per_event: every batch has the same number of events of each group, so the mean weight is made the same;
            otherwise the sum is.

    Returns:
        Weights with a mean of one, over all events or over the events in the batches; a group without positive
        weight is not changed.

    >>> even(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1]), per_event=False)
    array([0.375, 1.125, 1.5  ])
    """
    sums = np.bincount(groups, weight)
    counts = np.bincount(groups)
    share = counts if per_event else np.full(len(sums), len(weight) / len(sums))
    factor = np.divide(share, sums, out=np.ones(len(sums)), where=sums > 0)
    return np.asarray(weight * factor[groups])
