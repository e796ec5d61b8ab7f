"""Split events + analysis → a trained network."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from fivesigma.analysis import Analysis
from fivesigma.events import Events
from fivesigma.models.mlp import mlp
from fivesigma.prepare.balance import class_weight, resample, training_weight
from fivesigma.prepare.recipe import Recipe
from fivesigma.prepare.recipe import fit as fit_recipe
from fivesigma.train.fit import CHUNK, Arrays, History, fit
from fivesigma.train.network import LINKS, Network


def train(
    analysis: Analysis,
    parts: Mapping[str, Events],
    *,
    checkpoint_path: Path | None = None,
    resume: bool = False,
    until: int | None = None,
    on_epoch: Callable[[dict[str, float], int], None] | None = None,
) -> tuple[Network, History]:
    """Fit the recipe and the network on the training events.

    Args:
        analysis: sections `prepare`, `model` and `train` are used.
        parts: `train` and, if there are validation events, `val`.
        checkpoint_path: where the training's state is kept after every epoch.
        resume: go on from there.
        until: pause after this epoch.
        on_epoch: called after each epoch.
    """
    recipe = fit_recipe(parts["train"], analysis.prepare)
    chosen = resample(parts["train"], analysis.prepare.resample, analysis.train.seed)
    shift, scale = target_standard(analysis, parts["train"])
    training = _arrays(analysis, chosen, chosen, recipe, shift, scale)
    validation = _arrays(analysis, parts["val"], chosen, recipe, shift, scale) if "val" in parts else None
    outputs = len(analysis.classes) if analysis.task == "multiclass" else 1
    model = mlp(analysis.model, len(recipe.inputs), outputs, LINKS[analysis.task], analysis.train.seed)
    history = fit(
        model, training, validation, analysis.train, analysis.task,
        checkpoint_path=checkpoint_path, resume=resume, target_scale=scale, until=until, on_epoch=on_epoch,
    )  # fmt: skip
    return Network(model, recipe, scale, shift), history


def target_standard(analysis: Analysis, training: Events) -> tuple[float, float]:
    """Shift and scale of a regression's target: the network learns (target − shift) × scale.

    An explicit `target.scale` only scales; without one the target gets mean zero and width one.
    """
    if analysis.target is None:
        return 0.0, 1.0
    if analysis.target.scale is not None:
        return 0.0, analysis.target.scale
    weight = np.maximum(training.weight, 0)
    target = training.target.astype(np.float64)
    shift = float(np.average(target, weights=weight if weight.sum() > 0 else None))
    width = float(np.average((target - shift) ** 2, weights=weight if weight.sum() > 0 else None)) ** 0.5
    return shift, 1 / width if width > 0 else 1.0


def _arrays(analysis: Analysis, events: Events, training: Events, recipe: Recipe, shift: float, scale: float) -> Arrays:
    """Network inputs of one part; class weights come from the training events for every part."""
    inputs = np.empty((len(events), len(recipe.inputs)), np.float32)
    for start in range(0, len(events), CHUNK):
        rows = slice(start, start + CHUNK)
        inputs[rows] = recipe.apply(events.features[rows], events.parameters[rows])
    setting = analysis.prepare.class_weights
    if setting == "balanced":
        factors = class_weight(training.target, training.weight, training.classes, "balanced")
        setting = dict(zip(training.classes, factors.tolist(), strict=True))
    target = (events.target - shift) * scale if analysis.task == "regression" else events.target
    return Arrays(inputs, target.astype(np.float32), training_weight(events, setting), events.weight)
