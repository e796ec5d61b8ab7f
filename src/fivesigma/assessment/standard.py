"""The standard metrics and curves of every part, also in bins of observers."""

from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.assessment.base import Assessment, Findings
from fivesigma.errors import AnalysisError
from fivesigma.metrics.curves import curves
from fivesigma.metrics.summary import in_bins, summarise
from fivesigma.scores import Scores
from fivesigma.training.fold_training import fold_edges


class StandardMetrics(Assessment):
    """Every metric of the task, per class, per hypothesis and in bins.

    Args:
        analysis: of the run.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def add(self, part: str, scores: Scores) -> Findings:
        settings = self._analysis.evaluate
        metrics = summarise(scores, settings.threshold, settings.bootstrap)
        against: dict[str, Any] = {}
        for observer, edges in settings.against.items():
            if observer not in scores.observers:
                raise AnalysisError(
                    f"evaluate.against: {observer!r} is not an observer", hint=f"add {observer!r} to `observers`"
                )
            against[observer] = in_bins(scores, observer, edges, settings.threshold)
        if self._analysis.split.folds is not None and "fold" in scores.observers:
            edges = fold_edges(self._analysis.split.folds)
            against["fold"] = in_bins(scores, "fold", edges, settings.threshold)
        return Findings(metrics | ({"against": against} if against else {}), curves(scores, settings.threshold))
