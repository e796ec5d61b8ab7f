"""Training from shards with a window of a tenth of the events, against training in memory."""

import tempfile
from functools import partial
from pathlib import Path

from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.timing import alternate
from benchmarks.worker import once
from benchmarks.workers.shards import TEST, VALIDATION

NEEDS = ()
ABOUT = (
    "Training 28-112-112-112-1 at batch 4096 through `fivesigma.training`: from the shards that `fivesigma prepare` wrote, "
    "with a tenth of the events in memory at a time, and with all events in memory; epochs after the first, validation on "
    "2 % of the events included. Each repetition is a process of its own."
)
BATCH = 4096
EPOCHS = 3
WINDOWS = 10
SPEED, MEMORY = 0.8, 0.8
TASK = "benchmarks.workers.shards:Training"
JOURNEY = "benchmarks.workers.journey:RunSession"


def measure(options: Options) -> list[Row]:
    """Rows for the speed, and for the memory beyond that of a training on few events."""
    events = options.size(2_000_000, 400_000)
    few = events // 100
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        paths = {size: str(Path(name) / f"{size}.parquet") for size in (few, events, 2 * events)}
        for size, path in paths.items():
            once(JOURNEY, "write", path=path, events=size)
            once(TASK, "prepare", path=path, folder=path + ".shards")
        common = {"batch": BATCH, "epochs": EPOCHS}
        _, idle = once(TASK, "in_memory", path=paths[few], **common)
        peaks: dict[str, list[float]] = {"from shards": [], "twice the events": [], "in memory": []}

        def run(name: str, size: int) -> float:
            more = {} if name == "in memory" else {"folder": paths[size] + ".shards", "window": events // WINDOWS}
            found, peak = once(TASK, "from_shards" if more else "in_memory", path=paths[size], **common, **more)
            peaks[name].append((peak - idle) / 1e6)
            return float(found["rate"]) * size * (1 - VALIDATION) * (1 - TEST)

        contenders = {"from shards": events, "in memory": events, "twice the events": 2 * events}
        rates = alternate({name: partial(run, name, size) for name, size in contenders.items()}, options.turns())
    speed = {name: Figure(name, tuple(values), "events/s") for name, values in rates.items()}
    memory = {name: Figure(name, tuple(values), "MB") for name, values in peaks.items()}
    what = f"{short(events)} events, window a tenth"
    note = f"beyond the {idle / 1e6:.0f} MB of a training on {short(few)} events"
    bounded = f"{what}: peak memory with twice the events in the same window, against once"
    return [
        Row(f"{what}: speed", speed["from shards"], speed["in memory"], "more", SPEED),
        Row(bounded, memory["twice the events"], memory["from shards"], "less", MEMORY, note),
        Row(f"{what}: peak memory", memory["from shards"], memory["in memory"], "less", None, note),
    ]
