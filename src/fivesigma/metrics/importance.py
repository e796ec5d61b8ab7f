"""Permutation importance: how much performance is lost when one input is shuffled."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.classes import log_loss
from fivesigma.metrics.metric import Metric, Weight
from fivesigma.metrics.regression import rmse
from fivesigma.metrics.roc import auc

SUBSETS = 10
"""Disjoint subsets of the events, each permuted on its own; the error is that of their mean."""
LOSS = {"binary": "loss of AUC", "multiclass": "rise of the log-loss", "regression": "rise of the RMSE"}
"""Task → measure of importance; larger is more important."""

Score = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[Any]]
"""(features, parameters) → scores."""


def importance(
    score: Score,
    inputs: tuple[NDArray[np.float32], NDArray[np.float32]],
    target: NDArray[Any],
    weight: Weight,
    task: str,
    *,
    seed: int = 1,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Metric]:
    """Importance of every feature, then of every parameter.

    An input is permuted within each of ten subsets of the events. The importance is the mean loss of performance over
    the subsets, with its standard error, which covers the fluctuations of permutations and events. Each of several
    correlated inputs can be unimportant by this measure even if together they are not.

    Args:
        score: features and parameters as read → scores.
        inputs: features [event, feature], of which missing entries (NaN) are permuted as well; parameters
            [event, parameter].
        target, weight: [event].
        task: `binary`, `multiclass` or `regression`.
        seed: of the permutations.
        on_progress: called with the number of inputs done and the number of inputs.

    Source: Breiman, Machine Learning 45 (2001) 5, section 10.
    """
    generator = np.random.default_rng(seed)
    features, parameters = inputs
    count = features.shape[1] + parameters.shape[1]
    subsets = np.array_split(generator.permutation(len(features)), SUBSETS)
    chosen = np.concatenate(subsets)
    bounds = np.cumsum([0, *map(len, subsets)])
    features, parameters, target, weight = (array[chosen] for array in (features, parameters, target, weight))
    whole = _quality(score(features, parameters), target, weight, bounds, task)
    found = []
    for number in range(count):
        order = np.concatenate([low + generator.permutation(high - low) for low, high in pairwise(bounds)])
        mixed = [features, parameters]
        which, column = (0, number) if number < features.shape[1] else (1, number - features.shape[1])
        mixed[which] = mixed[which].copy()
        mixed[which][:, column] = mixed[which][order, column]
        losses = whole - _quality(score(*mixed), target, weight, bounds, task)
        losses = losses[np.isfinite(losses)]
        error = float(losses.std(ddof=1) / np.sqrt(len(losses))) if len(losses) > 1 else np.nan
        found.append(Metric(float(losses.mean()) if len(losses) else np.nan, error))
        on_progress(number + 1, count)
    return found


def _quality(
    score: NDArray[Any], target: NDArray[Any], weight: Weight, bounds: NDArray[np.intp], task: str
) -> NDArray[np.float64]:
    """AUC, minus log-loss or minus RMSE of every subset, [subset]."""
    measure = {"binary": auc, "multiclass": log_loss, "regression": rmse}[task]
    sign = 1.0 if task == "binary" else -1.0
    return np.array(
        [sign * measure(score[low:high], target[low:high], weight[low:high]).value for low, high in pairwise(bounds)]
    )
