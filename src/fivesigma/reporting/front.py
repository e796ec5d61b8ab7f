"""Physics against cost: the network of every step of a training in steps, as a table and a figure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.metrics.metric import is_metric, shown
from fivesigma.metrics.result import judged_part
from fivesigma.metrics.spec import spec_of
from fivesigma.reporting.results import heading
from fivesigma.reporting.style import Picture, colour, new_figure, save
from fivesigma.reporting.table import Table
from fivesigma.runs.folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Tree = Mapping[str, Any]
DRAWN = {"binary": "auc", "multiclass": "accuracy", "regression": "rmse"}
"""Task → the metric of the figure."""


def tables(metrics: Tree, analysis: Analysis) -> list[Table]:
    """The table of the steps, and of what they are compared with.

    Args:
        metrics: part → its numbers, from `metrics.json`.
        analysis: of the run.
    """
    part = judged_part(metrics)
    front = metrics[part].get("front")
    if not front:
        return []
    first = front["points"][0]
    names = [name for name, value in first.items() if is_metric(value) and not name.startswith("rate")]
    others = {name: one for name, one in metrics[part].get("baselines", {}).items() if names[0] in one}
    rates = [name for name in ("rate", "rate_to_reference") if name in first]
    gap = names[0] if "difference" in first else None
    reference = front["reference"]
    header = ["model", "cost", *(heading(name, analysis) for name in names)]
    header += [f"{gap} − {reference}'s"] if gap else []
    threshold = f"{analysis.evaluate.trigger.threshold:g} GeV" if analysis.evaluate.trigger else ""
    header += [{"rate": f"rate at {threshold}", "rate_to_reference": f"rate / {reference}'s"}[name] for name in rates]
    rows = []
    for point in front["points"]:
        kept = ", kept" if point["kept"] else ""
        row = [f"step {point['step']} (β {point['beta']:g}{kept})", f"{point['ebops']:,.0f} EBOPs"]
        row += [shown(point[name]) for name in names]
        row += [shown(point["difference"].get(gap))] if gap else []
        rows.append(row + [shown(point.get(name)) for name in rates])
    for name, one in others.items():
        row = [name, _cost_of(name, analysis, front), *(shown(one.get(each)) for each in names), *(["–"] if gap else [])]
        rates_of = {"rate": one.get("trigger", {}).get("rate_measured")}
        rows.append(row + [shown(rates_of.get(each)) for each in rates])
    return [Table(f"Physics against cost ({part})", header, rows, _note(front, analysis, part))]


def _note(front: Tree, analysis: Analysis, part: str) -> str:
    budget = getattr(analysis.model, "budget", None)
    chosen = (
        "the kept network is that of the last step"
        if budget is None
        else f"the kept network is the best one within {budget.ebops:,.0f} EBOPs, on validation events"
    )
    note = (
        "EBOPs, effective bit operations, are the products of the numbers of bits that are multiplied or added, summed over "
        f"the network; a LUT of an FPGA does about two to five of them. All steps belong to one training, and {chosen}."
    )
    if front["reference"]:
        note += (
            f" Differences and ratios are to {front['reference']}, a network of floating-point numbers with the same "
            f"layers, on the same {part} events: fluctuations common to both cancel."
        )
    if any("rate" in point for point in front["points"]):
        note += " Rates are at equal measured efficiency."
    if any("luts" in cost for cost in front.get("costs", {}).values()):
        note += (
            " LUTs and cycles of boosted trees are conifer's estimates for its design in VHDL, which takes an event with "
            "each cycle of the clock; their metrics are computed in floating point."
        )
    return note


def _cost_of(name: str, analysis: Analysis, front: Tree) -> str:
    """What a baseline costs, if it is known."""
    settings = analysis.baselines[name]
    if settings.kind == "lookup_table":
        return f"2^{settings.bits} words of memory"
    if settings.kind == "network":
        return "floating point"
    cost = front.get("costs", {}).get(name, {})
    if "luts" in cost:
        return f"{cost['luts']:,} LUT, {cost['cycles']} cycles ({cost['trees']:,} trees)"
    return f"{cost['trees']:,} trees, {cost['nodes']:,} nodes" if "trees" in cost else "–"


def figures(folder: RunFolder, analysis: Analysis, metrics: Tree) -> Iterator[Picture]:
    """The metric, and the rate of a trigger, against the cost.

    Args:
        folder, analysis: of the run.
        metrics: part → its numbers, from `metrics.json`.
    """
    part = judged_part(metrics)
    front = metrics[part].get("front")
    if not front:
        return
    points, name, reference = front["points"], DRAWN[analysis.task], front["reference"]
    keys = [name, *(["rate_to_reference"] if "rate_to_reference" in points[0] else [])]
    figure, panels = new_figure(5.2 * len(keys), 4.6, 1, len(keys))
    for axes, key in zip(panels, keys, strict=True):
        if key == name and part != "val" and "front" in metrics.get("val", {}):
            _points(axes, metrics["val"]["front"]["points"], key, "validation", filled=False)
        _points(axes, points, key, part, filled=True)
        _axes(axes, points, analysis)
    words = spec_of(name)
    unit = words.unit_for(analysis.target.unit if analysis.target else "")
    panels[0].set_ylabel((words.label or name) + (f" [{unit}]" if unit else ""))
    if reference:
        for i, key in enumerate(keys):
            value = metrics[part]["baselines"][reference][name] if key == name else {"value": 1.0, "error": None}
            _line(panels[i], value, reference)
    rivals = {other: one for other, one in metrics[part].get("baselines", {}).items() if other != reference and name in one}
    limits = [axes.get_ylim() for axes in panels]
    for i, (other, one) in enumerate(rivals.items()):
        ratio = _rate_ratio(metrics[part]["baselines"], other, reference) if reference else None
        for axes, within, value in zip(panels, limits, (one[name]["value"], ratio), strict=False):
            _rival(axes, value, within, other, i)
        panels[0].plot([], [], label=f"{other}: {_cost_of(other, analysis, front)}", **_look(i))
    if len(keys) > 1:
        assert analysis.evaluate.trigger is not None
        panels[1].set_ylabel(f"rate at {analysis.evaluate.trigger.threshold:g} GeV / {reference}'s")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=min(3, 2 * len(keys)))
    caption = (
        "Every point is the network at the end of a step of one training, in which the penalty on the cost rises. The ring "
        "is the network that is kept, which was chosen on validation events (open points, without their errors)."
    )
    if reference:
        caption += (
            f" Line: {reference}, of floating-point numbers, with the same layers. The errors of {part} points and of the "
            "line are those of each model by itself; most of it is common to all, and the table has the differences."
        )
    if rivals:
        caption += " Dotted lines: the other baselines, with what they cost; an arrow marks one that lies beyond the axis."
    numbers = {"points": list(points), "reference": reference}
    yield save(folder, figure, "front", f"Physics against cost ({part})", caption, numbers)


def _points(axes: "Axes", points: Sequence[Tree], key: str, part: str, *, filled: bool) -> None:
    rows = [point for point in points if point[key]["value"] is not None]
    cost, value = [row["ebops"] for row in rows], [row[key]["value"] for row in rows]
    if filled:
        axes.errorbar(
            cost, value, [row[key]["error"] or 0.0 for row in rows], fmt="o-", ms=5, lw=1.1, color=colour(0), label=part
        )
    else:
        axes.plot(cost, value, "s--", ms=5, lw=1, color=colour(2), mfc="white", label=part)
    kept = [i for i, row in enumerate(rows) if row["kept"]]
    if filled and kept:
        axes.plot(cost[kept[0]], value[kept[0]], "o", ms=12, mfc="none", color=colour(1), label="kept")


def _axes(axes: "Axes", points: Sequence[Tree], analysis: Analysis) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set(xscale="log", xlabel="cost [EBOPs]")
    low, high = min(point["ebops"] for point in points), max(point["ebops"] for point in points)
    axes.set_xlim(max(low, 1) / 1.6, high * 1.6)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x / 1000:g}k" if x >= 1000 else f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    budget = getattr(analysis.model, "budget", None)
    if budget is not None:
        axes.axvline(budget.ebops, color="0.5", ls=":", lw=1.2, label="budget")


def _rate_ratio(baselines: Tree, name: str, reference: str) -> float | None:
    """The rate of a baseline at equal measured efficiency, over that of the reference."""
    rates = [baselines[each].get("trigger", {}).get("rate_measured", {}).get("value") for each in (name, reference)]
    return rates[0] / rates[1] if rates[0] is not None and rates[1] else None


def _look(number: int) -> dict[str, Any]:
    """Of the line of a baseline."""
    return {"color": colour(4 + number), "lw": 1.3, "ls": (0, (1, 1.5))}


def _rival(axes: "Axes", value: float | None, limits: tuple[float, float], name: str, number: int) -> None:
    """A line at the value of a baseline; where it is so far away that the points would not be told apart, words alone."""
    if value is None:
        return
    low, high = limits
    if low - (high - low) <= value <= high + (high - low):
        axes.axhline(value, **_look(number))
        return
    above = value > high
    # The cheapest networks, on the left, are the worst ones; on the right there is room for words on the worse side.
    row = 0.035 + 0.065 * len(axes.texts)
    axes.text(
        0.97,
        1 - row if above else row,
        f"{'↑' if above else '↓'} {name}: {value:.3g}",
        ha="right",
        va="top" if above else "bottom",
        color=colour(4 + number),
        fontsize=9,
        transform=axes.transAxes,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
    )


def _line(axes: "Axes", metric: Tree, text: str) -> None:
    axes.axhline(metric["value"], color=colour(3), lw=1.3, label=text)
    if metric["error"]:
        axes.axhspan(metric["value"] - metric["error"], metric["value"] + metric["error"], color=colour(3), alpha=0.15, lw=0)
