"""A trained run with many test events, as a contender: `evaluate` and `report`."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MASSES = (500, 750, 1000, 1250, 1500)
FEATURES = 6


class Evaluation:
    """Trains a small network once; each evaluation is a new process."""

    def prepare(self, folder: str, events: int) -> str:
        """Write events, train for two epochs; the run."""
        import fivesigma as fs

        place, generator = Path(folder), np.random.default_rng(1)
        for name, number in (("train", max(events // 12, 10_000)), ("test", events)):
            _write(place / f"{name}.parquet", number, generator)
        run = fs.train(
            {
                "name": "many",
                "samples": {name: {"files": [str(place / f"{name}.parquet")]} for name in ("train", "test")},
                "features": ["f*"],
                "labels": {"variable": "label", "names": ["background", "signal"]},
                "weights": "weight",
                "parameters": {"mass": {"values": list(MASSES)}},
                "model": {"layers": [32, 32]},
                "train": {"epochs": 2, "batch_size": 4096},
                "evaluate": {"search": {}},
            },
            output=place / "runs",
        )
        return str(run.path)

    def evaluate(self, run: str) -> dict[str, Any]:
        """Seconds from the import on."""
        started = time.perf_counter()
        import fivesigma as fs

        fs.evaluate(run)
        fs.report(run)
        return {"seconds": time.perf_counter() - started}


def _write(path: Path, events: int, generator: np.random.Generator) -> None:
    label = generator.integers(0, 2, events)
    x = generator.normal(0, 1, (events, FEATURES)) + 0.4 * label[:, None]
    columns = {
        "label": label.astype(np.int8),
        "mass": generator.choice(MASSES, events).astype(np.float32),
        "weight": generator.uniform(0.5, 1.5, events).astype(np.float32),
        **{f"f{i}": x[:, i].astype(np.float32) for i in range(FEATURES)},
    }
    pq.write_table(pa.table(columns), path)
