"""Read, train, evaluate: what a run does with its events, as one piece of work."""

import tempfile
import time
from pathlib import Path

import numpy as np

FEATURES = 28
BLOCK = 250_000


class RunSession:
    """Takes a table of random events through reading, training for one epoch, and evaluation."""

    def write(self, path: str, events: int, first: int = 0) -> None:
        """Write a table of two overlapping Gaussians, a block at a time; its event numbers begin with `first`."""
        from fivesigma.data.write import write_columns

        def blocks():  # type: ignore[no-untyped-def]
            generator = np.random.default_rng([1, first])
            for start in range(0, events, BLOCK):
                count = min(BLOCK, events - start)
                label = generator.integers(0, 2, count).astype(np.float32)
                columns = {f"f{i}": generator.standard_normal(count, np.float32) + 0.25 * label for i in range(FEATURES)}
                yield {"label": label, **columns, "event_number": np.arange(first + start, first + start + count)}

        write_columns(Path(path), blocks(), replace=True)

    def run(self, path: str, batch: int) -> dict[str, float]:
        """Wall time of reading, training and evaluation, in a new run folder."""
        from fivesigma.analysis.file import load
        from fivesigma.runs.context import RunContext
        from fivesigma.runs.session import RunSession
        from fivesigma.verbs.evaluate import assess
        from fivesigma.verbs.train import trained

        analysis = load(
            {
                "name": "growth",
                "features": [f"f{i}" for i in range(FEATURES)],
                "labels": "label",
                "samples": {"events": {"files": [path]}},
                "model": {"layers": [112, 112, 112]},
                "train": {"epochs": 1, "batch_size": batch},
            }
        )
        with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
            started = time.perf_counter()
            session = RunSession.start(analysis, RunContext(Path(folder)), needs="run", new=True)
            assess(session, trained(session))
            return {"seconds": time.perf_counter() - started}
