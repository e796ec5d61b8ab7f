"""The verb `validate`: a simulation beside published numbers, as a page, as JSON and as a table."""

import os
import platform
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis.simulate import MuonSimulation, ResonanceSimulation
from fivesigma.cluster.local import LocalProcesses
from fivesigma.data.formats import open_table
from fivesigma.errors import ColumnNotFound, DataError
from fivesigma.progress import Listener
from fivesigma.runs.folder import RunFolder, command_line
from fivesigma.runs.source import simulate_to, simulated_file
from fivesigma.simulation.muons.archive import PARAMETERS, VARIABLES
from fivesigma.simulation.resonance import FEATURES
from fivesigma.simulation.uci import from_uci
from fivesigma.validation import Comparison, count_passes, published, resonance, shapes, speed
from fivesigma.validation import muons as muon_checks
from fivesigma.validation.networks import Trained, analysis_of, train_on
from fivesigma.validation.page import shown, write_validation
from fivesigma.version import __version__

RESONANCE_EVENTS = 1_000_000
MUON_EVENTS = 1_200_000
OUTPUT = Path("validation")

MEMORY_GROWTH = 1.25  # "does not grow": peak memory of the longer over that of the shorter simulation
MEMORY_EVENTS = (150_000, 600_000)

FEW_ROWS = 12
"""Of longer groups the table on the terminal holds only what fails and what is furthest."""


@dataclass(frozen=True)
class Validation:
    """The page and the comparisons on it."""

    page: Path
    comparisons: list[Comparison]

    @property
    def failed(self) -> int:
        """Number of comparisons that fail."""
        return count_passes(self.comparisons)[1]


def validate_resonance(
    output: str | Path = OUTPUT,
    events: int = RESONANCE_EVENTS,
    data: str | Path | None = None,
    workers: int | None = None,
    listener: Listener | None = None,
    effort: speed.Effort | None = None,
) -> Validation:
    """Compare simulated collisions with the published HEPMASS sample.

    Args:
        output: folder in which `resonance/` is made.
        events: selected events to simulate, half of them background; kept in the cache.
        data: a file to compare instead, in GeV or in the UCI layout.
        workers: processes of the simulation.
        listener: hears what happens.
        effort: how long to measure the speed.
    """
    listener = listener or Listener()
    path = Path(data) if data else simulated_file(_resonance(events), listener, workers)
    columns = _collisions(path)
    sample = resonance.Sample.of(columns)
    rows = resonance.features(columns)
    trained = {}
    for name, with_mass in (("parameterised", True), ("without mass", False)):
        trained[name] = train_on(columns, listener, with_mass=with_mass)
        areas = {mass: (metric.value, metric.error) for mass, metric in trained[name].areas.items()}
        rows += resonance.area_rows(name, areas, trained[name].training_events)
    rows += speed.resonance_rows(effort, listener.progress)
    numbers = {
        "quartiles": True,
        "limits": True,
        "features": shapes.features(sample),
        "angles": shapes.angles(sample),
        "jet_counts": shapes.jet_counts(sample),
        "tags": _tag_shares(sample),
        "correlations": [_pair(row) for row in rows if row.group == "correlations"],
        "areas": {name: {str(mass): curve for mass, curve in one.curves.items()} for name, one in trained.items()},
    }
    sources = ("quartiles", "counts", "tags", "correlations", "auc")
    facts = {**_facts(path, len(sample.group)), **_training_facts(trained), **_sources(f"hepmass_{s}.csv" for s in sources)}
    return _publish(Path(output) / "resonance", "Simulated collisions", rows, numbers, facts, listener)


def validate_muons(
    output: str | Path = OUTPUT,
    events: int = MUON_EVENTS,
    data: str | Path | None = None,
    workers: int | None = None,
    listener: Listener | None = None,
    effort: speed.Effort | None = None,
) -> Validation:
    """Compare simulated muons with published figures of the CMS endcap track finder.

    What needs the hits before roads are searched is always simulated, with as many muons.

    Args:
        output: folder in which `muons/` is made.
        events: accepted muons to simulate; kept in the cache.
        data: a file of accepted muons to compare instead.
        workers: processes of the simulation.
        listener: hears what happens.
        effort: how long to measure the speed.
    """
    listener = listener or Listener()
    path = Path(data) if data else simulated_file(MuonSimulation(process="muons", events=events), listener, workers)
    variables, parameters, generated = _tracks(path)
    seen = muon_checks.observe(events, seed=2, progress=listener.progress)
    results = muon_checks.window_results(seen)
    rows = [
        *muon_checks.spectrometer_rows(seen, results),
        *muon_checks.track_rows(variables, parameters, generated),
        *speed.muon_rows(effort, listener.progress),
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
    sources = _sources(f"emtf_{name}.csv" for name in ("windows", "bends", "correlations"))
    facts = {**_facts(path, len(variables)), "before the road search": f"{len(seen):,} muons, seed 2", **sources}
    return _publish(Path(output) / "muons", "Simulated muons", rows, numbers, facts, listener)


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
        simulate_to(settings, Path(folder) / f"muons.{ending}", Listener(), workers=1)
    # Linux only; the maximum that getrusage reports there is inherited from the parent process.
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.is_file() else None
    return int(found[1]) / 1000 if found else float("nan")


def _resonance(events: int) -> ResonanceSimulation:
    return ResonanceSimulation(process="resonance", events=events, layout="gev")


def _collisions(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Columns in GeV from a file in GeV or in the UCI layout."""
    columns = open_table(str(path)).read()
    if "f0" in columns:
        columns = {**from_uci(columns), **{name: columns[name] for name in ("event_number",) if name in columns}}
    for name in (*FEATURES, "label", "mass"):
        if name not in columns:
            raise ColumnNotFound(name, str(path), columns)
    found = set(np.unique(resonance.Sample.of(columns).group).tolist())
    missing = sorted(set(published.shares("original")) - found)
    if missing:
        names = ", ".join("the background" if mass == 0 else f"{mass} GeV" for mass in missing)
        raise DataError(
            f"{path} has no events of {names}", hint="the published mixture needs all five masses and background"
        )
    return columns


def _tracks(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], int]:
    """Variables, parameters and the number of generated muons (0 if unknown) from any file of muons."""
    columns = open_table(str(path), columns={"variables": VARIABLES, "parameters": PARAMETERS}).read()
    for name in (*VARIABLES, *PARAMETERS):
        if name not in columns:
            raise ColumnNotFound(name, str(path), columns)
    variables, parameters = (
        np.stack([np.asarray(columns[name], np.float32) for name in names], axis=1) for names in (VARIABLES, PARAMETERS)
    )
    # Muons are numbered as they are shot, and the last one written ends the simulation.
    number = columns.get("event_number")
    return variables, parameters, int(number.max()) + 1 if number is not None else 0


def _tag_shares(sample: resonance.Sample) -> dict[str, dict[str, float]]:
    """Published and simulated share of each pattern of tags, the commonest first."""
    target, found = published.tag_table(), resonance.tag_shares(sample, sample.weights("original"))
    order = sorted(found, key=lambda cell: -target.get(cell, 0.0))
    names = {cell: "".join(str(tag) for tag in cell) for cell in order}
    return {
        "published": {names[cell]: target.get(cell, 0.0) for cell in order},
        "found": {names[cell]: found[cell] for cell in order},
    }


def _pair(row: Comparison) -> dict[str, Any]:
    one, other = row.quantity.split(", ")
    return {"one": one, "other": other, "published": row.target, "found": row.to_dict()["found"]}


def _muon_pairs(variables: np.ndarray[Any, Any], parameters: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    return [
        {"one": one, "other": other, "published": target, "found": value if np.isfinite(value) else None}
        for (one, other), (target, value) in muon_checks.correlations(variables, parameters).items()
    ]


def _facts(path: Path, events: int) -> dict[str, str]:
    """What the page says about the sample and the machine."""
    return {
        "command": command_line(),
        "sample": f"{path}, {events:,} events",
        "made": datetime.now().strftime("%Y-%m-%d %H:%M"),
        "fivesigma": __version__,
        "machine": f"{platform.platform()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}",
    }


def _training_facts(trained: Mapping[str, Trained]) -> dict[str, str]:
    facts = {}
    for name, one in trained.items():
        analysis = analysis_of(name == "parameterised")
        settings = f"layers {analysis.model.layers}, {analysis.train.optimizer}, batches of {analysis.train.batch_size}"
        facts[f"network, {name}"] = (
            f"analysis hepmass with {settings}, {len(one.epochs)} epochs, {one.training_events:,} training events, "
            f"{sum(row['seconds'] for row in one.epochs):.0f} s"
        )
    return facts


def _sources(names: Any) -> dict[str, str]:
    return {f"published: {name}": published.source(name) for name in names}


def _publish(
    folder: Path,
    title: str,
    rows: list[Comparison],
    numbers: Mapping[str, Any],
    facts: Mapping[str, str],
    listener: Listener,
) -> Validation:
    """Write JSON, Markdown and page, and print the table."""
    place = RunFolder(folder)
    passed, failed, open_ = count_passes(rows)
    tree = {"title": title, "facts": dict(facts), "passed": passed, "failed": failed, "not_judged": open_}
    place.write_json("validation.json", {**tree, "comparisons": [row.to_dict() for row in rows]})
    place.write_text("validation.md", _markdown(rows))
    page = write_validation(place, title, rows, numbers, facts, listener.progress)
    _say(rows, listener)
    listener.done(f"{passed} comparisons pass, {failed} fail, {open_} are not judged")
    return Validation(page, rows)


def _say(rows: Sequence[Comparison], listener: Listener) -> None:
    """A table per group; of a long group what fails and the three furthest."""
    for group in dict.fromkeys(row.group for row in rows):
        own = [row for row in rows if row.group == group]
        passed, failed, open_ = count_passes(own)
        title = f"{group}: {passed} pass, {failed} fail" + (f", {open_} not judged" if open_ else "")
        if len(own) > FEW_ROWS:
            furthest = sorted(own, key=lambda row: -np.nan_to_num(row.pull))
            own = [row for row in furthest if row.verdict == "fail"] + [r for r in furthest if r.verdict != "fail"][:3]
            title += "; the furthest"
        listener.say(f"\n{title}")
        for line in _aligned([(row.quantity, *shown(row), row.verdict) for row in own]):
            listener.say(f"  {line}")


def _markdown(rows: Sequence[Comparison]) -> str:
    """Every comparison in one table of Markdown, to be pasted into a document."""
    lines = ["| group | quantity | target | simulated | tolerance | verdict |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = (row.group, row.quantity, *shown(row), row.verdict)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns of equal width; not cut to the width of the terminal, because a log has none."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i in (0, 4) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
