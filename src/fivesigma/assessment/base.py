"""The interface of an assessment: one question that `evaluate` asks of the scores of every part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fivesigma.scores import Scores


@dataclass(frozen=True)
class Findings:
    """What an assessment adds to one part of the data.

    Attributes:
        metrics: for `metrics.json`.
        curves: numbers behind figures, for `curves.json`.
        columns: beside the score in the file of predictions, each [event].
    """

    metrics: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Findings()


class Assessment:
    """One question; the parts come in the order train, validation (or out of fold), test."""

    def add(self, part: str, scores: Scores) -> Findings:
        """What the scores of a part say.

        Args:
            part: `train`, `val`, `folds` (out of fold) or `test`.
            scores: of its events.
        """
        return NOTHING

    def finish(self) -> Mapping[str, Findings]:
        """Part → what all parts together say of it."""
        return {}

    def sentences(self) -> list[str]:
        """What a reader of the numbers should be told in words."""
        return []
