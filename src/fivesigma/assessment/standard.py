"""The standard metrics and curves of every part, also in bins of observers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.assessment.base import Assessment, Findings
from fivesigma.metrics.balance import at_training_balance
from fivesigma.metrics.curves import at_hypotheses, curves, edges_of_residuals
from fivesigma.metrics.summary import by_score, in_bins, summarise
from fivesigma.scores import Scores
from fivesigma.training.fold_training import fold_edges


class StandardMetrics(Assessment):
    """Every metric of the task, also per class, per hypothesis and in bins of observers.

    Args:
        analysis: analysis of the run.
        shares: fraction of the training's sum of weights in each class, [class]; empty for a regression.
    """

    def __init__(self, analysis: Analysis, shares: Sequence[float] = ()) -> None:
        self._analysis, self._shares = analysis, shares
        self._edges: NDArray[np.float64] | None = None

    def add(self, part: str, scores: Scores) -> Findings:
        settings = self._analysis.evaluate
        if self._edges is None and scores.task == "regression":
            self._edges = edges_of_residuals(scores)
        metrics, drawn = self._of_all(by_score(scores))
        if scores.at_hypothesis:
            metrics["per_parameter"], drawn["roc_at"] = at_hypotheses(scores, settings.threshold)
        against: dict[str, Any] = {}
        for observer, edges in settings.against.items():
            against[observer] = in_bins(scores, observer, edges, settings.threshold)
        if self._analysis.split.folds is not None and "fold" in scores.observers:
            edges = fold_edges(self._analysis.split.folds)
            against["fold"] = in_bins(scores, "fold", edges, settings.threshold)
        return Findings(metrics | ({"against": against} if against else {}), drawn)

    def _of_all(self, ranked: Scores) -> tuple[dict[str, Any], dict[str, Any]]:
        """Metrics and curves of a part, from events that are in the order of their scores."""
        settings = self._analysis.evaluate
        metrics = summarise(ranked, settings.threshold, settings.bootstrap)
        if len(self._shares):
            metrics["training_balance"] = at_training_balance(ranked, self._shares)
        return metrics, curves(ranked, settings.threshold, self._edges)
