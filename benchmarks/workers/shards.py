"""Training of the same events from shards and in memory, as contenders."""

import tempfile
import time
from typing import Any

from benchmarks.workers.journey import FEATURES

TEST, VALIDATION = 0.01, 0.02
"""Shares; both contenders judge the validation events after every epoch."""


class Training:
    """Trains the article's network; a new process for each time shows the memory it takes."""

    def prepare(self, path: str, folder: str) -> None:
        """Write the shards of a table."""
        import fivesigma

        fivesigma.prepare(_analysis(path), destination=folder)

    def in_memory(self, path: str, batch: int, epochs: int) -> dict[str, float]:
        """Rate with all events of the table in memory."""
        return _rate(_analysis(path), {}, batch, epochs)

    def from_shards(self, path: str, folder: str, window: int, batch: int, epochs: int) -> dict[str, float]:
        """Rate with so many events in memory at a time."""
        # The one place that knows how a training is told to read shards.
        settings = {"shards": folder, "train.window": window}
        return _rate(_analysis(path), settings, batch, epochs)


def _analysis(path: str) -> dict[str, Any]:
    return {
        "name": "shards",
        "features": [f"f{i}" for i in range(FEATURES)],
        "labels": "label",
        "samples": {"events": {"files": [path]}},
        "model": {"layers": [112, 112, 112]},
        "split": {"test": TEST, "val": VALIDATION},
    }


def _rate(analysis: dict[str, Any], settings: dict[str, Any], batch: int, epochs: int) -> dict[str, float]:
    """`rate`, epochs per second without the first one, which compiles."""
    import fivesigma

    marks: list[float] = []

    class Clock(fivesigma.Listener):
        def epoch(self, row: dict[str, float], epochs: int) -> None:
            marks.append(time.perf_counter())

    more = {"train.epochs": 1 + epochs, "train.batch_size": batch, "train.keep": "last"}
    with tempfile.TemporaryDirectory() as folder:
        fivesigma.train(analysis, {**settings, **more}, output=folder, listener=Clock())
    return {"rate": epochs / (marks[-1] - marks[0])}
