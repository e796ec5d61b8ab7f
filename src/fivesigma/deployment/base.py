"""What is exported, and the interface of a format that exports it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.firmware import Firmware
from fivesigma.analysis.section import Section
from fivesigma.data.plan import Variables
from fivesigma.errors import RunError
from fivesigma.expressions import Expression
from fivesigma.preparation.recipe import Recipe, in_two
from fivesigma.progress import Listener
from fivesigma.training.folds import Folds
from fivesigma.training.network import Network

FEATURES, PARAMETERS = "features", "parameters"
"""Names of the inputs of a model that takes the features: one array of each."""

OUTPUTS = {"binary": "score", "multiclass": "probabilities", "regression": "prediction"}
"""Task → name of the output."""


@dataclass(frozen=True)
class Input:
    """An input of an exported model, [event, value].

    Attributes:
        name: a column, a parameter, or `features` and `parameters`.
        dtype: single or double precision.
        width: values per event.
        half: whether the files hold it in half precision, in which a number that means missing is rounded.
    """

    name: str
    dtype: np.dtype[Any]
    width: int = 1
    half: bool = False


@dataclass(frozen=True)
class Deliverable:
    """What a format writes: networks with their recipes, and from what their features are computed.

    Attributes:
        task: `binary`, `multiclass` or `regression`.
        networks: several are those of folds, whose mean score counts.
        inputs: in their order; columns, or `features`; then the parameters that are not fixed.
        formulas: new variables and other expressions by name; None for a model that takes the features.
        features: names of the features, in the recipe's order.
        missing_values: numbers that mean missing in a column.
        fixed: parameters with one value for all events.
        metadata: what the file says of itself, as texts by name.
        firmware: ports, for a format whose inputs are ports.
        classes: names of the classes.
    """

    task: str
    networks: tuple[Network, ...]
    inputs: tuple[Input, ...]
    formulas: Mapping[str, Expression] | None
    features: tuple[str, ...]
    missing_values: tuple[float, ...]
    fixed: Mapping[str, float]
    metadata: Mapping[str, str]
    firmware: Firmware | None = None
    classes: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the networks' parameters."""
        return self.networks[0].recipe.parameters

    @property
    def output(self) -> str:
        """Name of the output."""
        name = OUTPUTS[self.task]
        while any(given.name == name for given in self.inputs):
            name = f"network_{name}"
        return name

    @property
    def outputs(self) -> int:
        """Values per event of the output."""
        return int(self.networks[0].model.output_shape[-1])

    @property
    def columns(self) -> tuple[Input, ...]:
        """The inputs that are columns."""
        return tuple(given for given in self.inputs if self.formulas is not None and given.name not in self.parameters)

    def markers_of(self, given: Input) -> tuple[float, ...]:
        """Numbers that mean missing in an input that is a column."""
        rounded = (float(np.float16(value)) for value in self.missing_values if abs(value) <= np.finfo(np.float16).max)
        return (*self.missing_values, *rounded) if given.half else self.missing_values

    def feature_values(self, columns: Mapping[str, Any]) -> list[Any]:
        """Every feature from columns, be they arrays or symbols."""
        assert self.formulas is not None
        variables = Variables(dict(columns), self.formulas)
        return [variables[name] for name in self.features]


Score = Callable[[Mapping[str, NDArray[Any]]], NDArray[np.float32]]
"""Input name → [event, value] → scores, as `Network.score` gives them."""


@dataclass(frozen=True)
class Exporter:
    """A format; what a plug-in registers in the group `exporters`.

    Attributes:
        name: as `fivesigma export --format` says it.
        settings: a `Section` with a field `kind`.
        ending: of the file's name, with the dot.
        write: (settings, what, path) writes the file.
        load: (path) → a function that scores arrays with the file, to compare it with the network.
        needs: raises `MissingExtra` if a library is not installed; called before any work.
        notes: (settings, path) → sentences for the user.
        place: (settings, name of the analysis) → where the file is in a folder, for a format that is a folder.
        companions: (settings, what, written, path, found) → texts of other files in that folder, by their paths; `written`
            is the file before it is moved to `path`, and `found` what the comparison found.
        inputs: `columns` or `features`, if the format takes no others.
        folds: whether the networks of several folds can be written.
        firmware: (settings, analysis) → ports, for a format whose inputs are ports.
        receives: (what, events) → the events as the exported model receives them.
        runs_code: whether `load` compiles the file and runs what it says.
        prove: (settings, what, path, events, listener) → what was compared beyond the scores, for `check.json`; raises
            `Disagreement`.
    """

    name: str
    settings: type[Section]
    ending: str
    write: Callable[[Any, Deliverable, Path], None]
    load: Callable[[Path], Score]
    needs: Callable[[], Any] = lambda: None
    notes: Callable[[Any, Path], list[str]] = lambda settings, path: []
    place: Callable[[Any, str], str] | None = None
    companions: Callable[[Any, Deliverable, Path, Path, Mapping[str, Any]], dict[Path, str]] = (
        lambda settings, what, written, path, found: {}
    )
    inputs: str | None = None
    folds: bool = True
    firmware: Callable[[Any, Analysis], Firmware | None] = lambda settings, analysis: None
    receives: Callable[[Deliverable, Any], Any] = lambda what, given: given
    runs_code: bool = False
    prove: Callable[[Any, Deliverable, Path, Any, Listener], dict[str, Any]] = lambda *given: {}


def refuse_folds(count: int) -> None:
    """Refuse the networks of several folds for a format that holds a single network.

    Raises:
        RunError: if there are several.
    """
    if count > 1:
        raise RunError(
            f"the format holds one network, and this run has {count}, one for each fold", hint="train without split.folds"
        )


@dataclass(frozen=True)
class Numbers:
    """The numbers of a recipe as a format needs them, in single precision.

    With z the kept features, or their logarithm, an input is ((z − high) − low) / scale; where z is not finite, it is
    `absent`.

    Attributes:
        kept: positions of the features that are used.
        logged: which of these are replaced by their logarithm.
        high, low, scale, absent: one number per kept feature; `low` is None if it is zero.
        flagged: positions of the features whose absence is an input.
        parameter_high, parameter_low, parameter_scale: the same for the parameters.
    """

    kept: NDArray[np.int64]
    logged: NDArray[np.bool_]
    high: NDArray[np.float32]
    low: NDArray[np.float32] | None
    scale: NDArray[np.float32]
    absent: NDArray[np.float32]
    flagged: NDArray[np.int64]
    parameter_high: NDArray[np.float32]
    parameter_low: NDArray[np.float32] | None
    parameter_scale: NDArray[np.float32]

    @classmethod
    def of(cls, recipe: Recipe) -> "Numbers":
        """The numbers of a recipe."""
        nothing = np.full((1, len(recipe.features)), np.nan, np.float32)
        absent = recipe.apply(nothing, np.zeros((1, len(recipe.parameters)), np.float32))[0, : len(recipe.kept)]
        high, low = in_two(recipe.shift, recipe.scale)
        parameter_high, parameter_low = in_two(recipe.parameter_shift, recipe.parameter_scale)
        return cls(
            kept=np.asarray(recipe.kept, np.int64),
            logged=np.isin(recipe.kept, recipe.logarithm),
            high=high,
            low=low if low.any() else None,
            scale=np.asarray(recipe.scale, np.float32),
            absent=absent,
            flagged=np.asarray(recipe.flagged, np.int64),
            parameter_high=parameter_high,
            parameter_low=parameter_low if parameter_low.any() else None,
            parameter_scale=np.asarray(recipe.parameter_scale, np.float32),
        )

    def unscaled(self) -> "Numbers":
        """The same without the division by the scale, for a format that does it later."""
        return replace(
            self,
            scale=np.ones_like(self.scale),
            absent=(self.absent.astype(np.float64) * self.scale).astype(np.float32),
            parameter_scale=np.ones_like(self.parameter_scale),
        )


def networks_of(scorer: Network | Folds) -> tuple[Network, ...]:
    """The networks behind a scorer."""
    return scorer.networks if isinstance(scorer, Folds) else (scorer,)
