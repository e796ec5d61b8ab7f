"""fivesigma's training loop as a contender."""

import time
from typing import Any

import numpy as np

from benchmarks.network import INPUTS, LAYERS, RATE, problem


class Training:
    """Trains the article's network on the same events again and again.

    Args:
        events: training events.
        batch: events per gradient step.
    """

    def __init__(self, events: int, batch: int) -> None:
        from fivesigma.training.fit import Arrays

        x, y = problem(events)
        ones = np.ones(events)
        self._arrays = Arrays(x, y, ones, ones)
        self._batch = batch

    def run(self, epochs: int) -> dict[str, Any]:
        """Train for one epoch that warms up and `epochs` that count.

        Returns:
            `rate`, events per second without the first epoch; `first`, seconds until its end, compilation
            included; `layout`, the devices and their threads that were fastest in the trial.
        """
        from fivesigma.analysis.train import Train
        from fivesigma.training import layout

        layout.WORTH_IT = 0  # the events stand for those of a long training, for which devices and threads are tried
        from fivesigma.models.base import Inputs
        from fivesigma.models.mlp import Mlp, mlp
        from fivesigma.training.fit import FitOptions, fit
        from fivesigma.training.problem import Problem

        model = mlp(Mlp(layers=list(LAYERS), activation="relu"), Inputs(INPUTS, link="sigmoid", seed=1))
        settings = Train(batch_size=self._batch, epochs=1 + epochs, optimizer="adam", learning_rate=RATE, keep="last")
        marks: list[float] = []
        chosen: list[str] = []

        def on_epoch(row: Any, total: int) -> None:
            marks.append(time.perf_counter())

        def on_layout(found: Any, rates: Any) -> None:
            chosen.append(str(found))

        started = time.perf_counter()
        fit(model, self._arrays, None, settings, Problem("binary"), FitOptions(on_epoch=on_epoch, on_layout=on_layout))
        rate = epochs * len(self._arrays) / (marks[-1] - marks[0])
        return {"rate": rate, "first": marks[0] - started, "layout": chosen[0]}
