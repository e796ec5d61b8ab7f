"""Exported models: how far they are from the network, and the physics numbers of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
        proof: for firmware, what gave every bit of the network, one sentence each.
        cost: for firmware, estimates of what it costs; no rows for another format.
    """

    table: Table
    sentence: str
    outdated: bool
    proof: list[str] = field(default_factory=list)
    cost: Table = field(default_factory=lambda: Table("", [], []))


def exports(folder: RunFolder) -> list[Export]:
    """The models that the run has exported."""
    if not folder.has("export/check.json"):
        return []
    return [_export(folder, format, tree) for format, tree in folder.read_json("export/check.json").items()]


def _export(folder: RunFolder, format: str, tree: dict[str, Any]) -> Export:
    numbers = tree["difference"]
    kind = kind_of_events(tree)
    unit = f" of the scores' scale ({number(numbers['scale'])})" if numbers["scale"] != 1 else ""
    fixed = ", ".join(f"{name} = {value:g}" for name, value in tree["fixed"].items())
    rows = []
    for name, row in tree.get("metrics", {}).items():
        shown = str(Metric(row["network"], row["error"])) if row["network"] is not None and row["error"] else "–"
        rows.append([name, shown, number(row["network"]), number(row["exported"]), _apart(row)])
    rounded = ", both on values as the ports deliver them" if tree.get("proof", {}).get("rounded") else ""
    differ = (
        f"the scores differ by {numbers['largest']:.1e}{unit} at most and by {numbers['mean']:.1e} on average"
        if numbers["largest"]
        else "the scores are equal"
    )
    sentence = (
        f"{tree['file']} ({format}, {tree['bytes'] / 1000:,.0f} kB{', ' + fixed if fixed else ''}) was compared with the "
        f"network on {tree['events']:,} {kind} events{rounded}: {differ}; a difference of {tree['tolerance']:g} is allowed."
    )
    if tree.get("learned_from"):
        sentence += f" {LEARNED_FROM[0].upper()}{LEARNED_FROM[1:]}."
    current = all((folder / name).is_file() and sha256(folder / name) == digest for name, digest in tree["network"].items())
    table = Table(format, ["metric", "network", "network", "exported", "exported − network"], rows)
    return Export(
        table, sentence, not current, proof_sentences(tree.get("proof", {})), cost_table(tree.get("estimates", {}))
    )


def kind_of_events(tree: Mapping[str, Any]) -> str:
    """Which events an exported model was compared on, in a word.

    Args:
        tree: of a format in `export/check.json`.
    """
    return "random" if tree["part"] == "drawn" else "training" if tree.get("learned_from") else str(tree["part"])


LEARNED_FROM = (
    "the networks of the folds have learned from these events, so the metrics of their mean are better here than on new "
    "events: those of the run are out of fold"
)


def proof_sentences(proof: Mapping[str, Any]) -> list[str]:
    """What was compared with a quantised network bit by bit, one sentence each.

    Args:
        proof: of `export/check.json`.
    """
    lines = []
    for key, what in (("emulator", "The emulator"), ("verilog", "The Verilog"), ("hls", "The C++ of the project")):
        row = proof.get(key)
        if row is not None and "mismatches" in row:
            lines.append(
                f"{what} ({row['name']}) differs from the quantised network in {row['mismatches']:,} of {proof['events']:,} "
                "events; every bit counts."
            )
        elif row is not None:
            lines.append(f"{what} was not run: {row['not_run']}.")
    if proof.get("garbage"):
        lines.append(f"In these events {proof['garbage']:,} values are missing; their ports carried random numbers.")
    if rounded := proof.get("rounded"):
        columns = ", ".join(f"{name} ({share:.0%} of them)" for name, share in rounded["columns"].items())
        lines.append(
            f"Values that stand between two numbers of their port are rounded before it: {columns}; that changes the scores "
            f"by {rounded_in_words(rounded)}."
        )
    if wrapped := proof.get("wrapped"):
        by = (
            f"; rounding at the ports has moved {rounded['wrapped']:,} of them there"
            if rounded and rounded.get("wrapped")
            else ""
        )
        lines.append(f"{wrapped_in_words(wrapped, proof['events'])}{by}.")
    return lines


def rounded_in_words(rounded: Mapping[str, Any]) -> str:
    """By how much the scores change when the ports round values.

    >>> rounded_in_words({"largest": 0.0178, "mean": 0.001})
    '1.8e-02 at most and by 1.0e-03 on average'
    """
    return f"{rounded['largest']:.1e} at most and by {rounded['mean']:.1e} on average"


def wrapped_in_words(count: int, total: int, kind: str = "") -> str:
    """A clause on events in which a value wraps around in a quantised network.

    >>> wrapped_in_words(2, 100, "test")
    '2 of 100 test events have a value outside the ranges of the training, which wraps around: their scores mean nothing'
    """
    events = f"{kind} events" if kind else "events"
    has, means = ("has", "its score means") if count == 1 else ("have", "their scores mean")
    where = "a value outside the ranges of the training, which wraps around"
    return f"{count:,} of {total:,} {events} {has} {where}: {means} nothing"


def cost_table(estimates: Mapping[str, Any]) -> Table:
    """What firmware costs, as estimated.

    Args:
        estimates: of `export/check.json`.
    """
    header = ["estimate by", "LUT", "registers", "carry, bits", "cells in a row"]
    if not estimates:
        return Table("cost", header, [])
    rows = [
        ["alkaid", number(round(estimates["alkaid"]["lut"])), number(round(estimates["alkaid"]["register_bits"])), "–", "–"]
    ]
    if "yosys" in estimates:
        found = estimates["yosys"]
        rows.append(["Yosys", *(number(found.get(key)) for key in ("lut", "ff", "carry", "depth"))])
    note = (
        f"{estimates['cycles']} cycles of the clock from the register of the input to that of the output, "
        f"{estimates['nanoseconds']:g} ns at {estimates['clock_mhz']:g} MHz; a new event with each cycle. No DSPs and no "
        "memory blocks. These are estimates: no vendor's tool has seen the design."
    )
    return Table("cost", header, rows, note)


def _apart(row: dict[str, Any]) -> str:
    """The difference of both models, with its error on the same events if it is known."""
    if row["network"] is None or row["exported"] is None:
        return "–"
    difference = row["exported"] - row["network"]
    if not row.get("paired"):
        return f"{difference:.1e}" if difference else "0"
    return f"{difference:.1e} ± {row['paired']:.1e}"
