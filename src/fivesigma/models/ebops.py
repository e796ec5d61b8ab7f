"""Cost and ranges of a quantised network, and the steps in which its training makes it cheaper."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fivesigma import extras
from fivesigma.errors import OverBudget
from fivesigma.models.fixed_point import quantised_layers
from fivesigma.models.stages import Arrays, Stages


class RisingPenalty(Stages):
    """The strength β of the penalty on the cost rises from stage to stage.

    Values of a layer wrap around in the firmware, so that each needs enough bits in front of the point for every event.
    `trace` finds how many, as `hgq.utils.trace_minmax` does, in one compiled program.

    Args:
        model: with layers of HGQ2.
        beta: strength of each stage.
        budget: most EBOPs of the network that is kept; None for the last stage's.
    """

    def __init__(self, model: Any, beta: Sequence[float], budget: float | None = None) -> None:
        hgq = extras.hgq()
        self.count, self._model, self._betas, self._budget = len(beta), model, tuple(beta), budget
        self._tracing = hgq.utils.minmax_trace.TrainingFlagWrapper("tracing")
        place = {id(variable): i for i, variable in enumerate(model.non_trainable_variables)}
        costly = quantised_layers(model)
        self._beta = [place[id(layer._beta)] for layer in costly]
        self._ebops = [place[id(layer._ebops)] for layer in costly]
        wrapping = [each for each in _below(model) if hasattr(each, "_i_decay_speed") and each.trainable]
        self._first = {place[id(each._i)]: -1e9 for each in wrapping} | {place[id(each._k)]: 0 for each in wrapping}

    def begin(self, stage: int, other: Arrays) -> Arrays:
        return _with(other, dict.fromkeys(self._beta, self._betas[stage]))

    def reset(self, other: Arrays) -> Arrays:
        return _with(other, self._first)

    def trace(self, trainable: Arrays, other: Arrays, x: Any) -> Arrays:
        seen: Arrays = self._model.stateless_call(trainable, other, x, training=self._tracing)[1]
        return seen

    def measure(self, stage: int, other: Arrays) -> dict[str, float]:
        """`beta`, and `ebops`: the sum over the layers of the products of the bits that are multiplied or added."""
        return {"beta": self._betas[stage], "ebops": float(sum(int(other[i]) for i in self._ebops))}

    def choose(self, rows: Sequence[Mapping[str, float]], values: Sequence[float]) -> int:
        if self._budget is None:
            return len(rows) - 1
        within = [i for i, row in enumerate(rows) if row["ebops"] <= self._budget]
        if not within:
            least = min(rows, key=lambda row: row["ebops"])
            raise OverBudget(
                f"no step of the training is within model.budget of {self._budget:,.0f} EBOPs: the cheapest network, at "
                f"beta {least['beta']:g}, costs {least['ebops']:,.0f}",
                hint=f"add a stronger penalty to model.beta, such as {_stronger(rows, self._budget):.0e}, train longer, or "
                "raise the budget; the networks of all steps are in the run's folder `front`, with folds in "
                "`folds/fold-1/front` and so on",
            )
        return min(within, key=lambda i: values[i])


def weight_count(model: Any) -> int:
    """The number of weights and biases of a network, without the numbers of bits that a quantised one has learnt.

    Args:
        model: any `keras.Model`.
    """
    bits = {id(v): v for layer in model._flatten_layers() if _is_quantiser(layer) for v in layer.variables}
    bits |= {id(v): v for layer in quantised_layers(model) for v in (layer._beta, layer._ebops)}
    return int(model.count_params() - sum(int(np.prod(variable.shape)) for variable in bits.values()))


def _is_quantiser(layer: Any) -> bool:
    return type(layer).__module__.startswith("hgq.quantizer")


def _stronger(rows: Sequence[Mapping[str, float]], budget: float) -> float:
    """A strength to try next: the cost falls at most as fast as the strength rises."""
    return rows[-1]["beta"] * max(3.0, 2 * min(row["ebops"] for row in rows) / budget)


def _below(layer: Any) -> Iterator[Any]:
    """A layer and all layers inside it."""
    yield layer
    for inner in layer._layers:
        yield from _below(inner)


def _with(other: Arrays, values: Mapping[int, float]) -> Arrays:
    """The arrays with some of them filled with a value."""
    return [np.full(np.shape(a), values[i], a.dtype) if i in values else a for i, a in enumerate(other)]
