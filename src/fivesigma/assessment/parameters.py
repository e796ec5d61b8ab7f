"""Check that background events carry their parameters alike in every part."""

from fivesigma.assessment.base import NOTHING, Assessment, Findings
from fivesigma.metrics.parameter_checks import Carried, parameter_sentences
from fivesigma.scores import Scores


class ParameterCheck(Assessment):
    """Compares the parameters of the parts; says so where they differ, or tell signal from background by themselves."""

    def __init__(self) -> None:
        self._carried: dict[str, Carried] = {}

    def add(self, part: str, scores: Scores) -> Findings:
        if scores.task == "binary" and scores.parameter_names:
            self._carried[part] = Carried(scores)
        return NOTHING

    def sentences(self) -> list[str]:
        return parameter_sentences(self._carried)
