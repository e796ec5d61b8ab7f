"""The page and figures that compare a simulation with published numbers."""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fivesigma.progress import Progress, silent
from fivesigma.reporting.style import COLOURS, Picture, colour, new_figure, points, save, stairs, style
from fivesigma.runs.folder import RunFolder
from fivesigma.templates import templates
from fivesigma.validation import Comparison, count_passes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Tree = Mapping[str, Any]

BAND = "0.88"
"""Colour of the range that a tolerance allows."""

PUBLISHED = "#1c2430"


def write_validation(
    folder: RunFolder, title: str, rows: Sequence[Comparison], shapes: Tree, facts: Tree, progress: Progress = silent
) -> Path:
    """Draw the figures and write `validation.html`.

    Args:
        folder: where the page, its figures and their numbers are written.
        title: heading of the page.
        rows: the comparisons.
        shapes: numbers behind the figures, by name; a figure without numbers is not drawn.
        facts: command, sample, sources and the like, as `name: text`.
    """
    pictures: list[Picture] = []
    with style():
        drawn = [("overview", rows), *((name, shapes[name]) for name in _FIGURES if name in shapes)]
        for name, tree in drawn:
            progress(len(pictures), len(drawn), f"drawing {name}")
            pictures.append(_overview(folder, rows) if name == "overview" else _FIGURES[name](folder, tree, rows))
    style_sheet = resources.files("fivesigma.reporting") / "page.css"
    text = (
        templates("validation")
        .get_template("page.html.j2")
        .render(
            css=style_sheet.read_text(encoding="utf-8"),
            title=title,
            facts=facts,
            counts=count_passes(rows),
            groups=_groups(rows),
            windows=shapes.get("windows", []),
            pictures=pictures,
            shown=shown,
        )
    )
    folder.write_text("validation.html", text)
    return folder / "validation.html"


def shown(row: Comparison) -> tuple[str, str, str]:
    """Target, found value and tolerance of a row, as text.

    >>> shown(Comparison("speed", "chain", 0.75, 0.8, rule="at least"))
    ('≥ 0.75', '0.8', '')
    >>> shown(Comparison("tracks", "acceptance", 0.82, 0.8579, 0.0004, 0.05))
    ('0.82', '0.8579 ± 0.0004', '± 0.05')
    """
    unit = f" {row.unit}" if row.unit else ""
    sign = {"within": "", "at least": "≥ ", "at most": "≤ "}[row.rule]
    found = "–" if not np.isfinite(row.found) else _number(row.found, row.error)
    if np.isfinite(row.found) and np.isfinite(row.error):
        found += f" ± {row.error:.1g}" if row.error < 1e-4 else f" ± {_number(row.error, row.error)}"
    tolerance = f"± {row.tolerance:.3g}" if row.tolerance else ""
    return f"{sign}{_plain(row.target)}{unit}", found + unit, tolerance + (unit if tolerance else "")


def _plain(value: float) -> str:
    """A number without an error: five significant digits, thousands separated.

    >>> _plain(100000.0), _plain(0.75), _plain(1.20412345)
    ('100,000', '0.75', '1.2041')
    """
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.5g}"


def _number(value: float, error: float) -> str:
    """As many digits as the error justifies.

    >>> _number(66.0356, 0.12), _number(66.0356, 0.3), _number(0.85, float("nan"))
    ('66.04', '66.0', '0.85')
    """
    if not np.isfinite(error) or error <= 0:
        return _plain(float(f"{value:.4g}"))
    digits = -int(np.floor(np.log10(error)))
    # Of an error that begins with 1, two digits: its rounding would otherwise be half of it.
    digits += error * 10**digits < 2
    return f"{value:,.{min(max(digits, 0), 7)}f}"


def _groups(rows: Sequence[Comparison]) -> dict[str, list[Comparison]]:
    """Rows by their group, in order."""
    groups: dict[str, list[Comparison]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return groups


def _overview(folder: RunFolder, rows: Sequence[Comparison]) -> Picture:
    """Deviation of each comparison in units of its tolerance, group by group."""
    groups = {name: chosen for name, group in _groups(rows).items() if (chosen := [row for row in group if row.tolerance])}
    figure, (axes,) = new_figure(7.6, 1.2 + 0.42 * len(groups))
    axes.axvspan(-1, 1, color=BAND, lw=0)
    axes.axvline(0, color="0.5", lw=0.8)
    numbers = {}
    for i, (name, chosen) in enumerate(groups.items()):
        pulls = np.array([(row.found - row.target) / row.tolerance for row in chosen])
        errors = np.array([row.error / row.tolerance for row in chosen])
        numbers[name] = [float(pull) if np.isfinite(pull) else None for pull in pulls]
        spread = np.linspace(-0.28, 0.28, len(chosen)) if len(chosen) > 1 else np.zeros(1)
        judged = np.array([row.verdict != "not judged" for row in chosen])
        for at, face in ((judged, COLOURS[0]), (~judged, "white")):
            axes.errorbar(
                np.clip(pulls[at], -3.9, 3.9),
                i + spread[at],
                xerr=errors[at],
                fmt="o",
                ms=4,
                lw=0.9,
                color=COLOURS[0],
                mfc=face,
            )
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set(ylim=(len(groups) - 0.5, -0.5), xlim=(-4, 4) if _wild(numbers) else (-2, 2))
    axes.set_xlabel("(simulated − published)/tolerance")
    axes.tick_params(axis="y", which="both", length=0)
    caption = (
        "Every comparison with a tolerance; inside the grey band it passes. Open circles are not judged. "
        "Bars are statistical errors."
    )
    return save(folder, figure, "overview", "All comparisons at a glance", caption, numbers)


def _wild(numbers: Mapping[str, list[float | None]]) -> bool:
    return any(abs(pull) > 1.9 for pulls in numbers.values() for pull in pulls if pull is not None)


def _features(folder: RunFolder, tree: Tree, rows: Sequence[Comparison]) -> Picture:
    """Distributions with simulated and published quartiles."""
    columns = 4
    lines = -(-len(tree) // columns)
    figure, panels = new_figure(2.75 * columns, 2.2 * lines + 0.3, lines, columns)
    found = {row.quantity: row.found for row in rows if row.group == "quartiles"}
    for axes, (name, shape) in zip(panels, tree.items(), strict=False):
        stairs(axes, shape, colour(0), "simulated", filled=True)
        for share, target in zip((25, 50, 75), shape["published_quartiles"], strict=True):
            first = share == 25
            axes.axvline(target, color=PUBLISHED, lw=1.1, label="published quartiles" if first else None)
            axes.axvline(
                found.get(f"{name} {share} %", np.nan),
                color=colour(2),
                lw=1.1,
                ls="--",
                label="simulated quartiles" if first else None,
            )
        axes.set_xlabel(f"{name} [GeV]" if not name.endswith("eta") else name, fontsize=9)
        axes.set_yticks([])
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=8)
    for axes in panels[len(tree) :]:
        axes.set_visible(False)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=3)
    caption = "On the published mixture of masses, unit area. Where only one kind of line is seen, both lie on each other."
    return save(folder, figure, "features", "Features and their quartiles", caption, dict(tree))


def _quartiles(folder: RunFolder, tree: Any, rows: Sequence[Comparison]) -> Picture:
    """Simulated over published quartiles."""
    chosen = [row for row in rows if row.group == "quartiles" and row.unit == "GeV"]
    names = list(dict.fromkeys(row.quantity.rsplit(" ", 2)[0] for row in chosen))
    figure, (axes,) = new_figure(8.2, 3.6)
    axes.axhspan(0.9, 1.1, color=BAND, lw=0)
    axes.axhline(1, color="0.5", lw=0.8)
    numbers: dict[str, list[float]] = {}
    for i, (share, marker) in enumerate(((25, "v"), (50, "o"), (75, "^"))):
        part = [row for row in chosen if row.quantity.endswith(f" {share} %")]
        ratio = [row.found / row.target for row in part]
        error = [row.error / row.target for row in part]
        numbers[f"{share} %"] = ratio
        places = np.arange(len(part)) + 0.2 * (i - 1)
        axes.errorbar(places, ratio, error, fmt=marker, ms=5, lw=1, color=colour(i), label=f"{share} %")
    axes.set_xticks(range(len(names)), names, rotation=25, ha="right")
    axes.tick_params(axis="x", which="both", length=0)
    axes.set_ylabel("simulated/published")
    low, high = min(0.85, *(min(v) for v in numbers.values())), max(1.15, *(max(v) for v in numbers.values()))
    axes.set_ylim(low - 0.02, high + 0.08)
    axes.legend(ncols=3, loc="upper left")
    caption = "Quartiles on the published mixture; the band is the tolerance of 10 %."
    return save(folder, figure, "quartiles", "Quartiles", caption, {"features": names, **numbers})


def _angles(folder: RunFolder, tree: Tree, rows: Sequence[Comparison]) -> Picture:
    """Angles around the beam over their mean."""
    figure, panels = new_figure(9.2, 4.0, 2, 3)
    for axes, (name, shape) in zip(panels, tree.items(), strict=True):
        counts, mean = np.asarray(shape["counts"]), max(float(np.mean(shape["counts"])), 1e-12)
        scaled = {"edges": shape["edges"], "counts": counts / mean, "errors": np.asarray(shape["errors"]) / mean}
        axes.axhline(1, color="0.5", lw=0.8)
        points(axes, scaled, colour(0), name, density=False)
        reach = max(4 / np.sqrt(mean), 1e-3)
        axes.set(xlabel=f"{name} [rad]", ylim=(1 - reach, 1 + reach))
        axes.tick_params(labelsize=8)
    figure.supylabel("events/mean of the bins", fontsize=9)
    return save(
        folder,
        figure,
        "angles",
        "Angles around the beam",
        "They must be uniform.",
        dict(tree),
    )


def _jet_counts(folder: RunFolder, tree: Tree, rows: Sequence[Comparison]) -> Picture:
    figure, (axes,) = new_figure(6.4, 3.6)
    for i, (name, shape) in enumerate(tree.items()):
        stairs(axes, shape, colour(i), name)
    axes.set(xlabel="number of jets", ylabel="share of events")
    axes.legend(ncols=2)
    axes.set_ylim(bottom=0)
    axes.minorticks_off()
    found = {row.quantity: row for row in rows if row.group == "number of jets"}
    text = "; ".join(f"{name}: published {row.target:.3f}, simulated {row.found:.3f}" for name, row in found.items())
    return save(
        folder, figure, "jets", "Number of jets", f"By process. On the mixture of the published files, {text}.", dict(tree)
    )


def _tags(folder: RunFolder, tree: Tree, rows: Sequence[Comparison]) -> Picture:
    """Patterns of b-tags, and the tag rates."""
    figure, panels = new_figure(9.4, 3.7, 1, 2)
    patterns = [name for name in tree["published"] if tree["published"][name] or tree["found"][name]]
    _bars(panels[0], patterns, [tree["published"][p] for p in patterns], [tree["found"][p] for p in patterns])
    panels[0].set_xlabel("b-tags of jets 1 2 3 4")
    panels[0].set_ylabel("share of events")
    panels[0].tick_params(axis="x", rotation=60)
    panels[0].legend()
    chosen = [row for row in rows if row.group == "b-tags" and "cells" not in row.quantity]
    _bars(panels[1], [row.quantity for row in chosen], [row.target for row in chosen], [row.found for row in chosen])
    names = [row.quantity.replace("tag rate of ", "") for row in chosen]
    panels[1].set_xticks(range(len(names)), names, rotation=30, ha="right")
    caption = "Left: patterns of tags; right: number of tags among the four leading jets, and the rate of each jet."
    return save(folder, figure, "tags", "b-tags", caption, dict(tree))


def _bars(axes: "Axes", names: Sequence[str], published: Sequence[float], found: Sequence[float]) -> None:
    places = np.arange(len(names))
    axes.bar(places - 0.2, published, 0.4, color=COLOURS[3], label="published")
    axes.bar(places + 0.2, found, 0.4, color=colour(0), label="simulated")
    axes.set_xticks(places, names, fontsize=8.5)
    axes.tick_params(axis="x", which="both", length=0)


def _correlations(folder: RunFolder, tree: Sequence[Tree], rows: Sequence[Comparison]) -> Picture:
    """Simulated against published correlations."""
    target = np.array([pair["published"] for pair in tree], float)
    found = np.array([np.nan if pair["found"] is None else pair["found"] for pair in tree], float)
    figure, (axes,) = new_figure(5.6, 5.2)
    axes.fill_between([-1, 1], [-1.1, 0.9], [-0.9, 1.1], color=BAND, lw=0, label="± 0.1")
    axes.plot([-1, 1], [-1, 1], color="0.5", lw=0.8)
    axes.plot(target, found, "o", ms=4, color=colour(0))
    low = min(-0.3, float(np.nanmin([target, found])) - 0.05)
    axes.set(xlim=(low, 1.03), ylim=(low, 1.03), xlabel="published correlation", ylabel="simulated correlation")
    axes.legend(loc="upper left")
    difference = np.nan_to_num(np.abs(found - target))
    furthest = [tree[int(index)] for index in np.argsort(-difference)[:4]]
    names = "; ".join(f"{p['one']} with {p['other']} ({p['published']:.2f} and {p['found']:.2f})" for p in furthest)
    caption = f"{len(target)} pairs of columns; the furthest, published and simulated: {names}."
    return save(folder, figure, "correlations", "Correlations", caption, [dict(pair) for pair in tree])


def _areas(folder: RunFolder, tree: Tree, rows: Sequence[Comparison]) -> Picture:
    """AUC at each mass and of the mixture, and the ROC curves of the parameterised network."""
    figure, panels = new_figure(9.8, 4.2, 1, 2)
    for i, name in enumerate(("parameterised", "without mass")):
        chosen = [row for row in rows if row.group == f"AUC, {name}"]
        places = np.arange(len(chosen)) + 0.16 * (2 * i - 1)
        low, high = [row.target - row.tolerance for row in chosen], [row.target + row.tolerance for row in chosen]
        panels[0].bar(places, np.subtract(high, low), 0.24, low, color=colour(i), alpha=0.25, lw=0)
        panels[0].errorbar(
            places, [row.found for row in chosen], [row.error for row in chosen], fmt="o", ms=4, color=colour(i), label=name
        )
        panels[0].set_xticks(range(len(chosen)), [row.quantity.replace(" GeV", "") for row in chosen])
    panels[0].set(xlabel="mass of X [GeV]", ylabel="AUC")
    panels[0].margins(y=0.2)
    panels[0].legend(title="network (band: published ± tolerance)", loc="lower right")
    panels[0].tick_params(axis="x", which="minor", length=0)
    for i, (mass, curve) in enumerate(tree["parameterised"].items()):
        if mass != "0":
            background = np.maximum(np.asarray(curve["background"]), 1e-5)
            panels[1].plot(curve["signal"], background, color=colour(i), label=f"{mass} GeV")
    panels[1].set(xlabel="signal efficiency", ylabel="background efficiency", yscale="log", xlim=(0, 1), ylim=(1e-4, 1))
    panels[1].legend(loc="lower right")
    caption = "Networks trained on simulated events, on events they have not seen; each mass against all background."
    return save(folder, figure, "networks", "Networks", caption, dict(tree))


def _limits(folder: RunFolder, tree: Any, rows: Sequence[Comparison]) -> Picture:
    """Rows with a limit, relative to it."""
    chosen = [row for row in rows if row.rule != "within" and row.target and np.isfinite(row.found)]
    figure, (axes,) = new_figure(8.4, 1.1 + 0.36 * len(chosen))
    ratios = [row.found / row.target for row in chosen]
    axes.axvline(1, color=PUBLISHED, lw=1.2)
    reach = max(1.5, 1.35 * max(ratios))
    for i, (row, ratio) in enumerate(zip(chosen, ratios, strict=True)):
        axes.barh(i, ratio, 0.6, color={"pass": COLOURS[0], "fail": COLOURS[2], "not judged": COLOURS[3]}[row.verdict])
        sign = "≥" if row.rule == "at least" else "≤"
        place = ratio + 0.02 if ratio > 1 or ratio + 0.25 * reach < 1 else 1.02
        axes.text(place, i, f"{_number(row.found, row.error)} ({sign} {_plain(row.target)})", va="center", fontsize=8)
    axes.set_yticks(range(len(chosen)), [f"{row.quantity.split(' (')[0]}" for row in chosen], fontsize=8)
    axes.set(ylim=(len(chosen) - 0.4, -0.6), xlim=(0, reach), xlabel="measured/limit")
    axes.tick_params(axis="y", which="both", length=0)
    caption = "Quantities with a limit: those with ≥ must reach the line, those with ≤ must not pass it."
    numbers = {row.quantity: ratio for row, ratio in zip(chosen, ratios, strict=True)}
    return save(folder, figure, "limits", "Limits", caption, numbers)


def _extrapolation(folder: RunFolder, tree: Any, rows: Sequence[Comparison]) -> Picture:
    chosen = [row for row in rows if row.group == "extrapolation to ME2"]
    figure, (axes,) = new_figure(6.4, 3.4)
    for i, row in enumerate(chosen):
        axes.bar(i, 2 * row.tolerance, 0.8, row.target - row.tolerance, color=BAND)
        axes.hlines(row.target, i - 0.4, i + 0.4, color="0.5", lw=0.8)
        axes.errorbar(i, row.found, row.error, fmt="o", color=colour(0))
    axes.set_xticks(range(len(chosen)), [str(i) for i in range(len(chosen))])
    axes.minorticks_off()
    axes.set(xlabel="zone", ylabel="constant [rad GeV]")
    caption = "φ(ME2) = φ − constant × (q/pT) × sinh 1.9/sinh|η|; line and band: published value and tolerance."
    numbers = {row.quantity: row.to_dict() for row in chosen}
    return save(folder, figure, "extrapolation", "Extrapolation to ME2", caption, numbers)


def _windows(folder: RunFolder, tree: Sequence[Tree], rows: Sequence[Comparison]) -> Picture:
    """Medians of the differences in phi, plane by plane."""
    planes = list(dict.fromkeys(row["plane"] for row in tree))
    figure, panels = new_figure(11.2, 7.6, 3, 4)
    for axes, plane in zip(panels, planes, strict=False):
        own = [row for row in tree if row["plane"] == plane]
        for zone in sorted({row["zone"] for row in own}):
            part = sorted((row for row in own if row["zone"] == zone), key=lambda row: row["q_over_pt"][0])
            x = [float(np.mean(row["q_over_pt"])) for row in part]
            axes.plot(x, [row["published"][1] for row in part], "o", ms=4, mfc="none", color=colour(zone))
            median = [np.nan if row["found"][1] is None else row["found"][1] for row in part]
            axes.plot(x, median, "-", lw=1.2, color=colour(zone), label=f"zone {zone}")
        partners = " or ".join(dict.fromkeys(row["reference"] for row in own))
        axes.set_title(f"{plane} − {partners}", fontsize=9)
        axes.tick_params(labelsize=8)
    known: dict[str, Any] = {}
    for axes in panels:
        handles, names = axes.get_legend_handles_labels()
        known |= dict(zip(names, handles, strict=True))
    names = sorted(known)
    figure.legend([known[name] for name in names], names, loc="outside upper center", ncols=len(names) or 1)
    figure.supxlabel("q/pT [1/GeV]", fontsize=10)
    figure.supylabel("median difference in φ [1/60°]", fontsize=10)
    caption = "Lines: simulated; circles: published."
    return save(folder, figure, "windows", "Windows in φ: medians", caption, list(tree))


def _widths(folder: RunFolder, tree: Sequence[Tree], rows: Sequence[Comparison]) -> Picture:
    """Widths of the windows of strip chambers."""
    part = [row for row in tree if row["strips"] and row["found"][0] is not None]
    figure, (axes,) = new_figure(5.4, 4.6)
    limits = np.array([10.0, 2000.0])
    axes.fill_between(limits, 0.7 * limits, 1.3 * limits, color=BAND, lw=0, label="± 30 %")
    axes.plot(limits, limits, color="0.5", lw=0.8)
    for stiff, name in ((True, "|q/pT| < 0.26"), (False, "softer")):
        chosen = [row for row in part if (max(abs(value) for value in row["q_over_pt"]) <= 0.26) == stiff]
        target = [row["published"][2] - row["published"][0] for row in chosen]
        axes.plot(
            target,
            [row["found"][2] - row["found"][0] for row in chosen],
            "o",
            ms=3.5,
            color=colour(0 if stiff else 1),
            label=name,
        )
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    axes.set(xlabel="published width, 5 % to 95 % [1/60°]", ylabel="simulated width [1/60°]")
    axes.legend(loc="upper left")
    caption = "Strip chambers. The width of soft muons is multiple scattering, for which nothing was fitted."
    return save(folder, figure, "widths", "Windows in φ: widths", caption, [dict(row) for row in part])


def _bends(folder: RunFolder, tree: Any, rows: Sequence[Comparison]) -> Picture:
    chosen = [row for row in rows if row.group == "q/pT per unit of bend" and row.tolerance]
    figure, (axes,) = new_figure(6.8, 3.4)
    axes.axhspan(0.75, 1.25, color=BAND, lw=0)
    axes.axhline(1, color="0.5", lw=0.8)
    ratio = [row.found / row.target for row in chosen]
    axes.errorbar(range(len(chosen)), ratio, [abs(row.error / row.target) for row in chosen], fmt="o", color=colour(0))
    axes.set_xticks(range(len(chosen)), [row.quantity for row in chosen])
    axes.tick_params(axis="x", which="both", length=0)
    axes.set(ylabel="simulated/published", ylim=(min(0.6, *ratio) - 0.05, max(1.4, *ratio) + 0.05))
    caption = "q/pT per unit of bend, regression through zero; at least seven of nine rings must lie in the band."
    numbers = {row.quantity: row.to_dict() for row in chosen}
    return save(folder, figure, "bends", "Bend", caption, numbers)


def _classes(folder: RunFolder, tree: Any, rows: Sequence[Comparison]) -> Picture:
    chosen = [row for row in rows if row.group == "class shares"]
    figure, (axes,) = new_figure(6.4, 3.2)
    _bars(axes, [row.quantity for row in chosen], [row.target for row in chosen], [row.found for row in chosen])
    for i, row in enumerate(chosen):
        axes.text(i + 0.2, row.found * 1.1, f"{100 * row.found:.2f} %", ha="center", fontsize=8)
    axes.set(yscale="log", ylabel="share of muons", ylim=(0.01, 1.6))
    axes.legend()
    caption = "Muons of the gun, flat in 1/pT from 2 GeV, before any selection."
    return save(folder, figure, "classes", "Momentum classes", caption, {row.quantity: row.to_dict() for row in chosen})


def _field(folder: RunFolder, tree: Tree, rows: Sequence[Comparison]) -> Picture:
    figure, (axes,) = new_figure(7.0, 3.6)
    for i, (start, end) in enumerate(tree["disks"]):
        axes.axvspan(start, end, color=BAND, lw=0, label="iron" if i == 0 else None)
    for i, (name, size) in enumerate(tree["field"].items()):
        axes.plot(tree["z"], size, color=colour(i), label=name)
    axes.set(xlabel="z [m]", ylabel="|B| [T]", ylim=(0, 4.6), xlim=(0, tree["z"][-1]))
    axes.legend(ncols=2, loc="lower left")
    caption = "Size of the field along straight lines from the collision."
    return save(folder, figure, "field", "Magnetic field", caption, dict(tree))


def _momentum(folder: RunFolder, tree: Tree, rows: Sequence[Comparison]) -> Picture:
    figure, (axes,) = new_figure(6.4, 3.4)
    for i, (name, shape) in enumerate(tree.items()):
        stairs(axes, shape, colour(i), name, filled=i == 0)
    axes.set(xlabel="q/pT [1/GeV]", ylabel="muons, unit area")
    axes.set_ylim(bottom=0)
    axes.margins(y=0.25)
    axes.legend(ncols=2, loc="lower center")
    spread = next((row for row in rows if row.quantity.startswith("std(q/pT)")), None)
    text = f" Their deviation: published {spread.target:.4f}/GeV, simulated {spread.found:.4f}/GeV." if spread else ""
    caption = f"All accepted muons and those with hits in ME1/1, ME2, ME3 and ME4.{text}"
    return save(folder, figure, "momentum", "Momentum of accepted muons", caption, dict(tree))


_FIGURES = {
    "quartiles": _quartiles,
    "features": _features,
    "angles": _angles,
    "jet_counts": _jet_counts,
    "tags": _tags,
    "extrapolation": _extrapolation,
    "windows": _windows,
    "widths": _widths,
    "bends": _bends,
    "classes": _classes,
    "momentum": _momentum,
    "correlations": _correlations,
    "field": _field,
    "areas": _areas,
    "limits": _limits,
}
"""Name of the numbers to what draws them, in the order of the page."""
