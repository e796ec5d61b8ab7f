"""Evaluation, figures and report of millions of test events."""

import tempfile
from pathlib import Path

from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.worker import once

NEEDS = ()
ABOUT = (
    "`evaluate` and `report` of a run: a parameterised network, weights, a search with limits at five masses, and a test "
    "sample of the size of the published HEPMASS files. Each repetition is a process of its own; imports, reading of the "
    "events and scoring are included. The memory is the process's largest."
)
TASK = "benchmarks.workers.evaluation:Evaluation"
SECONDS, GIGABYTES = 30.0, 2.0


def measure(options: Options) -> list[Row]:
    """Rows for the time and the memory, against what is allowed."""
    events = options.size(3_500_000, 100_000)
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        run, _ = once(TASK, "prepare", folder=str(Path(name).resolve()), events=events)
        repeated = [once(TASK, "evaluate", run=run) for _ in range(options.turns(3))]
    times = tuple(float(found["seconds"]) for found, _ in repeated)
    peaks = tuple(peak / 1e9 for _, peak in repeated)
    what = f"{short(events)} test events"
    allowed = [Figure("allowed", (limit,) * len(times), unit) for limit, unit in ((SECONDS, "s"), (GIGABYTES, "GB"))]
    return [
        Row(f"{what}: evaluation, figures and report", Figure("fivesigma", times, "s"), allowed[0], "less", 1.0),
        Row(f"{what}: peak memory", Figure("fivesigma", peaks, "GB"), allowed[1], "less", 1.0),
    ]
