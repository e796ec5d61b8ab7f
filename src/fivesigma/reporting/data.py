"""The data: classes, missing entries, distributions, correlations."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.reporting.style import Picture, colour, file_name, fit_axis, label, new_figure, save, stairs
from fivesigma.runs.folder import RunFolder


def figures(folder: RunFolder, analysis: Analysis, tree: Mapping[str, Any]) -> Iterator[Picture]:
    """Figures of `explore.json`, one after another."""
    if tree["classes"]:
        yield _classes(folder, tree)
    if tree["target"]:
        yield _one(folder, analysis, "target", {"all": tree["target"]["histogram"]}, tree["target"]["variable"])
    for name, by_class in tree["parameters"].items():
        yield _one(folder, analysis, file_name(name, "parameter"), by_class, name, density=False)
    if any(row["missing"] > 0 for row in tree["columns"]):
        yield _missing(folder, analysis, tree)
    for name, by_class in tree["observers"].items():
        if tree["target"] and name == tree["target"]["variable"]:
            continue  # drawn above
        yield _one(folder, analysis, file_name(name, "observer"), by_class, name)
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
        # Above the panel: bars of a parameter's values are as high as the panel and leave no room.
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=min(len(by_class), 5), borderaxespad=0.2)
    title = analysis.titles.get(column, column)
    return save(folder, figure, name, title, f"Distribution of {title}.", dict(by_class))


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
