"""Learning curves: loss and metrics of one network, or of the networks of all folds, against the epoch."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.metrics.spec import kept_epoch, spec_of
from fivesigma.reporting.style import Picture, colour, new_figure, save
from fivesigma.runs.folder import RunFolder


def histories_of_folds(folder: RunFolder, analysis: Analysis) -> dict[int, list[dict[str, float]]]:
    """Fold → its history, one row per epoch, for the folds that are trained."""
    trained = [n for n in range(1, (analysis.split.folds or 0) + 1) if folder.fold(n).has("history.jsonl")]
    return {number: folder.fold(number).history() for number in trained}


def figures(folder: RunFolder, analysis: Analysis) -> Iterator[Picture]:
    """Learning curves of the network, or of the networks of all folds, as far as they are trained."""
    if folder.has("history.jsonl"):
        yield learning_curves(folder, folder.history(), analysis)
    elif histories := histories_of_folds(folder, analysis):
        yield fold_curves(folder, histories, analysis)


def learning_curves(folder: RunFolder, history: Sequence[Mapping[str, float]], analysis: Analysis) -> Picture:
    """Loss and accuracy (or RMSE) of training and validation against the epoch."""
    shown = _curves_shown(history[0], analysis)
    figure, panels = new_figure(3.9 * len(shown), 3.5, 1, len(shown))
    epochs = [row["epoch"] for row in history]
    marker = "o" if len(epochs) < 40 else None
    front = folder.read_json("front.json") if folder.has("front.json") else None
    best = kept_epoch(history, analysis.train.monitor, "best", front)["epoch"]
    for axes, name in zip(panels, shown, strict=True):
        if name in history[0]:
            axes.plot(epochs, [row[name] for row in history], color=colour(0), marker=marker, ms=3, label="training")
        if f"val_{name}" in history[0]:
            axes.plot(
                epochs, [row[f"val_{name}"] for row in history], color=colour(2), marker=marker, ms=3, label="validation"
            )
        values = [row[key] for row in history for key in (name, f"val_{name}") if key in row]
        if name != "accuracy" and min(values) > 0 and max(values) > 3 * min(values):
            axes.set_yscale("log")
        if analysis.train.keep == "best" or front is not None:
            axes.axvline(best, color="0.6", ls=":", lw=1, label="kept epoch")
        _name_axes(axes, name, analysis)
        axes.legend()
    caption = "Training values are averages over the epoch, in which the network changes; validation is at its end."
    if getattr(analysis.model, "dropout", 0):
        caption += " Dropout affects training values only."
    return save(folder, figure, "learning-curves", "Learning curves", caption, list(history))


def _curves_shown(row: Mapping[str, float], analysis: Analysis) -> list[str]:
    """Names drawn against the epoch: loss, accuracy or RMSE, and the monitored metric."""
    second = "rmse" if "rmse" in row else "accuracy"
    extra = analysis.train.monitor
    return ["loss", second, *([extra] if f"val_{extra}" in row and extra not in ("loss", second) else [])]


def _name_axes(axes: Any, name: str, analysis: Analysis) -> None:
    from matplotlib.ticker import MaxNLocator

    spec = spec_of(name)
    unit = spec.unit_for(analysis.target.unit if analysis.target else "")
    axes.set_xlabel("epoch")
    axes.set_ylabel((spec.label or name) + (f" [{unit}]" if unit else ""))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    low, high = axes.get_xlim()
    if high - low < 1:  # one epoch
        axes.set_xlim(round(low) - 0.5, round(low) + 0.5)


def fold_curves(folder: RunFolder, histories: Mapping[int, Sequence[Mapping[str, float]]], analysis: Analysis) -> Picture:
    """Learning curves of the networks of all folds: a colour for each, training dashed and validation solid."""
    shown = _curves_shown(next(iter(histories.values()))[0], analysis)
    figure, panels = new_figure(3.9 * len(shown), 3.7, 1, len(shown))
    for axes, name in zip(panels, shown, strict=True):
        for number, history in histories.items():
            epochs = [row["epoch"] for row in history]
            look: dict[str, Any] = {"color": colour(number - 1), "marker": "o" if len(epochs) < 40 else None, "ms": 3}
            for key, line in ((name, "--"), (f"val_{name}", "-")):
                if key in history[0]:
                    solid = key.startswith("val_") or f"val_{name}" not in history[0]
                    text = f"fold {number}" if solid else None
                    axes.plot(epochs, [row[key] for row in history], ls=line, lw=1.0, label=text, **look)
        _name_axes(axes, name, analysis)
    panels[0].legend(fontsize=8, ncols=1 + (len(histories) - 1) // 5)
    caption = (
        "One network per fold, trained on the other folds. Dashed: training, averaged over the epoch; solid: validation, "
        "at its end."
    )
    numbers = {str(number): list(history) for number, history in histories.items()}
    return save(folder, figure, "learning-curves", "Learning curves", caption, numbers)
