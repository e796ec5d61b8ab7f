"""A search: significance against the cut, binned score, limits, and the scan of networks at each hypothesis."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.metrics.metric import Metric, shown
from fivesigma.preparation.split import OUT_OF_FOLD
from fivesigma.reporting.style import Picture, colour, in_words, label, new_figure, save
from fivesigma.runs.folder import RunFolder

Tree = Mapping[str, Any]

MOST_PANELS = 6
"""Largest number of hypotheses whose bins are drawn; of more, evenly spaced ones are chosen."""
BANDS = (("#ffd200", "-2", "2", "± 2 σ"), ("#5cb85c", "-1", "1", "± 1 σ"))
"""Customary colours of the bands of a limit."""
MARKS = "osD^vP*X"
_COLUMNS: dict[str, tuple[str, ...]] = {
    "AUC, signal of each hypothesis against all background": ("auc",),
    "significance of the best cut, background uncertainty included": ("search", "best_cut"),
    "significance of the binned score, background uncertainty included": ("search", "binned"),
    "expected 95 % CLs limit on the signal strength": ("search", "limit", "0"),
    "discovery significance of the fit to the binned score": ("search", "discovery"),
}
"""Title of each table of a scan → keys of its numbers."""


def figures(folder: RunFolder, analysis: Analysis, metrics: Tree, curves: Tree) -> Iterator[Picture]:
    """Figures of `search` in `metrics.json` and `curves.json`, if there is one."""
    for part, tree in metrics.items():
        drawn = curves.get(part, {}).get("search", {})
        if "search" not in tree or not drawn:
            continue
        yield _cut(folder, tree["search"], drawn, part)
        yield _bins(folder, analysis, tree["search"], drawn, part)
        rows = {name: row for name, row in tree["search"]["at"].items() if "limit" in row}
        if len(rows) > 1:
            yield _limit(folder, analysis, rows, _values(analysis, metrics[part], rows))


def scan_figures(folder: RunFolder, analysis: Analysis, scan: Tree) -> Iterator[Picture]:
    """Figures of `scan/scan.json`: areas, significances and limits of every network at each hypothesis."""
    names = list(scan["hypotheses"])
    one = len(scan["parameters"]) == 1
    values = [row[0] for row in scan["hypotheses"].values()] if one else None
    x = dict(zip(names, values if values is not None else range(len(names)), strict=True))
    several = len(scan["networks"]) > 1
    figure, panels = new_figure(9.4 if several else 6.4, 4.2, 1, 2 if several else 1)
    _networks(panels[0], scan["networks"], x, ("auc",), "AUC")
    if several:
        others = {name: row for name, row in scan["networks"].items() if name != "parameterised"}
        _networks(panels[1], others, x, ("auc_difference",), "AUC − that of the parameterised network", first=1)
        panels[1].axhline(0, color=colour(0), lw=1.4, zorder=0)
    for axes in panels:
        _value_axis(axes, analysis, names, values)
    panels[0].legend(fontsize=8, loc="lower right")
    caption = "Signal of each hypothesis against all background; networks with parameters score both under it."
    if several:
        caption += (
            " Open symbols: trained without its signal. Right: differences on the same events, which have smaller errors."
        )
    yield save(folder, figure, "scan-auc", "AUC at each hypothesis", caption, dict(scan))
    if any((at.get("search") or {}).get("binned") for row in scan["networks"].values() for at in row["at"].values()):
        yield _scan_search(folder, analysis, scan, x, values)


def tables(tree: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Title, header and rows of each table of a scan: AUC, then the results of the search, if there is one.

    The terminal and the page show the same: a row for each hypothesis, a column for each network. A star marks a
    hypothesis whose signal the network was not trained on.
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


def chosen_in_words(search: Tree) -> str:
    """The events that cut and bins were chosen on, as in "chosen on … events".

    >>> chosen_in_words({"chosen_on": "val"}), chosen_in_words({"chosen_on": "test", "crossed": True})
    ('val', 'the other half of the test')
    """
    if not search.get("crossed"):
        return str(search["chosen_on"])
    return "the other folds'" if search["chosen_on"] == OUT_OF_FOLD else f"the other half of the {search['chosen_on']}"


def limit_of(row: Mapping[str, Any], key: str = "limit") -> str:
    """The median expected limit of a hypothesis, with its statistical error if the run has it.

    Args:
        row: of `search.at`, from JSON.
        key: `limit` or `limit_pb`.
    """
    value, error = row[key]["0"], (row.get("limit_error") or {}).get("0")
    if error is None:
        return f"{value:#.3g}"
    return str(Metric(value, error * value / row["limit"]["0"]))


def change_of(side: Mapping[str, float] | None) -> str:
    """What a systematic uncertainty changes on one side, and in brackets the range over the bins if they differ.

    >>> change_of({"total": 0.02, "least": 0.02, "most": 0.02}), change_of({"total": 0.0, "least": -0.053, "most": 0.152})
    ('+2.00 %', '+0.00 % (−5.30 … +15.20)')
    >>> change_of(None)
    'mirrored'
    """
    if side is None:
        return "mirrored"
    total, least, most = (f"{100 * side[key]:+.2f}".replace("-", "−") for key in ("total", "least", "most"))
    return f"{total} %" if least == most else f"{total} % ({least} … {most})"


def band_of(row: Tree, sigma: int, key: str = "limit") -> str:
    """The limits between which the median lies if the background fluctuates by so many standard deviations.

    >>> band_of({"limit": {"-1": 5.93, "1": 1123.0}}, 1)
    '5.9 … 1,100'
    """
    return " … ".join(_two_digits(row[key][str(side)]) for side in (-sigma, sigma))


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):,.0f}" if value >= 10 else f"{value:#.2g}"


def discovery_of(row: Mapping[str, Any]) -> str:
    """The discovery significance of a hypothesis, with its error if the run has it."""
    found = row["discovery"]
    return f"{found:.2f}" if isinstance(found, float) else shown(found)


def _values(analysis: Analysis, metrics: Tree, rows: Tree) -> Sequence[float] | None:
    """Values of hypotheses on the axis of their only parameter; None if there are several parameters."""
    if len(analysis.parameters) != 1:
        return None
    (name,) = analysis.parameters
    return [metrics["per_parameter"][row]["parameters"][name] for row in rows]


def _cut(folder: RunFolder, search: Tree, drawn: Tree, part: str) -> Picture:
    figure, panels = new_figure(9.4, 4.4, 1, 2)
    systematic = f"background ± {100 * search['systematic']:.3g} % ± Monte Carlo"
    for axes, key, title in zip(panels, ("significance", "known"), (systematic, "background known exactly"), strict=True):
        for i, (name, tree) in enumerate(drawn.items()):
            scan = tree["scan"]
            cut, value = (np.array(scan[k], float) for k in ("cut", key))
            some = np.isfinite(value) & (cut > 0)  # the first cut keeps every event
            # A score saturates: what lies between 0.99 and 1 matters as much as what lies between 0 and 0.99.
            axes.plot(_stretched(cut[some]), value[some], color=colour(i), lw=1.4, label=name if len(drawn) > 1 else None)
            if key == "significance":
                error = np.array(scan["error"], float)[some]
                low, high = value[some] - error, value[some] + error
                axes.fill_between(_stretched(cut[some]), low, high, color=colour(i), alpha=0.15, lw=0)
            row = search["at"][name]
            chosen = row["best_cut" if key == "significance" else "best_cut_known"]
            axes.errorbar(
                _stretched(row["cut"]),
                chosen["value"],
                chosen["error"],
                fmt="o",
                color=colour(i),
                mec="black",
                ms=6,
                capsize=2,
                zorder=3,
            )
        _score_axis(axes)
        axes.set(xlabel="cut on the score", title=title)
        axes.set_ylim(bottom=0)
    panels[0].set_ylabel("expected significance Z [σ]")
    if len(drawn) > 1:
        panels[0].legend(fontsize=8)
    caption = (
        f"Asimov significance of a cut on {in_words(part)} events; points: the cuts chosen on {chosen_in_words(search)} "
        "events. Bands and bars: statistical error of the simulated samples. Lines end where too few effective background "
        "events are left."
    )
    return save(folder, figure, "search-cut", "Significance against the cut", caption, dict(drawn))


def _stretched(score: Any) -> Any:
    """The logarithm of the odds of a score, which is kept from 0 and 1 by single precision."""
    inside = np.clip(score, 1e-6, 1 - 1e-6)
    return np.log10(inside / (1 - inside))


def _score_axis(axes: Any) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    low, high = axes.get_xlim()
    scores = (0.00001, 0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)
    ticks = {float(_stretched(score)): f"{score:.5f}".rstrip("0") for score in scores if low <= _stretched(score) <= high}
    axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels(ticks.values())


def _bins(folder: RunFolder, analysis: Analysis, search: Tree, drawn: Tree, part: str) -> Picture:
    from matplotlib.figure import Figure

    chosen = np.unique(np.linspace(0, len(drawn) - 1, min(len(drawn), MOST_PANELS)).round().astype(int))
    names = [list(drawn)[i] for i in chosen]
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(3.5 * columns + 0.9, 3.6 * rows + 0.3), layout="constrained")
    panels = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[3, 1] * rows)
    top = max(max(np.add(drawn[name]["bins"]["background"], drawn[name]["bins"]["signal"])) for name in names)
    bottom = min(min(drawn[name]["bins"]["background"]) for name in names)
    for i in range(rows * columns):
        upper, lower = panels[2 * (i // columns)][i % columns], panels[2 * (i // columns) + 1][i % columns]
        if i >= len(names):
            upper.set_visible(False)
            lower.set_visible(False)
            continue
        _stack(upper, lower, drawn[names[i]]["bins"], analysis, search["systematic"])
        upper.set(yscale="log", ylim=(0.5 * max(bottom, 1e-3), 12 * top), title=names[i] if len(drawn) > 1 else "")
        lower.set_ylim(0, 1.25 * max(drawn[names[i]]["bins"]["significance"]) or 1.0)
        _edges_of_bins(lower, drawn[names[i]]["bins"]["edges"])
        if i % columns == 0:
            upper.set_ylabel("expected events")
            lower.set_ylabel("Z [σ]")
    panels[0][0].legend(fontsize=8, loc="upper center", ncols=1)
    caption = (
        f"Expected events in bins of the score ({part}), signal on top of background; edges chosen on "
        f"{chosen_in_words(search)} events for about equal signal. Hatched: {100 * search['systematic']:.3g} % of the "
        "background and Monte Carlo error; dashed: signal alone. Below: significance of each bin."
    )
    return save(folder, figure, "search-bins", "Binned score", caption, {name: drawn[name]["bins"] for name in drawn})


def _edges_of_bins(axes: Any, edges: Sequence[Any]) -> None:
    """Label the edges of bins, which are drawn with equal width, by their score; bins that differ by fold are numbered."""
    if edges and isinstance(edges[0], Sequence):
        axes.set_xlabel("bin of the score")
        return
    inner = [f"{edge:.4f}".rstrip("0").rstrip(".") if 0 < edge < 0.99995 else f"{edge:.3g}" for edge in edges]
    axes.set_xticks(np.arange(len(edges)) + 0.5, inner, rotation=90, fontsize=7)
    axes.set_xlabel("bins of the score")


def _stack(upper: Any, lower: Any, bins: Tree, analysis: Analysis, systematic: float) -> None:
    from matplotlib.ticker import MaxNLocator, NullLocator

    b, s, error, z = (np.array(bins[key]) for key in ("background", "signal", "background_error", "significance"))
    edges = np.arange(len(b) + 1) + 0.5
    whole = np.hypot(error, systematic * b)
    background, signal = analysis.classes
    upper.stairs(b, edges, fill=True, color=colour(0), alpha=0.55, label=background)
    upper.stairs(b + s, edges, baseline=b, fill=True, color=colour(2), alpha=0.75, label=signal)
    upper.stairs(np.maximum(s, 1e-9), edges, color=colour(2), ls="--", lw=1.2, baseline=None)
    low = np.maximum(b - whole, 1e-9)
    upper.stairs(
        b + whole,
        edges,
        baseline=low,
        fill=True,
        facecolor="none",
        edgecolor="0.25",
        hatch="/////",
        lw=0,
        label="uncertainty",
    )
    lower.stairs(z, edges, fill=True, color="0.6")
    lower.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    for axes in (upper, lower):
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(edges[0], edges[-1])
    upper.tick_params(labelbottom=False)


def _limit(folder: RunFolder, analysis: Analysis, rows: Tree, values: Sequence[float] | None) -> Picture:
    in_pb = all("limit_pb" in row for row in rows.values())
    key = "limit_pb" if in_pb else "limit"
    figure, (axes,) = new_figure(6.4, 4.4)
    x = np.arange(len(rows)) if values is None else np.array(values)
    order = np.argsort(x)
    band = {n: np.array([row[key][n] for row in rows.values()])[order] for n in ("-2", "-1", "0", "1", "2")}
    for shade, low, high, text in BANDS:
        axes.fill_between(x[order], band[low], band[high], color=shade, lw=0, label=text)
    axes.plot(x[order], band["0"], "k--", marker="o", ms=4, label="median, expected")
    if in_pb:
        axes.plot(x[order], np.array([row["xsec"] for row in rows.values()])[order], color=colour(2), label="signal")
    else:
        axes.axhline(1, color=colour(2), lw=1.2, label="signal as given")
    _value_axis(axes, analysis, list(rows), values)
    unit = "cross section [pb]" if in_pb else "signal strength"
    axes.set_ylabel(f"95 % CLs upper limit on the {unit}")
    _log_axis(axes)
    axes.set_ylim(top=axes.get_ylim()[1] * 3)
    axes.legend(ncols=2, loc="upper right")
    caption = "Expected upper limit without signal, from the binned score; where the band is below the red line, the signal "
    caption += "would be excluded. Points are joined by straight lines."
    return save(folder, figure, "search-limit", "Expected limit", caption, dict(rows))


def _log_axis(axes: Any) -> None:
    """A logarithmic axis with plain numbers at 1, 2 and 5."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _value_axis(axes: Any, analysis: Analysis, names: Sequence[str], values: Sequence[float] | None) -> None:
    if values is None:
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right", fontsize=8)
        axes.minorticks_off()
        return
    axes.set_xlabel(label(analysis, next(iter(analysis.parameters))))


def _scan_search(folder: RunFolder, analysis: Analysis, scan: Tree, x: Tree, values: Sequence[float] | None) -> Picture:
    networks = scan["networks"]
    limits = any("limit" in (at.get("search") or {}) for row in networks.values() for at in row["at"].values())
    figure, panels = new_figure(9.4 if limits else 6.4, 4.2, 1, 2 if limits else 1)
    _networks(panels[0], networks, x, ("search", "binned"), "significance of the binned score [σ]")
    panels[0].set_ylim(bottom=0)
    if limits:
        _networks(panels[1], networks, x, ("search", "limit", "0"), "expected 95 % CLs limit on the signal strength")
        _log_axis(panels[1])
    for axes in panels:
        _value_axis(axes, analysis, list(scan["hypotheses"]), values)
    panels[0].legend(fontsize=8, loc="upper left")
    caption = "Significance with background uncertainty, and expected limit. Open symbols: trained without its signal."
    numbers: dict[str, Any] = {"x": list(x.values())}
    for name, row in networks.items():
        found = [row["at"].get(where, {}).get("search") or {} for where in x]
        drawn = {
            "significance": [(each.get("binned") or {}).get("value") for each in found],
            "error": [(each.get("binned") or {}).get("error") for each in found],
            "limit": [(each.get("limit") or {}).get("0") for each in found],
        }
        numbers[name] = {key: values for key, values in drawn.items() if limits or key != "limit"}
    return save(folder, figure, "scan-search", "Search at each hypothesis", caption, numbers)


def _networks(axes: Any, networks: Tree, x: Tree, keys: Sequence[str], title: str, first: int = 0) -> None:
    """One line per network; the symbol is open at hypotheses whose signal it was not trained on."""
    width = (max(x.values()) - min(x.values())) if len(x) > 1 else 1.0
    for i, (name, row) in enumerate(networks.items(), start=first):
        found = [(where, *_number(row["at"].get(where), keys)) for where in x]
        found = [point for point in found if point[1] is not None]
        if not found:
            continue
        # A little beside each other, so that errors can be told apart.
        place = np.array([x[where] + 0.008 * width * (i - len(networks) / 2) for where, *_ in found])
        value, error = (np.array([point[k] for point in found], float) for k in (1, 2))
        axes.plot(place, value, color=colour(i), lw=1, alpha=0.6)
        seen = np.array([where in row["trained_on"] for where, *_ in found])
        for chosen, look in ((seen, {}), (~seen, {"mfc": "white"})):
            if chosen.any():
                axes.errorbar(
                    place[chosen],
                    value[chosen],
                    error[chosen] if error.any() else None,
                    fmt=MARKS[i % len(MARKS)],
                    color=colour(i),
                    ms=5,
                    capsize=2,
                    lw=1,
                    **look,
                )
        axes.plot([], [], marker=MARKS[i % len(MARKS)], color=colour(i), ms=5, lw=1, label=name)
    axes.set_ylabel(title)


def _number(row: Any, keys: Sequence[str]) -> tuple[float | None, float]:
    """A number and its error from nested mappings; None if there is none."""
    found = _at(row, keys)
    if isinstance(found, Mapping):
        return found.get("value"), found.get("error") or 0.0
    error = _at(row, [f"{key}_error" if key == "limit" else key for key in keys]) if "limit" in keys else None
    return found, error or 0.0


def _at(row: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        row = row.get(key) if isinstance(row, Mapping) else None
    return row


def _cell(row: Any, keys: Sequence[str], trained: bool) -> str:
    value, error = _number(row, keys)
    if value is None:
        return "–"
    text = str(Metric(value, error)) if error else f"{value:#.3g}"
    return text if trained else f"{text} *"
