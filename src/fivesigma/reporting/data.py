"""The data: classes, missing entries, distributions, correlations."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.reporting.style import Picture, colour, fit_axis, label, new_figure, save, stairs
from fivesigma.runs.folder import RunFolder

PER_PAGE = 12
MOST_DRAWN = 60
"""Features whose distributions are drawn."""


def figures(folder: RunFolder, analysis: Analysis, tree: Mapping[str, Any]) -> Iterator[Picture]:
    """Figures of `explore.json`, one after another."""
    if tree["classes"]:
        yield _classes(folder, tree)
    if tree["target"]:
        yield _one(folder, analysis, "target", {"all": tree["target"]["histogram"]}, tree["target"]["variable"])
    for name, by_class in tree["parameters"].items():
        yield _one(folder, analysis, f"parameter-{name}", by_class, name, density=False)
    if any(row["missing"] > 0 for row in tree["columns"]):
        yield _missing(folder, analysis, tree)
    names = most_separating(tree["distributions"], MOST_DRAWN)
    left_out = len(tree["distributions"]) - len(names)
    for start in range(0, len(names), PER_PAGE):
        page = names[start : start + PER_PAGE]
        yield _distributions(folder, analysis, tree["distributions"], page, start // PER_PAGE, left_out)
    for name, by_class in tree["observers"].items():
        yield _one(folder, analysis, f"observer-{name}", by_class, name)
    if 2 <= len(tree["correlations"]["names"]) <= 80:
        yield _correlations(folder, tree["correlations"])


def _classes(folder: RunFolder, tree: Mapping[str, Any]) -> Picture:
    parts = list(tree["classes"])
    names = list(tree["classes"][parts[0]])
    figure, (axes,) = new_figure(6.4, 3.6)
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        counts = [tree["classes"][part][name]["events"] for part in parts]
        places = np.arange(len(parts)) + (i - (len(names) - 1) / 2) * width
        bars = axes.bar(places, counts, width * 0.92, color=colour(i), label=name)
        axes.bar_label(bars, [f"{n:,}" for n in counts], fontsize=8, padding=2, rotation=90 if len(names) > 3 else 0)
    axes.set_xticks(range(len(parts)), parts)
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    axes.set_ylabel("events")
    axes.margins(y=0.3)
    axes.legend(ncols=min(len(names), 4), loc="upper right")
    caption = "Number of events of each class in every part of the split."
    return save(folder, figure, "classes", "Classes", caption, tree["classes"])


def _missing(folder: RunFolder, analysis: Analysis, tree: Mapping[str, Any]) -> Picture:
    rows = [row for row in tree["columns"] if row["missing"] > 0]
    rows.sort(key=lambda row: row["missing"])
    figure, (axes,) = new_figure(6.4, max(2.2, 0.22 * len(rows) + 1))
    axes.barh([row["name"] for row in rows], [100 * row["missing"] for row in rows], color=colour(0), height=0.75)
    axes.tick_params(axis="y", which="both", length=0, labelsize=8)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlim(0, 100)
    axes.set_xlabel("missing entries [%]")
    limit = analysis.prepare.drop_missing
    if limit is not None:
        axes.axvline(100 * limit, color=colour(2), ls="--", label=f"dropped beyond {100 * limit:g} %")
        axes.legend(loc="lower right")
    caption = "Fraction of training and validation events in which a feature is missing; other features are never missing."
    return save(folder, figure, "missing", "Missing entries", caption, rows)


def most_separating(tree: Mapping[str, Any], most: int) -> list[str]:
    """Names of the features whose distributions differ most between classes, in their order; all if they are few.

    The difference is the largest one between the cumulative distributions of two classes.

    Args:
        tree: feature → class → `edges` and `counts`.
        most: so many at most.
    """
    if len(tree) <= most:
        return list(tree)

    def separation(name: str) -> float:
        shares = [_cumulative(shape["counts"]) for shape in tree[name].values()]
        return float(np.ptp(np.stack(shares), axis=0).max()) if len({len(share) for share in shares}) == 1 else 0.0

    chosen = set(sorted(tree, key=separation, reverse=True)[:most])
    return [name for name in tree if name in chosen]


def _cumulative(counts: Any) -> NDArray[np.float64]:
    total = np.cumsum(np.asarray(counts, float))
    return total / total[-1] if len(total) and total[-1] > 0 else np.zeros_like(total)


def _distributions(
    folder: RunFolder, analysis: Analysis, tree: Mapping[str, Any], names: list[str], page: int, left_out: int
) -> Picture:
    from matplotlib.ticker import NullLocator

    columns = min(4, len(names))
    lines = -(-len(names) // columns)
    figure, panels = new_figure(3.1 * columns, 2.35 * lines + 0.4, lines, columns)
    for axes, name in zip(panels, names, strict=False):
        for i, (kind, shape) in enumerate(tree[name].items()):
            stairs(axes, shape, colour(i), kind, filled=i == 0)
        fit_axis(axes, next(iter(tree[name].values())))
        axes.set_xlabel(label(analysis, name), fontsize=8.5)
        axes.tick_params(labelsize=8)
        # Too many for a small panel, and most of the time that drawing takes.
        axes.yaxis.set_minor_locator(NullLocator())
        if axes.get_xscale() == "linear":
            axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylim(bottom=0)
        axes.ticklabel_format(axis="y", scilimits=(-2, 3))
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    handles, kinds = panels[0].get_legend_handles_labels()
    if len(kinds) > 1:
        figure.legend(handles, kinds, loc="outside upper center", ncols=len(kinds))
    figure.supylabel("events, normalised to unit area", fontsize=9)
    first, last = names[0], names[-1]
    title = f"Distributions: {first} to {last}" if len(names) > 1 else f"Distribution of {first}"
    caption = "Distribution of each feature by class, unit area; the band is the statistical error."
    if left_out:
        caption += f" {left_out:,} features that separate the classes less are not drawn; explore.json has them."
    numbers = {name: tree[name] for name in names}
    return save(folder, figure, f"features-{page + 1}", title, caption, numbers)


def _one(
    folder: RunFolder, analysis: Analysis, name: str, by_class: Mapping[str, Any], column: str, *, density: bool = True
) -> Picture:
    figure, (axes,) = new_figure(6.4, 3.6)
    for i, (kind, shape) in enumerate(by_class.items()):
        stairs(axes, shape, colour(i), kind, filled=i == 0, density=density)
    fit_axis(axes, next(iter(by_class.values())))
    axes.set_xlabel(label(analysis, column))
    axes.set_ylabel("events, normalised to unit area" if density else "events")
    counts = np.concatenate([np.asarray(shape["counts"]) for shape in by_class.values()])
    filled = counts[counts > 0]
    if len(filled) and density and filled.max() > 300 * np.median(filled):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
        axes.margins(y=0.2)
    if len(by_class) > 1:
        axes.legend()
    title = analysis.titles.get(column, column)
    return save(folder, figure, _file_name(name), title, f"Distribution of {title}.", dict(by_class))


def _correlations(folder: RunFolder, tree: Mapping[str, Any]) -> Picture:
    names = tree["names"]
    matrix = np.array([[np.nan if v is None else v for v in row] for row in tree["matrix"]], float)
    size = min(9.0, max(4.0, 0.2 * len(names) + 2))
    figure, (axes,) = new_figure(size + 0.8, size)
    image = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=max(5, min(8, 320 / len(names))))
    axes.set_yticks(range(len(names)), names, fontsize=max(5, min(8, 320 / len(names))))
    axes.tick_params(which="both", length=0)
    axes.minorticks_off()
    figure.colorbar(image, ax=axes, label="Pearson correlation", shrink=0.8)
    caption = f"Linear correlation of every pair of features over {tree['events']:,} events (all classes); blank: undefined."
    return save(folder, figure, "correlations", "Correlations", caption, dict(tree))


def _file_name(text: str) -> str:
    import re

    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-")
