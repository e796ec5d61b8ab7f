"""The muon trigger's small network as a contender, with learnt bits and in floating point; and the ranges of its values."""

import time
from typing import Any

import numpy as np

INPUTS, LAYERS = 39, [64, 64, 32]


class Training:
    """Trains one kind of network on the same events again and again.

    Args:
        events: training events.
        batch: events per gradient step.
        kind: `quantised` or `float`.
    """

    def __init__(self, events: int, batch: int, kind: str) -> None:
        from fivesigma.training.windows import Arrays

        x = np.random.default_rng(1).normal(size=(events, INPUTS)).astype(np.float32)
        ones = np.ones(events)
        self._arrays = Arrays(x, x[:, 0] - 0.5 * x[:, 1], ones, ones)
        self._batch, self._kind = batch, kind

    def _model(self) -> tuple[Any, Any]:
        """A new network, and the stages of its training."""
        from fivesigma.models.base import Inputs
        from fivesigma.models.mlp import Mlp, mlp
        from fivesigma.models.quantised import QUANTISED, Quantised

        if self._kind == "float":
            return mlp(Mlp(layers=LAYERS, activation="relu"), Inputs(INPUTS, seed=1)), None
        settings = Quantised(layers=LAYERS, beta=[1e-7])
        model = QUANTISED.build(settings, Inputs(INPUTS, seed=1))
        return model, QUANTISED.stages(settings, model)

    def run(self, epochs: int) -> dict[str, Any]:
        """Train for one epoch that warms up and `epochs` that count, the ranges at the end of each included.

        Returns:
            `rate`, events per second without the first epoch; `first`, seconds until its end, compilation included.
        """
        from fivesigma.analysis.train import Train
        from fivesigma.training import layout
        from fivesigma.training.fit import FitOptions, fit
        from fivesigma.training.problem import Problem

        layout.WORTH_IT = 0  # the events stand for those of a long training, for which devices and threads are tried
        model, stages = self._model()
        settings = Train(batch_size=self._batch, epochs=1 + epochs, optimizer="adam", learning_rate=1e-3, keep="last")
        marks: list[float] = []

        def on_epoch(row: Any, total: int) -> None:
            marks.append(time.perf_counter())

        started = time.perf_counter()
        fit(model, self._arrays, None, settings, Problem("regression"), FitOptions(on_epoch=on_epoch, stages=stages))
        return {"rate": epochs * len(self._arrays) / (marks[-1] - marks[0]), "first": marks[0] - started}

    def ranges(self) -> float:
        """Events per second whose ranges are traced, compilation not included."""
        from fivesigma.training.ranges import tracer

        model, stages = self._model()
        trace, table = tracer(model, stages), self._arrays.table()
        trainable, other = ([v.value for v in each] for each in (model.trainable_variables, model.non_trainable_variables))
        trace(trainable, other, [table[: self._batch]])
        started = time.perf_counter()
        trace(trainable, other, [table])
        return len(table) / (time.perf_counter() - started)

    def ranges_of_hgq(self) -> float:
        """The same by HGQ2's own function, which runs operation by operation."""
        from hgq.utils import trace_minmax

        model, _ = self._model()
        x = self._arrays.x[: 20 * self._batch]
        trace_minmax(model, x[: self._batch])
        started = time.perf_counter()
        trace_minmax(model, x)
        return len(x) / (time.perf_counter() - started)
