"""Keras on JAX as a contender: `fit` as the article writes it, and with several steps per execution."""

import time
from typing import Any

from benchmarks.network import keras_model, problem


class Training:
    """Trains the article's network on the same events again and again.

    Args:
        events: training events.
        batch: events per gradient step.
    """

    def __init__(self, events: int, batch: int) -> None:
        self._x, self._y = problem(events)
        self._batch = batch
        self._models: dict[int, Any] = {}
        self._first: dict[int, float] = {}

    def run(self, epochs: int, steps_per_execution: int = 1) -> dict[str, float]:
        """Train for `epochs`, after one more epoch at the first call, which compiles.

        Returns:
            `rate`, events per second from the beginning of the first counted epoch to the end of the last;
            `first`, seconds of the epoch that compiles.
        """
        if steps_per_execution not in self._models:
            self._models[steps_per_execution] = keras_model(steps_per_execution=steps_per_execution)
            started = time.perf_counter()
            self._fit(steps_per_execution, 1)
            self._first[steps_per_execution] = time.perf_counter() - started
        seconds = self._fit(steps_per_execution, epochs)
        return {"rate": epochs * len(self._x) / seconds, "first": self._first[steps_per_execution]}

    def best_steps(self, candidates: list[int]) -> dict[str, Any]:
        """The steps per execution with the highest rate, and the rates of all."""
        rates = {steps: self.run(1, steps)["rate"] for steps in candidates if steps * self._batch <= len(self._x)}
        return {"best": max(rates, key=rates.__getitem__), "rates": rates}

    def _fit(self, steps: int, epochs: int) -> float:
        """Seconds of some epochs, without what `fit` does before the first and after the last."""
        from fivesigma.models.backend import keras

        class Clock(keras().callbacks.Callback):  # type: ignore[misc]
            started = ended = 0.0

            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.started = self.started or time.perf_counter()

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                self.ended = time.perf_counter()

        clock = Clock()
        self._models[steps].fit(self._x, self._y, batch_size=self._batch, epochs=epochs, verbose=0, callbacks=[clock])
        return clock.ended - clock.started
