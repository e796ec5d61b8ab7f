"""Two processes or threads on two cores, against one process that is bound to one core."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from benchmarks import collisions
from benchmarks.machine import products_side_by_side
from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.timing import alternate
from benchmarks.worker import Worker

NEEDS = collisions.NEEDS
ABOUT = (
    "Wall time of the same work, the start of processes included: by two workers on two cores (processes for simulations "
    "and data-parallel training, threads for trials and folds), and by one process that may use a single core. The targets "
    "are parts of what two bare matrix products side by side gain on these cores: 2 where each core has a unit of its own."
)
SIMULATED, FOLDED, SEARCHED, DATA_PARALLEL = 1.8, 1.8, 1.7, 1.5
SIMULATION = "benchmarks.workers.simulation:Simulation"
TUNING = "benchmarks.workers.tuning:Fivesigma"
FOLDS = "benchmarks.workers.folds:Folds"

TOGETHER = "benchmarks.workers.together:Together"

Job = Callable[[Worker, int], float]
"""(worker, processes) → seconds of one repetition."""


def measure(options: Options) -> list[Row]:
    """A row for each kind of work."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        options.say("this machine has one core: nothing to measure")
        return []
    alone, together = products_side_by_side()
    units = round(sum(together[:2]) / alone / 2, 2)
    options.say(f"two products side by side gain {2 * units:.2f}")
    rows = []
    for kind, usual, quick in (("resonance", 24_000, 4_000), ("muons", 6_000_000, 1_000_000)):
        events = options.size(usual, quick)
        job = partial(_simulate, kind, events)
        what = f"simulation of {short(events)} {kind} events"
        rows.append(_row(what, SIMULATION, {}, job, SIMULATED * units, cores, options))
    events = options.size(150_000, 10_000)
    search = {"source": str(collisions.collisions(options)), "events": events}
    rows.append(_row(f"tuning on {short(events)} events", TUNING, search, _tune, SEARCHED * units, cores, options))
    events = options.size(400_000, 20_000)
    folds = {"source": search["source"], "events": events, "folds": 4, "epochs": options.size(24, 3)}
    rows.append(_row(f"4 folds on {short(events)} events", FOLDS, folds, _fold, FOLDED * units, cores, options))
    size = {"events": options.size(1 << 20, 1 << 19), "batch": 16384}
    rows.append(_row("data-parallel training, batch 16384", TOGETHER, size, _train, DATA_PARALLEL * units, cores, options))
    return rows


def _row(
    what: str, task: str, arguments: dict[str, object], job: Job, target: float, cores: list[int], options: Options
) -> Row:
    """One kind of work."""
    with ExitStack() as stack:
        bound = stack.enter_context(Worker(task, cores=cores[:1], **arguments))
        free = stack.enter_context(Worker(task, cores=cores, **arguments))
        runs = {"two workers": partial(job, free, 2), "one process on one core": partial(job, bound, 1)}
        options.say(f"{what}: begins")
        seconds = alternate(runs, options.turns(5, 1))
    figures = [Figure(name, tuple(values), "s") for name, values in seconds.items()]
    row = Row(what, figures[0], figures[1], "less", target)
    options.say(row.as_markdown())  # the next one takes minutes, and whoever stops the command then has this one
    return row


def _simulate(kind: str, events: int, worker: Worker, processes: int) -> float:
    return float(worker.call(kind, events=events, workers=processes))


def _tune(worker: Worker, processes: int) -> float:
    return float(worker.call("run", seed=1, workers=processes)["seconds"])


def _fold(worker: Worker, processes: int) -> float:
    return float(worker.call("run", workers=processes)["seconds"])


def _train(worker: Worker, processes: int) -> float:
    return float(worker.call("run", workers=processes))
