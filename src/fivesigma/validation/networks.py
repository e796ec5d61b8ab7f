"""Networks trained on simulated collisions, to compare their areas below the ROC curve with published ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.file import load
from fivesigma.events import Events
from fivesigma.hashing import fingerprints
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.roc import auc, roc
from fivesigma.preparation.split import split
from fivesigma.progress import Listener
from fivesigma.scores import Scores
from fivesigma.simulation.uci import to_uci
from fivesigma.training.fit import FitOptions
from fivesigma.training.training import train

SETTINGS: dict[str, Any] = {
    # Of a million events, more than 800,000 are for training.
    "split.test": 0.14,
    "split.val": 0.03,
}
"""What differs from the built-in analysis `hepmass`: nothing of the network or its training."""

ROC_POINTS = 200


@dataclass(frozen=True)
class Trained:
    """Performance of a network.

    Attributes:
        areas: area below the ROC curve by mass in GeV; 0 for the mixture of masses.
        curves: by the same keys, signal and background efficiencies.
        training_events: number of events it was trained on.
        epochs: rows of the training's history.
    """

    areas: Mapping[int, Metric]
    curves: Mapping[int, dict[str, list[float]]]
    training_events: int
    epochs: list[dict[str, float]]


def train_on(columns: Mapping[str, NDArray[np.generic]], listener: Listener, *, with_mass: bool) -> Trained:
    """Train a network like that of the analysis `hepmass` and test it on events it has not seen.

    Args:
        columns: columns of the simulation, in GeV.
        with_mass: whether the mass of X is an input.
    """
    analysis = analysis_of(with_mass)
    parts = split([("split", events_of(columns, with_mass))], analysis.split)
    text = f"training a network {'with' if with_mass else 'without'} the mass"
    listener.progress(0, 1, text)
    options = FitOptions(on_epoch=lambda row, epochs: listener.progress(row["epoch"], epochs, text))
    network, history = train(analysis, parts, options=options)
    masses = np.unique(parts["test"].observers["mass"]).tolist()
    scores = network.scores(parts["test"], [(mass,) for mass in masses] if with_mass else [])
    mass_of_event = parts["test"].observers["mass"]
    areas, curves = {}, {}
    for key in (0, *(round(mass) for mass in masses)):
        score, chosen = _at(scores, mass_of_event, key)
        areas[key] = auc(score[chosen], scores.target[chosen], scores.weight[chosen])
        curves[key] = _curve(score[chosen], scores.target[chosen])
    return Trained(areas, curves, len(parts["train"]), history)


def analysis_of(with_mass: bool) -> Analysis:
    """The analysis whose network is trained."""
    settings = dict(SETTINGS)
    if not with_mass:
        settings["parameters"] = None
    return load("hepmass", settings)


def events_of(columns: Mapping[str, NDArray[np.generic]], with_mass: bool) -> Events:
    """Events in the normalisation of the published files; the mass is always an observer."""
    uci = to_uci(columns)
    names = tuple(name for name in uci if name.startswith("f"))
    features = np.stack([np.asarray(uci[name], np.float32) for name in names], axis=1)
    mass = np.asarray(columns["mass"], np.float32)
    number = columns.get("event_number", np.arange(len(mass)))
    return Events(
        features=features,
        feature_names=names,
        target=np.asarray(columns["label"], np.int64),
        weight=np.ones(len(mass)),
        parameters=mass[:, None] if with_mass else np.zeros((len(mass), 0), np.float32),
        parameter_names=("mass",) if with_mass else (),
        classes=("background", "signal"),
        observers={"mass": mass},
        event_number=np.asarray(number, np.uint64),
        fingerprint=fingerprints([*features.T]),
    )


def _at(scores: Scores, mass: NDArray[np.float32], key: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scores under a mass hypothesis, of its events: all background and the signal of that mass."""
    if key == 0:
        return scores.score, np.ones(len(mass), bool)
    chosen = (scores.target == 0) | (np.rint(mass) == key)
    return scores.at_hypothesis.get((float(key),), scores.score), chosen


def _curve(score: NDArray[np.float32], target: NDArray[Any]) -> dict[str, list[float]]:
    """The ROC curve at evenly spaced signal efficiencies."""
    curve = roc(score, target, np.ones(len(score)))
    signal = np.linspace(0, 1, ROC_POINTS + 1)
    return {"signal": signal.tolist(), "background": np.interp(signal, curve.signal, curve.background).tolist()}
