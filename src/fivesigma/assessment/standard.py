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
        self._empty: dict[str, list[tuple[float, float]]] = {}

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
            self._look(observer, scores, found=bool(against[observer]))
        if self._analysis.split.folds is not None and "fold" in scores.observers:
            edges = fold_edges(self._analysis.split.folds)
            against["fold"] = in_bins(scores, "fold", edges, settings.threshold)
        return Findings(metrics | ({"against": against} if against else {}), drawn)

    def _look(self, observer: str, scores: Scores, *, found: bool) -> None:
        """Remember between which values an observer lies, until some event is in a bin."""
        seen = self._empty.setdefault(observer, [])
        values = np.asarray(scores.observers[observer], np.float64)
        values = values[np.isfinite(values)]
        if found:
            seen.append((np.nan, np.nan))
        elif len(values):
            seen.append((float(values.min()), float(values.max())))

    def sentences(self) -> list[str]:
        """Sentences on observers of which no event is in any bin."""
        said = []
        for observer, seen in self._empty.items():
            if seen and np.isfinite(seen).all():
                edges = self._analysis.evaluate.against[observer]
                said.append(
                    f"evaluate.against: no event has {observer} between {edges[0]:g} and {edges[-1]:g}; it lies between "
                    f"{min(low for low, _ in seen):g} and {max(high for _, high in seen):g}: is it in another unit?"
                )
        return said

    def _of_all(self, ranked: Scores) -> tuple[dict[str, Any], dict[str, Any]]:
        """Metrics and curves of a part, from events that are in the order of their scores."""
        settings = self._analysis.evaluate
        metrics = summarise(ranked, settings.threshold, settings.bootstrap)
        if len(self._shares):
            metrics["training_balance"] = at_training_balance(ranked, self._shares)
        return metrics, curves(ranked, settings.threshold, self._edges)
