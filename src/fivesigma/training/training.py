"""Train a network: from split events and an analysis to a network with its recipe."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.cluster.devices import Team
from fivesigma.data.shards import Shards
from fivesigma.errors import EventsError
from fivesigma.events import Events
from fivesigma.memory import give_back
from fivesigma.models.base import Inputs, ModelKind, check_model
from fivesigma.models.mlp import MLP
from fivesigma.plugins import models
from fivesigma.preparation.balance import class_weight, even, groups_of, resample
from fivesigma.preparation.negative_weights import Policy, class_sums, for_training, learnt_weight
from fivesigma.preparation.parameters import signal_rows
from fivesigma.preparation.recipe import Recipe
from fivesigma.preparation.recipe import fit as fit_recipe
from fivesigma.training.apply import CHUNK
from fivesigma.training.fit import FitOptions, History, fit, fit_many
from fivesigma.training.member import Member
from fivesigma.training.network import LINKS, Network
from fivesigma.training.problem import Problem
from fivesigma.training.shards import FromShards, ShardPieces
from fivesigma.training.validation import Pieces
from fivesigma.training.windows import BESIDE, Arrays, Redraw, Shareable

OnEpoch = Callable[[dict[str, float], int], None]

_building = threading.Lock()
"""One network is built at a time: the random numbers of Keras are those of the whole process."""


def train(
    analysis: Analysis,
    parts: Mapping[str, Events],
    *,
    shards: Shards | None = None,
    options: FitOptions | None = None,
) -> tuple[Network, History]:
    """Fit the recipe and the network on the training events.

    Args:
        analysis: sections `prepare`, `model` and `train` are used.
        parts: `train` and, if there are validation events, `val`.
        shards: all events on disk, if `parts` are random samples of them; the recipe is fitted on the sample.
        options: checkpoint, and the function called after an epoch.
    """
    raw, parts = parts["train"], {**parts, "train": for_training(parts["train"], analysis.train.negative_weights)}
    recipe = fit_recipe(parts["train"], analysis.prepare)
    shift, scale = target_standard(analysis, parts["train"])
    training: Arrays | Shareable
    validation: Arrays | Pieces | None
    if shards is None:
        training, validation = _from_memory(analysis, parts, recipe, shift, scale, HELD)
    else:
        before, after = class_sums(raw), class_sums(parts["train"])
        changed = np.divide(after, before, out=np.ones_like(before), where=before != 0)
        training, validation = _from_shards(analysis, parts, shards, recipe, shift, scale, changed)
    give_back()
    model = _model(analysis, recipe)
    problem = Problem(analysis.task, scale, shift)
    kind: ModelKind = models.get(analysis.model.kind)
    options = replace(options or FitOptions(), stages=kind.stages(analysis.model, model))
    history = fit(model, training, validation, analysis.train, problem, options)
    return Network(model, recipe, scale, shift), history


def train_many(
    analyses: Sequence[Analysis],
    parts: Mapping[str, Events],
    checkpoint_paths: Sequence[Path],
    stop_after_epoch: int,
    on_epoch: Callable[[int, dict[str, float]], None],
) -> list[Member]:
    """Train the networks of several analyses together, which differ only in their learning rate and have no stages.

    Args:
        analyses: one for each network.
        parts: `train` and, if there are validation events, `val`.
        checkpoint_paths: where the state of each is saved; a training continues from its file if there is one.
        stop_after_epoch: pause after this epoch.
        on_epoch: called with the number of the network and its row, after each of its epochs.
    """
    common = analyses[0]
    parts = {**parts, "train": for_training(parts["train"], common.train.negative_weights)}
    recipe = fit_recipe(parts["train"], common.prepare)
    shift, scale = target_standard(common, parts["train"])
    training, validation = _from_memory(common, parts, recipe, shift, scale)
    members = [
        Member(_model(analysis, recipe), analysis.train, path)
        for analysis, path in zip(analyses, checkpoint_paths, strict=True)
    ]
    fit_many(members, training, validation, Problem(common.task, scale, shift), stop_after_epoch, on_epoch)
    return members


def _model(analysis: Analysis, recipe: Recipe) -> Any:
    """Build the network of the analysis for the inputs of the recipe, untrained.

    Raises:
        AnalysisError: if the network does not fit the inputs.
    """
    kind: ModelKind = models.get(analysis.model.kind)
    inputs = Inputs(
        len(recipe.inputs),
        outputs=len(analysis.classes) if analysis.task == "multiclass" else 1,
        link=LINKS[analysis.task],
        parameters=len(recipe.parameters),
        names=tuple(recipe.inputs),
        seed=analysis.train.seed,
    )
    with _building:
        model = kind.build(analysis.model, inputs)
        if kind is not MLP:
            check_model(model, inputs, kind.label(analysis.model), kind.settings.__module__.partition(".")[0])
    return model


@dataclass(frozen=True)
class ToInputs:
    """Converts events to arrays for the training loop.

    Attributes:
        recipe: features and parameters → network inputs.
        shift, scale: the network learns (target − shift) × scale.
        factors: weight of each class in training, [class]; empty for a regression.
        mean: mean of event weight times class weight; training weights have a mean of one, so that the
            learning rate does not depend on the unit of the weights.
        redraws: parameters that change from epoch to epoch.
        negative: treatment of negative weights; events in memory have been treated before.
        for_table: whether `Arrays.table` will be asked for, as of training events.
    """

    recipe: Recipe
    shift: float
    scale: float
    factors: NDArray[np.float64]
    mean: float
    redraws: tuple[Redraw, ...] = ()
    negative: Policy = "keep"
    for_table: bool = False

    def __call__(self, events: Events) -> Arrays:
        width = len(self.recipe.inputs)
        whole = np.empty((len(events), width + (BESIDE if self.for_table else 0)), np.float32)
        inputs = whole[:, :width]
        for start in range(0, len(events), CHUNK):
            rows = slice(start, start + CHUNK)
            inputs[rows] = self.recipe.apply(events.features[rows], events.parameters[rows])
        weight = learnt_weight(events.weight, self.negative)
        target = events.target
        if len(self.factors):
            weight = weight * self.factors[target.astype(np.intp)]
        else:
            target = (target - self.shift) * self.scale
        weight = weight / self.mean if self.mean > 0 else weight
        room = whole if self.for_table else None
        return Arrays(inputs, target.astype(np.float32), weight, events.weight, self.redraws, room=room)


PIECE = 8 * CHUNK
"""Validation events whose inputs are made at a time."""
HELD = 1_000_000
"""Up to so many validation events, their inputs are held from epoch to epoch."""


@dataclass(frozen=True)
class InPieces:
    """Events whose inputs are made some at a time, every time: it takes a hundredth of an epoch, and no memory.

    Attributes:
        to_inputs: makes the inputs.
        events: in memory.
    """

    to_inputs: ToInputs
    events: Events

    def pieces(self, rank: int, processes: int) -> Iterator[Arrays]:
        """This process's share of the events."""
        first, end = (number * len(self.events) // processes for number in (rank, rank + 1))
        # The last piece is the longest: so the network is applied to as many events at a time as if there were one piece.
        starts = [first + i * PIECE for i in range(max(1, (end - first) // PIECE))]
        for start, stop in pairwise([*starts, end]):
            yield self.to_inputs(self.events.take(slice(start, stop)))


def _from_memory(
    analysis: Analysis, parts: Mapping[str, Events], recipe: Recipe, shift: float, scale: float, held: int | None = None
) -> tuple[Arrays, Arrays | InPieces | None]:
    """Training and validation events as the training loop takes them.

    Args:
        analysis, parts, recipe, shift, scale: of the training.
        held: the largest number of validation events whose inputs are held; by default any.
    """
    chosen = resample(parts["train"], analysis.prepare.resample, analysis.train.seed)
    # Class weights come from the training events for every part.
    factors = class_weight(chosen.target, chosen.weight, chosen.classes, analysis.prepare.class_weights)

    def to_inputs(events: Events, redraws: tuple[Redraw, ...], for_table: bool) -> ToInputs:
        weight = events.weight * factors[events.target.astype(np.intp)] if len(factors) else events.weight
        return ToInputs(recipe, shift, scale, factors, float(weight.mean()), redraws, for_table=for_table)

    training = to_inputs(chosen, _redraws(analysis, parts["train"], recipe), for_table=True)(chosen)
    validation: Arrays | None = None
    if "val" in parts:
        judged = to_inputs(parts["val"], (), for_table=False)
        if held is not None and len(parts["val"]) > held and not analysis.train.balance:
            return training, InPieces(judged, parts["val"])
        validation = judged(parts["val"])
    if not analysis.train.balance:
        return training, validation
    groups = groups_of(chosen, analysis.train.balance)
    if (count := int(groups.max()) + 1) > analysis.train.batch_size:
        raise EventsError(
            f"train.balance: {', '.join(analysis.train.balance)} make {count:,} groups, more than a batch has events "
            f"({analysis.train.batch_size})",
            hint="leave out what has many different values, or set a larger train.batch_size",
        )
    training = replace(training, weight=even(training.weight, groups, per_event=True), groups=groups)
    if validation is not None:
        among = groups_of(parts["val"], analysis.train.balance)
        validation = replace(validation, weight=even(validation.weight, among, per_event=False))
    return training, validation


def _from_shards(
    analysis: Analysis,
    parts: Mapping[str, Events],
    shards: Shards,
    recipe: Recipe,
    shift: float,
    scale: float,
    changed: NDArray[np.float64],
) -> tuple[Shareable, Pieces | None]:
    """As `_from_memory`; `changed` is each class's sum of weights after the treatment of negative weights, [class]."""
    totals = {part: shards.totals(part) for part in shards.rows}
    if len(analysis.classes):
        totals["train"] = totals["train"] * changed
    factors = class_weight(
        np.arange(len(analysis.classes)), totals["train"], analysis.classes, analysis.prepare.class_weights
    )

    def arrays(part: str, redraws: tuple[Redraw, ...]) -> ToInputs:
        weight = float((factors * totals[part]).sum()) if len(factors) else shards.weight(part)
        weight *= float(changed[0]) if part == "train" and not len(factors) else 1.0
        policy: Policy = analysis.train.negative_weights if part == "train" else "keep"
        mean = weight / max(shards.length(part), 1)
        return ToInputs(recipe, shift, scale, factors, mean, redraws, policy, for_table=part == "train")

    team = Team(analysis.train.batch_size)
    training = FromShards(
        shards,
        arrays("train", _redraws(analysis, parts["train"], recipe)),
        analysis.train.batch_size,
        analysis.train.window,
        rank=team.rank,
        processes=team.processes,
        seed=analysis.train.seed,
    )
    return training, ShardPieces(shards, "val", arrays("val", ())) if shards.length("val") else None


def _redraws(analysis: Analysis, training: Events, recipe: Recipe) -> tuple[Redraw, ...]:
    """Parameters to draw again every epoch: those drawn from the signal together, each uniform one by itself."""
    names = list(analysis.parameters)
    again = [i for i, parameter in enumerate(analysis.parameters.values()) if parameter.redraw]
    if not again:
        return ()
    signal = signal_rows(training)
    scaled = recipe.apply(np.zeros((len(signal), len(recipe.features)), np.float32), signal)[:, -len(names) :]
    first = len(recipe.inputs) - len(names)
    ways = [parameter.background for parameter in analysis.parameters.values()]
    together = np.array([i for i in again if ways[i] == "signal"], np.intp)
    redraws = [Redraw(together + first, scaled[:, together])] if len(together) else []
    redraws += [Redraw(np.array([i + first]), scaled[:, [i]], continuous=True) for i in again if ways[i] == "uniform"]
    return tuple(redraws)


ENOUGH_TO_TELL = 10
"""Of fewer training events, all may have the same target by chance."""


def target_standard(analysis: Analysis, training: Events) -> tuple[float, float]:
    """Shift and scale of a regression's target: the network learns (target − shift) × scale.

    With an explicit `target.scale` there is no shift; without one, the scaled target has mean zero and width one.
    """
    if analysis.target is None:
        return 0.0, 1.0
    if analysis.target.scale is not None:
        return 0.0, analysis.target.scale
    weight = np.maximum(training.weight, 0)
    target = training.target.astype(np.float64)
    shift = float(np.average(target, weights=weight if weight.sum() > 0 else None))
    counts = target[weight > 0]
    if len(counts) >= ENOUGH_TO_TELL and (counts == counts[0]).all():
        raise EventsError(
            f"the target {analysis.target.variable!r} is {counts[0]:g} in all {len(counts):,} training events",
            hint="there is nothing to learn: check the column, and `selection`",
        )
    width = float(np.average((target - shift) ** 2, weights=weight if weight.sum() > 0 else None)) ** 0.5
    return shift, 1 / width if width > 0 else 1.0
