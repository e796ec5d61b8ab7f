"""Count the events of which a value wraps around in a quantised network."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from fivesigma.assessment.base import NOTHING, Assessment, Findings
from fivesigma.events import Events
from fivesigma.reporting.deployment import wrapped_in_words
from fivesigma.scores import Scores
from fivesigma.training.network import Network


@dataclass
class RangeCheck(Assessment):
    """Events outside the ranges that all values had in the training, in a sentence for each part that has some.

    Attributes:
        network: a quantised one.
        events: part → its events, in pieces.
    """

    network: Network
    events: Callable[[str], Iterable[Events]]
    _sentences: list[str] = field(default_factory=list)

    def add(self, part: str, scores: Scores) -> Findings:
        """Count those of a part; no training event is one, as the ranges are those of the training events."""
        if part == "train":
            return NOTHING
        count = sum(int(self.network.wraps_around(each.features, each.parameters).sum()) for each in self.events(part))
        if count:
            self._sentences.append(
                f"{wrapped_in_words(count, len(scores), part)}; more training events would widen the ranges"
            )
        return NOTHING

    def sentences(self) -> list[str]:
        return self._sentences
