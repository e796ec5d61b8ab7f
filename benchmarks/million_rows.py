"""Read, train and test a million rows in the layout of the published HEPMASS files, and say what it took.

    python -m benchmarks million_rows
    python -m benchmarks.million_rows [--rows 1000000]

The file is made here, with the traps of the published one: the header `# label`, the mass 499.99997,
text with eighteen digits, gzip. Its events are Gaussians, so the metrics mean nothing; the peak memory
and the time do. The peak must stay under 1.5 GB for a million rows.
"""

import argparse
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.worker import WorkerFailed

NEEDS = ()
ABOUT = "`fivesigma run hepmass` on gzipped CSV with the traps of the published files, from reading to the report."
LIMIT = 1.5e9


def write(path: Path, rows: int, seed: int) -> None:
    """Write `rows` rows in the UCI layout."""
    generator = np.random.default_rng(seed)
    masses = np.array([499.99997, 750, 1000, 1250, 1500])
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write("# label," + ",".join(f"f{i}" for i in range(27)) + ",mass\n")
        for start in range(0, rows, 50_000):
            count = min(50_000, rows - start)
            label = generator.integers(0, 2, count)
            features = generator.normal(0, 1, (count, 27)) + 0.25 * label[:, None]
            table = np.column_stack([label, features, generator.choice(masses, count)])
            np.savetxt(file, table, delimiter=",", fmt="%.18e")


def whole_run(rows: int, epochs: int) -> tuple[float, float]:
    """Seconds and peak memory in bytes of `fivesigma run` on so many training rows and a fifth as many test rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "all_train.csv.gz", rows, 1)
        write(folder / "all_test.csv.gz", rows // 5, 2)
        return run("hepmass", folder / "all_train.csv.gz", folder / "all_test.csv.gz", folder / "runs", epochs)


def run(analysis: str, train: Path, test: Path, output: Path, epochs: int) -> tuple[float, float]:
    """Seconds and peak memory in bytes of `fivesigma run` on two files.

    Args:
        analysis: a built-in one.
        train, test: the files.
        output: folder of the runs.
        epochs: of the training.
    """
    command = [sys.executable, "-m", "fivesigma", "run", analysis, "--output", str(output)]
    command += ["--set", f"train.epochs={epochs}", "--data", f"train={train}", "--data", f"test={test}"]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    # Of this process alone: the maximum over all children so far would be another one's.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise WorkerFailed(f"fivesigma run ended with {process.returncode}:\n{said.decode()[-2000:]}")
    return time.perf_counter() - started, usage.ru_maxrss * 1024.0


def measure(options: Options) -> list[Row]:
    """A row: the peak memory against the limit."""
    rows = options.size(1_000_000, 50_000)
    runs = [whole_run(rows, 4) for _ in range(options.turns(1, 1))]
    peak = Figure("fivesigma run", tuple(memory / 1e6 for _, memory in runs), "MB")
    limit = Figure("limit", tuple(LIMIT / 1e6 for _ in runs), "MB")
    note = f"{statistics.median(seconds for seconds, _ in runs):.1f} s with four epochs and the report"
    return [Row(f"{short(rows)} rows: peak memory", peak, limit, "less", 1.0, note)]


def main() -> int:
    """The same by itself, for any number of rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    seconds, peak = whole_run(options.rows, options.epochs)
    within = peak < LIMIT * max(1, options.rows / 1e6)
    print(f"whole run: {seconds:.1f} s, peak memory {peak / 1e9:.2f} GB ({'within' if within else 'OVER'} the limit)")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
