"""What ten thousand to ten million events cost, against a straight line."""

import json
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.worker import once

NEEDS = ()
ABOUT = (
    "Reading a Parquet file of 28 features, training 28-112-112-112-1 for one epoch (batch 4096) and evaluating, events in "
    "memory, each time in a new process. The straight line goes through the smallest and the second largest size; its "
    "value at the largest is the peer. Figure: growth.png."
)
TASK = "benchmarks.workers.journey:RunSession"
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
QUICK = (10_000, 50_000, 200_000)
BATCH = 4096
NO_WORSE = 0.9
"""Target for line over measurement: one, but for the noise of a single measurement."""


@dataclass(frozen=True)
class Cost:
    """What one quantity took, for each size, in each repetition.

    Attributes:
        name, unit: of the quantity.
        values: [repetition][size].
    """

    name: str
    unit: str
    values: list[list[float]]

    def line(self, sizes: tuple[int, ...], repetition: int) -> tuple[float, float]:
        """Cost of nothing and cost per event, from the smallest and the second largest size."""
        low, high = self.values[repetition][0], self.values[repetition][-2]
        slope = (high - low) / (sizes[-2] - sizes[0])
        return low - slope * sizes[0], slope


def measure(options: Options) -> list[Row]:
    """Rows for wall time and peak memory, and the figure."""
    sizes = QUICK if options.quick else SIZES
    seconds: list[list[float]] = []
    memory: list[list[float]] = []
    for _ in range(options.turns(3, 1)):
        pairs = [_run(size, options) for size in sizes]
        seconds.append([pair[0] for pair in pairs])
        memory.append([pair[1] for pair in pairs])
    costs = [Cost("wall time", "s", seconds), Cost("peak memory", "MB", memory)]
    _draw(costs, sizes, options.output)
    return [_row(cost, sizes) for cost in costs]


def _run(events: int, options: Options) -> tuple[float, float]:
    """Seconds and peak memory in MB of one journey in a process of its own."""
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = str(Path(folder) / "events.parquet")
        once(TASK, "write", path=path, events=events)
        found, peak = once(TASK, "run", path=path, batch=BATCH)
    options.say(f"{events:,} events: {found['seconds']:.1f} s, {peak / 1e6:,.0f} MB")
    return found["seconds"], peak / 1e6


def _row(cost: Cost, sizes: tuple[int, ...]) -> Row:
    measured, expected = [], []
    for repetition, values in enumerate(cost.values):
        start, slope = cost.line(sizes, repetition)
        measured.append(values[-1])
        expected.append(start + slope * sizes[-1])
    medians = [statistics.median(column) for column in zip(*cost.values, strict=True)]
    note = ", ".join(f"{short(size)}: {short(value)} {cost.unit}" for size, value in zip(sizes, medians, strict=True))
    ours, line = Figure("measured", tuple(measured), cost.unit), Figure("straight line", tuple(expected), cost.unit)
    return Row(f"{cost.name} of {short(sizes[-1])} events", ours, line, "less", NO_WORSE, note)


def _draw(costs: list[Cost], sizes: tuple[int, ...], folder: Path) -> None:
    """A panel for each cost: all repetitions, and the straight line of the first; the numbers beside it as JSON."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure = Canvas(figsize=(9, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    grid = np.geomspace(sizes[0], sizes[-1], 200)
    for axes, cost in zip(figure.subplots(1, len(costs)), costs, strict=True):
        for values in cost.values:
            axes.plot(sizes, values, "o", color="#3f90da", label="measured" if values is cost.values[0] else None)
        start, slope = cost.line(sizes, 0)
        axes.plot(grid, start + slope * grid, "--", color="#717581", label="line through the first and the last but one")
        axes.set(xscale="log", yscale="log", xlabel="events", ylabel=f"{cost.name} [{cost.unit}]")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("png", "svg"):
        figure.savefig(folder / f"growth.{ending}", dpi=150)
    numbers = {cost.name: {"unit": cost.unit, "values": cost.values} for cost in costs}
    (folder / "growth.json").write_text(json.dumps({"events": sizes, **numbers}, indent=1) + "\n", encoding="utf-8")
