"""The networks of all folds, as `fivesigma train` makes them with `split.folds`."""

import tempfile
import time
from pathlib import Path


class Folds:
    """Trains the article's network on all folds but one, for each fold.

    Args:
        source: the file of the events.
        events: so many of them.
        folds: how many.
        epochs: of each network.
    """

    def __init__(self, source: str, events: int, folds: int, epochs: int) -> None:
        import numpy as np

        from fivesigma.analysis.file import load
        from fivesigma.data.load import load_samples
        from fivesigma.preparation.folds import FoldAssignment

        self._analysis = load("hepmass-article", {"split.folds": folds, "train.epochs": epochs}, {"train": source})
        found = load_samples(self._analysis)[0].events
        chosen = found.take(np.arange(min(events, len(found))))
        self._division = FoldAssignment(chosen, self._analysis.split, self._analysis.parameters)

    def run(self, workers: int) -> dict[str, float]:
        """Train all folds once, in a run folder of its own: `seconds`, the start of the workers included."""
        from fivesigma.cluster.executor import Workers
        from fivesigma.progress import Listener
        from fivesigma.runs.folder import RunFolder
        from fivesigma.training.fold_training import train_folds

        with tempfile.TemporaryDirectory() as place:
            folder = RunFolder.create(Path(place), self._analysis, "benchmark")
            started = time.perf_counter()
            train_folds(folder, self._analysis, self._division, Listener(), Workers(workers))
            return {"seconds": time.perf_counter() - started}
