"""Check the distributions of the parameters of background events in all parts."""

from collections.abc import Mapping

from fivesigma.analysis.parameters import Parameter
from fivesigma.assessment.base import NOTHING, Assessment, Findings
from fivesigma.metrics.parameter_checks import Carried, parameter_sentences
from fivesigma.preparation.parameters import drawn_from_signal
from fivesigma.scores import Scores


class ParameterCheck(Assessment):
    """Reports parameters whose distribution in the background differs between parts, or separates signal by itself.

    Args:
        parameters: the section `parameters`.
    """

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self._drawn = drawn_from_signal(parameters)
        self._carried: dict[str, Carried] = {}

    def add(self, part: str, scores: Scores) -> Findings:
        if scores.task == "binary" and scores.parameter_names:
            self._carried[part] = Carried(scores)
        return NOTHING

    def sentences(self) -> list[str]:
        return parameter_sentences(self._carried, self._drawn)
