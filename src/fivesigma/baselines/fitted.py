"""Models other than the network: trained on the same events, kept in the run's folder, scored by the same code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.baselines import BoostedTrees, LookupTable
from fivesigma.atomic import writing
from fivesigma.baselines.boosted_trees import Learning, Trees, grow
from fivesigma.baselines.lookup_table import Table, fill, sizes
from fivesigma.errors import AnalysisError, RunError, did_you_mean
from fivesigma.events import Events
from fivesigma.preparation.balance import class_weight, resample
from fivesigma.runs.folder import RunFolder
from fivesigma.training.apply import CHUNK
from fivesigma.training.training import target_standard

INDEX, TREES, TABLE = "baseline.json", "trees.txt", "table.npz"


@dataclass(frozen=True)
class Baseline:
    """A model of arrays, with the columns it takes and the scale behind it.

    Attributes:
        model: the trees or the table.
        features, parameters: names of the columns that it is given.
        inputs: those of them that it takes, in its order.
        classes: number of classes; 0 for a regression.
        scale, shift: the prediction is output / scale + shift (1 and 0 for classes).
        bits: of the address, for a table.
    """

    model: Trees | Table
    features: tuple[str, ...]
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]
    classes: int
    scale: float = 1.0
    shift: float = 0.0
    bits: int = 0

    def score(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Score events, as `Network.score` does.

        Args:
            features: [event, feature], NaN where missing.
            parameters: [event, parameter]; may be left out if there are none.
        """
        if parameters is None:
            parameters = np.zeros((len(features), 0), np.float32)
        chosen = _positions(self.inputs, self.features, self.parameters)
        pieces = [
            self.model.score(_columns(features[start : start + CHUNK], parameters[start : start + CHUNK], chosen))
            for start in range(0, max(len(features), 1), CHUNK)
        ]
        score = np.concatenate(pieces)
        if self.classes == 2 and score.ndim == 2:
            score = score[:, 1]
        return np.asarray(score / np.float32(self.scale) + np.float32(self.shift), np.float32)

    def describe(self) -> dict[str, Any]:
        """What there is to say of it: rounds, or bits and filled addresses of each level."""
        if isinstance(self.model, Trees):
            return {"rounds": self.model.rounds}
        return {"bits": self.bits, "filled": list(sizes(self.model))}

    def save(self, place: RunFolder) -> None:
        """Write the model, then `baseline.json`, which marks it as complete."""
        if isinstance(self.model, Trees):
            place.write_text(TREES, self.model.text)
        else:
            with writing(place / TABLE) as part:
                np.savez_compressed(part, **self.model.to_arrays())  # type: ignore[arg-type]
        names = {key: list(getattr(self, key)) for key in ("features", "parameters", "inputs")}
        numbers = {key: getattr(self, key) for key in ("classes", "scale", "shift", "bits")}
        kind = "boosted_trees" if isinstance(self.model, Trees) else "lookup_table"
        place.write_json(INDEX, {"kind": kind, **names, **numbers, **self.describe()})

    @classmethod
    def load(cls, place: RunFolder) -> "Baseline":
        """Read a baseline that is trees or a table.

        Raises:
            RunError: if its files are missing or damaged.
        """
        tree = place.read_json(INDEX)
        try:
            model: Trees | Table
            if tree["kind"] == "boosted_trees":
                model = Trees((place / TREES).read_text(encoding="utf-8"))
            else:
                with np.load(place / TABLE, allow_pickle=False) as arrays:
                    model = Table.from_arrays(dict(arrays))
            features, parameters, inputs = (tuple(tree[key]) for key in ("features", "parameters", "inputs"))
            numbers = (tree[key] for key in ("classes", "scale", "shift", "bits"))
            return cls(model, features, parameters, inputs, *numbers)
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise RunError(f"the baseline in {place} is damaged: {error}", hint="train again") from None


def fit_trees(
    settings: BoostedTrees,
    analysis: Analysis,
    parts: Mapping[str, Events],
    on_round: Callable[[int, int], None] | None = None,
) -> Baseline:
    """Boosted trees on all features and parameters; missing values stay missing, and need no recipe.

    Class weights and resampling act as for the network, and the target is scaled as for the network.

    Args:
        settings: of the trees.
        analysis: sections `prepare` and `target`.
        parts: `train` and, if there are validation events, `val`.
        on_round: called with the number of the round and the most there can be.
    """
    events, weight = _prepared(analysis, parts["train"])
    shift, scale = target_standard(analysis, parts["train"])
    inputs = (*events.feature_names, *events.parameter_names)
    chosen = _positions(inputs, events.feature_names, events.parameter_names)
    factors = _factors(analysis, events)

    def learning(part: Events, weight: NDArray[np.float64]) -> Learning:
        target = part.target if part.classes else (part.target - shift) * scale
        return Learning(_columns(part.features, part.parameters, chosen), target, weight)

    validation = None
    if "val" in parts:
        own = parts["val"]
        validation = learning(own, own.weight * factors[own.target.astype(np.intp)] if len(factors) else own.weight)
    model = grow(learning(events, weight), validation, settings, len(events.classes), on_round)
    return Baseline(model, events.feature_names, events.parameter_names, inputs, len(events.classes), scale, shift)


def fit_table(settings: LookupTable, analysis: Analysis, parts: Mapping[str, Events]) -> Baseline:
    """A lookup table of some columns.

    Args:
        settings: of the table.
        analysis: section `prepare`, for class weights and resampling.
        parts: `train`.

    Raises:
        AnalysisError: if classes are to be filled with a quantile.
    """
    events, weight = _prepared(analysis, parts["train"])
    if events.classes and settings.fill == "quantile":
        raise AnalysisError("a lookup table of classes holds shares, not a quantile", hint="set `fill: mean`")
    inputs = tuple(settings.address)
    chosen = _positions(inputs, events.feature_names, events.parameter_names)
    columns = _columns(events.features, events.parameters, chosen)
    table = fill(columns, events.target, weight, settings, len(events.classes))
    return Baseline(table, events.feature_names, events.parameter_names, inputs, len(events.classes), bits=settings.bits)


def _factors(analysis: Analysis, training: Events) -> NDArray[np.float64]:
    return class_weight(training.target, training.weight, training.classes, analysis.prepare.class_weights)


def _prepared(analysis: Analysis, training: Events) -> tuple[Events, NDArray[np.float64]]:
    """Training events, resampled if the analysis says so, with their weights times those of their classes."""
    chosen = resample(training, analysis.prepare.resample, analysis.train.seed)
    factors = _factors(analysis, chosen)
    return chosen, chosen.weight * factors[chosen.target.astype(np.intp)] if len(factors) else chosen.weight


def _positions(inputs: tuple[str, ...], features: tuple[str, ...], parameters: tuple[str, ...]) -> list[int]:
    known = [*features, *parameters]
    for name in inputs:
        if name not in known:
            raise AnalysisError(f"the baseline needs {name!r}, which is no column; {did_you_mean(name, known)}")
    return [known.index(name) for name in inputs]


def _columns(features: NDArray[np.float32], parameters: NDArray[np.float32], chosen: list[int]) -> NDArray[np.float32]:
    """The chosen ones of features and parameters, float32 [event, input]."""
    if not parameters.shape[1] and chosen == list(range(features.shape[1])):
        return features
    count = features.shape[1]
    found = np.empty((len(features), len(chosen)), np.float32)
    for i, place in enumerate(chosen):
        found[:, i] = features[:, place] if place < count else parameters[:, place - count]
    return found
