"""Prepare, train, evaluate and predict with more events than memory is allowed for, and the memory over time."""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.worker import WorkerFailed, once
from benchmarks.workers.journey import FEATURES

NEEDS = ()
ABOUT = (
    "60 million events of 28 features, a label and a number (7 GB in single precision) in twelve Parquet files: `fivesigma "
    "prepare`, `train` for one epoch from the shards it writes (`train.window: 500000`), `evaluate`, and `predict` with one "
    "worker on all files, whose columns are kept. The memory is the largest sum over the command and its child processes, "
    "looked up four times a second, libraries included; what processes share counts once. Figure: large_data.png."
)
EVENTS, FILES = 60_000_000, 12
GIGABYTES = 2.0
INTERVAL = 0.25
JOURNEY = "benchmarks.workers.journey:RunSession"

Curve = list[tuple[float, float]]
"""Pairs of seconds since the start and memory in GB."""


def measure(options: Options) -> list[Row]:
    """A row for the memory of each command, and the figure."""
    events = options.size(EVENTS, 600_000)
    files = _files(events, options)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        curves = {
            verb: _watched(verb, arguments, folder, options) for verb, arguments in _commands(files, events, folder).items()
        }
    _draw(curves, options.output)
    rows = []
    for verb, curve in curves.items():
        seconds, peak = curve[-1][0], max(memory for _, memory in curve)
        note = f"{seconds:.0f} s; median {statistics.median(memory for _, memory in curve):.2f} GB"
        ours, allowed = Figure(f"fivesigma {verb}", (peak,), "GB"), Figure("allowed", (GIGABYTES,), "GB")
        rows.append(Row(f"{short(events)} events: {verb}, peak memory", ours, allowed, "less", 1.0, note))
    return rows


def _commands(files: list[Path], events: int, folder: Path) -> dict[str, list[str]]:
    """Verb → its arguments; each finds what the one before has left in the folder."""
    analysis = folder / "large.yaml"
    tree = {
        "name": "large",
        "features": [f"f{i}" for i in range(FEATURES)],
        "labels": "label",
        "event_number": "event_number",
        "samples": {"events": {"files": [str(path) for path in files]}},
        "model": {"layers": [112, 112, 112]},
        "split": {"val": 0.02, "test": 0.02},
        "train": {"epochs": 1, "batch_size": 4096, "window": min(500_000, events // 10)},
    }
    analysis.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return {
        "prepare": [str(analysis), "-o", str(folder / "shards")],
        "train": [str(analysis), "--set", f"shards={folder / 'shards'}", "-o", str(folder / "runs")],
        "evaluate": ["large", "--output", str(folder / "runs")],
        "predict": [
            "large",
            *map(str, files),
            "-o",
            str(folder / "scored.parquet"),
            "--keep",
            "--workers",
            "1",
            "--runs",
            str(folder / "runs"),
        ],
    }


def _watched(verb: str, arguments: list[str], folder: Path, options: Options) -> Curve:
    """Run a command to its end, and look up its memory meanwhile."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "fivesigma", verb, *arguments]
    curve: Curve = []
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=said)
        while process.poll() is None:
            curve.append((time.perf_counter() - started, _memory(process.pid) / 1e9))
            time.sleep(INTERVAL)
        if process.returncode:
            said.seek(0)
            raise WorkerFailed(f"fivesigma {verb} ended with {process.returncode}:\n{said.read()[-2000:]}")
    options.say(f"{verb}: {curve[-1][0]:.0f} s, {max(memory for _, memory in curve):.2f} GB")
    return curve


def _memory(number: int) -> float:
    """Memory of a process and of all below it, in bytes; what several of them share counts once."""
    total = 0.0
    for process in [number, *_below(number)]:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        except OSError:  # it has just ended
            continue
        total += sum(float(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def _below(number: int) -> list[int]:
    """The children of a process, and theirs."""
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{number}/task").iterdir()
            for child in (task / "children").read_text(encoding="utf-8").split()
        ]
    except OSError:
        return []
    return [process for child in children for process in (child, *_below(child))]


def _files(events: int, options: Options) -> list[Path]:
    """The files, made once and kept."""
    options.folder.mkdir(parents=True, exist_ok=True)
    each = events // FILES
    paths = [options.folder / f"large-{each}-{i:02}.parquet" for i in range(FILES)]
    for i, path in enumerate(paths):
        if not path.is_file():
            options.say(f"writing {path.name}")
            part = path.with_name("part-" + path.name)
            once(JOURNEY, "write", path=str(part), events=each, first=i * each)
            part.rename(path)
    options.say(
        f"{sum(path.stat().st_size for path in paths) / 1e9:.1f} GB of files; "
        f"{shutil.disk_usage(options.folder).free / 1e9:.0f} GB of disk are free"
    )
    return paths


def _draw(curves: dict[str, Curve], folder: Path) -> None:
    """A panel for each command, and the numbers beside it as JSON."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(10, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(1, len(curves), sharey=True)
    for axes, (verb, curve) in zip(panels, curves.items(), strict=True):
        axes.plot(*zip(*curve, strict=True), color="#3f90da", lw=1.4)
        axes.axhline(GIGABYTES, ls="--", color="#717581", lw=1)
        axes.set(title=verb, xlabel="time [s]", ylim=(0, 1.15 * GIGABYTES), xlim=(0, None))
    panels[0].set_ylabel("memory [GB]")
    panels[0].annotate("allowed", (0.03, GIGABYTES), xycoords=("axes fraction", "data"), va="bottom", color="#717581")
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("png", "svg"):
        figure.savefig(folder / f"large_data.{ending}", dpi=150)
    (folder / "large_data.json").write_text(json.dumps(curves, indent=1) + "\n", encoding="utf-8")
