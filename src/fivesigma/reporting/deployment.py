"""Exported models: how far they are from the network, and the physics numbers of both."""

from dataclasses import dataclass
from typing import Any

from fivesigma.atomic import sha256
from fivesigma.metrics.metric import Metric
from fivesigma.reporting.table import Table, number
from fivesigma.runs.folder import RunFolder


@dataclass(frozen=True)
class Export:
    """An exported model on the page.

    Attributes:
        table: the physics numbers, network and exported model beside each other.
        sentence: file and differences in words.
        outdated: whether the run's network has been trained again since.
    """

    table: Table
    sentence: str
    outdated: bool


def exports(folder: RunFolder) -> list[Export]:
    """The models that the run has exported."""
    if not folder.has("export/check.json"):
        return []
    return [_export(folder, format, tree) for format, tree in folder.read_json("export/check.json").items()]


def _export(folder: RunFolder, format: str, tree: dict[str, Any]) -> Export:
    numbers = tree["difference"]
    kind = "random" if tree["part"] == "drawn" else tree["part"]
    unit = f" of the scores' scale ({number(numbers['scale'])})" if numbers["scale"] != 1 else ""
    fixed = ", ".join(f"{name} = {value:g}" for name, value in tree["fixed"].items())
    rows = []
    for name, row in tree.get("metrics", {}).items():
        shown = str(Metric(row["network"], row["error"])) if row["network"] is not None and row["error"] else "–"
        rows.append([name, shown, number(row["network"]), number(row["exported"]), _apart(row)])
    sentence = (
        f"{tree['file']} ({format}, {tree['bytes'] / 1000:,.0f} kB{', ' + fixed if fixed else ''}) was compared with the "
        f"network on {tree['events']:,} {kind} events: the scores differ by {numbers['largest']:.1e}{unit} at most and by "
        f"{numbers['mean']:.1e} on average; {tree['tolerance']:g} is allowed."
    )
    current = all((folder / name).is_file() and sha256(folder / name) == digest for name, digest in tree["network"].items())
    return Export(Table(format, ["metric", "network", "network", "exported", "difference"], rows), sentence, not current)


def _apart(row: dict[str, Any]) -> str:
    if row["network"] is None or row["exported"] is None:
        return "–"
    return f"{row['exported'] - row['network']:.1e}"
