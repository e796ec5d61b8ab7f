"""A trained baseline of plain arrays: the model, its input columns and the scale of its output."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.baselines.base import INDEX, ArrayBaseline, ArrayModel, Learning, Sample
from fivesigma.errors import AnalysisError, RunError, did_you_mean
from fivesigma.events import Events
from fivesigma.preparation.balance import class_weight, even, groups_of, resample
from fivesigma.preparation.negative_weights import Policy, for_training, learnt_weight
from fivesigma.runs.folder import RunFolder
from fivesigma.training.apply import CHUNK
from fivesigma.training.training import target_standard


@dataclass(frozen=True)
class Fitted:
    """A model of arrays, with its columns and the scale of its output.

    Attributes:
        kind: name of its kind.
        model: gives scores for its inputs.
        features, parameters: names of the columns of the events to score.
        inputs: the columns among them that it uses, in its order.
        classes: number of classes; 0 for a regression.
        scale, shift: the prediction is output / scale + shift (1 and 0 for classes).
        fill: for each input the mean of the training events if none of them lacks it, None otherwise. From such an input a
            model learns nothing about missing values, and LightGBM would take zero for them.
    """

    kind: str
    model: ArrayModel
    features: tuple[str, ...]
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]
    classes: int
    scale: float = 1.0
    shift: float = 0.0
    fill: tuple[float | None, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features and parameters that it uses."""
        return self.inputs

    def score(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Score events, as `Network.score` does.

        Args:
            features: [event, feature], NaN where missing.
            parameters: [event, parameter]; may be omitted if there are none.
        """
        if parameters is None:
            parameters = np.zeros((len(features), 0), np.float32)
        chosen = positions(self.inputs, self.features, self.parameters)
        pieces = [
            self.model.score(
                _filled(columns_of(features[start : start + CHUNK], parameters[start : start + CHUNK], chosen), self.fill)
            )
            for start in range(0, max(len(features), 1), CHUNK)
        ]
        score = np.concatenate(pieces)
        if self.classes == 2 and score.ndim == 2:
            score = score[:, 1]
        return np.asarray(score / np.float32(self.scale) + np.float32(self.shift), np.float32)

    def describe(self) -> str:
        """What came of the training, in a few words."""
        return self.model.describe()

    def save(self, place: RunFolder) -> None:
        """Write the model, then `baseline.json`, which marks it as complete."""
        self.model.save(place)
        names = {key: list(getattr(self, key)) for key in ("features", "parameters", "inputs")}
        numbers = {key: getattr(self, key) for key in ("classes", "scale", "shift")} | {"fill": list(self.fill)}
        place.write_json(INDEX, {"kind": self.kind, **names, **numbers, **self.model.facts()})

    @classmethod
    def load(cls, place: RunFolder, kind: ArrayBaseline) -> "Fitted":
        """Load a baseline of any array kind.

        Raises:
            RunError: if its files are missing or damaged.
        """
        tree = place.read_json(INDEX)
        try:
            model = kind.model.load(place)
            features, parameters, inputs = (tuple(tree[key]) for key in ("features", "parameters", "inputs"))
            fill = tuple(None if value is None else float(value) for value in tree.get("fill", ()))  # not in older runs
            classes, scale, shift = (tree[key] for key in ("classes", "scale", "shift"))
            return cls(kind.name, model, features, parameters, inputs, classes, scale, shift, fill)
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise RunError(f"the baseline in {place} is damaged: {error}", hint="train again") from None


def fit(kind: ArrayBaseline, settings: Any, learning: Learning) -> Fitted:
    """Train a model of arrays on its columns. Missing values stay missing: no recipe is applied.

    Class weights, resampling, `train.balance` and the scale of the target act as for the network. Events of
    negative weight are left out, or count with |w| if `train.negative_weights` says so, before classes are balanced. Weights
    have a mean of one, so that their unit changes nothing.

    Args:
        kind: kind of the baseline.
        settings: settings of this kind.
        learning: training and validation events, with the analysis.

    Raises:
        AnalysisError: if a column is missing, or the settings do not fit.
    """
    analysis, parts = learning.analysis, learning.parts
    kind.check(settings, analysis)
    policy: Policy = "abs" if analysis.train.negative_weights == "abs" else "drop"
    learnt = for_training(parts["train"], policy)
    events = resample(learnt, analysis.prepare.resample, analysis.train.seed)
    shift, scale = target_standard(analysis, learnt) if kind.scales_target else (0.0, 1.0)
    everything = (*events.feature_names, *events.parameter_names)
    inputs = everything if kind.inputs is None else kind.inputs(settings)
    chosen = positions(inputs, events.feature_names, events.parameter_names)
    factors = _factors(analysis, events)
    fill = _means(columns_of(events.features, events.parameters, chosen), np.maximum(events.weight, 0))

    def sample(part: Events) -> Sample:
        own = learnt_weight(part.weight, policy)
        weight = own * factors[part.target.astype(np.intp)] if len(factors) else own
        if analysis.train.balance and len(part):
            weight = even(weight, groups_of(part, analysis.train.balance), per_event=False)
        mean = np.maximum(weight, 0).mean() if len(weight) else 0.0
        weight = weight / mean if mean > 0 else weight
        target = part.target if part.classes or not kind.scales_target else (part.target - shift) * scale
        return Sample(_filled(columns_of(part.features, part.parameters, chosen), fill), target, weight)

    validation = sample(parts["val"]) if "val" in parts else None
    model = kind.model.fit(settings, sample(events), validation, len(events.classes), learning.on_round)
    names = (events.feature_names, events.parameter_names, inputs)
    return Fitted(kind.name, model, *names, len(events.classes), scale, shift, fill)


def _filled(inputs: NDArray[np.float32], fill: Sequence[float | None]) -> NDArray[np.float32]:
    """The inputs, with missing values replaced by those of `fill` that are not None, [event, input]."""
    for i, value in enumerate(fill):
        if value is not None and (missing := np.isnan(inputs[:, i])).any():
            inputs = inputs.copy()
            inputs[missing, i] = value
    return inputs


def _means(inputs: NDArray[np.float32], weight: NDArray[np.float64]) -> tuple[float | None, ...]:
    """The mean of each input that no event lacks, None for the others, [input]."""
    weight = weight if weight.sum() > 0 else np.ones(len(inputs))
    columns = (inputs[:, i] for i in range(inputs.shape[1]))
    return tuple(
        float(np.average(column.astype(np.float64), weights=weight)) if len(column) and np.isfinite(column).all() else None
        for column in columns
    )


def _factors(analysis: Analysis, training: Events) -> NDArray[np.float64]:
    return class_weight(training.target, training.weight, training.classes, analysis.prepare.class_weights)


def positions(inputs: tuple[str, ...], features: tuple[str, ...], parameters: tuple[str, ...]) -> list[int]:
    """Positions of the inputs among features and parameters.

    Raises:
        AnalysisError: if one is missing.
    """
    known = [*features, *parameters]
    for name in inputs:
        if name not in known:
            raise AnalysisError(f"the baseline needs {name!r}, which is not a column; {did_you_mean(name, known)}")
    return [known.index(name) for name in inputs]


def columns_of(features: NDArray[np.float32], parameters: NDArray[np.float32], chosen: list[int]) -> NDArray[np.float32]:
    """The selected columns of features and parameters, float32 [event, input]."""
    if not parameters.shape[1] and chosen == list(range(features.shape[1])):
        return features
    count = features.shape[1]
    found = np.empty((len(features), len(chosen)), np.float32)
    for i, place in enumerate(chosen):
        found[:, i] = features[:, place] if place < count else parameters[:, place - count]
    return found
