"""Folds: every event is scored by a network that neither trained nor validated on its fold."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.parameters import Parameter
from fivesigma.analysis.split import Split
from fivesigma.errors import EventsError
from fivesigma.events import Events
from fivesigma.hashing import uniform
from fivesigma.preparation.parameters import assign, drawn_anywhere, signal_rows
from fivesigma.preparation.split import learning

SEED = 271_828
"""Keeps the folds independent of validation events, which hash the same numbers."""

Fold = NDArray[np.intp]
"""Number of a fold per event, from 1; network k is the one that has not seen fold k."""


def fold_of(event_number: NDArray[np.uint64], settings: Split) -> Fold:
    """The fold of each event, from 1 to `settings.folds`; it depends on the event number alone."""
    return (uniform(event_number, settings.seed + SEED) * _count(settings)).astype(np.intp) + 1


class FoldAssignment:
    """All events except the test events, divided into folds, and the events that each network learns from.

    Args:
        events: the events.
        settings: section `split`.
        parameters: section `parameters`; parameters of background events are drawn, for each network, from the
            signal it trains on.

    Raises:
        EventsError: if a fold is empty, or a network would have no events of a class.
    """

    def __init__(self, events: Events, settings: Split, parameters: Mapping[str, Parameter]) -> None:
        self.events, self._parameters = events, parameters
        self.count = _count(settings)
        self.fold = fold_of(events.event_number, settings)
        self._learning = learning(events, settings)
        self._check()

    def index(self, number: int) -> dict[str, NDArray[np.intp]]:
        """Indices of the events that network `number` trains on (`train`) and validates on (`val`)."""
        found = {part: index[self.fold[index] != number] for part, index in self._learning.items()}
        return {part: index for part, index in found.items() if len(index) or part == "train"}

    def parts(self, number: int) -> dict[str, Events]:
        """The events that network `number` learns from: `train` and, if there are any, `val`."""
        parts = {part: self.events.take(index) for part, index in self.index(number).items()}
        if not drawn_anywhere(self._parameters):
            return parts
        signal = self._signal(number)
        return {part: assign(events, self._parameters, signal) for part, events in parts.items()}

    def scored_by(self, network: Fold) -> Events:
        """All events, as network number `network` [event] sees them: with parameters drawn as in its training."""
        if not drawn_anywhere(self._parameters):
            return self.events
        parameters = self.events.parameters.copy()
        for number in range(1, self.count + 1):
            rows = np.flatnonzero(network == number)
            parameters[rows] = assign(self.events.take(rows), self._parameters, self._signal(number)).parameters
        return replace(self.events, parameters=parameters)

    @property
    def training(self) -> NDArray[np.intp]:
        """Indices of the events on which all networks train except that of the fold the event is in."""
        return self._learning["train"]

    @property
    def next_network(self) -> Fold:
        """For each event, a network that has trained on it, if there is one: that of the next fold."""
        return self.fold % self.count + 1

    def _signal(self, number: int) -> NDArray[np.float32]:
        """Parameters of the signal that network `number` trains on."""
        light = replace(self.events, features=self.events.features[:, :0], observers={})
        return signal_rows(light.take(self.index(number)["train"]))

    def _check(self) -> None:
        for number in range(1, self.count + 1):
            if not (self.fold == number).any():
                raise EventsError(f"fold {number} of {self.count} has no event", hint="lower split.folds, or add events")
            for part, index in self.index(number).items():
                self._check_classes(number, part, index)

    def _check_classes(self, number: int, part: str, index: NDArray[np.intp]) -> None:
        if len(index) == 0:
            raise EventsError(f"no event is left for training without fold {number}", hint="lower `split.val`")
        for i, name in enumerate(self.events.classes):
            if not (self.events.target[index] == i).any():
                raise EventsError(
                    f"without fold {number} of {self.count}, class {name!r} has no {part} event ({len(index):,} events)",
                    hint="lower split.folds, check `labels` and `selection`, or add events",
                )


def _count(settings: Split) -> int:
    assert settings.folds is not None  # whoever asks for folds has them
    return settings.folds
