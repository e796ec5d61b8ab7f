"""Figures on the trust in scores: importance of the inputs, sculpting of the background."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.metrics.importance import LOSS
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.result import judged_part
from fivesigma.reporting.style import Picture, colour, file_name, fit_axis, label, new_figure, save, scaled
from fivesigma.runs.folder import RunFolder

Tree = Mapping[str, Any]
MOST_INPUTS = 30
"""Largest number of inputs that are drawn; all are in `metrics.json`."""


def figures(folder: RunFolder, analysis: Analysis, metrics: Tree, curves: Tree) -> Iterator[Picture]:
    """Figures of importance and sculpting, as far as they were evaluated.

    Args:
        folder, analysis: of the run.
        metrics, curves: `metrics.json` and `curves.json`.
    """
    last = judged_part(metrics)
    for part in metrics.values():
        if part.get("importance"):
            yield _importance(folder, analysis, part["importance"])
    for observer, at in curves[last].get("sculpting", {}).items():
        yield _sculpting(folder, analysis, observer, at, metrics[last]["sculpting"][observer])


def _importance(folder: RunFolder, analysis: Analysis, tree: Tree) -> Picture:
    names = list(tree)[:MOST_INPUTS]
    values = np.array([tree[name]["value"] or 0.0 for name in names])
    errors = np.array([tree[name]["error"] or 0.0 for name in names])
    figure, (axes,) = new_figure(6.4, 0.9 + 0.19 * len(names))
    places = np.arange(len(names))[::-1]
    axes.barh(places, values, xerr=errors, color=colour(0), height=0.7, error_kw={"lw": 1, "ecolor": "0.25"})
    titles = [f"{name}: {analysis.titles[name]}" if name in analysis.titles else name for name in names]
    axes.set_yticks(places, [title if len(title) < 45 else f"{title[:44]}…" for title in titles], fontsize=8)
    axes.tick_params(axis="y", which="both", length=0)
    axes.axvline(0, color="0.4", lw=0.8)
    axes.set(xlabel=f"{LOSS[analysis.task]} when permuted", ylim=(-0.6, len(names) - 0.4))
    caption = (
        "Loss of performance on validation events when one input is permuted among them. Of inputs that are strongly "
        "correlated, each alone may look unimportant."
    )
    if len(tree) > len(names):
        caption += f" The {len(names)} most important of {len(tree)} are shown."
    return save(folder, figure, "importance", "Importance of the inputs", caption, dict(tree))


def _sculpting(folder: RunFolder, analysis: Analysis, observer: str, at: Tree, numbers: Tree) -> Picture:
    columns = min(3, len(at))
    rows = -(-len(at) // columns)
    figure, panels = new_figure(3.6 * columns + 0.6, 3.0 * rows + 0.5, rows, columns)
    for axes, (name, slices) in zip(panels, at.items(), strict=False):
        for i, (text, tree) in enumerate(slices.items()):
            edges, counts, errors = scaled(tree, density=True)
            axes.stairs(counts, edges, color=colour(i), lw=1.4, label=text)
            low = counts - errors
            axes.stairs(counts + errors, edges, baseline=low, color=colour(i), fill=True, alpha=0.25, lw=0)
        fit_axis(axes, next(iter(slices.values())))
        found = numbers[name]["divergence"]
        value = str(Metric(found["value"], found["error"])) if None not in found.values() else "–"
        axes.set_title(f"{name}: divergence {value}", fontsize=8.5)
        axes.set(xlabel=label(analysis, observer))
        axes.set_ylim(bottom=0)
    for axes in panels[len(at) :]:
        axes.set_visible(False)
    figure.supylabel("background, unit area", fontsize=9)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4, title="slice of the background's score", fontsize=8)
    caption = (
        "Background in slices of its score, from the least to the most signal-like. Divergence: Jensen–Shannon, in bits, "
        "between the background above and below the cut that half of the signal passes; 0 means that the cut leaves the "
        "shape alone."
    )
    name = file_name(observer, "sculpting")
    title = f"Sculpting of {analysis.titles.get(observer, observer)}"
    return save(folder, figure, name, title, caption, dict(at))
