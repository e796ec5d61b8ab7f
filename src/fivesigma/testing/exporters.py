"""The rules that every export format keeps: the scores of the network, by parameters and folds, and the same bytes twice."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis.section import Section
from fivesigma.deployment.base import FEATURES, PARAMETERS, Deliverable, Exporter, Input
from fivesigma.deployment.columns import DOUBLE, SINGLE
from fivesigma.errors import RunError
from fivesigma.expressions import Expression
from fivesigma.models.backend import keras
from fivesigma.models.base import Inputs
from fivesigma.models.mlp import Mlp, mlp
from fivesigma.preparation.recipe import Recipe
from fivesigma.testing.rules import check_settings, never_raises, require
from fivesigma.training.folds import Folds
from fivesigma.training.network import LINKS, Network

TOLERANCE = 2e-6
"""Largest difference of a score, in units of the largest."""


def check_exporter(exporter: Exporter, settings: Section | None = None) -> None:
    """Check a format with small networks of every task, with parameters and folds, from features and from columns.

    Args:
        exporter: the format.
        settings: of the format; its defaults if they are left out.

    Raises:
        AssertionError: naming the rule that is broken.
    """
    check_settings(exporter)
    require(exporter.ending.startswith("."), f"{exporter.name}: the ending {exporter.ending!r} has no dot")
    with never_raises(f"{exporter.name}: the settings need values; give `settings`"):
        chosen = exporter.settings() if settings is None else settings
    with never_raises(f"{exporter.name}: a library that it needs is missing"):
        exporter.needs()
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, what) in enumerate(_deliverables()):
            _check(exporter, chosen, what, name, Path(folder) / f"{number}{exporter.ending}")
        _check_unknown(exporter, chosen, Path(folder) / f"unknown{exporter.ending}")


def _check(exporter: Exporter, settings: Section, what: Deliverable, name: str, path: Path) -> None:
    features, parameters, arrays = _events(what)
    with never_raises(f"{exporter.name}: {name} cannot be written and loaded"):
        exporter.write(settings, what, path)
        score = exporter.load(path)
        found = score(arrays)
    scorer = what.networks[0] if len(what.networks) == 1 else Folds(what.networks)
    wanted = scorer.score(features, parameters)
    require(found.shape == wanted.shape, f"{exporter.name}: {name} gives the shape {found.shape}, not {wanted.shape}")
    require(np.isfinite(found).all(), f"{exporter.name}: {name} gives scores that are not finite")
    distance = float(np.abs(found - wanted).max() / np.abs(wanted).max())
    require(distance < TOLERANCE, f"{exporter.name}: {name} differs from the network by {distance:.1e}")
    one = score({key: values[:1] for key, values in arrays.items()})
    require(np.allclose(one, found[:1], atol=1e-6), f"{exporter.name}: {name} scores an event otherwise beside others")
    before = path.read_bytes()
    exporter.write(settings, what, path)
    require(path.read_bytes() == before, f"{exporter.name}: {name} gives other bytes the second time")


def _check_unknown(exporter: Exporter, settings: Section, path: Path) -> None:
    k = keras()
    entry = k.Input((3,))
    odd = k.layers.UnitNormalization(name="odd")(k.layers.Dense(2)(entry))
    network = Network(k.Model(entry, k.layers.Dense(1)(odd)), _recipe(0))
    try:
        exporter.write(settings, _deliverable("regression", network), path)
    except RunError as error:
        require("'odd'" in error.what, f"{exporter.name}: an unknown layer is refused, but not by its name")
    else:
        require(False, f"{exporter.name}: a layer that it cannot know is not refused")


def _recipe(parameters: int) -> Recipe:
    """Everything that a recipe does: a column that is left out, a logarithm, a flag, a shift that needs two numbers."""
    return Recipe(
        features=("a", "b", "c"),
        kept=(0, 2),
        logarithm=(2,),
        flagged=(0,),
        fill=(100.124, 1.0),
        shift=(100.123456789, -0.2),
        scale=(0.001, 0.7),
        parameters=("mass",)[:parameters],
        parameter_shift=(750.0,)[:parameters],
        parameter_scale=(250.0,)[:parameters],
        missing=(0.1, 0.0, 0.2),
    )


def _network(task: str, parameters: int = 0, seed: int = 1) -> Network:
    recipe = _recipe(parameters)
    outputs = 3 if task == "multiclass" else 1
    inputs = Inputs(len(recipe.inputs), outputs=outputs, link=LINKS[task], parameters=parameters, seed=seed)
    settings = Mlp(layers=[6, 4], activation="gelu", parameters="both", batch_norm=True)
    scale = (4.0, -1.5) if task == "regression" else (1.0, 0.0)
    return Network(mlp(settings, inputs), recipe, *scale)


def _deliverable(task: str, *networks: Network, fixed: dict[str, float] | None = None, columns: bool = False) -> Deliverable:
    free = [name for name in networks[0].recipe.parameters if name not in (fixed or {})]
    inputs = [Input(FEATURES, SINGLE, 3), *([Input(PARAMETERS, SINGLE, len(free))] if free else [])]
    formulas = None
    if columns:
        formulas = {"a": Expression("100 + where(x < 0, -1, 1) * delta_phi(x, y) / 1000"), "b": Expression("x + y")}
        inputs = [Input("x", DOUBLE), Input("y", DOUBLE), Input("c", SINGLE), *(Input(name, SINGLE) for name in free)]
    return Deliverable(
        task, networks, tuple(inputs), formulas, ("a", "b", "c"), (-999.0,), fixed or {}, {"analysis": "rules"}
    )


def _deliverables() -> Iterator[tuple[str, Deliverable]]:
    yield "a network of two classes", _deliverable("binary", _network("binary"))
    yield "a network of three classes", _deliverable("multiclass", _network("multiclass"))
    yield "a regression", _deliverable("regression", _network("regression"))
    yield "a parameterised network", _deliverable("binary", _network("binary", 1))
    yield "a network at a fixed parameter", _deliverable("binary", _network("binary", 1), fixed={"mass": 1000.0})
    yield "three folds", _deliverable("binary", *(_network("binary", 1, seed) for seed in (1, 2, 3)))
    yield "a network that takes columns", _deliverable("binary", _network("binary", 1), columns=True)


def _events(what: Deliverable) -> tuple[Any, Any, dict[str, Any]]:
    """Features and parameters for the network, and the inputs of the exported model, with missing values among them."""
    generator = np.random.default_rng(1)
    columns = {"x": generator.uniform(-4, 4, 200), "y": generator.uniform(-4, 4, 200)}
    columns["c"] = generator.normal(1, 1, 200).astype(np.float32)
    columns["x"][::9] = -999.0
    columns["c"][::7] = np.nan
    masses = np.where(generator.random(200) < 0.5, 500, 1000).astype(np.float32)
    parameters = masses[:, None][:, : len(what.parameters)]
    for i, name in enumerate(what.parameters):
        parameters[:, i] = what.fixed.get(name, parameters[:, i])
    free = parameters[:, [i for i, name in enumerate(what.parameters) if name not in what.fixed]]
    if what.formulas is not None:
        clean = {name: np.where(values == -999, np.nan, values) for name, values in columns.items()}
        features = np.stack(what.feature_values(clean), axis=1).astype(np.float32)
        given: dict[str, Any] = {**columns, **{name: parameters[:, i] for i, name in enumerate(what.parameters)}}
        return features, parameters, {i.name: given[i.name][:, None].astype(i.dtype) for i in what.inputs}
    features = np.stack([100 + columns["x"] / 1000, columns["y"], columns["c"]], axis=1).astype(np.float32)
    features[::9, 0] = np.nan
    return features, parameters, {FEATURES: features, **({PARAMETERS: free} if free.shape[1] else {})}
