"""Measure how much the networks of different folds disagree on new events."""

from fivesigma.analysis.analysis import Analysis
from fivesigma.assessment.base import NOTHING, Assessment, Findings
from fivesigma.events import Events
from fivesigma.metrics.summary import of_one_network
from fivesigma.scores import Scores
from fivesigma.training.fold_training import spread_columns
from fivesigma.training.folds import Folds


class FoldSpread(Assessment):
    """Metrics of single networks, and a column with the spread of their scores.

    Args:
        analysis: of the run.
        folds: the networks.
        test: the test events, or None.
    """

    def __init__(self, analysis: Analysis, folds: Folds, test: Events | None) -> None:
        self._analysis, self._folds, self._test = analysis, folds, test

    def add(self, part: str, scores: Scores) -> Findings:
        if part != "test" or self._test is None:
            return NOTHING
        each = self._folds.each(self._test.features, self._test.parameters)
        alone = of_one_network(scores, each, self._analysis.evaluate.threshold)
        return Findings({"one_network": alone}, columns=spread_columns(scores, each))
