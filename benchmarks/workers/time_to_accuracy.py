"""How long training takes to a validation accuracy: the article's recipe in Keras, and fivesigma's own."""

import math
import time
from typing import Any

import numpy as np

from benchmarks.network import INPUTS, keras_model

AZIMUTHS, ETAS = [2, 4, 8, 12, 16, 20], [1, 7, 11, 15, 19]
"""Columns of the angles φ·√3/π and of the standardised η: the lepton's first."""


def symmetric(x: np.ndarray) -> np.ndarray:
    """Events turned and mirrored such that the lepton has φ = 0 and η > 0, and missing ET lies on the positive side.

    What the new variables of the built-in analysis `hepmass` do.
    """
    turned = np.remainder(x[:, AZIMUTHS] - x[:, AZIMUTHS[:1]] + np.sqrt(3), 2 * np.sqrt(3)) - np.sqrt(3)
    result = x.copy()
    result[:, AZIMUTHS] = turned * np.where(turned[:, 1:2] < 0, -1, 1)
    result[:, ETAS] *= np.where(x[:, ETAS[:1]] < 0, -1, 1)
    return result


class Keras:
    """The article's recipe as written: three ReLU layers of 112, Adam 1e-3, batches of 32, four epochs.

    Args:
        path: arrays, as `benchmarks.collisions` writes them.
    """

    def __init__(self, path: str) -> None:
        self._data = dict(np.load(path))

    def run(self, seed: int) -> dict[str, float]:
        """Train once; `accuracy` after the last epoch, `seconds` of the call of `fit`, compilation included."""
        import keras

        keras.utils.set_random_seed(seed)
        model, data = keras_model(), self._data
        started = time.perf_counter()
        history = model.fit(data["x"], data["y"], epochs=4, validation_data=(data["x_val"], data["y_val"]), verbose=0)
        return {"accuracy": history.history["val_accuracy"][-1], "seconds": time.perf_counter() - started}


class Fivesigma:
    """fivesigma on the same arrays with settings of its own.

    Args:
        path: arrays, as `benchmarks.collisions` writes them.
        model, train: the sections of an analysis.
    """

    def __init__(self, path: str, model: dict[str, Any], train: dict[str, Any]) -> None:
        from fivesigma.training.fit import Arrays

        self._data, self._arrays = dict(np.load(path)), Arrays
        self._model, self._train = model, train

    def run(self, seed: int, wanted: float) -> dict[str, float]:
        """Train until an epoch ends with at least the accuracy that is `wanted`.

        Returns:
            `seconds` from the call of `fit` to that moment, infinite if it never comes; `best` accuracy of all
            epochs; `epochs` until then.
        """
        from fivesigma.analysis.train import Train
        from fivesigma.models.base import Inputs
        from fivesigma.models.mlp import Mlp, mlp
        from fivesigma.training.fit import FitOptions, fit
        from fivesigma.training.problem import Problem

        def part(name: str) -> Any:
            x, y = symmetric(self._data["x" + name]), self._data["y" + name]
            return self._arrays(x, y, np.ones(len(y)), np.ones(len(y)))

        model = mlp(Mlp(**self._model), Inputs(INPUTS, link="sigmoid", seed=seed))
        settings = Train(**{**self._train, "seed": seed, "monitor": "accuracy"})
        marks: list[tuple[float, float]] = []

        def on_epoch(row: dict[str, float], epochs: int) -> None:
            marks.append((row["val_accuracy"], time.perf_counter() - started))

        started = time.perf_counter()
        fit(model, part(""), part("_val"), settings, Problem("binary"), FitOptions(on_epoch=on_epoch))
        reached = next((i for i, (accuracy, _) in enumerate(marks) if accuracy >= wanted), None)
        seconds, epochs = (math.inf, len(marks)) if reached is None else (marks[reached][1], reached + 1)
        return {"seconds": seconds, "best": max(accuracy for accuracy, _ in marks), "epochs": epochs}
