"""The network of another analysis as a baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.evaluate import Evaluate
from fivesigma.analysis.file import dump, load
from fivesigma.analysis.section import AnalysisPath, KeepsNull, Section, fields_with
from fivesigma.baselines.base import INDEX, BaselineKind, BaselineModel, Learning
from fivesigma.errors import AnalysisError, did_you_mean
from fivesigma.runs.folder import RunFolder


class OtherNetwork(Section):
    """The network of another analysis: its features, recipe, model and training, on the events of this analysis."""

    kind: Literal["network"] = "network"
    analysis: AnalysisPath = Field(description="name of a built-in analysis, or an analysis file")
    same: list[str] = Field(
        default=[],
        description="dotted keys whose values are those of this analysis, such as train.epochs: the comparison stays fair "
        "when they change here; `settings` come after them",
    )
    settings: Annotated[dict[str, Any], KeepsNull()] = Field(
        default={}, description="overrides by dotted key, such as train.epochs; null for what shall not be set there"
    )


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network, with its analysis and history.

    Attributes:
        network: the `Network` that scores events.
        analysis: the analysis it was trained with.
        history: a row per epoch.
    """

    network: Any
    analysis: Analysis | None = None
    history: tuple[dict[str, float], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features and parameters that it uses."""
        return (*self.network.recipe.features, *self.network.recipe.parameters)

    def score(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """As `Network.score`."""
        found: NDArray[np.float32] = self.network.score(features, parameters)
        return found

    def save(self, place: RunFolder) -> None:
        """Write analysis, history and network, then `baseline.json`."""
        assert self.analysis is not None  # only a network that was trained here is saved
        place.write_text("analysis.yaml", dump(self.analysis))
        place.write_history(self.history)
        self.network.save(place)
        place.write_json(INDEX, {"kind": "network", "analysis": self.analysis.name, "epochs": len(self.history)})

    def describe(self) -> str:
        """Say how many epochs it was trained."""
        return f"{len(self.history)} epochs"


_NOT_OF_A_BASELINE = ("name", "observers", "evaluate", "baselines", "tune", "firmware")
"""Keys that do not change how a network is trained."""


def _shared(keys: Sequence[str], analysis: Analysis) -> dict[str, Any]:
    """The values of some keys of an analysis.

    Raises:
        AnalysisError: if it has no such key.
    """
    tree = analysis.model_dump(mode="json")
    found = {}
    for key in keys:
        if (root := key.partition(".")[0]) in (*fields_with(Analysis, "events"), *_NOT_OF_A_BASELINE):
            raise AnalysisError(
                f"baselines: `same` has {key!r}, and a baseline has no {root!r} of its own", hint="leave it out of `same`"
            )
        value: Any = tree
        for name in key.split("."):
            if not isinstance(value, dict) or name not in value:
                known = did_you_mean(name, value) if isinstance(value, dict) and value else "it has no keys below it"
                raise AnalysisError(f"baselines: `same` has {key!r}, which is no key that can be shared; {known}")
            value = value[name]
        found[key] = value
    return found


class OtherNetworkKind(BaselineKind):
    """Trains the network of another analysis."""

    name = "network"
    settings = OtherNetwork
    in_one_process = True
    from_shards = True

    def analysis_of(self, settings: OtherNetwork, analysis: Analysis) -> Analysis:
        """The other analysis, on the events of the run.

        Raises:
            AnalysisError: if it cannot be found or read.
        """
        other = load(settings.analysis, {**_shared(settings.same, analysis), **settings.settings})
        same = {key: getattr(analysis, key) for key in fields_with(Analysis, "events")}
        variables = {**analysis.new_variables, **other.new_variables}
        own = {"new_variables": variables, "observers": [], "evaluate": Evaluate(), "baselines": {}}
        return other.model_copy(update={**same, **own})

    def check(self, settings: OtherNetwork, analysis: Analysis) -> None:
        """Refuse a training that needs the events in memory, if they are in a prepared folder."""
        other = self.analysis_of(settings, analysis)
        needs = {"train.balance": other.train.balance, "prepare.resample": other.prepare.resample}
        for key in (key for key, value in needs.items() if value and analysis.shards is not None):
            raise AnalysisError(
                f"`{key}` of {settings.analysis} needs the events in memory",
                hint=f"leave out `shards`, or give the baseline `settings: {{{key}: null}}`",
            )

    def title(self, settings: OtherNetwork) -> str:
        return f"the network of {settings.analysis}"

    def fit(self, settings: OtherNetwork, learning: Learning) -> BaselineModel:
        from fivesigma.training.fit import FitOptions
        from fivesigma.training.training import train

        path = None if learning.place is None else learning.place.checkpoint
        options = FitOptions(path, resume=True, on_epoch=learning.on_epoch)
        network, history = train(learning.analysis, learning.parts, shards=learning.shards, options=options)
        return TrainedNetwork(network, learning.analysis, tuple(history))

    def load(self, place: RunFolder) -> BaselineModel:
        from fivesigma.training.network import Network

        return TrainedNetwork(Network.load(place))


OTHER_NETWORK = OtherNetworkKind()
