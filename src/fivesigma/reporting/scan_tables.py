"""A scan as tables: a row for each hypothesis, a column for each network; the console and the page show the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from fivesigma.metrics.metric import shown

_COLUMNS: dict[str, tuple[str, ...]] = {
    "AUC, signal of each hypothesis against all background": ("auc",),
    "significance of the best cut, background uncertainty included": ("search", "best_cut"),
    "significance of the binned score, background uncertainty included": ("search", "binned"),
    "expected 95 % CLs limit on the signal strength": ("search", "limit", "0"),
    "discovery significance of the fit to the binned score": ("search", "discovery"),
}


def tables(tree: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Title, header and rows of each table: AUC, then what the search reaches where there is one.

    A star marks a hypothesis whose signal the network was not trained on.
    """
    networks = tree["networks"]
    found = []
    for title, keys in _COLUMNS.items():
        rows = []
        for name in tree["hypotheses"]:
            cells = [_cell(row["at"].get(name), keys, name in row["trained_on"]) for row in networks.values()]
            rows.append([name, *cells])
        if all(cell.strip("– *") == "" for row in rows for cell in row[1:]):
            continue
        if title.startswith("AUC") and len(rows) > 1:
            rows.append(["mean", *(shown(row.get("mean_auc")) for row in networks.values())])
            rows.append(["all together", *(shown(row.get("auc")) for row in networks.values())])
        found.append((title, ["", *networks], rows))
    return found


def _cell(row: Any, keys: Sequence[str], trained: bool) -> str:
    for key in keys:
        row = row.get(key) if isinstance(row, Mapping) else None
    text = f"{row:#.3g}" if isinstance(row, float) else shown(row)
    return text if trained or text == "–" else f"{text} *"
