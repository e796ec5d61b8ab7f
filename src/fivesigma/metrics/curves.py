"""Numbers behind the figures: ROC curves, distributions of scores and residuals, response maps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.histogram import histogram
from fivesigma.metrics.intervals import clopper_pearson, shares
from fivesigma.metrics.regression import half_width_68
from fivesigma.metrics.roc import roc
from fivesigma.metrics.summary import at_each_hypothesis, at_hypothesis
from fivesigma.scores import Scores

MOST_POINTS = 400


def curves(scores: Scores, threshold: float, residual_edges: NDArray[np.float64] | None = None) -> dict[str, Any]:
    """The curves of one part of the data, for JSON.

    Args:
        scores: scores of the part.
        threshold: an event with at least this score counts as signal.
        residual_edges: bins of the residuals of a regression, the same for all parts; by default those of this part.

    Returns:
        For two classes `roc`, `scores` and `calibration`; for several `scores` of every output; for a regression
        `residual` and `response`.
    """
    if scores.task == "regression":
        return _regression(scores, edges_of_residuals(scores) if residual_edges is None else residual_edges)
    if scores.task == "multiclass":
        return {"scores": _scores_per_class(scores)}
    return {
        "roc": thinned_roc(scores.score, scores.target, scores.weight),
        "scores": score_histograms(scores),
        "calibration": calibration(scores.score, scores.target, scores.weight),
        "threshold": threshold,
    }


def at_hypotheses(scores: Scores, threshold: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metrics and ROC curve at each hypothesis, from scores that are sorted once.

    Args:
        scores: of one part of the data.
        threshold: an event with at least this score counts as signal.

    Returns:
        Hypothesis → its metrics as by `per_parameter`, and hypothesis → its ROC curve.
    """

    def both(
        values: Mapping[str, float], score: NDArray[Any], target: NDArray[Any], weight: NDArray[Any]
    ) -> tuple[dict[str, Any], dict[str, list[float]]]:
        return at_hypothesis(values, score, target, weight, threshold), thinned_roc(score, target, weight)

    found = at_each_hypothesis(scores, both, most=1)  # the other cores are busy with other assessments
    return {name: row for name, (row, _) in found.items()}, {name: curve for name, (_, curve) in found.items()}


def thinned_roc(score: NDArray[Any], target: NDArray[Any], weight: NDArray[Any]) -> dict[str, list[float]]:
    """A ROC curve of a few hundred points, dense at small background efficiencies.

    Returns:
        `signal` and `background` efficiency, [point], and the 68 % limits of the latter, `low` and `high`: those of Clopper
        and Pearson for the effective number of background events.
    """
    curve = roc(score, target, weight)
    levels = np.concatenate([np.logspace(-5, 0, MOST_POINTS // 2), np.linspace(0, 1, MOST_POINTS // 2)])
    by_background = np.searchsorted(curve.background, levels)
    by_signal = np.searchsorted(curve.signal, np.linspace(0, 1, MOST_POINTS // 4))
    index = np.unique(np.concatenate([[0], by_background, by_signal, [len(curve.signal) - 1]]))
    index = index[index < len(curve.signal)]
    background = np.asarray(weight, np.float64)[target == 0]
    squares = float((background**2).sum())
    events = background.sum() ** 2 / squares if squares > 0 else 0.0
    low, high = clopper_pearson(curve.background[index] * events, events)
    return {
        "signal": curve.signal[index].tolist(),
        "background": curve.background[index].tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
    }


def score_histograms(scores: Scores, bins: int = 50) -> dict[str, Any]:
    """Distribution of the score for each true class."""
    edges = np.linspace(0, 1, bins + 1)
    return {
        name: histogram(scores.score[member], scores.weight[member], edges).to_dict()
        for i, name in enumerate(scores.classes)
        for member in [scores.target == i]
    }


def _scores_per_class(scores: Scores, bins: int = 40) -> dict[str, Any]:
    """Distribution of each output for each true class."""
    edges = np.linspace(0, 1, bins + 1)
    return {
        output: {
            name: histogram(scores.score[member, j], scores.weight[member], edges).to_dict()
            for i, name in enumerate(scores.classes)
            for member in [scores.target == i]
        }
        for j, output in enumerate(scores.classes)
    }


def calibration(score: NDArray[Any], target: NDArray[Any], weight: NDArray[Any], bins: int = 20) -> dict[str, list[Any]]:
    """Fraction of signal in bins of the score, which equals the score for a calibrated network.

    Returns:
        Mean `score` of each bin with events, fraction of signal `share` and its limits `low` and `high` (Clopper–Pearson).
    """
    index = np.clip((score * bins).astype(int), 0, bins - 1)
    total = np.bincount(index, weights=weight, minlength=bins)
    mean = np.bincount(index, weights=weight * score, minlength=bins)
    filled = total > 0
    found = shares(target == 1, weight, index, bins)
    limits = {"share": found.value, "low": found.low, "high": found.high}
    return {"score": (mean[filled] / total[filled]).tolist(), **{key: v[filled].tolist() for key, v in limits.items()}}


def edges_of_residuals(scores: Scores, bins: int = 80) -> NDArray[np.float64]:
    """Bin edges for the residuals of a regression: six times `half_width_68` on both sides of zero."""
    residual = scores.score - scores.target.astype(np.float64)
    width = half_width_68(residual, scores.weight).value
    end = 6 * width if width > 0 else float(np.abs(residual).max(initial=0.0)) or 1.0
    return np.linspace(-end, end, bins + 1)


def _regression(scores: Scores, edges: NDArray[np.float64]) -> dict[str, Any]:
    target = scores.target.astype(np.float64)
    residual = histogram(scores.score - target, scores.weight, edges)
    both = np.concatenate([target, scores.score])
    low, high = np.quantile(both, [0.0005, 0.9995]) if len(both) else (0.0, 1.0)
    axis = np.linspace(low, high if high > low else low + 1, 61)
    counts, _, _ = np.histogram2d(target, scores.score, bins=(axis, axis), weights=scores.weight)
    outside = (np.minimum(target, scores.score) < axis[0]) | (np.maximum(target, scores.score) > axis[-1])
    return {
        "residual": residual.to_dict(),
        "response": {"edges": axis.tolist(), "counts": counts.tolist(), "events_outside": int(outside.sum())},
    }
