"""Results: metrics, ROC, scores, confusion, response, residuals."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fivesigma import plugins
from fivesigma.analysis.analysis import Analysis
from fivesigma.metrics.metric import is_metric, shown
from fivesigma.metrics.result import judged_part
from fivesigma.metrics.spec import spec_of
from fivesigma.metrics.standard import TRIGGER_RATE
from fivesigma.reporting.style import (
    Picture,
    colour,
    count_scale,
    file_name,
    in_words,
    label,
    new_figure,
    points,
    ratio_points,
    save,
    stairs,
    with_ratio,
    with_ratios,
)
from fivesigma.reporting.table import Table
from fivesigma.runs.folder import RunFolder

Tree = Mapping[str, Any]


_HEADLINES = {
    "binary": ("auc", "accuracy", "log_loss", "balanced_accuracy"),
    "multiclass": ("f1_weighted", "f1_macro", "balanced_accuracy", "accuracy"),
    "regression": ("rmse", "mae", "width_68", "rmse_of_constant"),
}
"""Metrics at the top of the page, by task."""

_PER_FOLD = {"binary": ("auc", "accuracy"), "multiclass": ("accuracy",), "regression": ("rmse", "width_68", "bias")}
"""Out-of-fold metrics in the table of folds, by task."""


def headline_names(metrics: Tree, analysis: Analysis) -> list[str]:
    """Names of the metrics at the top of the page, of those that the run has.

    Args:
        metrics: part → its numbers, from `metrics.json`.
        analysis: of the run.
    """
    return [name for name in _HEADLINES[analysis.task] if name in _names(metrics)]


def tables(metrics: Tree, analysis: Analysis, sampled: Container[str] = ()) -> list[Table]:
    """The metrics of every part, with their meaning in the last column.

    Args:
        metrics: part → its numbers, from `metrics.json`.
        analysis: of the run.
        sampled: parts of which only a sample was evaluated.
    """
    header = ["metric", *(f"{part} (sample)" if part in sampled else part for part in metrics), "meaning"]
    rows = [
        [heading(name, analysis), *(shown(part.get(name)) for part in metrics.values()), _meaning(name)]
        for name in _names(metrics)
    ]
    return [Table("Metrics", header, rows, _prior_note(analysis, has_negative(metrics)))]


def has_negative(metrics: Tree) -> bool:
    """Whether events of any part have negative weights.

    Args:
        metrics: part → its numbers, from `metrics.json`.
    """
    return any(part.get("negative_weights") for part in metrics.values())


def _prior_note(analysis: Analysis, negative: bool) -> str:
    """Why the score is not a class probability, if the training sees other class fractions; otherwise empty."""
    keys = {
        "train.negative_weights": negative and bool(analysis.classes) and analysis.train.negative_weights in ("abs", "drop"),
        "prepare.class_weights": analysis.prepare.class_weights is not None,
        "prepare.resample": analysis.prepare.resample is not None,
        "train.balance": "class" in analysis.train.balance,
    }
    key = next((key for key, is_set in keys.items() if is_set), "")
    if not key:
        return ""
    note = (
        f"`{key}` changes the prior: the network learns probabilities at other class fractions than those of these events, "
        "which affects calibration, accuracy and log-loss, but not the AUC."
    )
    if analysis.task != "binary":
        return note
    if analysis.evaluate.recalibrate is not None:
        return f"{note} The column `probability` of the predictions is corrected for this."
    return f"{note} `evaluate.recalibrate: isotonic` gives probabilities at the class fractions of the events."


def fold_columns(analysis: Analysis) -> dict[str, str]:
    """Metric → heading of its column in the table of folds."""
    return {name: heading(name, analysis) for name in _PER_FOLD[analysis.task]}


def sampled_parts(metadata: Tree) -> dict[str, tuple[int, int]]:
    """Part → number of evaluated events and of all, for parts of which only a sample was evaluated."""
    there = metadata.get("evaluated_of", metadata.get("events", {}))  # older runs have the numbers at the training only
    return {part: (n, there[part]) for part, n in metadata.get("evaluated", {}).items() if n < there.get(part, 0)}


def _names(metrics: Tree) -> list[str]:
    return list(dict.fromkeys(name for part in metrics.values() for name, value in part.items() if is_metric(value)))


def _meaning(name: str) -> str:
    """The meaning of a metric; empty if its package is no longer installed."""
    return spec_of(name).meaning if name in plugins.metrics else ""


def heading(name: str, analysis: Analysis) -> str:
    """The name of a metric, with its unit if it has one."""
    unit = _unit(name, analysis)
    return f"{name} [{unit}]" if unit else name


def _unit(name: str, analysis: Analysis) -> str:
    """The unit of a metric; empty if its package is no longer installed."""
    if (
        name == TRIGGER_RATE.name
        and analysis.evaluate.trigger is not None
        and analysis.evaluate.trigger.total_rate is not None
    ):
        return "kHz"
    return spec_of(name).unit_for(analysis.target.unit if analysis.target else "") if name in plugins.metrics else ""


def figures(folder: RunFolder, analysis: Analysis, metrics: Tree, curves: Tree) -> Iterator[Picture]:
    """Figures of metrics and curves, if the run is evaluated.

    Args:
        folder, analysis: of the run.
        metrics, curves: `metrics.json` and `curves.json`; empty without them.
    """
    if not curves:
        return
    last = judged_part(metrics)
    if analysis.task == "binary":
        yield _roc(folder, metrics, curves)
        yield _scores(folder, analysis, curves, last)
        if metrics[last].get("per_parameter"):
            yield _per_parameter(folder, analysis, metrics[last]["per_parameter"], last)
        yield _calibration(folder, analysis, curves, last, has_negative(metrics))
    elif analysis.task == "multiclass":
        yield _class_scores(folder, analysis, curves, last)
    else:
        yield _response(folder, analysis, curves[last]["response"], last)
        yield _residual(folder, analysis, metrics, curves, last)
    if analysis.task != "regression":
        yield _confusion(folder, metrics[last]["confusion"], last)
    for observer, rows in metrics[last].get("against", {}).items():
        if rows:  # there may be no events in any bin
            yield _against(folder, analysis, observer, rows, last)


def _roc(folder: RunFolder, metrics: Tree, curves: Tree) -> Picture:
    figure, (left, right) = new_figure(9.4, 4.2, 1, 2)
    last = judged_part(curves)
    # Validation events, which chose the epoch, are left out where there are others that count.
    parts = [part for part in curves if part != "val" or part == last]
    lines = {f"{in_words(part)}: AUC {shown(metrics[part]['auc'])}": curves[part]["roc"] for part in parts}
    for name, tree in curves[last].get("baselines", {}).items():
        if "roc" in tree:
            lines[f"{name}, {in_words(last)}: AUC {shown(metrics[last]['baselines'][name]['auc'])}"] = tree["roc"]
    per = metrics[last].get("per_parameter", {})
    # A hypothesis without signal events in this part has no curve.
    at = {name: curve for name, curve in curves[last].get("roc_at", {}).items() if per[name]["auc"]["value"] is not None}
    named = {f"{name}: {per[name]['auc']['value']:.3f}": curve for name, curve in at.items()}
    for axes in (left, right):
        for i, (text, curve) in enumerate({**lines, **named}.items()):
            signal, background = np.asarray(curve["signal"], float), np.asarray(curve["background"], float)
            thin = i >= len(lines)
            look: dict[str, Any] = {"color": colour(i), "lw": 1.0 if thin else 1.8, "ls": "--" if thin else "-"}
            if axes is left:
                axes.plot(background, signal, **look)
            else:
                some = background > 0
                axes.plot(signal[some], 1 / background[some], label=text, **look)
                if "low" in curve and curve is curves[last]["roc"]:
                    low, high = (np.maximum(np.asarray(curve[key], float)[some], 1e-9) for key in ("low", "high"))
                    axes.fill_between(signal[some], 1 / high, 1 / low, color=colour(i), alpha=0.2, lw=0)
    left.plot([0, 1], [0, 1], color="0.7", lw=0.8, ls=":")
    left.set(xlabel="background efficiency", ylabel="signal efficiency", xlim=(0, 1), ylim=(0, 1.005))
    every = (*lines.values(), *named.values())
    least = min(min((b for b in curve["background"] if b and b > 0), default=1.0) for curve in every)
    right.set(xlabel="signal efficiency", ylabel=r"background rejection $1/\varepsilon_B$", yscale="log", xlim=(0, 1))
    right.set_ylim(0.9, 10 / least)
    right.legend(fontsize=8)
    caption = "Left: signal against background efficiency. Right: background rejection against signal efficiency; "
    caption += f"band: 68 % interval from the number of {in_words(last)} background events."
    if named:
        caption += f" Dashed: {in_words(last)} signal of one hypothesis against all background scored under it."
    numbers = {part: curves[part]["roc"] for part in curves}
    models = {name: tree["roc"] for name, tree in curves[last].get("baselines", {}).items() if "roc" in tree}
    numbers |= {"baselines": models} if models else {}
    numbers |= {"hypotheses": at} if at else {}
    return save(folder, figure, "roc", "ROC", caption, numbers)


def _scores(folder: RunFolder, analysis: Analysis, curves: Tree, last: str) -> Picture:
    # With folds, single networks are compared with single networks, not with the mean of all.
    last = "folds" if "folds" in curves else last
    figure, axes, below = with_ratio(6.4, 4.2, "train" in curves and last != "train")
    for i, name in enumerate(analysis.classes):
        if below is not None:
            stairs(axes, curves["train"]["scores"][name], colour(2 * i), f"{name}, training", filled=True)
            ratio_points(below, curves["train"]["scores"][name], curves[last]["scores"][name], colour(2 * i))
        points(axes, curves[last]["scores"][name], colour(2 * i), f"{name}, {in_words(last)}")
    axes.axvline(analysis.evaluate.threshold, color="0.6", ls=":", lw=1)
    scale = count_scale(histogram for part in curves.values() for histogram in part["scores"].values())
    axes.set(ylabel="events, normalised to unit area", yscale=scale, xlim=(0, 1))
    axes.set_ylim(top=axes.get_ylim()[1] * 6)
    axes.legend(ncols=2, loc="upper center")
    (below or axes).set_xlabel("score")
    if below is not None:
        below.set_ylabel(f"{in_words(last)}\n/ training" if len(in_words(last)) > 6 else f"{in_words(last)} / training")
    caption = f"Training and {in_words(last)} must agree within errors; a difference is overtraining. Dotted: threshold."
    numbers = {part: tree["scores"] for part, tree in curves.items()}
    return save(folder, figure, "scores", "Score distributions", caption, numbers)


def _per_parameter(folder: RunFolder, analysis: Analysis, rows: Tree, last: str) -> Picture:
    figure, (axes,) = new_figure(6.4, 3.6)
    names = list(analysis.parameters)
    known = [row for row in rows.values() if row["auc"]["value"] is not None]
    values = [row["parameters"][names[0]] for row in known]
    areas = [row["auc"]["value"] for row in known]
    errors = [row["auc"]["error"] for row in known]
    axes.errorbar(values, areas, errors, fmt="o-" if len(names) == 1 else "o", color=colour(0), capsize=3, ms=5)
    for value, area in zip(values, areas, strict=True):
        # Beside the error bar.
        axes.annotate(f"{area:.3f}", (value, area), xytext=(6, -12), textcoords="offset points", fontsize=8)
    axes.margins(0.12, 0.2)
    axes.set_ylim(top=min(axes.get_ylim()[1], 1.02))
    axes.set(xlabel=label(analysis, names[0]), ylabel=f"{in_words(last)} AUC")
    caption = "Signal of each hypothesis against all background, both scored under it, as in a search."
    return save(folder, figure, "auc-per-parameter", "AUC at each hypothesis", caption, dict(rows))


def _calibration(folder: RunFolder, analysis: Analysis, curves: Tree, last: str, negative: bool = False) -> Picture:
    figure, (axes,) = new_figure(4.6, 4.2)
    tree = curves[last]["calibration"]
    axes.plot([0, 1], [0, 1], color="0.6", ls=":", lw=1)
    share, low, high = (np.asarray(tree[key]) for key in ("share", "low", "high"))
    axes.errorbar(tree["score"], share, [share - low, high - share], fmt="o", color=colour(0), ms=4, capsize=2)
    axes.set(xlabel="mean score in bin", ylabel="share of signal", xlim=(-0.02, 1.02))
    # Points on the frame are seen whole, and negative weights may give shares beyond it.
    axes.set_ylim(min(0, np.nanmin(share, initial=0)) - 0.02, max(1, np.nanmax(share, initial=1)) + 0.02)
    caption = "On the diagonal the score is the probability of signal at the class fractions of the sample."
    if note := _prior_note(analysis, negative):
        caption += f" {note}"
    return save(folder, figure, "calibration", f"Calibration ({last})", caption, dict(tree))


def _class_scores(folder: RunFolder, analysis: Analysis, curves: Tree, last: str) -> Picture:
    # With folds, single networks are compared with single networks, not with the mean of all.
    last = "folds" if "folds" in curves else last
    tree, words = curves[last]["scores"], in_words(last)
    training = curves["train"]["scores"] if "train" in curves and last != "train" else None
    count, columns = len(analysis.classes), min(2, len(analysis.classes))
    rows = -(-count // columns)
    figure, panels = with_ratios(4.4, 3.1, rows, columns, training is not None)
    for (axes, below), output in zip(panels, analysis.classes, strict=False):
        for i, name in enumerate(analysis.classes):
            stairs(axes, tree[output][name], colour(i), name)
            if below is not None and training is not None:
                ratio_points(below, training[output][name], tree[output][name], colour(i))
        axes.set(yscale=count_scale(tree[output].values()), xlim=(0, 1))
        (below or axes).set_xlabel(f"probability of {output}")
        if below is not None:
            below.set_ylabel(f"{words}\n/ training", fontsize=8)
    for pair in panels[count:]:
        for axes in filter(None, pair):
            axes.set_visible(False)
    figure.supylabel("events, unit area", fontsize=9)
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=min(count, 4), title="true class")
    caption = f"Each output of the network for {words} events of every true class."
    if training is None:
        return save(folder, figure, "class-scores", "Outputs by true class", caption, dict(tree))
    caption += f" Below: the ratio {words} / training, which must be one within errors; a deviation is overtraining."
    numbers = {part: curves[part]["scores"] for part in ("train", last)}
    return save(folder, figure, "class-scores", "Outputs by true class", caption, numbers)


def _confusion(folder: RunFolder, tree: Tree, last: str) -> Picture:
    counts = np.asarray(tree["counts"])
    names = tree["classes"]
    sums = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, sums, out=np.full(counts.shape, np.nan), where=sums > 0)
    size = 2.6 + 0.8 * len(names)
    figure, (axes,) = new_figure(size + 0.9, size)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i in range(len(names)):
        for j in range(len(names)):
            total = f"{counts[i, j]:,.0f}" if counts[i, j] >= 100 else f"{counts[i, j]:.3g}"
            share = "–" if np.isnan(shares[i, j]) else f"{100 * shares[i, j]:.1f} %"
            colour_of_text = "white" if shares[i, j] > 0.55 else "black"
            axes.text(j, i, f"{share}\n{total}", ha="center", va="center", fontsize=9, color=colour_of_text)
    axes.set_xticks(range(len(names)), names, rotation=20 if len(names) > 2 else 0)
    axes.set_yticks(range(len(names)), names)
    axes.minorticks_off()
    axes.tick_params(which="both", length=0)
    axes.set(xlabel="predicted class", ylabel="true class")
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.85)
    caption = "Rows sum to 100 %, and the diagonal is the recall of each class. Second line: sum of weights."
    return save(folder, figure, "confusion", f"Confusion matrix ({last})", caption, dict(tree))


def _response(folder: RunFolder, analysis: Analysis, tree: Tree, last: str) -> Picture:
    from matplotlib.colors import LogNorm

    figure, (axes,) = new_figure(5.6, 4.6)
    edges, counts = np.asarray(tree["edges"]), np.asarray(tree["counts"]).T
    norm = LogNorm(max(float(counts[counts > 0].min()), 1e-12), float(counts.max())) if (counts > 0).any() else None
    extent = (edges[0], edges[-1], edges[0], edges[-1])  # all bins have one width
    shares = np.where(counts > 0, counts, np.nan)
    image = axes.imshow(
        shares, norm=norm, cmap="viridis", origin="lower", extent=extent, aspect="auto", interpolation="none"
    )
    axes.plot(edges[[0, -1]], edges[[0, -1]], color="white", lw=0.8, ls="--")
    target = label(analysis, analysis.target.variable) if analysis.target else "target"
    axes.set(xlabel=target, ylabel=f"prediction of {target}")
    figure.colorbar(image, ax=axes, label="events")
    caption = "Prediction against truth; a perfect network fills the diagonal."
    if tree["events_outside"]:
        caption += f" {tree['events_outside']:,} events lie outside."
    return save(folder, figure, "response", f"Response ({last})", caption, dict(tree))


def _residual(folder: RunFolder, analysis: Analysis, metrics: Tree, curves: Tree, last: str) -> Picture:
    against = [part for part in dict.fromkeys(["folds", last]) if part in curves and part != "train"]
    figure, axes, below = with_ratio(6.4, 4.0, "train" in curves and bool(against))
    if below is not None:
        for part in against:
            ratio_points(below, curves["train"]["residual"], curves[part]["residual"], colour(1 if part == "folds" else 2))
    unit = f" [{analysis.target.unit}]" if analysis.target and analysis.target.unit else ""
    for part in dict.fromkeys(["train", *(["folds"] if "folds" in curves else []), last]):
        if part in curves:
            width = metrics[part]["width_68"]["value"]
            half = "–" if width is None else f"{width:.4f}" if width >= 1e-3 else f"{width:.3g}"
            text = f"{in_words(part)}: RMSE {shown(metrics[part]['rmse'])}, 68 % ± {half}"
            draw = stairs if part == "train" else points
            draw(axes, curves[part]["residual"], colour({"train": 0, "folds": 1}.get(part, 2)), text)
    scale = count_scale(curves[part]["residual"] for part in curves)
    (below or axes).set_xlabel(f"predicted − true{unit}")
    axes.set(ylabel="events, normalised to unit area", yscale=scale)
    if below is not None:
        below.set_ylabel("ratio to training")
    axes.margins(y=0.25)
    axes.legend(loc="upper left", fontsize=8)
    axes.set_ylim(top=axes.get_ylim()[1] * 8)
    caption = "Residuals within six widths, on a logarithmic scale to show the tails."
    return save(folder, figure, "residual", "Residuals", caption, {part: tree["residual"] for part, tree in curves.items()})


def _against(folder: RunFolder, analysis: Analysis, observer: str, rows: Sequence[Tree], last: str) -> Picture:
    """Metrics in bins of an observer, one panel for each unit; with a logarithmic axis if the bins span decades."""
    panels = _by_unit(rows[0], analysis)
    low, high = (np.array([row[key] for row in rows], float) for key in ("low", "high"))
    log = bool((low > 0).all() and high[np.isfinite(high)].max(initial=0) > 50 * low.min())
    closed = np.isfinite(low) & np.isfinite(high)
    open_bins = "" if closed.all() else " A bin that is open on one side is drawn as wide as the others."
    width = float(np.median((high - low)[closed])) if closed.any() else 1.0
    high = np.where(np.isfinite(high), high, low * 2 if log else low + width)
    low = np.where(np.isfinite(low), low, high - width)
    centre = np.sqrt(low * high) if log else (low + high) / 2
    figure, every = new_figure(6.4, 1.0 + 2.8 * len(panels), len(panels), 1)
    for axes, (unit, names) in zip(every, panels.items(), strict=True):
        for i, name in enumerate(names):
            value = np.array([row[name]["value"] if row[name]["value"] is not None else np.nan for row in rows])
            if np.isnan(value).all():
                continue  # such as the AUC where every bin has one class
            error = np.array([row[name]["error"] or 0.0 for row in rows])
            bars = [centre - low, high - centre]
            axes.errorbar(centre, value, error, bars, fmt="o", ms=4, color=colour(i), label=_label(name))
        if "bias" in names:
            axes.axhline(0, color="0.7", lw=0.8)
        if log:
            axes.set_xscale("log")
        words = f"{in_words(last)} {_label(names[0])}" if len(names) == 1 else in_words(last)
        axes.set(xlabel=label(analysis, observer), ylabel=f"{words} [{unit}]" if unit else words)
        if len(names) > 1:
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)  # points may be anywhere within
    title = f"Against {analysis.titles.get(observer, observer)}"
    caption = f"Horizontal bars are bins, vertical bars are errors.{open_bins}"
    return save(folder, figure, file_name(observer, "against"), title, caption, list(rows))


def _by_unit(row: Tree, analysis: Analysis) -> dict[str, list[str]]:
    """Unit → metrics of that unit in a row of bins."""
    panels: dict[str, list[str]] = {}
    for name, value in row.items():
        if is_metric(value) and not name.endswith("_of_constant"):
            panels.setdefault(_unit(name, analysis), []).append(name)
    return panels


def _label(name: str) -> str:
    """The label of a metric in a figure."""
    return (spec_of(name).label if name in plugins.metrics else "") or name
