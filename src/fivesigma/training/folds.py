"""The networks of all folds as one: a training event is scored by the network that has not seen it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.errors import RunError
from fivesigma.events import Events
from fivesigma.preparation.folds import Fold
from fivesigma.preparation.recipe import Recipe
from fivesigma.runs import manifest
from fivesigma.runs.folder import TRAINED, RunFolder
from fivesigma.scores import Scores
from fivesigma.training.network import Network, scores_by

INDEX = "folds.json"


@dataclass(frozen=True)
class Folds:
    """One network for each fold, which has not seen that fold.

    Attributes:
        networks: in the order of the folds.
    """

    networks: tuple[Network, ...]

    @property
    def recipe(self) -> Recipe:
        """The recipe of the first network; all need the same features and parameters."""
        return self.networks[0].recipe

    def score(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Score new events: the mean score of all networks.

        Args:
            features, parameters: as for `Network.score`.
        """
        return np.asarray(self.each(features, parameters).mean(axis=0, dtype=np.float64), np.float32)

    @property
    def can_wrap_around(self) -> bool:
        """As for `Network`."""
        return self.networks[0].can_wrap_around

    def wraps_around(
        self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None
    ) -> NDArray[np.bool_]:
        """Which events have a value that wraps around in one of the networks, [event]; see `Network.wraps_around`."""
        return np.asarray(np.any([network.wraps_around(features, parameters) for network in self.networks], axis=0), bool)

    def each(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Score events by every network, [network, event] or [network, event, class]."""
        return np.stack([network.score(features, parameters) for network in self.networks])

    def scores(self, events: Events, hypotheses: Sequence[tuple[float, ...]] = ()) -> Scores:
        """Score new events at their own parameters and under each hypothesis."""
        return scores_by(self, events, hypotheses)

    def by(self, network: Fold) -> "Assigned":
        """A scorer of these very events, which uses for each the network whose number `network` [event] gives."""
        return Assigned(self, network)

    def save(self, folder: RunFolder, rows: Sequence[Mapping[str, Any]] = ()) -> None:
        """Write every network; see `finish`."""
        for number, network in enumerate(self.networks, start=1):
            network.save(folder.fold(number))
        finish(folder, rows or [{"fold": number} for number in range(1, len(self.networks) + 1)])

    @classmethod
    def load(cls, folder: RunFolder) -> "Folds":
        """Read the networks of all folds.

        Raises:
            RunError: if a network is missing, or files are damaged.
        """
        numbers = [int(row["fold"]) for row in folder.read_json(INDEX)["folds"]]
        return cls(tuple(Network.load(folder.fold(number)) for number in numbers))


@dataclass(frozen=True)
class Assigned:
    """The networks of all folds, with the one that scores each event.

    Attributes:
        folds: the networks.
        network: for each event, the number of its network, from 1; 0 for the mean of all.
    """

    folds: Folds
    network: Fold

    @property
    def recipe(self) -> Recipe:
        """As for `Folds`."""
        return self.folds.recipe

    def score(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Score the events, each by its network; as `Network.score`."""
        return self._each_by_its_own(
            [self.folds.score, *(network.score for network in self.folds.networks)], features, parameters
        )

    @property
    def can_wrap_around(self) -> bool:
        """As for `Network`."""
        return self.folds.can_wrap_around

    def wraps_around(
        self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None
    ) -> NDArray[np.bool_]:
        """Which events have a value that wraps around in the network that scores them, [event]."""
        by_number = [self.folds.wraps_around, *(network.wraps_around for network in self.folds.networks)]
        return np.asarray(self._each_by_its_own(by_number, features, parameters), bool)

    def _each_by_its_own(
        self, by_number: Sequence[Callable[..., Any]], features: NDArray[np.float32], parameters: NDArray[np.float32] | None
    ) -> NDArray[Any]:
        """What functions of the mean and of each network give, for every event that of its network."""
        result = None
        for number in np.unique(self.network):
            rows = np.flatnonzero(self.network == number)
            found = by_number[number](features[rows], None if parameters is None else parameters[rows])
            if result is None:
                result = np.zeros((len(features), *found.shape[1:]), found.dtype)
            result[rows] = found
        return np.asarray(by_number[0](features, parameters) if result is None else result)

    def scores(self, events: Events, hypotheses: Sequence[tuple[float, ...]] = ()) -> Scores:
        """Score the events at their own parameters and under each hypothesis."""
        return scores_by(self, events, hypotheses)


def finish(folder: RunFolder, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `folds.json`, a row for each fold; it comes last and so marks the run as trained."""
    folder.write_json(INDEX, {"folds": list(rows)})


def load_trained(folder: RunFolder) -> Network | Folds:
    """Load the network of a run, or those of all its folds.

    Raises:
        RunError: if it has no trained network, or its files are damaged.
    """
    if not folder.has(*TRAINED):
        raise RunError(f"the run {folder} has no trained network yet", hint="train it: fivesigma train ANALYSIS")
    manifest.require(folder.path, manifest.LOADED)
    return Folds.load(folder) if folder.has(INDEX) else Network.load(folder)
