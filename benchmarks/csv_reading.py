"""Reading CSV in the UCI layout into training arrays, gzipped and plain, against the fastest libraries."""

import gzip
import math
import shutil
from pathlib import Path

from benchmarks.million_rows import write
from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.timing import alternate
from benchmarks.worker import once

NEEDS = ("pandas", "duckdb")
ABOUT = (
    "A CSV file with the columns and digits of the published HEPMASS files → float32 features, labels and masses, with our "
    "checks and a fingerprint of each event. Each repetition is a new process with the file in the system's cache; a tiny "
    "file is read before the clock starts, the memory is the process's largest, interpreter and libraries included."
)
PEERS = ("pandas", "polars", "pyarrow", "duckdb")
TIME, MEMORY = 1.0, 1 / 0.75
TASK = "benchmarks.workers.csv_reading:Reading"


def measure(options: Options) -> list[Row]:
    """Rows for time and memory against every peer, and how near decompression alone is."""
    rows = options.size(2_000_000, 150_000)
    zipped = table_of(rows, options)
    plain = unzipped(zipped, options)
    return [*_compared(zipped, rows, (*PEERS, "gunzip"), options), *_compared(plain, rows, PEERS, options)]


def _compared(path: Path, rows: int, peers: tuple[str, ...], options: Options) -> list[Row]:
    peaks: dict[str, list[float]] = {}
    contents: dict[str, float] = {}

    def contender(method: str) -> float:
        found, peak = once(TASK, method, path=str(path))
        peaks.setdefault(method, []).append(peak / 1e6)
        contents[method] = found.get("content", math.nan)
        return float(found["seconds"])

    once(TASK, "polars", path=str(path))  # the file is in the system's cache from here on
    names = ("fivesigma", *peers)
    seconds = alternate({name: lambda name=name: contender(name) for name in names}, options.turns())  # type: ignore[misc]
    for peer in PEERS:
        if not math.isclose(contents["fivesigma"], contents[peer], rel_tol=1e-5):
            raise AssertionError(f"the readers disagree: {contents}")
    time = {name: Figure(name, tuple(values), "s") for name, values in seconds.items()}
    memory = {name: Figure(name, tuple(values), "MB") for name, values in peaks.items()}
    what = f"{short(rows)} rows, {path.stat().st_size / 1e6:.0f} MB of {'gzipped' if path.suffix == '.gz' else 'plain'} CSV"
    result = [Row(f"{what}: time", time["fivesigma"], time[peer], "less", TIME) for peer in PEERS]
    best = min(PEERS, key=lambda peer: time[peer].median)
    result.append(Row(f"{what}: peak memory, fastest peer", memory["fivesigma"], memory[best], "less", MEMORY))
    if "gunzip" in peers:
        limit = "decompression alone (ISA-L), which one thread does"
        result.append(Row(f"{what}: fraction of the limit", time["fivesigma"], time["gunzip"], "less", None, limit))
    return result


def table_of(rows: int, options: Options) -> Path:
    """The gzipped file, made once and kept."""
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / f"uci-{rows}.csv.gz"
    if not path.is_file():
        options.say(f"writing {path.name}")
        part = path.with_name("part-" + path.name)
        write(part, rows, 1)
        part.rename(path)
    return path


def unzipped(zipped: Path, options: Options) -> Path:
    """The plain file, made once and kept."""
    path = zipped.with_suffix("")
    if not path.is_file():
        options.say(f"writing {path.name}")
        part = path.with_name("part-" + path.name)
        with gzip.open(zipped, "rb") as source, open(part, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        part.rename(path)
    return path
