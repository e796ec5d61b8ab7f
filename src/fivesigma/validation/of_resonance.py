"""Simulated collisions beside the published HEPMASS sample."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis.simulate import ResonanceSimulation
from fivesigma.cluster.executor import Workers
from fivesigma.data.formats import open_table
from fivesigma.errors import ColumnNotFound, DataError
from fivesigma.plugins import models
from fivesigma.progress import Listener
from fivesigma.runs.source import simulated_file
from fivesigma.simulation.resonance import FEATURES
from fivesigma.simulation.uci import from_uci
from fivesigma.validation import Comparison, published, resonance, shapes, speed
from fivesigma.validation.networks import Trained, analysis_of, train_on
from fivesigma.validation.publish import OUTPUT, Validation, facts_of, publish, sources_of

RESONANCE_EVENTS = 1_000_000


def validate_resonance(
    output: str | Path = OUTPUT,
    events: int = RESONANCE_EVENTS,
    data: str | Path | None = None,
    workers: Workers | None = None,
    listener: Listener | None = None,
    measured: bool = True,
    effort: speed.Effort | None = None,
) -> Validation:
    """Compare simulated collisions with the published HEPMASS sample.

    Args:
        output: folder in which `resonance/` is made.
        events: selected events to simulate, half of them background; kept in the cache.
        data: a file to compare instead, in GeV or in the UCI layout.
        workers: worker processes of the simulation.
        listener: receives messages and progress.
        measured: whether the speed is measured, too.
        effort: how long to measure it.
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
    rows += speed.resonance_rows(effort, listener.progress) if measured else []
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
    facts = {
        **facts_of(path, len(sample.group)),
        **_training_facts(trained),
        **sources_of(f"hepmass_{s}.csv" for s in sources),
    }
    return publish(Path(output) / "resonance", "Simulated collisions", rows, numbers, facts, listener)


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


def _tag_shares(sample: resonance.Sample) -> dict[str, dict[str, float]]:
    """Published and simulated share of each pattern of b-tags, the most frequent first."""
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


def _training_facts(trained: Mapping[str, Trained]) -> dict[str, str]:
    facts = {}
    for name, one in trained.items():
        analysis = analysis_of(name == "parameterised")
        network = models.get(analysis.model.kind).label(analysis.model)
        settings = f"{network}, {analysis.train.optimizer}, batches of {analysis.train.batch_size}"
        facts[f"network, {name}"] = (
            f"the published columns as they are, with {settings} as in the analysis hepmass; {len(one.epochs)} epochs, "
            f"{one.training_events:,} training events, "
            f"{sum(row['seconds'] for row in one.epochs):.0f} s"
        )
    return facts
