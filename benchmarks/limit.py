"""Training as a fraction of what the matrix products of the network cost by themselves on this machine."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from benchmarks.network import training_flops
from benchmarks.options import Options
from benchmarks.table import Figure, Row
from benchmarks.timing import alternate
from benchmarks.worker import Worker

# The libraries of `workers.products`; NumPy and JAX are always there.
NEEDS = ("torch",)
LIBRARIES = ("numpy", "jax", "torch")
ABOUT = (
    f"GFLOP/s of fivesigma's training, counting {training_flops():,} operations per event (the float32 products forward, "
    "for the weights' gradients and for the gradients of all layers' inputs but the first), against the same products "
    "alone: the best of NumPy, JAX and PyTorch, each over all cores at the full batch and with a process per core at its "
    "share of the batch."
)
TARGETS = {256: None, 1024: 0.7, 4096: 0.8, 16384: 0.8}
SECONDS = 0.5


def measure(options: Options) -> list[Row]:
    """A row per batch size, and what one large square product reaches."""
    rows = [_row(batch, target, options) for batch, target in TARGETS.items()]
    return [*rows, _square_row(rows[-1], options)]


def _row(batch: int, target: float | None, options: Options) -> Row:
    with ExitStack() as stack:
        events = options.size(1 << 19, 1 << 17)
        name = "benchmarks.workers.fivesigma_training:Training"
        ours = stack.enter_context(Worker(name, events=events, batch=batch))
        variants = _variants(stack, batch)
        rates = {variant: _together(workers, "step") for variant, workers in variants.items()}
        rates = {variant: max(rate, _together(variants[variant], "step")) for variant, rate in rates.items()}
        options.say(f"batch {batch}: products alone, GFLOP/s: {', '.join(f'{n} {r:.0f}' for n, r in rates.items())}")
        best = max(rates, key=rates.__getitem__)
        runs: dict[str, Callable[[], float]] = {
            "fivesigma": lambda: ours.call("run", epochs=3)["rate"] * training_flops() / 1e9,
            best: partial(_together, variants[best], "step"),
        }
        found = alternate(runs, options.turns())
    figures = [Figure(name, tuple(values), "GFLOP/s") for name, values in found.items()]
    return Row(f"batch {batch}, fraction of the products' limit", figures[0], figures[1], "more", target)


def _square_row(largest: Row, options: Options) -> Row:
    """The last row's training against a square product, which no small product reaches."""
    with ExitStack() as stack:
        variants = {name: [stack.enter_context(_products(name, 1))] for name in LIBRARIES}
        runs = {name: partial(_together, workers, "square") for name, workers in variants.items()}
        found = alternate(runs, options.turns())
    figures = [Figure(f"{name}, 4096 × 4096", tuple(values), "GFLOP/s") for name, values in found.items()]
    best = max(figures, key=lambda figure: figure.median)
    return Row(f"{largest.what.split(',')[0]}, fraction of a large square product", largest.ours, best, "more")


def _products(library: str, batch: int, core: int | None = None) -> Worker:
    cores = None if core is None else [core]
    # OpenBLAS asks the environment, not the processor, how many threads it may have.
    environment = {} if core is None else {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return Worker("benchmarks.workers.products:Products", cores=cores, environment=environment, library=library, batch=batch)


def _variants(stack: ExitStack, batch: int) -> dict[str, list[Worker]]:
    """Every way to do the products: by one process over all cores, and by a process per core."""
    available = sorted(os.sched_getaffinity(0))
    variants = {}
    for library in LIBRARIES:
        variants[f"{library} over all cores"] = [stack.enter_context(_products(library, batch))]
        share = batch // len(available)
        variants[f"{library}, a process per core"] = [
            stack.enter_context(_products(library, share, core)) for core in available
        ]
    return variants


def _together(workers: Sequence[Worker], method: str) -> float:
    """GFLOP/s of workers that work at the same time."""
    for worker in workers:
        worker.start(method, seconds=SECONDS)
    return sum(worker.result() for worker in workers)
