"""Training events of comparison networks: of some hypotheses only, or without parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.parameters import Parameter
from fivesigma.errors import LeakageError
from fivesigma.events import Events, carries
from fivesigma.preparation.parameters import assign, drawn_anywhere, signal_rows

Hypothesis = tuple[float, ...]


@dataclass(frozen=True)
class ComparisonNetwork:
    """A network to compare with that of the run, trained on a part of the run's own training events.

    Attributes:
        name: names its folder.
        kind: `dedicated` (one hypothesis), `no parameter` (all hypotheses), `left out` (all but one) or `extremes` (only
            the smallest and the largest). The first two do not get the parameters as inputs.
        hypotheses: the hypotheses whose signal it learns.
    """

    name: str
    kind: Literal["dedicated", "no parameter", "left out", "extremes"]
    hypotheses: tuple[Hypothesis, ...]

    @property
    def parameterised(self) -> bool:
        """Whether the parameters are inputs of the network."""
        return self.kind in ("left out", "extremes")

    def parts(self, parts: Mapping[str, Events], known: Sequence[Hypothesis], analysis: Analysis) -> dict[str, Events]:
        """Its training and validation events: those of the run, on the same sides of the split.

        Args:
            parts: `train` and `val` of the run.
            known: all hypotheses.
            analysis: the analysis of the run.

        Raises:
            LeakageError: if an event of another hypothesis is left.
        """
        found = {
            part: only(events, self.hypotheses, known, analysis.parameters, self.parameterised)
            for part, events in parts.items()
            if part in ("train", "val")
        }
        if self.parameterised and drawn_anywhere(analysis.parameters):
            signal = signal_rows(found["train"])
            found = {part: assign(events, analysis.parameters, signal) for part, events in found.items()}
        for events in found.values():
            self._check(events, known, analysis.parameters)
        return found if self.parameterised else {part: without_parameters(events) for part, events in found.items()}

    def _check(self, events: Events, known: Sequence[Hypothesis], parameters: Mapping[str, Parameter]) -> None:
        others = [values for values in known if values not in self.hypotheses]
        forbidden = belongs(events, others) & (events.target == 1)
        if self.parameterised and {parameter.background for parameter in parameters.values()} in ({"given"}, {"signal"}):
            forbidden |= belongs(events, others)  # of parameters that come in other ways, background combines what it likes
        if forbidden.any():
            raise LeakageError(
                f"{int(forbidden.sum()):,} events of a hypothesis that is left out are among the training events"
            )

    def analysis(self, analysis: Analysis) -> Analysis:
        """The run's settings for this network.

        A network without the parameters has no section `parameters`. One that is dedicated to a hypothesis sees only a
        fraction of the signal; unless the analysis balances the classes already, it gives both the same total weight, as
        in the run's own mixture of hypotheses.
        """
        if self.parameterised:
            return analysis
        names = set(analysis.parameters)
        balance = [name for name in analysis.train.balance if name not in names]
        train = analysis.train.model_copy(update={"balance": balance})
        prepare = analysis.prepare
        if self.kind == "dedicated" and not (prepare.class_weights or prepare.resample or balance):
            prepare = prepare.model_copy(update={"class_weights": "balanced"})
        return analysis.model_copy(update={"parameters": {}, "train": train, "prepare": prepare})


def belongs(events: Events, hypotheses: Sequence[Hypothesis]) -> NDArray[np.bool_]:
    """Whether each event has the parameters of one of these hypotheses, [event]."""
    found = np.zeros(len(events), bool)
    for values in hypotheses:
        found |= carries(events.parameters, values)
    return found


def only(
    events: Events,
    kept: Sequence[Hypothesis],
    known: Sequence[Hypothesis],
    parameters: Mapping[str, Parameter],
    parameterised: bool,
) -> Events:
    """Select the background, and the signal of some hypotheses.

    Args:
        events: training or validation events.
        kept: hypotheses whose signal stays.
        known: all hypotheses.
        parameters: of the analysis.
        parameterised: whether the parameters are inputs of the network. Background with the parameters of a hypothesis
            that is removed is then removed too, unless its parameters are drawn and can be drawn again: otherwise there
            would be only background at these parameters, and the network would learn that.
    """
    others = [values for values in known if values not in kept]
    background = events.target == 0
    goes = ~background & ~belongs(events, kept)
    if parameterised and not drawn_anywhere(parameters):
        goes |= background & belongs(events, others)
    return events.take(np.flatnonzero(~goes)) if goes.any() else events


def without_parameters(events: Events) -> Events:
    """The same events for a network without the parameters."""
    none: NDArray[Any] = np.zeros((len(events), 0), np.float32)
    return replace(events, parameters=none, parameter_names=())
