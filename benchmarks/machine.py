"""What the machine is, in words that belong beside every number measured on it."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

BUSY = """
import os, sys
import numpy as np
os.sched_setaffinity(0, [int(sys.argv[1])])
a = np.ones((1024, 1024), np.float32)
while os.getppid() != 1:
    a @ a
"""

LIBRARIES = ("jax", "keras", "numpy", "pyarrow", "polars", "torch", "keras-tuner", "pandas", "onnxruntime")


def machine() -> dict[str, str]:
    """Processor, cores, memory, load, versions and date."""
    return {
        "processor": f"{processor()}, {cores()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "load before": load(),
        "system": f"{platform.system()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {version}" for name in LIBRARIES if (version := version_of(name))),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def load() -> str:
    """Processes that wanted a core in the last 1, 5 and 15 minutes."""
    return ", ".join(f"{value:.1f}" for value in os.getloadavg())


def floating_point_units() -> str:
    """Whether the cores have floating-point units of their own: products of a training step on one core, then on each."""
    if (available := cores()) == 1:
        return "one core"
    alone, together = products_side_by_side()
    gain = sum(together) / alone
    verdict = "a unit each" if gain > 0.8 * available else "shared units"
    each = " + ".join(f"{rate:.0f}" for rate in together)
    return f"{verdict}: {alone:.0f} GFLOP/s of one core alone, {each} side by side, {gain:.2f} times"


def products_side_by_side() -> tuple[float, list[float]]:
    """GFLOP/s of a training step's products on one core while the others rest, and on each while all compute."""
    from benchmarks.worker import Worker

    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    task = "benchmarks.workers.products:Products"
    numbers = sorted(os.sched_getaffinity(0))
    workers = [Worker(task, cores=[core], environment=one, library="numpy", batch=4096) for core in numbers]
    try:
        alone = workers[0].call("step", seconds=1.0)
        for worker in workers:
            worker.start("step", seconds=1.0)
        return alone, [worker.result() for worker in workers]
    finally:
        for worker in workers:
            worker.close()


@contextmanager
def busy() -> Iterator[None]:
    """Keep the last core busy with matrix products, by a process of its own that ends with the block."""
    core = max(os.sched_getaffinity(0))
    process = subprocess.Popen([sys.executable, "-c", BUSY, str(core)], env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    try:
        yield
    finally:
        process.kill()
        process.wait()


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's name."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def version_of(library: str) -> str | None:
    """The installed version, or None."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
