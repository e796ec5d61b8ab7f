"""One event at a time: the exported models against the bare network in ONNX Runtime."""

import tempfile

from benchmarks.options import Options
from benchmarks.table import Figure, Row
from benchmarks.worker import Worker

NEEDS = ("onnx", "onnxruntime")
ABOUT = (
    "Microseconds per event of the network 28-112-112-112-1 if events come one by one, on one core. The exported ONNX file "
    "takes features as they are in the events (missing values, recipe and sigmoid are inside); the peer is the network "
    "alone in ONNX Runtime with one thread, on inputs that are prepared already; the two take turns of 100 events. ONNX "
    "Runtime is called from Python, which is part of both of its numbers. The C++ header is compiled by g++ -O3 "
    "-march=native and takes the same features."
)
ONNX, HEADER = 1 / 1.3, 5.0


def measure(options: Options) -> list[Row]:
    """A row for the ONNX file and one for the C++ header."""
    options.folder.mkdir(parents=True, exist_ok=True)
    count = options.size(20_000, 2_000)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        environment = {"OMP_NUM_THREADS": "1"}
        with Worker("benchmarks.workers.single_events:Single", environment=environment, folder=folder) as worker:
            worker.call("in_turns", count=count)  # warms up
            found = [
                {**worker.call("in_turns", count=count), "header": worker.call("header", count=count)}
                for _ in range(options.turns())
            ]
    figure = {name: tuple(float(each[name]) for each in found) for name in ("bare", "exported", "header")}
    peer = Figure("ONNX Runtime, the network alone", figure["bare"], "µs")
    return [
        Row("one event: exported ONNX file", Figure("fivesigma export", figure["exported"], "µs"), peer, "less", ONNX),
        Row("one event: C++ header", Figure("fivesigma export --format cpp", figure["header"], "µs"), peer, "less", HEADER),
    ]
