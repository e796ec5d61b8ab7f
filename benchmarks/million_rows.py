"""Read, train and test a million rows in the layout of the published HEPMASS files, and say what it took.

    python benchmarks/million_rows.py [--rows 1000000]

The file is made here, with the traps of the published one: the header `# label`, the mass 499.99997,
text with eighteen digits, gzip. Its events are Gaussians, so the metrics mean nothing; the peak memory
and the time do. The peak must stay under 1.5 GB for a million rows.
"""

import argparse
import gzip
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "all_train.csv.gz", options.rows, 1)
        write(folder / "all_test.csv.gz", options.rows // 5, 2)
        size = (folder / "all_train.csv.gz").stat().st_size
        print(f"training file: {options.rows:,} rows, {size / 1e6:.0f} MB compressed")
        started = time.perf_counter()
        command = [
            sys.executable, "-m", "fivesigma", "run", "hepmass", "--output", str(folder / "runs"),
            "--set", f"train.epochs={options.epochs}",
            "--data", f"train={folder / 'all_train.csv.gz'}", "--data", f"test={folder / 'all_test.csv.gz'}",
        ]  # fmt: skip
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    within = peak < LIMIT * max(1, options.rows / 1e6)
    print(f"whole run: {seconds:.1f} s, peak memory {peak / 1e9:.2f} GB ({'within' if within else 'OVER'} the limit)")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
