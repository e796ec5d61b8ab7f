"""What a command costs besides its work: a short run, the help, the import."""

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.options import Options
from benchmarks.table import Figure, Row
from benchmarks.timing import alternate
from benchmarks.worker import WorkerFailed

NEEDS = ()
ABOUT = (
    "Wall time of commands of which little is work: `fivesigma run` of 10,000 ready events with 28 features for one epoch, "
    "the second time (compiled programs are in the cache), with its report; `fivesigma --help`; `import fivesigma`. The "
    "note tells how long each step of the run took."
)
EVENTS = 10_000
ALLOWED = {"fivesigma run, 10 k events, one epoch": 6.0, "fivesigma --help": 0.4, "import fivesigma": 0.15}


def measure(options: Options) -> list[Row]:
    """A row for each command, against the time it may take."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder)
        command = [sys.executable, "-m", "fivesigma"]
        commands = {
            "fivesigma run, 10 k events, one epoch": [*command, "run", str(folder / "small.yaml"), "--new"],
            "fivesigma --help": [*command, "--help"],
            "import fivesigma": [sys.executable, "-c", "import fivesigma"],
        }
        commands["fivesigma run, 10 k events, one epoch"] += ["--output", str(folder / "runs")]
        for each in commands.values():
            _seconds(each, folder)  # fills caches
        found = alternate({what: partial(_seconds, each, folder) for what, each in commands.items()}, options.turns())
        steps = _steps(commands["fivesigma run, 10 k events, one epoch"], folder)
    return [
        Row(
            what,
            Figure("fivesigma", tuple(values), "s"),
            Figure("allowed", (ALLOWED[what],) * len(values), "s"),
            "less",
            1.0,
            steps if what.startswith("fivesigma run") else "",
        )
        for what, values in found.items()
    ]


def _write(folder: Path) -> None:
    """An analysis and its events."""
    generator = np.random.default_rng(1)
    label = generator.integers(0, 2, EVENTS)
    columns = {f"f{i}": (generator.standard_normal(EVENTS) + 0.25 * label).astype(np.float32) for i in range(28)}
    np.savez(folder / "events.npz", label=label, **columns)
    (folder / "small.yaml").write_text(
        "name: small\nfeatures: ['f*']\nlabels: label\nsamples: {events: {files: [events.npz]}}\n"
        "model: {layers: [112, 112, 112]}\ntrain: {epochs: 1, batch_size: 256}\n"
    )


def _seconds(command: list[str], folder: Path) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode:
        raise WorkerFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return time.perf_counter() - started


def _steps(command: list[str], folder: Path) -> str:
    """How long each step of a run takes, from the times of its lines."""
    started, last, parts = time.perf_counter(), 0.0, []
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            now = time.perf_counter() - started
            if line.strip() and now - last > 0.15:
                parts.append(f"{now - last:.1f} s until “{line.strip()[:40]}”")
                last = now
    return "; ".join([*parts, f"{time.perf_counter() - started - last:.1f} s to the end"])
