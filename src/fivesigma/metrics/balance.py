"""Metrics of a classifier at the class fractions of its training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.classes import log_losses
from fivesigma.metrics.metric import Metric, weighted_mean
from fivesigma.metrics.roc import auc
from fivesigma.scores import Scores


def at_training_balance(scores: Scores, shares: Sequence[float] | NDArray[np.float64]) -> dict[str, Any]:
    """Log-loss at the class fractions of the training, beside that of a constant answer.

    Class weights and resampling change the class fractions that a classifier learns. On events with other fractions its
    outputs are not the class probabilities, and accuracy and log-loss can be worse than those of a constant answer even
    for a good network.

    Args:
        scores: scores of one part of the data.
        shares: fraction of the training's sum of weights in each class, [class].

    Returns:
        `shares`; `log_loss`; `log_loss_of_constant`, which predicts `shares` for every event; `gain`, their difference on
        the same events; and `auc`, for more than two classes the mean AUC of each class against all others.

    >>> scores = Scores(np.array([0.2, 0.6, 0.8]), np.array([0, 0, 1]), np.ones(3), ("b", "s"))
    >>> round(at_training_balance(scores, [0.5, 0.5])["log_loss_of_constant"].value, 4)
    0.6931
    """
    member = scores.target.astype(np.intp)
    sums = np.bincount(member, scores.weight, len(scores.classes))
    wanted = np.where(sums > 0, np.asarray(shares, np.float64), 0.0)
    wanted = wanted / (wanted.sum() or 1.0)
    weight = scores.weight * np.divide(wanted, sums, out=np.zeros(len(sums)), where=sums > 0)[member]
    own = log_losses(scores.score, scores.target)
    constant = -np.log(np.where(wanted > 0, wanted, 1.0))[member]
    return {
        "shares": dict(zip(scores.classes, wanted.tolist(), strict=True)),
        "log_loss": weighted_mean(own, weight),
        "log_loss_of_constant": weighted_mean(constant, weight),
        "gain": weighted_mean(constant - own, weight),
        "auc": _mean_area(scores),
    }


def _mean_area(scores: Scores) -> Metric:
    """Mean AUC of each class against all others; the errors of the AUCs are taken as fully correlated."""
    if scores.score.ndim == 1:
        return auc(scores.score, scores.target, scores.weight)
    columns = enumerate(scores.score.T)
    areas = [auc(column, (scores.target == i).astype(int), scores.weight) for i, column in columns]
    areas = [area for area in areas if np.isfinite(area.value)]
    if not areas:
        return Metric(np.nan, np.nan)
    return Metric(float(np.mean([area.value for area in areas])), float(np.mean([area.error for area in areas])))
