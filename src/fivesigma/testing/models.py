"""Rules for every kind of network: shapes, seed, file, and independent events."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis.section import Section
from fivesigma.models import base
from fivesigma.models.base import Inputs, ModelKind
from fivesigma.testing.rules import check_settings, never_raises, require

OUTPUTS = {"sigmoid": 1, "softmax": 3, "linear": 1}
"""Final activation of a network → its number of outputs."""


def check_model(kind: ModelKind, settings: Section | None = None) -> None:
    """Check a kind of network for two classes, three, and a regression, with and without physics parameters.

    Args:
        kind: kind of network.
        settings: its settings; by default those of the kind.

    Raises:
        AssertionError: with the rule that is broken.
    """
    check_settings(kind)
    with never_raises(f"{kind.name}: the settings need values; give `settings`"):
        chosen = kind.settings() if settings is None else settings
    label: Any = kind.label(chosen)  # of somebody else, so anything
    widest: Any = kind.widest(chosen)
    require(isinstance(label, str) and label, f"{kind.name}: the label is {label!r}, not the network in a few words")
    whole = widest is None or (isinstance(widest, int) and widest > 0)
    require(whole, f"{kind.name}: the widest layer is said to have {widest!r} units")
    for link, outputs in OUTPUTS.items():
        for parameters in (0, 1):
            names = ("x0", "x1", "x2", "mass")[: 3 + parameters]
            _check_network(
                kind, chosen, Inputs(len(names), outputs=outputs, link=link, parameters=parameters, names=names, seed=3)
            )


def _build(kind: ModelKind, settings: Section, inputs: Inputs, seed: int) -> Any:
    again = Inputs(inputs, **{**vars(inputs), "seed": seed})
    with never_raises(f"{kind.name} cannot be built for a {inputs.link} output and {inputs.parameters} parameters"):
        model = kind.build(settings, again)
        base.check_model(model, again, kind.name, kind.settings.__module__.partition(".")[0])
    return model


def _check_network(kind: ModelKind, settings: Section, inputs: Inputs) -> None:
    model = _build(kind, settings, inputs, seed=3)
    events = np.random.default_rng(1).normal(size=(50, int(inputs))).astype(np.float32)
    outputs = np.asarray(model(events))
    require(outputs.shape == (50, inputs.outputs), f"{kind.name}: 50 events give outputs of the shape {outputs.shape}")
    require(np.isfinite(outputs).all(), f"{kind.name}: the outputs of usual inputs are not finite")
    require(model.trainable_variables, f"{kind.name} has no weights to train")
    one = np.asarray(model(events[:1]))
    require(np.allclose(one, outputs[:1], atol=1e-5), f"{kind.name}: the output of an event depends on other events")
    moved = np.asarray(model(events + np.eye(int(inputs), dtype=np.float32)[-1]))
    require(not np.allclose(moved, outputs), f"{kind.name}: the last input, which may be a parameter, changes nothing")
    _check_seed(kind, settings, inputs, model)
    _check_file(kind, model, events, outputs)


def _check_seed(kind: ModelKind, settings: Section, inputs: Inputs, model: Any) -> None:
    same, other = (_build(kind, settings, inputs, seed) for seed in (3, 4))
    for what, found, alike in (("the same seed gives other weights", same, True), ("another seed", other, False)):
        equal = all(np.array_equal(a, b) for a, b in zip(model.get_weights(), found.get_weights(), strict=True))
        require(equal == alike, f"{kind.name}: {what if alike else what + ' gives the same weights'}")


def _check_file(kind: ModelKind, model: Any, events: Any, outputs: Any) -> None:
    from fivesigma.models.backend import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        with never_raises(f"{kind.name} cannot be saved and loaded by Keras without custom objects"):
            model.save(path)
            again = keras().saving.load_model(path, compile=False)
    require(
        np.array_equal(np.asarray(again(events)), outputs),
        f"{kind.name}: a saved network has other outputs when it is loaded",
    )
