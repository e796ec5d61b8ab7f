"""The network beside its baselines."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.metrics.metric import Metric, is_metric, shown
from fivesigma.metrics.result import NETWORK, judged_part
from fivesigma.metrics.verdicts import advantages
from fivesigma.reporting.results import heading
from fivesigma.reporting.table import Table

Tree = Mapping[str, Any]


def tables(metrics: Tree, analysis: Analysis) -> list[Table]:
    """Metrics of the network and of each baseline, then their differences; empty without baselines.

    Args:
        metrics: part → its numbers, from `metrics.json`.
        analysis: analysis of the run.
    """
    part = judged_part(metrics)
    if not metrics[part].get("baselines"):
        return []
    return [_standard(metrics[part], part, analysis), *_differences(metrics[part], part, analysis)]


def _standard(tree: Tree, part: str, analysis: Analysis) -> Table:
    others = tree["baselines"]
    names = dict.fromkeys(name for one in others.values() for name, value in one.items() if is_metric(value))
    rows = [[heading(name, analysis), *(shown(one.get(name)) for one in (tree, *others.values()))] for name in names]
    fewer = {name: one["learnt"] for name, one in others.items() if "learnt" in one}
    note = "All models were trained on the same events and are evaluated on the same events."
    if fewer:
        listed = ", ".join(f"{name} was trained on {own['events']:,} of {own['of']:,} events" for name, own in fewer.items())
        note = f"All models are evaluated on the same events; {listed}, a random sample (train.window)."
    return Table(f"The network and its baselines ({part})", ["metric", NETWORK, *others], rows, note)


def _differences(tree: Tree, part: str, analysis: Analysis) -> list[Table]:
    """Differences of each baseline that was compared event by event, one per column."""
    others = {name: one["difference"] for name, one in tree["baselines"].items() if "difference" in one}
    if not others:
        return []
    names = dict.fromkeys(name for one in others.values() for name in one)
    rows = [[heading(name, analysis), *(shown(one.get(name)) for one in others.values())] for name in names]
    note = (
        "Fluctuations common to a baseline and the network cancel, so the error is smaller than for two independent samples."
    )
    unit = analysis.target.unit if analysis.target else ""
    baselines = tree["baselines"]
    compared = {name: {"difference": _metrics(one), "learnt": baselines[name].get("learnt")} for name, one in others.items()}
    for sentence in advantages({part: {"baselines": compared, "front": tree.get("front", {})}}, unit):
        note += f" {sentence[0].upper()}{sentence[1:]}."
    return [Table(f"Baseline − network, on the same events ({part})", ["metric", *others], rows, note)]


def _metrics(tree: Tree) -> dict[str, Metric]:
    """Metrics from JSON."""
    return {
        name: Metric(*(np.nan if value[key] is None else value[key] for key in ("value", "error")))
        for name, value in tree.items()
    }
