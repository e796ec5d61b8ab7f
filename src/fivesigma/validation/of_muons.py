"""Simulated muons beside published figures of the CMS endcap track finder."""

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis.simulate import MuonSimulation
from fivesigma.cluster.executor import Workers
from fivesigma.cluster.local import LocalProcesses
from fivesigma.data.formats import open_table
from fivesigma.errors import ColumnNotFound
from fivesigma.progress import Listener
from fivesigma.runs.source import simulate_to, simulated_file
from fivesigma.simulation.muons.archive import PARAMETERS, VARIABLES
from fivesigma.validation import Comparison, shapes, speed
from fivesigma.validation import muons as muon_checks
from fivesigma.validation.publish import OUTPUT, Validation, facts_of, publish, sources_of

MUON_EVENTS = 1_200_000

FIRST = 100  # 86 % of all muons are written: the number of the first one in a simulation is far below

MEMORY_GROWTH = 1.25  # "does not grow": peak memory of the longer over that of the shorter simulation
MEMORY_EVENTS = (150_000, 600_000)


def validate_muons(
    output: str | Path = OUTPUT,
    events: int = MUON_EVENTS,
    data: str | Path | None = None,
    workers: Workers | None = None,
    listener: Listener | None = None,
    measured: bool = True,
    effort: speed.Effort | None = None,
) -> Validation:
    """Compare simulated muons with published figures of the CMS endcap track finder.

    Comparisons of hits before the road search always use simulated muons, as many as the accepted ones.

    Args:
        output: folder in which `muons/` is made.
        events: accepted muons to simulate; kept in the cache.
        data: a file of accepted muons to compare instead.
        workers: worker processes of the simulation.
        listener: receives messages and progress.
        measured: whether the speed is measured, too.
        effort: how long to measure it.
    """
    listener = listener or Listener()
    path = Path(data) if data else simulated_file(MuonSimulation(process="muons", events=events), listener, workers)
    variables, parameters, generated = _tracks(path)
    seen = muon_checks.observe(events, seed=2, progress=listener.progress)
    results = muon_checks.window_results(seen)
    rows = [
        *muon_checks.spectrometer_rows(seen, results),
        *muon_checks.track_rows(variables, parameters, generated),
        *(speed.muon_rows(effort, listener.progress) if measured else []),
        *memory_rows(listener),
    ]
    numbers = {
        "extrapolation": True,
        "bends": True,
        "classes": True,
        "limits": True,
        "windows": shapes.windows(results),
        "widths": shapes.windows(results),
        "momentum": shapes.momentum(variables, parameters),
        "field": shapes.field_profile(),
        "correlations": _muon_pairs(variables, parameters),
    }
    sources = sources_of(f"emtf_{name}.csv" for name in ("windows", "bends", "correlations"))
    facts = {**facts_of(path, len(variables)), "before the road search": f"{len(seen):,} muons, seed 2", **sources}
    return publish(Path(output) / "muons", "Simulated muons", rows, numbers, facts, listener)


def memory_rows(listener: Listener, events: tuple[int, int] = MEMORY_EVENTS) -> list[Comparison]:
    """Peak memory of writing many muons over that of writing few, each in a process of its own."""
    rows = []
    for step, ending in enumerate(("parquet", "npz")):
        listener.progress(step, 2, f"measuring the memory of writing .{ending}")
        peaks = []
        for number in events:
            with LocalProcesses(1) as fresh:
                fresh.submit(f"writing {number:,} muons", _peak_memory, number, ending)
                peaks += [peak for _, peak in fresh.results()]
        quantity = (
            f"peak memory of {events[1]:,} over {events[0]:,} muons, .{ending} ({peaks[1]:,.0f} and {peaks[0]:,.0f} MB)"
        )
        note = "" if all(np.isfinite(peaks)) else "this system does not tell"
        rows.append(Comparison("memory", quantity, MEMORY_GROWTH, peaks[1] / peaks[0], rule="at most", note=note))
    return rows


def _peak_memory(events: int, ending: str) -> float:
    """In a fresh process: simulate muons into a file; the largest resident memory in MB, NaN where unknown."""
    with tempfile.TemporaryDirectory() as folder:
        settings = MuonSimulation(process="muons", events=events)
        simulate_to(settings, Path(folder) / f"muons.{ending}", Listener(), workers=Workers(1))
    # Linux only; the maximum that getrusage reports there is inherited from the parent process.
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.is_file() else None
    return int(found[1]) / 1000 if found else float("nan")


def _tracks(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], int]:
    """Variables, parameters and the number of generated muons (0 if unknown) from any file of muons."""
    columns = open_table(str(path), columns={"variables": VARIABLES, "parameters": PARAMETERS}).read()
    for name in (*VARIABLES, *PARAMETERS):
        if name not in columns:
            raise ColumnNotFound(name, str(path), columns)
    variables, parameters = (
        np.stack([np.asarray(columns[name], np.float32) for name in names], axis=1) for names in (VARIABLES, PARAMETERS)
    )
    return variables, parameters, generated(columns.get("event_number"))


def generated(number: np.ndarray[Any, Any] | None) -> int:
    """Number of generated muons by the event numbers of those that were written; 0 if unknown.

    Muons are numbered as they are shot, and the last one written ends the simulation. A file of several simulations, or a
    part of one that is not its beginning, has other numbers.

    Args:
        number: event numbers as they stand in the file; None if there are none.
    """
    if number is None or not len(number) or number[0] >= FIRST or (np.diff(number.astype(np.int64)) <= 0).any():
        return 0
    return int(number[-1]) + 1


def _muon_pairs(variables: np.ndarray[Any, Any], parameters: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    return [
        {"one": one, "other": other, "published": target, "found": value if np.isfinite(value) else None}
        for (one, other), (target, value) in muon_checks.correlations(variables, parameters).items()
    ]
