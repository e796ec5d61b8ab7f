"""What some kinds of networks change in stages of one training, and what they measure at the end of each."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from fivesigma.errors import AnalysisError

Arrays = list[Any]


class Stages(ABC):
    """The stages of one continued training, between which the kind of network changes some of its variables.

    The training loop calls them and knows no more: the same compiled program trains all stages. `other` stands for the
    values of the variables that no gradient changes, in Keras's order.

    Attributes:
        count: number of stages.
    """

    count: int

    @abstractmethod
    def begin(self, stage: int, other: Arrays) -> Arrays:
        """The other variables at the beginning of an epoch of a stage.

        Args:
            stage: its number, from 0.
            other: as the epoch before has left them.
        """

    @abstractmethod
    def reset(self, other: Arrays) -> Arrays:
        """The other variables before `trace` sees the first events."""

    @abstractmethod
    def trace(self, trainable: Arrays, other: Arrays, x: Any) -> Arrays:
        """The other variables after they have seen some events: a pure function that JAX compiles.

        It must not matter how often an event is seen, nor in which order.

        Args:
            trainable: values of the trainable variables.
            other: of the others.
            x: network inputs, [event, input].
        """

    @abstractmethod
    def measure(self, stage: int, other: Arrays) -> dict[str, float]:
        """Entries of the row of history, from variables that have seen the events."""

    @abstractmethod
    def choose(self, rows: Sequence[Mapping[str, float]], values: Sequence[float]) -> int:
        """The stage whose network is kept.

        Args:
            rows: of history at the end of each stage.
            values: the monitored metric of each on validation events; smaller is better.

        Raises:
            OverBudget: if none of them will do.
        """


def stage_ends(count: int, epochs: int) -> tuple[int, ...]:
    """The number of epochs after which each stage ends: the first has half of them, the others share the rest evenly.

    The first stage begins from nothing, and needs as long as a whole training; the others only go on.

    Args:
        count: number of stages.
        epochs: of the whole training.

    Raises:
        AnalysisError: if there are more stages than epochs.

    >>> stage_ends(4, 100)
    (50, 67, 83, 100)
    >>> stage_ends(4, 5)
    (2, 3, 4, 5)
    >>> stage_ends(1, 7)
    (7,)
    """
    if epochs < count:
        raise AnalysisError(
            f"train.epochs: {epochs} epochs are too few for the {count} steps of model.beta, which share them",
            hint="train longer, or give fewer steps",
        )
    others = count - 1
    first = min(math.ceil(epochs / 2), epochs - others) if others else epochs
    return (first, *(first + round(i * (epochs - first) / others) for i in range(1, count)))
