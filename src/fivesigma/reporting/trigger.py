"""Trigger performance of the network and its baselines: turn-on curves, rates, efficiency, resolution, charge."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.trigger import Trigger
from fivesigma.metrics.intervals import text_of
from fivesigma.metrics.result import NETWORK, judged_part
from fivesigma.reporting.style import Picture, colour, in_words, label, new_figure, save, with_ratio
from fivesigma.reporting.table import Table
from fivesigma.runs.folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Tree = Mapping[str, Any]
Rows = Sequence[Tree]
TICKS = [2, 3, 5, 7, 10, 20, 30, 50, 70, 100]
NOT_SIMULATED = (
    "The simulation has single muons from the collision point, but no pile-up, fake or displaced muons, which add to the "
    "rate in collisions."
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def figures(folder: RunFolder, analysis: Analysis, curves: Tree) -> Iterator[Picture]:
    """All figures that there are numbers for.

    Args:
        folder, analysis: of the run.
        curves: `curves.json`.
    """
    settings, part = analysis.evaluate.trigger, judged_part(curves)
    if settings is None or "trigger" not in curves[part]:
        return
    every = models(curves[part])
    yield _turn_on(folder, every[NETWORK], settings, part)
    yield _turn_on_models(folder, every, settings, part)
    yield _rates(folder, every, settings, part)
    if settings.eta is not None:
        yield _efficiency_eta(folder, analysis, every, settings, part)
    yield _resolution(folder, every, "resolution_pt", "true pT [GeV]", part)
    if settings.eta is not None:
        yield _resolution(folder, every, "resolution_eta", label(analysis, settings.eta), part)
    if any("wrong_charge" in one for one in every.values()):
        yield _charge(folder, every, part)


def tables(metrics: Tree, analysis: Analysis) -> list[Table]:
    """All tables that there are numbers for; the short one for the terminal comes first.

    Args:
        metrics: part → its numbers, from `metrics.json`.
        analysis: of the run.
    """
    settings, part = analysis.evaluate.trigger, judged_part(metrics)
    tree = metrics[part]
    if settings is None or "trigger" not in tree:
        return []
    simulated = analysis.simulate is not None and not analysis.has_files and analysis.shards is None
    return [
        _at_one_threshold(tree, part, settings, simulated),
        *_at_every_threshold(tree, part, settings),
        *_resolutions(tree, part),
    ]


def models(tree: Tree) -> dict[str, Any]:
    """Model → its trigger performance, from one part of `metrics.json` or `curves.json`."""
    others = {name: one["trigger"] for name, one in tree.get("baselines", {}).items() if "trigger" in one}
    return {NETWORK: tree["trigger"], **others}


def _turn_on(folder: RunFolder, tree: Tree, settings: Trigger, part: str) -> Picture:
    figure, (axes,) = new_figure(7.0, 4.4)
    for i, (threshold, rows) in enumerate(tree["turn_on"].items()):
        _shares(axes, rows, i, f"{threshold} GeV")
    _finish_turn_on(axes, settings)
    axes.legend(title="threshold", loc="lower right")
    caption = (
        f"Efficiency of the network for {in_words(part)} muons. At a threshold it is {settings.efficiency:g} by the "
        "definition of the scale, which was set with other events (dotted). Vertical bars: Clopper–Pearson, 68.27 %; "
        "horizontal: bins."
    )
    return save(folder, figure, "turn-on", "Turn-on curves of the network", caption, tree["turn_on"])


def _turn_on_models(folder: RunFolder, every: Tree, settings: Trigger, part: str) -> Picture:
    figure, (left, right) = new_figure(9.6, 4.2, 1, 2)
    at = f"{settings.threshold:g}"
    for axes in (left, right):
        for i, (name, tree) in enumerate(every.items()):
            _shares(axes, tree["turn_on"][at], i, name)
        axes.axvline(settings.threshold, color="0.6", ls=":", lw=1)
        _finish_turn_on(axes, settings)
    right.set(yscale="log", ylim=(2e-4, 1.5))
    left.legend(loc="upper left")
    caption = (
        f"All models at {at} GeV on their scales, set to {settings.efficiency:g} at the threshold. Right: the same with a "
        "logarithmic axis, as the rate is dominated by muons far below the threshold, where most muons are."
    )
    numbers = {name: tree["turn_on"][at] for name, tree in every.items()}
    return save(folder, figure, "turn-on-models", f"Turn-on at {at} GeV ({part})", caption, numbers)


def _finish_turn_on(axes: "Axes", settings: Trigger) -> None:
    axes.axhline(settings.efficiency, color="0.6", ls=":", lw=1)
    _momentum_axis(axes)
    axes.set(xlabel="true pT [GeV]", ylabel="efficiency", ylim=(0, 1.06))


def _rates(folder: RunFolder, every: Tree, settings: Trigger, part: str) -> Picture:
    figure, top, bottom = with_ratio(6.8, 4.4, any("rate_reduction" in tree for tree in every.values()))
    lowest = top if bottom is None else bottom
    numbers = {}
    for i, (name, tree) in enumerate(every.items()):
        curve = tree["rate"]
        _band(top, curve["threshold"], curve["rate"], curve["error"], i, name)
        numbers[name] = {"rate": curve}
        if bottom is not None and "rate_reduction" in tree:
            ratio = tree["rate_reduction"]
            _band(bottom, ratio["threshold"], ratio["ratio"], ratio["error"], i, name)
            numbers[name]["rate_reduction"] = ratio
    for axes in (top,) if bottom is None else (top, bottom):
        _momentum_axis(axes)
        axes.set_xlim(curve["threshold"][0], curve["threshold"][-1])
        axes.axvline(settings.threshold, color="0.6", ls=":", lw=1)
    if bottom is not None:
        _finish_ratios(bottom, [x for tree in every.values() for x in tree.get("rate_reduction", {}).get("ratio", []) if x])
        top.tick_params(labelbottom=False)
    lowest.set_xlabel("threshold [GeV]")
    # The band of an unknown rate reaches down to nothing, and would take the axis with it.
    values = [x for tree in every.values() for x in tree["rate"]["rate"] if x]
    top.set(yscale="log", ylim=(min(values, default=0.1) / 1.5, max(values, default=1.0) * 1.5))
    top.set_ylabel("rate [share of all muons]" if settings.total_rate is None else "rate [kHz]")
    top.legend()
    who = "the network" if len(every) == 1 else "all models"
    caption = (
        f"Rate of muons with a spectrum of {power(settings.spectrum)}, {who} on the scale that is set to an efficiency of "
        f"{settings.efficiency:g} at each threshold. Bands: one standard deviation."
    )
    if bottom is not None:
        caption += (
            " Below: rate of each baseline divided by that of the network; fluctuations common to both cancel in the band."
        )
    return save(folder, figure, "trigger-rate", f"Rate against threshold ({part})", caption, numbers)


def _finish_ratios(axes: "Axes", ratios: Sequence[float]) -> None:
    axes.axhline(1, color=colour(0), lw=1.2)
    axes.set_ylabel("rate / network's")
    if ratios and max(ratios) > 4:
        axes.set(yscale="log", ylim=(min(*ratios, 1.0) / 1.3, max(ratios) * 1.3))
    elif ratios:
        axes.set_ylim(min(*ratios, 1.0) - 0.2, max(*ratios, 1.0) + 0.2)


def _efficiency_eta(folder: RunFolder, analysis: Analysis, every: Tree, settings: Trigger, part: str) -> Picture:
    figure, (left, right) = new_figure(9.6, 3.9, 1, 2)
    at, eta = f"{settings.threshold:g}", settings.eta or ""
    for i, (threshold, rows) in enumerate(every[NETWORK]["efficiency_eta"].items()):
        _shares(left, rows, i, f"{threshold} GeV", log=False)
    for i, (name, tree) in enumerate(every.items()):
        _shares(right, tree["efficiency_eta"][at], i, name, log=False)
    for axes in (left, right):
        low, high = axes.get_ylim()
        axes.set(
            xlabel=label(analysis, eta), ylabel="efficiency above the threshold", ylim=(low - 0.3 * (high - low), 1.004)
        )
        axes.legend(ncols=3, fontsize=8, loc="lower center")
    left.set_title("the network")
    right.set_title(f"all models at {at} GeV")
    caption = (
        "Efficiency of a threshold for muons above it, with the generated spectrum: at the threshold "
        f"{100 * settings.efficiency:g} % pass, far above it the plateau is reached."
    )
    numbers = {name: tree["efficiency_eta"] for name, tree in every.items()}
    return save(folder, figure, "efficiency-eta", f"Efficiency against η ({part})", caption, numbers)


def _resolution(folder: RunFolder, every: Tree, key: str, axis: str, part: str) -> Picture:
    log = key == "resolution_pt"
    figure, panels = new_figure(9.6, 6.6, 2, 2)
    names = {"core": "Gaussian core", "width_68": "half of the central 68 %", "median": "median"}
    for axes, (number, words) in zip(panels, {**names, "tail_high": "upper tail"}.items(), strict=True):
        for i, (name, tree) in enumerate(every.items()):
            _values(axes, tree[key], number, i, name, log)
        axes.set(xlabel=axis, ylabel=f"{words} of ΔpT/pT")
        if number == "median":
            axes.axhline(0, color="0.7", lw=0.8)
        else:
            axes.set_ylim(bottom=0)
        if log:
            _momentum_axis(axes)
    panels[0].legend()
    words = "the true momentum" if log else "η, for all muons as they were generated"
    caption = (
        f"(predicted − true)/true momentum, without the scale of the trigger, against {words}. Core: width within two of "
        "its widths of the median; upper tail: fraction more than three widths above it."
    )
    numbers = {name: tree[key] for name, tree in every.items()}
    name = "resolution-pt" if log else "resolution-eta"
    return save(folder, figure, name, f"Resolution against {'pT' if log else 'η'} ({part})", caption, numbers)


def _charge(folder: RunFolder, every: Tree, part: str) -> Picture:
    figure, (axes,) = new_figure(6.8, 4.0)
    axes.set_yscale("log")
    found = {name: tree["wrong_charge"] for name, tree in every.items() if "wrong_charge" in tree}
    for i, name in enumerate(every):
        if name in found:
            _shares(axes, found[name], i, name, empty=False)
    _momentum_axis(axes)
    values = [row["share"] for rows in found.values() for row in rows if row["share"]["value"]]
    lowest = min((row["low"] for row in values if row["low"] > 0), default=0.01)
    axes.set(xlabel="true pT [GeV]", ylabel="share with the wrong charge", ylim=(lowest / 1.5, 0.8))
    axes.legend()
    caption = "Bins without a wrong charge are omitted. Vertical bars: Clopper–Pearson, 68.27 %."
    return save(folder, figure, "wrong-charge", f"Charge misassignment ({part})", caption, found)


def _shares(axes: "Axes", rows: Rows, i: int, text: str, *, log: bool = True, empty: bool = True) -> None:
    """Fractions in bins as points with their intervals; bins without a passing muon only if `empty`."""
    rows = [row for row in rows if row["share"]["value"] is not None and (empty or row["share"]["value"] > 0)]
    value, low, high = (np.array([row["share"][key] for row in rows]) for key in ("value", "low", "high"))
    centre, bars = _bins(rows, log)
    axes.errorbar(
        centre,
        value,
        [value - low, high - value],
        bars,
        fmt=MARKERS[i % len(MARKERS)],
        ms=3.5,
        lw=1,
        color=colour(i),
        label=text,
    )


def _values(axes: "Axes", rows: Rows, key: str, i: int, text: str, log: bool) -> None:
    """A metric in bins as points with errors."""
    rows = [row for row in rows if row[key]["value"] is not None]
    value, error = (np.array([row[key][part] or 0.0 for row in rows]) for part in ("value", "error"))
    centre, bars = _bins(rows, log)
    axes.errorbar(centre, value, error, bars, fmt=MARKERS[i % len(MARKERS)], ms=3.5, lw=1, color=colour(i), label=text)


def _bins(rows: Rows, log: bool) -> tuple[Any, Any]:
    """Centres of bins, and the distances to their edges."""
    low, high = (np.array([row[key] for row in rows], float) for key in ("low", "high"))
    centre = np.sqrt(np.maximum(low, high / 4) * high) if log else (low + high) / 2
    return centre, [centre - low, high - centre]


def _band(axes: "Axes", x: Sequence[float], values: Sequence[Any], errors: Sequence[Any], i: int, text: str) -> None:
    """A curve with a band of one standard deviation."""
    value, error = (np.array([np.nan if v is None else v for v in numbers], float) for numbers in (values, errors))
    axes.plot(x, value, color=colour(i), label=text)
    axes.fill_between(x, np.maximum(value - error, 1e-12), value + error, color=colour(i), alpha=0.25, linewidth=0)


def _momentum_axis(axes: "Axes") -> None:
    """A logarithmic axis with integers at its ticks."""
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _at_one_threshold(tree: Tree, part: str, settings: Trigger, simulated: bool) -> Table:
    """Rates at equal measured efficiency, and those on the scale of the trigger."""
    at = f"{settings.threshold:g}"
    rows = []
    for name, one in models(tree).items():
        own = one["thresholds"][at]
        measured = (own.get("rate_measured"), one.get("rate_reduction_measured"))
        promised = (own["rate"], one.get("rate_reduction"), own["efficiency"])
        rows.append([name, *(text_of(x) for x in (*measured, *promised, own["plateau"]))])
    unit = _unit(settings)
    percent = f"{100 * settings.efficiency:g} %"
    header = ["model", f"rate [{unit}]", "rate / network's"]
    header += [f"scale: rate [{unit}]", "scale: rate / network's", "scale: efficiency", "plateau"]
    note = (
        f"Rates in the first columns are at equal measured efficiency: the cut of each model is passed by {percent} of "
        f"these muons within 10 % of {at} GeV. `scale`: the cut of a scale that was set to {percent} with other events, "
        "and its efficiency measured on these muons. "
        f"Rates are for muons with a spectrum of {power(settings.spectrum)}. Errors come from a bootstrap that repeats the "
        "choice of the cut; in the error of a ratio, fluctuations common to both models cancel. "
        f"Plateau: efficiency for muons from {settings.plateau:g} times the threshold on."
    )
    if simulated:
        note += f" {NOT_SIMULATED}"
    return Table(f"Trigger at {at} GeV ({part})", header, rows, note)


def _unit(settings: Trigger) -> str:
    return "share of all muons" if settings.total_rate is None else "kHz"


def _at_every_threshold(tree: Tree, part: str, settings: Trigger) -> list[Table]:
    """Rates at every threshold, and the network's efficiency at the threshold and on the plateau."""
    every = models(tree)
    others = [name for name in every if name != NETWORK]
    rates, efficiencies = [], []
    for at, own in every[NETWORK]["thresholds"].items():
        ratios = [
            text_of(every[name].get(key, {}).get(at))
            for name in others
            for key in ("rate_reductions_measured", "rate_reductions")
        ]
        rates.append([f"{at} GeV", text_of(own.get("rate_measured")), text_of(own["rate"]), *ratios])
        efficiencies.append([f"{at} GeV", text_of(own["efficiency"]), text_of(own["plateau"])])
    unit = _unit(settings)
    header = ["threshold", f"network's rate [{unit}]", f"scale: rate [{unit}]"]
    header += [text for name in others for text in (f"{name} / network", f"scale: {name} / network")]
    note = "At equal measured efficiency; `scale`: on the scales of the models."
    return [
        Table(f"Rates at every threshold ({part})", header, rates, note),
        Table(f"The network's efficiency ({part})", ["threshold", "on the scale", "plateau"], efficiencies),
    ]


def _resolutions(tree: Tree, part: str) -> list[Table]:
    """Resolution of the momentum, and of q/pT with the charge if it is predicted."""
    every = models(tree)
    rows = [_resolution_row(name, one["resolution"]) for name, one in every.items()]
    note = (
        "All muons, with the generated spectrum. Core: width within two of its widths of the median; tails: fractions more "
        "than three widths from it. A Gaussian has 0.13 % in either tail."
    )
    header = ["model", "median", "Gaussian core", "half of 68 %", "lower tail", "upper tail"]
    found = [Table(f"Resolution ΔpT/pT ({part})", header, rows, note)]
    charged = {name: one for name, one in every.items() if "resolution_q_over_pt" in one}
    if charged:
        rows = [_resolution_row(name, one["resolution_q_over_pt"]) for name, one in charged.items()]
        for row, one in zip(rows, charged.values(), strict=True):
            row[1] = text_of(one["wrong_charge"])
        title = f"Resolution Δ(q/pT) in 1/GeV, and charge ({part})"
        found.append(Table(title, ["model", "wrong charge", *header[2:]], rows))
    return found


def _resolution_row(name: str, tree: Tree) -> list[str]:
    return [name, *(text_of(tree[key]) for key in ("median", "core", "width_68", "tail_low", "tail_high"))]


def power(exponent: float) -> str:
    """A falling power as text.

    >>> power(3.5)
    'pT⁻³·⁵'
    """
    return "pT" + f"{-exponent:g}".translate(str.maketrans("0123456789.-", "⁰¹²³⁴⁵⁶⁷⁸⁹·⁻"))
