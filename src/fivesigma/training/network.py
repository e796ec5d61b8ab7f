"""A trained network with its recipe: features as read → scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np
from numpy.typing import NDArray

from fivesigma.atomic import writing
from fivesigma.errors import EventsError, MissingExtra, RunError, did_you_mean
from fivesigma.events import Events, carries, parameter_text
from fivesigma.models.backend import load_model
from fivesigma.models.fixed_point import leaves_ranges
from fivesigma.names import number_of
from fivesigma.preparation.recipe import Recipe
from fivesigma.runs.folder import RunFolder
from fivesigma.scores import Scores
from fivesigma.training.apply import CHUNK, Apply, compiled_rows, logits_of, probabilities

LINKS = {"binary": "sigmoid", "multiclass": "softmax", "regression": "linear"}
"""Task → activation of the output."""

MOST_HYPOTHESES = 20
"""With more distinct parameter values than this, scores are not computed at each of them."""


BLOCK = 16 * CHUNK
"""Events among which some are chosen to be scored, at a time: the features of those are copied."""


class ScoresArrays(Protocol):
    """Anything that scores arrays of features and parameters: a network, those of all folds, or a baseline."""

    def score(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Score events, as `Network.score` does."""


class Scorer(ScoresArrays, Protocol):
    """Anything that scores events after a recipe: a network, or those of all folds."""

    @property
    def recipe(self) -> Recipe:
        """The recipe; it names the features and parameters that are needed."""


@dataclass(frozen=True)
class Network:
    """A Keras model, with the recipe of its inputs and the scale of its output.

    Attributes:
        model: [event, input] → [event, output].
        recipe: turns features and parameters into inputs.
        target_scale, target_shift: the prediction is output / scale + shift (1 and 0 for classification).
    """

    model: Any
    recipe: Recipe
    target_scale: float = 1.0
    target_shift: float = 0.0

    @cached_property
    def _apply(self) -> Any:
        network, link = logits_of(self.model)
        return Apply(network), link

    @cached_property
    def _leaves_ranges(self) -> Any:
        found = leaves_ranges(self.model)
        return None if found is None else jax.jit(found)

    @property
    def can_wrap_around(self) -> bool:
        """Whether values of events outside the ranges of the training wrap around: a quantised network."""
        return self._leaves_ranges is not None

    def wraps_around(
        self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None
    ) -> NDArray[np.bool_]:
        """Which events have a value at the input of a quantised layer outside the range of all training events, so that it
        wraps around.

        Args:
            features, parameters: as for `score`.

        Returns:
            [event]; all False for a network in floating point.
        """
        features, parameters = self._checked(features, parameters)
        found = np.zeros(len(features), bool)
        if self._leaves_ranges is None:
            return found
        variables = [
            [v.value for v in group] for group in (self.model.trainable_variables, self.model.non_trainable_variables)
        ]
        for start in range(0, len(features), CHUNK):
            x = self.recipe.apply(_finite(features[start : start + CHUNK]), parameters[start : start + CHUNK])
            filled = np.zeros((compiled_rows(len(x)), x.shape[1]), np.float32)
            filled[: len(x)] = x
            found[start : start + len(x)] = np.asarray(self._leaves_ranges(*variables, filled))[: len(x)]
        return found

    def score(self, features: NDArray[np.float32], parameters: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Score events.

        Args:
            features: [event, feature] in the recipe's order, or a table with named columns (pandas, polars, Arrow). What is
                NaN, masked, infinite or beyond single precision is missing.
            parameters: [event, parameter], or such a table; may be left out if the network has none.

        Returns:
            Probability of class 1 [event], probabilities [event, class], or the prediction [event].

        Raises:
            EventsError: if the arrays are not of these shapes or hold no numbers, or a table has not all columns.
        """
        features, parameters = self._checked(features, parameters)
        pieces = (slice(start, start + CHUNK) for start in range(0, len(features), CHUNK))
        return self._score_inputs(self.recipe.apply(_finite(features[rows]), parameters[rows]) for rows in pieces)

    def score_under(
        self, features: NDArray[np.float32], chosen: Mapping[tuple[float, ...], NDArray[np.bool_] | None]
    ) -> dict[tuple[float, ...], NDArray[np.float32]]:
        """The score of events under hypotheses, hypothesis → score as by `score`; the recipe is applied once for all.

        Args:
            features: [event, feature], NaN where missing, in the recipe's order.
            chosen: hypothesis → which events are scored, [event], None for all; the score of the others is NaN.

        Raises:
            EventsError: if the features or the hypotheses are not those that the network takes.
        """
        outputs = int(self.model.output_shape[-1])
        shape = (len(features),) if outputs == 1 else (len(features), outputs)
        found = {values: np.full(shape, np.nan, np.float32) for values in chosen}
        for values in chosen:
            self._checked(features[:1], np.broadcast_to(np.asarray(values, np.float32), (len(features[:1]), len(values))))
        for start in range(0, len(features) if chosen else 0, BLOCK):
            block = slice(start, start + BLOCK)
            among = _finite(np.asarray(features[block], np.float32))
            inputs = self.recipe.apply(among, np.zeros((len(among), len(self.recipe.parameters)), np.float32))
            for values, which in chosen.items():
                rows = np.arange(len(inputs)) if which is None else np.flatnonzero(which[block])
                pieces = (rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK))
                found[values][start + rows] = self._score_inputs(self.recipe.at(inputs[piece], values) for piece in pieces)
        return found

    def _score_inputs(self, pieces: Iterator[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The scores of events whose inputs come in pieces."""
        apply, link = self._apply
        trainable = [v.value for v in self.model.trainable_variables]
        other = [v.value for v in self.model.non_trainable_variables]
        parts = [probabilities(outputs, link) for outputs in apply.each(trainable, other, pieces)]
        empty_shape = (0,) if self.model.output_shape[-1] == 1 else (0, self.model.output_shape[-1])
        score = np.concatenate(parts) if parts else np.zeros(empty_shape, np.float32)
        return np.asarray(score / np.float32(self.target_scale) + np.float32(self.target_shift), np.float32)

    def _checked(self, features: Any, parameters: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Both as arrays of the shapes that the recipe takes."""
        names, given = self.recipe.features, self.recipe.parameters
        features = _numbers(_by_name(features, names, "feature"), "features")
        if features.ndim != 2 or features.shape[1] != len(names):
            raise EventsError(
                f"features have the shape {features.shape}, and the network takes {number_of(len(names), 'feature')}",
                hint=f"give [event, feature], in this order: {', '.join(names[:8])}{', …' if len(names) > 8 else ''}",
            )
        parameters = (
            np.zeros((len(features), 0), np.float32)
            if parameters is None
            else _numbers(_by_name(parameters, given, "parameter"), "parameters")
        )
        if parameters.shape != (len(features), len(given)):
            listed = ", ".join(given) or "(none)"
            raise EventsError(
                f"the network needs the parameters {listed} of {number_of(len(features), 'event')}, not an array of shape "
                f"{parameters.shape}",
                hint="give [event, parameter]",
            )
        return features, parameters

    def scores(self, events: Events, hypotheses: Sequence[tuple[float, ...]] = ()) -> Scores:
        """Score events at their own parameters and under each hypothesis."""
        return scores_by(self, events, hypotheses)

    def save(self, folder: RunFolder) -> None:
        """Write `recipe.json` and `model.keras`; the model comes last and so marks the run as trained."""
        folder.write_json(
            "recipe.json", {**self.recipe.to_dict(), "target_scale": self.target_scale, "target_shift": self.target_shift}
        )
        with writing(folder / "model.keras") as part:
            self.model.save(part)

    @classmethod
    def load(cls, folder: RunFolder) -> "Network":
        """Read a trained network.

        Raises:
            RunError: if the run has no model, or its files are damaged.
        """
        if not folder.has("model.keras"):
            raise RunError(f"the run {folder} has no trained network yet", hint="train it: fivesigma train ANALYSIS")
        tree = folder.read_json("recipe.json")
        recipe = Recipe.from_dict(tree)
        model = read_model(folder / "model.keras")
        if model.input_shape[-1] != len(recipe.inputs):
            raise RunError(f"the run {folder} is damaged: model.keras and recipe.json do not belong together")
        try:
            scale, shift = float(tree["target_scale"]), float(tree["target_shift"])
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"{folder / 'recipe.json'} is damaged: no scale of the target ({error})", hint="train again"
            ) from None
        return cls(model, recipe, scale, shift)


def read_model(path: Path) -> Any:
    """Read a Keras model of a run.

    Raises:
        RunError: if the file is missing or damaged.
    """
    try:
        return load_model(path)
    except MissingExtra:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise RunError(f"{path} is damaged: {reason}", hint="train again") from None


def _by_name(values: Any, names: Sequence[str], what: str) -> Any:
    """Columns of a table with names, such as one of pandas, in the order of `names`; anything else as it is.

    Raises:
        EventsError: if the table has no such column.
    """
    columns = getattr(values, "column_names", getattr(values, "columns", ()))
    known = [] if callable(columns) else list(columns)
    if not any(isinstance(name, str) for name in known):
        return values
    for name in names:
        if name not in known:
            raise EventsError(f"the table has no column for the {what} {name!r}; {did_you_mean(name, map(str, known))}")
    return values.select(list(names)) if hasattr(values, "column_names") else values[list(names)]


def _finite(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Infinite features count as missing, as in files."""
    with np.errstate(over="ignore", invalid="ignore"):
        whole = features.sum()
    if np.isfinite(whole) or not np.isinf(features).any():
        return features
    return np.where(np.isinf(features), np.float32(np.nan), features)


def _numbers(values: Any, what: str) -> NDArray[np.float32]:
    """What is given as an array of single precision; what a mask hides is missing."""
    try:
        if np.ma.isMaskedArray(values):
            values = np.ma.filled(values.astype(np.float64), np.nan)
        array = np.asarray(values)
        if array.dtype.kind in "cmM":
            raise TypeError
        with np.errstate(over="ignore"):  # what is beyond single precision counts as missing
            return np.asarray(array, np.float32)
    except (TypeError, ValueError):
        raise EventsError(
            f"the {what} are no table of numbers", hint=f"give the {what} as numbers, NaN where missing"
        ) from None


def scores_by(
    scorer: ScoresArrays, events: Events, hypotheses: Sequence[tuple[float, ...]] = (), tested_only: bool = False
) -> Scores:
    """Score events at their own parameters and under each hypothesis.

    Args:
        scorer: a network, those of all folds, or a baseline.
        events: the events.
        hypotheses: parameter values of further scores.
        tested_only: under each hypothesis score its own signal and all background, which is what is tested; the score of
            other events is NaN there.
    """
    recipe = getattr(scorer, "recipe", None)
    if recipe is not None and events.feature_names != recipe.features:
        raise EventsError(
            f"the events have the features {', '.join(events.feature_names)}, "
            f"and the network takes {', '.join(recipe.features)}",
            hint="a glob in `features` follows the order in each file; was a file replaced by one with other columns?",
        )
    background = events.target == 0
    chosen = {values: background | carries(events.parameters, values) if tested_only else None for values in hypotheses}
    if isinstance(scorer, Network):
        at = scorer.score_under(events.features, chosen)
    else:
        at = {values: _score_under(scorer, events.features, values, which) for values, which in chosen.items()}
    return Scores(
        score=_own_score(scorer, events, at),
        target=events.target,
        weight=events.weight,
        classes=events.classes,
        parameters=events.parameters,
        parameter_names=events.parameter_names,
        at_hypothesis=at,
        observers=events.observers,
        event_number=events.event_number,
    )


def _score_under(
    scorer: ScoresArrays, features: NDArray[np.float32], values: tuple[float, ...], chosen: NDArray[np.bool_] | None
) -> NDArray[np.float32]:
    """The score of all events with the same parameter values, [event]; NaN of those that are not chosen."""
    row = np.asarray(values, np.float32)
    if chosen is None:
        return scorer.score(features, np.broadcast_to(row, (len(features), len(row))))
    found = np.full(len(features), np.nan, np.float32)
    for start in range(0, len(features), BLOCK):
        rows = start + np.flatnonzero(chosen[start : start + BLOCK])
        found[rows] = scorer.score(features[rows], np.broadcast_to(row, (len(rows), len(row))))
    return found


def _own_score(
    scorer: ScoresArrays, events: Events, at: Mapping[tuple[float, ...], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """The score of every event at its own parameters, which is known if these are those of a hypothesis.

    Args:
        scorer, events: as for `scores_by`.
        at: hypothesis → score of every event.
    """
    own, known = np.empty(len(events), np.float32), np.zeros(len(events), bool)
    for values, score in at.items():
        mine = carries(events.parameters, values)
        np.copyto(own, score, where=mine)
        known |= mine
    return own if at and known.all() else scorer.score(events.features, events.parameters)


def different_parameters(events: Events) -> NDArray[np.float32]:
    """The different parameter values of the signal in rising order, [hypothesis, parameter]."""
    values = events.parameters[events.target == 1]
    # One column alone is sorted by vector instructions, rows are not.
    return np.unique(values)[:, None] if values.shape[1] == 1 else np.unique(values, axis=0)


def hypotheses_of(events: Events) -> list[tuple[float, ...]]:
    """Distinct parameter values of the signal, if they are few enough to list; empty otherwise."""
    if not events.parameter_names or len(events.classes) != 2:
        return []
    rows = different_parameters(events)
    return [tuple(float(v) for v in row) for row in rows] if len(rows) <= MOST_HYPOTHESES else []


def score_columns(scores: Scores) -> Mapping[str, NDArray[Any]]:
    """Convert scores to columns: `score`, or `score_<class>` and `predicted_class`, or `prediction`."""
    if scores.task == "regression":
        return {"prediction": scores.score}
    if scores.task == "binary":
        return {"score": scores.score}
    columns = {f"score_{name}": np.ascontiguousarray(scores.score[:, i]) for i, name in enumerate(scores.classes)}
    return {**columns, "predicted_class": scores.score.argmax(axis=1).astype(np.int32)}


def hypothesis_column(names: tuple[str, ...], values: tuple[float, ...]) -> str:
    """Column name of the score under a hypothesis; letters, digits and `_` only, as ROOT wants it.

    >>> hypothesis_column(("mass",), (500.0,))
    'score_mass_500'
    """
    text = "_".join(f"{name}_{parameter_text(value)}" for name, value in zip(names, values, strict=True))
    return "score_" + text.replace(".", "p").replace("-", "m").replace("+", "")
