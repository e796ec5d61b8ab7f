"""Count the events in which a value wraps around in a quantised network."""

from collections.abc import Callable
from dataclasses import dataclass, field

from fivesigma.assessment.base import NOTHING, Assessment, Findings
from fivesigma.reporting.deployment import wrapped_in_words
from fivesigma.scores import Scores


@dataclass
class RangeCheck(Assessment):
    """Says for each part how many events have a value outside the range of the training.

    Attributes:
        counting: part → the number of its events in which a value wraps around.
    """

    counting: Callable[[str], int]
    _sentences: list[str] = field(default_factory=list)

    def add(self, part: str, scores: Scores) -> Findings:
        """Count the events of a part; there are none among the training events, whose values set the ranges."""
        if part != "train" and (count := self.counting(part)):
            self._sentences.append(
                f"{wrapped_in_words(count, len(scores), part)}; more training events would widen the ranges"
            )
        return NOTHING

    def sentences(self) -> list[str]:
        return self._sentences
