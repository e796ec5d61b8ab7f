"""The interface of a baseline: its settings and columns, and how it is fitted, scored, saved and loaded."""

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.section import Section
from fivesigma.atomic import writing
from fivesigma.data.shards import Shards
from fivesigma.events import Events
from fivesigma.runs.folder import RunFolder

INDEX = "baseline.json"
"""What says that a baseline is trained, and of which kind it is."""
ARRAYS = "model.npz"


class BaselineModel(Protocol):
    """A trained baseline: the interface to the rest of the program."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features and parameters that it uses."""

    def score(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Score events: probability of class 1 [event], probabilities [event, class], or the prediction [event].

        Args:
            features: [event, feature], NaN where missing.
            parameters: [event, parameter]; may be omitted if there are none.
        """

    def save(self, place: RunFolder) -> None:
        """Write it to a folder; `baseline.json` comes last and marks it as complete."""

    def describe(self) -> str:
        """What came of the training, in a few words."""


@dataclass(frozen=True)
class Learning:
    """What a baseline learns from, and the functions that receive its progress.

    Attributes:
        analysis: target and columns; the section `prepare` has class weights and resampling.
        parts: `train` and, if there are validation events, `val`.
        place: folder of the baseline, for the state from which a stopped training continues.
        on_round: called with the number of rounds so far, and the maximum.
        on_epoch: called with a row of history and the number of epochs.
        shards: all events on disk, if `parts` are random samples of them and the kind is `from_shards`.
    """

    analysis: Analysis
    parts: Mapping[str, Events]
    place: RunFolder | None = None
    on_round: Callable[[int, int], None] = lambda done, most: None
    on_epoch: Callable[[dict[str, float], int], None] = lambda row, epochs: None
    shards: Shards | None = None


class BaselineKind(abc.ABC):
    """A kind of baseline; what a plug-in registers in the group `baselines`.

    Attributes:
        name: the value of `kind` in the analysis file.
        settings: a `Section` with a field `kind`.
        picks_columns: whether it uses the columns that its settings name, rather than all features and parameters.
        in_one_process: whether it cannot be trained while several processes train one network.
        from_shards: whether it learns from all events of a prepared folder; other kinds learn from a sample in memory.
    """

    name: str
    settings: type[Section]
    picks_columns: bool = False
    in_one_process: bool = False
    from_shards: bool = False

    def analysis_of(self, settings: Any, analysis: Analysis) -> Analysis:
        """The analysis that says what it learns from which columns; events and split are those of the run."""
        return analysis

    def check(self, settings: Any, analysis: Analysis) -> None:  # noqa: B027  (most kinds refuse nothing)
        """Refuse settings that do not fit the analysis.

        Raises:
            AnalysisError: naming the setting that does not fit.
        """

    @abc.abstractmethod
    def title(self, settings: Any) -> str:
        """The baseline in a few words, before it is trained."""

    @abc.abstractmethod
    def fit(self, settings: Any, learning: Learning) -> BaselineModel:
        """Train it."""

    @abc.abstractmethod
    def load(self, place: RunFolder) -> BaselineModel:
        """Load a saved baseline.

        Raises:
            RunError: if its files are missing or damaged.
        """

    def cost(self, model: Any) -> dict[str, Any]:
        """What a trained baseline of this kind would cost in hardware, as far as it is known; see `ArrayModel.cost`."""
        return {}


@dataclass(frozen=True)
class Sample:
    """Events as plain arrays, for training or early stopping.

    Attributes:
        inputs: NaN where missing, float32 [event, input].
        target: class index, or the target of a regression, [event].
        weight: event weight times class weight, [event]; may be negative.
    """

    inputs: NDArray[np.float32]
    target: NDArray[Any]
    weight: NDArray[np.float64]


class ArrayModel(abc.ABC):
    """A model of plain arrays; the framework handles columns, class weights and the target's scale."""

    @classmethod
    @abc.abstractmethod
    def fit(
        cls, settings: Any, training: Sample, validation: Sample | None, classes: int, on_round: Callable[[int, int], None]
    ) -> Self:
        """Train.

        Args:
            settings: settings of the kind.
            training: events to learn from.
            validation: events that may decide when to stop; None if there are none.
            classes: number of classes; 0 for a regression, whose target is (value − shift) × scale.
            on_round: to be called with the number of rounds so far, and the maximum.
        """

    @abc.abstractmethod
    def score(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probability of class 1 [event], probabilities [event, class], or the scaled prediction [event]."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The model as named arrays, for an NPZ file; by default, its attributes."""
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        return cls(**arrays)

    def save(self, place: RunFolder) -> None:
        """Write the model; nothing is pickled."""
        with writing(place / ARRAYS) as part, open(part, "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **self.to_arrays())

    @classmethod
    def load(cls, place: RunFolder) -> Self:
        """Read the model."""
        with np.load(place / ARRAYS, allow_pickle=False) as arrays:
            return cls.from_arrays(dict(arrays))

    def facts(self) -> dict[str, Any]:
        """Numbers for `baseline.json`."""
        return {}

    def cost(self) -> dict[str, Any]:
        """What it would cost in hardware, as far as it is known.

        Returns:
            `luts`, `registers` and `cycles` as estimated `by` a program; or its size in other words.
        """
        return {}

    def describe(self) -> str:
        """What came of the training, in a few words."""
        return ", ".join(f"{value} {name}" for name, value in self.facts().items())


@dataclass(frozen=True)
class ArrayBaseline(BaselineKind):
    """A kind whose model works on plain arrays.

    Attributes:
        name, settings: as for `BaselineKind`.
        model: the class of the model.
        label: (settings) → the baseline in a few words.
        inputs: (settings) → names of the columns that it uses; without it, all features and parameters.
        scales_target: whether it learns a regression's target on the network's scale.
        refuses: (settings, number of classes) → why these settings do not fit, or None.
    """

    name: str
    settings: type[Section]
    model: type[ArrayModel]
    label: Callable[[Any], str]
    inputs: Callable[[Any], tuple[str, ...]] | None = None
    scales_target: bool = True
    refuses: Callable[[Any, int], tuple[str, str] | None] = field(default=lambda settings, classes: None)

    @property
    def picks_columns(self) -> bool:  # type: ignore[override]
        return self.inputs is not None

    def analysis_of(self, settings: Any, analysis: Analysis) -> Analysis:
        if self.inputs is not None:
            columns = [name for name in self.inputs(settings) if name not in analysis.parameters]
            return analysis.model_copy(update={"features": columns, "exclude": []})
        features = getattr(settings, "features", [])
        return analysis.model_copy(update={"features": features, "exclude": []}) if features else analysis

    def check(self, settings: Any, analysis: Analysis) -> None:
        from fivesigma.errors import AnalysisError

        if (reason := self.refuses(settings, len(analysis.classes))) is not None:
            raise AnalysisError(reason[0], hint=reason[1])

    def title(self, settings: Any) -> str:
        return self.label(settings)

    def fit(self, settings: Any, learning: Learning) -> BaselineModel:
        from fivesigma.baselines.fitted import fit

        return fit(self, settings, learning)

    def load(self, place: RunFolder) -> BaselineModel:
        from fivesigma.baselines.fitted import Fitted

        return Fitted.load(place, self)

    def cost(self, model: Any) -> dict[str, Any]:
        found: dict[str, Any] = model.model.cost()
        return found
