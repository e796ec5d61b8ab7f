"""Reading gzipped CSV in the UCI layout into training arrays, against pandas."""

import math
from pathlib import Path

from benchmarks.million_rows import write
from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.timing import alternate
from benchmarks.worker import once

NEEDS = ("pandas",)
ABOUT = (
    "A gzipped CSV file with the columns and digits of the published HEPMASS files → float32 features, labels and masses. "
    "Each repetition is a new process with the file in the system's cache; a tiny file is read before the clock starts, "
    "the memory is the process's largest, interpreter and libraries included."
)
FASTER, MEMORY = 3.0, 2.0
TASK = "benchmarks.workers.csv_reading:Reading"


def measure(options: Options) -> list[Row]:
    """Rows for time and memory, and how near decompression alone is."""
    rows = options.size(2_000_000, 150_000)
    path = table_of(rows, options)
    peaks: dict[str, list[float]] = {"fivesigma": [], "pandas": []}
    contents: dict[str, float] = {}

    def contender(method: str) -> float:
        found, peak = once(TASK, method, path=str(path))
        if method in peaks:
            peaks[method].append(peak / 1e6)
            contents[method] = found["content"]
        return float(found["seconds"])

    contender("gunzip")  # the file is in the system's cache from here on
    names = ("fivesigma", "pandas", "gunzip")
    seconds = alternate({name: lambda name=name: contender(name) for name in names}, options.turns())  # type: ignore[misc]
    if not math.isclose(contents["fivesigma"], contents["pandas"], rel_tol=1e-5):
        raise AssertionError(f"the readers disagree: {contents}")
    time = {name: Figure(name, tuple(values), "s") for name, values in seconds.items()}
    memory = {name: Figure(name, tuple(values), "MB") for name, values in peaks.items()}
    what = f"{short(rows)} rows, {path.stat().st_size / 1e6:.0f} MB compressed"
    limit = "decompression alone (ISA-L), which one thread does"
    return [
        Row(f"{what}: time", time["fivesigma"], time["pandas"], "less", FASTER),
        Row(f"{what}: peak memory (half or less)", memory["fivesigma"], memory["pandas"], "less", MEMORY),
        Row(f"{what}: fraction of the limit", time["fivesigma"], time["gunzip"], "less", None, limit),
    ]


def table_of(rows: int, options: Options) -> Path:
    """The file, made once and kept."""
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / f"uci-{rows}.csv.gz"
    if not path.is_file():
        options.say(f"writing {path.name}")
        part = path.with_name("part-" + path.name)
        write(part, rows, 1)
        part.rename(path)
    return path
