"""Policies for training events of negative weight; evaluation always keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fivesigma.errors import EventsError
from fivesigma.events import Events

Policy = Literal["keep", "abs", "drop", "error"]
"""`keep` learns what the sum of the weights says, on average: in a region that sums to a positive weight, negative
events cancel their like. `abs` learns faster from all of them, but another distribution; `drop` does too."""


def learnt_weight(weight: NDArray[np.float64], policy: Policy) -> NDArray[np.float64]:
    """Weights as the training uses them, [event]; zero for an event that is dropped.

    Raises:
        EventsError: if there is a negative weight and the policy is `error`.

    >>> learnt_weight(np.array([1.0, -2.0]), "abs").tolist(), learnt_weight(np.array([1.0, -2.0]), "drop").tolist()
    ([1.0, 2.0], [1.0, 0.0])
    """
    if policy == "keep":
        return weight
    if policy == "abs":
        return np.abs(weight)
    if policy == "drop":
        return np.maximum(weight, 0.0)
    share = negative_share(weight)
    if share:
        raise EventsError(
            f"{100 * share:.2g} % of the training events have negative weights",
            hint="choose with train.negative_weights: keep, abs or drop",
        )
    return weight


def for_training(events: Events, policy: Policy) -> Events:
    """Training events with the weights that the training uses; `drop` removes events of negative weight.

    Raises:
        EventsError: if there is a negative weight and the policy is `error`; or if no event is left.
    """
    if not (events.weight < 0).any():
        return events
    if policy != "drop":
        return replace(events, weight=learnt_weight(events.weight, policy))
    left = events.take(np.flatnonzero(events.weight >= 0))
    for i, name in enumerate(events.classes):
        if not (left.target == i).any():
            raise EventsError(
                f"all training events of class {name!r} have negative weights", hint="train.negative_weights: keep"
            )
    return left


def check_sums(sums: Mapping[str, NDArray[np.float64]], classes: Sequence[str]) -> None:
    """Refuse classes whose weights add up to a negative number: they have no distribution, and their metrics no meaning.

    Args:
        sums: part → sum of weights of each class, [class]; of all events for a regression.
        classes: names of the classes; none for a regression.

    Raises:
        EventsError: naming class and part.
    """
    for part, each in sums.items():
        for name, total in zip([f"of class {name!r} " for name in classes] or [""], each, strict=True):
            if total < 0:
                raise EventsError(
                    f"the weights {name}add up to {total:.4g} among the {part} events, so their metrics have no meaning",
                    hint="check `weights` and the samples' `weight`; if large negative weights are meant, use more events",
                )


def class_sums(events: Events) -> NDArray[np.float64]:
    """Sum of weights of each class, [class]; of all events for a regression."""
    if not events.classes:
        return np.array([events.weight.sum()])
    return np.bincount(events.target.astype(np.intp), events.weight, len(events.classes)).astype(np.float64)


def negative_share(weight: NDArray[np.float64]) -> float:
    """Share of events with a negative weight, by number."""
    return float((weight < 0).mean()) if len(weight) else 0.0


def what_is_done(weight: NDArray[np.float64], policy: Policy) -> str:
    """Say what is done with negative weights; empty if there are none.

    >>> what_is_done(np.array([1.0, 1.0, 1.0, -1.0]), "keep")
    '25 % of the training events have negative weights, which are kept (train.negative_weights: keep); 1 effective events'
    """
    share = negative_share(weight)
    if not share:
        return ""
    done = {"keep": "which are kept", "abs": "of which the absolute value is taken", "drop": "and are left out"}
    learnt = learnt_weight(weight, policy)
    effective = learnt.sum() ** 2 / (learnt**2).sum() if learnt.any() else 0.0
    return (
        f"{100 * share:.2g} % of the training events have negative weights, {done[policy]} "
        f"(train.negative_weights: {policy}); {effective:,.0f} effective events"
    )
