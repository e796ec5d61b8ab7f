"""Tables of the network beside its baselines, and of what a trigger makes of them, from `metrics.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.trigger import Trigger
from fivesigma.metrics.intervals import text_of
from fivesigma.metrics.metric import is_metric, shown

NETWORK = "network"
Tree = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: what it shows.
        header: of the columns; the first one names rows.
        rows: of cells.
        note: a sentence below it.
    """

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""


def judged_part(parts: Mapping[str, Any]) -> str:
    """The part whose numbers count: the test events if there are any, else those scored out of fold or validation events.

    >>> judged_part({"train": {}, "val": {}, "test": {}})
    'test'
    """
    return next(part for part in ("test", "folds", "val", *parts) if part in parts)


def comparison_tables(metrics: Tree, analysis: Analysis) -> list[Table]:
    """All tables there is something for, the short ones that a terminal shows first.

    Args:
        metrics: `metrics.json`.
        analysis: of the run.
    """
    part, settings = judged_part(metrics), analysis.evaluate.trigger
    tree, found = metrics[part], []
    if tree.get("baselines"):
        found.append(_standard(tree, part))
    if settings is not None and "trigger" in tree:
        found += [_at_one_threshold(tree, part, settings), *_at_every_threshold(tree, part), *_resolutions(tree, part)]
    return found


def models(tree: Tree) -> dict[str, Any]:
    """Name → what a trigger says of the network and of each baseline, from one part of `metrics.json` or `curves.json`."""
    others = {name: one["trigger"] for name, one in tree.get("baselines", {}).items() if "trigger" in one}
    return {NETWORK: tree["trigger"], **others}


def _standard(tree: Tree, part: str) -> Table:
    others = tree["baselines"]
    names = dict.fromkeys(name for one in others.values() for name, value in one.items() if is_metric(value))
    rows = [[name, *(shown(one.get(name)) for one in (tree, *others.values()))] for name in names]
    note = "All were trained on the same events, and are judged on the same events by the same code."
    return Table(f"The network and its baselines ({part})", ["metric", NETWORK, *others], rows, note)


def _at_one_threshold(tree: Tree, part: str, settings: Trigger) -> Table:
    at = f"{settings.threshold:g}"
    rows = []
    for name, one in models(tree).items():
        own = one["thresholds"][at]
        rows.append(
            [name, *(text_of(x) for x in (own["rate"], one.get("rate_reduction"), own["efficiency"], own["plateau"]))]
        )
    unit = "share of all muons" if settings.total_rate is None else "kHz"
    header = ["model", f"rate [{unit}]", "rate / network's", "efficiency at the threshold", "plateau"]
    percent = f"{100 * settings.efficiency:g} %"
    note = (
        f"All models accept {percent} of the muons of {at} GeV, on a scale set by other events than these; rates are for "
        f"muons that fall like {power(settings.spectrum)}. The error of a ratio takes into account that both are of the "
        "same muons. "
        "Efficiency: what the scale promises, on these events, of muons within 10 % of the threshold; plateau: of those "
        f"from {settings.plateau:g} times the threshold."
    )
    return Table(f"Trigger at {at} GeV ({part})", header, rows, note)


def _at_every_threshold(tree: Tree, part: str) -> list[Table]:
    """Rates, and where the network's curves turn on and end."""
    every = models(tree)
    others = [name for name in every if name != NETWORK]
    rates, efficiencies = [], []
    for at, own in every[NETWORK]["thresholds"].items():
        ratios = [text_of(every[name]["rate_reductions"][at]) for name in others]
        rates.append([f"{at} GeV", text_of(own["rate"]), *ratios])
        efficiencies.append([f"{at} GeV", text_of(own["efficiency"]), text_of(own["plateau"])])
    header = ["threshold", "network's rate", *(f"{name} / network" for name in others)]
    return [
        Table(f"Rates at every threshold ({part})", header, rates),
        Table(f"The network's efficiency ({part})", ["threshold", "at the threshold", "plateau"], efficiencies),
    ]


def _resolutions(tree: Tree, part: str) -> list[Table]:
    """Of the momentum, and of q/pT with the charge where there is one."""
    every = models(tree)
    rows = [_resolution(name, one["resolution"]) for name, one in every.items()]
    note = (
        "Of all muons as they were generated. Core: within two of its own widths of the median; tails: farther from it "
        "than three. Of a Gaussian, 0.13 % lie in either tail."
    )
    header = ["model", "median", "Gaussian core", "half of 68 %", "lower tail", "upper tail"]
    found = [Table(f"Resolution ΔpT/pT ({part})", header, rows, note)]
    charged = {name: one for name, one in every.items() if "resolution_q_over_pt" in one}
    if charged:
        rows = [_resolution(name, one["resolution_q_over_pt"]) for name, one in charged.items()]
        for row, one in zip(rows, charged.values(), strict=True):
            row[1] = text_of(one["wrong_charge"])
        title = f"Resolution Δ(q/pT) in 1/GeV, and charge ({part})"
        found.append(Table(title, ["model", "wrong charge", *header[2:]], rows))
    return found


def _resolution(name: str, tree: Tree) -> list[str]:
    return [name, *(text_of(tree[key]) for key in ("median", "core", "width_68", "tail_low", "tail_high"))]


def power(exponent: float) -> str:
    """A falling power as text.

    >>> power(3.5)
    'pT⁻³·⁵'
    """
    return "pT" + f"{-exponent:g}".translate(str.maketrans("0123456789.-", "⁰¹²³⁴⁵⁶⁷⁸⁹·⁻"))
