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
        self._outside: dict[str, list[float]] = {}
        self._inside: set[str] = set()

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
            if against[observer]:
                self._inside.add(observer)
            else:
                values = np.asarray(scores.observers[observer], np.float64)
                self._outside.setdefault(observer, []).extend(_range(values[np.isfinite(values)]))
        if self._analysis.split.folds is not None and "fold" in scores.observers:
            edges = fold_edges(self._analysis.split.folds)
            against["fold"] = in_bins(scores, "fold", edges, settings.threshold)
        return Findings(metrics | ({"against": against} if against else {}), drawn)

    def sentences(self) -> list[str]:
        """Sentences on observers that have no event in any bin, in any part."""
        said = []
        for observer, values in self._outside.items():
            if values and observer not in self._inside:
                edges = self._analysis.evaluate.against[observer]
                said.append(
                    f"no event has {observer} between {edges[0]:g} and {edges[-1]:g}, the bins of evaluate.against: its "
                    f"values lie between {min(values):g} and {max(values):g}, perhaps in another unit"
                )
        return said

    def _of_all(self, ranked: Scores) -> tuple[dict[str, Any], dict[str, Any]]:
        """Metrics and curves of a part, from events that are in the order of their scores."""
        settings = self._analysis.evaluate
        metrics = summarise(ranked, settings.threshold, settings.bootstrap)
        if len(self._shares):
            metrics["training_balance"] = at_training_balance(ranked, self._shares)
        return metrics, curves(ranked, settings.threshold, self._edges)


def _range(values: NDArray[np.float64]) -> list[float]:
    """The smallest and the largest value; nothing if there is none."""
    return [float(values.min()), float(values.max())] if len(values) else []
