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
        kind: `dedicated` to one hypothesis; `no parameter`, of all hypotheses; `left out`, one of them; `extremes`, only
            the outermost ones. The first two are not given the parameters.
        hypotheses: whose signal it learns.
    """

    name: str
    kind: Literal["dedicated", "no parameter", "left out", "extremes"]
    hypotheses: tuple[Hypothesis, ...]

    @property
    def parameterised(self) -> bool:
        """Whether the network is given the parameters."""
        return self.kind in ("left out", "extremes")

    def parts(self, parts: Mapping[str, Events], known: Sequence[Hypothesis], analysis: Analysis) -> dict[str, Events]:
        """Its training and validation events: the run's own, on the same sides of the split.

        Args:
            parts: `train` and `val` of the run.
            known: all hypotheses.
            analysis: of the run.

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
            raise LeakageError(f"{int(forbidden.sum()):,} events of a hypothesis that is left out would be trained on")

    def analysis(self, analysis: Analysis) -> Analysis:
        """The run's settings for this network.

        One that is not given the parameters has none; one that is dedicated to a hypothesis, and so sees a fraction of the
        signal, gives both classes the same say, as the run's own mixture of hypotheses does, unless the analysis balances
        them already.
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
    """Which events carry the parameters of one of some hypotheses, [event]."""
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
    """Background, and the signal of some hypotheses.

    Args:
        events: training or validation events.
        kept: hypotheses whose signal stays.
        known: all hypotheses.
        parameters: of the analysis.
        parameterised: whether a network will see the parameters. Background that carries those of a hypothesis that goes
            then goes with it, unless its parameters are drawn and can be drawn anew: else it would stand where there is no
            signal, and the network would learn that.
    """
    others = [values for values in known if values not in kept]
    background = events.target == 0
    goes = ~background & ~belongs(events, kept)
    if parameterised and not drawn_anywhere(parameters):
        goes |= background & belongs(events, others)
    return events.take(np.flatnonzero(~goes)) if goes.any() else events


def without_parameters(events: Events) -> Events:
    """The same events for a network that is not given the parameters."""
    none: NDArray[Any] = np.zeros((len(events), 0), np.float32)
    return replace(events, parameters=none, parameter_names=())
