"""Quantised training against the network of floating-point numbers, and the ranges of its values against HGQ2."""

import tempfile
from contextlib import ExitStack

from benchmarks.options import Options
from benchmarks.table import Figure, Row
from benchmarks.timing import alternate
from benchmarks.worker import Worker

NEEDS = ("hgq",)
ABOUT = (
    "Events per second of training 39-64-64-32-1 (ReLU, Adam) on arrays in memory with batches of 1024, the epochs after "
    "the first: with learnt bits, and in floating point in the same loop. Then events per second whose ranges are measured, "
    "against `hgq.utils.trace_minmax`, which gives the same ranges."
)
BATCH = 1024
SHARE = 0.5
RANGES = 1e6


def measure(options: Options) -> list[Row]:
    """Training, and ranges against HGQ2 and against a million events per second."""
    size = {"events": options.size(1 << 20, 1 << 18), "batch": BATCH}
    epochs = options.size(10, 4)  # all training events are seen after the last one, as after 25 or so in earnest
    place = "benchmarks.workers.quantised_training:Training"
    with ExitStack() as stack:
        # A cache of its own, so that devices and threads are chosen now, not remembered from a quieter hour.
        own = {"FIVESIGMA_CACHE": stack.enter_context(tempfile.TemporaryDirectory())}
        quantised, floating = (
            stack.enter_context(Worker(place, environment=own, kind=kind, **size)) for kind in ("quantised", "float")
        )
        first = [float(worker.call("run", epochs=1)["first"]) for worker in (quantised, floating)]
        rates = alternate(
            {
                "fivesigma, quantised": lambda: float(quantised.call("run", epochs=epochs)["rate"]),
                "fivesigma, floating point": lambda: float(floating.call("run", epochs=epochs)["rate"]),
            },
            options.turns(),
        )
        ranges = alternate(
            {
                "fivesigma, compiled": lambda: float(quantised.call("ranges")),
                "HGQ2, trace_minmax": lambda: float(quantised.call("ranges_of_hgq")),
            },
            options.turns(),
        )
    ours, theirs = (Figure(name, tuple(values), "events/s") for name, values in rates.items())
    mine, peer = (Figure(name, tuple(values), "events/s") for name, values in ranges.items())
    wanted = Figure("one million per second", (RANGES,) * len(mine.values), "events/s")
    note = f"first epoch, compilation included: {first[0]:.1f} s and {first[1]:.1f} s"
    return [
        Row("quantised training", ours, theirs, "more", SHARE, note),
        Row("ranges of a quantised network", mine, wanted, "more", 1.0),
        Row("ranges of a quantised network", mine, peer, "more", 1.0),
    ]
