"""The interface of an assessment: what `evaluate` computes from the scores of every part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fivesigma.scores import Scores


@dataclass(frozen=True)
class Findings:
    """Results of an assessment for one part of the data.

    Attributes:
        metrics: entries of `metrics.json`.
        curves: numbers behind figures, entries of `curves.json`.
        columns: additional columns of the file of predictions, each [event].
    """

    metrics: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Findings()


class Assessment:
    """One assessment; parts are added in the order train, validation (or out of fold), test."""

    def add(self, part: str, scores: Scores) -> Findings:
        """Assess the scores of a part.

        Args:
            part: `train`, `val`, `folds` (out of fold) or `test`.
            scores: scores of its events.
        """
        return NOTHING

    def finish(self) -> Mapping[str, Findings]:
        """Part → findings that need the scores of all parts."""
        return {}

    def sentences(self) -> list[str]:
        """Sentences that a reader of the results should see."""
        return []
