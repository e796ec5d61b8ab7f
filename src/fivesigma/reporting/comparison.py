"""The network beside its baselines."""

from collections.abc import Mapping
from typing import Any

from fivesigma.metrics.metric import is_metric, shown
from fivesigma.metrics.result import NETWORK, judged_part
from fivesigma.reporting.table import Table

Tree = Mapping[str, Any]


def tables(metrics: Tree) -> list[Table]:
    """A column for the network and for each baseline; nothing if there is none.

    Args:
        metrics: part → its numbers, from `metrics.json`.
    """
    part = judged_part(metrics)
    return [_standard(metrics[part], part)] if metrics[part].get("baselines") else []


def _standard(tree: Tree, part: str) -> Table:
    others = tree["baselines"]
    names = dict.fromkeys(name for one in others.values() for name, value in one.items() if is_metric(value))
    rows = [[name, *(shown(one.get(name)) for one in (tree, *others.values()))] for name in names]
    note = "All were trained on the same events, and are judged on the same events by the same code."
    return Table(f"The network and its baselines ({part})", ["metric", NETWORK, *others], rows, note)
