"""Training throughput: the article's network at several batch sizes, against Keras and PyTorch."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks.machine import cores
from benchmarks.options import Options
from benchmarks.table import Figure, Row
from benchmarks.timing import alternate
from benchmarks.worker import Worker

NEEDS = ("torch",)
ABOUT = (
    "Events per second of training 28-112-112-112-1 (ReLU, sigmoid, Adam, binary cross-entropy) on arrays in memory, "
    "the epochs after the first. Compilation is not in the rates; the notes tell how long the first epoch took."
)
BATCHES = (32, 128, 512, 1024, 2048, 4096, 16384)
STEPS = (8, 32, 128)
COMPILED = ["compiled model", "compiled step"]
AS_WRITTEN = "Keras fit as written"
TARGETS_AS_WRITTEN = {32: 3.0}
AHEAD = 1.15
SECONDS = 1.0
"""How long a repetition of each contender lasts about: whole epochs, as many as its own speed allows, at least one."""


def measure(options: Options) -> list[Row]:
    """A row for each peer at each batch size, the best peer with the target."""
    return [row for batch in options.batches or BATCHES for row in rows(batch, options, AHEAD)]


def rows(batch: int, options: Options, ahead: float) -> list[Row]:
    """A row for each peer at one batch size.

    Args:
        batch: events per gradient step.
        options: how much to measure.
        ahead: target of the row of the best peer.
    """
    with ExitStack() as stack:
        events = options.size(1 << 18 if batch >= 1024 else 1 << 16, 1 << 16)
        size = {"events": events, "batch": batch}
        # A cache of its own, so that devices and threads are chosen now, not remembered from a quieter hour.
        own = {"FIVESIGMA_CACHE": stack.enter_context(tempfile.TemporaryDirectory())}
        ours, keras, torch = (
            stack.enter_context(Worker(f"benchmarks.workers.{library}_training:Training", environment=own, **size))
            for library in ("fivesigma", "keras", "torch")
        )
        contenders = _contenders(ours, keras, torch, batch, options)
        warm = {name: run(epochs=1) for name, run in contenders.items()}  # compiles, fills caches
        first, layout = {name: found["first"] for name, found in warm.items()}, warm["fivesigma"]["layout"]
        epochs = {name: max(1, round(SECONDS * run(epochs=1)["rate"] / events)) for name, run in contenders.items()}
        runs = {name: partial(_rate, run, epochs[name]) for name, run in contenders.items()}
        rates = alternate(runs, options.turns())
        options.say(f"batch {batch}: measured")
    figures = {name: Figure(name, tuple(values), "events/s") for name, values in rates.items()}
    mine = figures.pop("fivesigma")
    best = max(figures.values(), key=lambda figure: figure.median)
    found = []
    for name, figure in figures.items():
        target = TARGETS_AS_WRITTEN.get(batch) if name == AS_WRITTEN else None
        note = f"first epoch, compilation included: {first['fivesigma']:.1f} s and {first[name]:.1f} s"
        found.append(Row(f"batch {batch}", mine, figure, "more", target, note))
    note = f"devices x threads: {layout}"
    return [*found, Row(f"batch {batch}, the best peer", mine, best, "more", ahead, note)]


def _contenders(
    ours: Worker, keras: Worker, torch: Worker, batch: int, options: Options
) -> dict[str, Callable[..., dict[str, Any]]]:
    """Name → training for some `epochs`; peers with settings to choose run with their defaults and with the best ones."""
    threads = sorted({1, cores()})
    steps = keras.call("best_steps", candidates=list(STEPS))
    options.say(f"batch {batch}: Keras by steps per execution: {_listed(steps['rates'])}")
    eager = torch.call("best", modes=["tensors"], threads=threads)
    compiled = torch.call("best", modes=COMPILED, threads=threads) if shutil.which("g++") else None
    options.say(f"batch {batch}: PyTorch: {_listed(eager['rates'] | (compiled['rates'] if compiled else {}))}")

    def torch_run(mode: str, count: int | None = None) -> Callable[..., Any]:
        return partial(torch.call, "run", mode=mode, threads=count)

    runs = {
        "fivesigma": partial(ours.call, "run"),
        AS_WRITTEN: partial(keras.call, "run"),
        f"Keras, {steps['best']} steps per execution": partial(keras.call, "run", steps_per_execution=steps["best"]),
        "PyTorch with DataLoader": torch_run("loader"),
        "PyTorch, tensors in memory": torch_run("tensors"),
    }
    if eager["threads"] != threads[-1]:
        runs[f"PyTorch, tensors in memory, {eager['threads']} thread"] = torch_run("tensors", eager["threads"])
    if compiled is None:
        options.say("no g++, so PyTorch compiles nothing")
        return runs
    runs[f"PyTorch, {compiled['mode']}"] = torch_run(compiled["mode"])
    if compiled["threads"] != threads[-1]:
        runs[f"PyTorch, {compiled['mode']}, {compiled['threads']} thread"] = torch_run(compiled["mode"], compiled["threads"])
    return runs


def _listed(rates: dict[str, float]) -> str:
    return ", ".join(f"{name} {rate / 1000:.0f} k/s" for name, rate in rates.items())


def _rate(run: Callable[..., dict[str, Any]], epochs: int) -> float:
    """Events per second of one repetition."""
    return float(run(epochs=epochs)["rate"])
