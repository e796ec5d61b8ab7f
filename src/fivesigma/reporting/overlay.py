"""Several runs on one page: settings that differ, metrics with the significance of their differences, curves overlaid."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.metrics.metric import shown
from fivesigma.metrics.result import judged_part, parts_of
from fivesigma.metrics.spec import spec_of
from fivesigma.plugins import metrics as registry
from fivesigma.reporting.downloads import Downloads
from fivesigma.reporting.page import render
from fivesigma.reporting.results import heading
from fivesigma.reporting.style import Picture, colour, count_scale, new_figure, save, stairs, style
from fivesigma.reporting.table import Table
from fivesigma.runs.folder import RunFolder

Tree = Mapping[str, Any]
SECTIONS = {"runs": "Runs", "metrics": "Metrics", "settings": "Settings", "curves": "Curves"}
SURE = 3.0
"""Standard deviations from which a difference is marked."""


def names_of(folders: Sequence[RunFolder]) -> list[str]:
    """A short name for each run: the name of its analysis, and its time if two runs have the same analysis."""
    analyses = [folder.analysis().name for folder in folders]
    same = len(set(analyses)) < len(analyses)
    found = [f"{name} {folder.path.name}" if same else name for name, folder in zip(analyses, folders, strict=True)]
    return [f"{i}: {name}" for i, name in enumerate(found, start=1)] if len(set(found)) < len(found) else found


def page(folders: Sequence[RunFolder], compared: Tree, path: str) -> str:
    """The page of a comparison, as text.

    Args:
        folders: of the runs.
        compared: what the verb `compare` returns of them.
        path: of the page.
    """
    names = names_of(folders)
    with tempfile.TemporaryDirectory(prefix="fivesigma-compare-") as place:
        drawn = RunFolder(Path(place))
        with style(look=folders[0].analysis().style):
            pictures = list(figures(drawn, folders, names))
        taken = 200_000 + sum(len(picture.svg) for picture in pictures)
        there = {"settings": True, "metrics": True, "runs": True, "curves": bool(pictures)}
        return render(
            "overlay.html.j2",
            sections={name: title for name, title in SECTIONS.items() if there[name]},
            title=" and ".join(dict.fromkeys(folder.analysis().name for folder in folders)),
            runs=[[name, str(folder), _made(folder)] for name, folder in zip(names, folders, strict=True)],
            settings=settings_table(compared, names),
            metrics=metrics_table(compared, names, folders),
            verdict=verdict(compared, names),
            pictures=pictures,
            downloads=Downloads(drawn, taken, beside=False),
            path=path,
        )


def _made(folder: RunFolder) -> str:
    return str(folder.read_json("metadata.json").get("created", "–"))


def settings_table(compared: Tree, names: Sequence[str]) -> Table:
    """The settings that differ, a column for each run."""
    rows = [[key, *(_text(value) for value in values)] for key, values in compared["settings"].items()]
    return Table("Settings that differ", ["key", *names], rows, "" if rows else "The settings are the same.")


def _text(value: Any) -> str:
    return "–" if value is None else str(value)


def metrics_table(compared: Tree, names: Sequence[str], folders: Sequence[RunFolder]) -> Table:
    """Metrics of each run, and the differences of the other runs from the first with their significances."""
    analysis = folders[0].analysis()
    rows = []
    for row in compared["metrics"]:
        cells = [f"{row['part']} {heading(row['name'], analysis)}", *(shown(value) for value in row["values"])]
        rows.append(cells + [cell for each in row["differences"] for cell in difference_cells(each)])
    header = ["metric", *names]
    for name in names[1:]:
        header += ["difference" if len(names) == 2 else f"{name}: difference from the first", "in σ"]
    return Table("Metrics", header, rows, errors_in_words(compared, names))


def difference_cells(difference: Tree | None) -> list[str]:
    """A difference and its significance as text; a star marks one on the same events.

    >>> difference_cells({"value": 0.03, "error": 0.01, "same_events": True, "significance": 3.0})
    ['0.030 ± 0.010 *', '3.0']
    >>> difference_cells({"value": 0.03, "error": 0.0, "same_events": True, "significance": None})
    ['0.0300 *', '–']
    """
    if difference is None:
        return ["–", "–"]
    mark = " *" if difference["same_events"] else ""
    sigma = difference["significance"]
    metric = {key: difference[key] for key in ("value", "error")}
    text = shown(metric) if difference["error"] != 0 else f"{difference['value']:.4f}"  # it follows without chance
    return [f"{text}{mark}", "–" if sigma is None else f"{sigma:.1f}"]


def errors_in_words(compared: Tree, names: Sequence[str]) -> str:
    """A sentence on what the errors of the differences are."""
    flags = [each["same_events"] for row in compared["metrics"] for each in row["differences"] if each is not None]
    paired = (
        "* on the same events: fluctuations common to both runs cancel in the error, which comes from event-by-event "
        "differences or from a bootstrap in which a hash of the event number decides how often an event counts."
    )
    independent = "the error assumes independent samples; it is too large if both runs used the same events."
    if flags and all(flags):
        return paired
    if not any(flags):
        return f"For all differences {independent}"
    return f"{paired} For the other differences {independent}"


def verdict(compared: Tree, names: Sequence[str]) -> list[str]:
    """Sentences about the significant differences of each run from the first, and on runs that have none."""
    found = list(compared["incomparable"])
    for i, name in enumerate(names[1:]):
        rows = [(row, row["differences"][i]) for row in compared["metrics"] if row["differences"][i] is not None]
        if not rows:
            continue
        rows = [(row, each) for row, each in rows if row["part"] == compared["judged"] and each["significance"] is not None]
        sure = [(row, each) for row, each in rows if abs(each["significance"]) >= SURE and _direction(row["name"])]
        if not sure:
            found.append(
                f"No {compared['judged']} metric of {name} differs from {names[0]} by {SURE:g} standard deviations or more."
            )
            continue
        words = [
            f"{row['name']} is {'better' if _direction(row['name']) * each['value'] > 0 else 'worse'} by "
            f"{abs(each['value']):.3g} ({abs(each['significance']):.1f} σ)"
            for row, each in sure[:4]
        ]
        found.append(f"{name} against {names[0]}, {compared['judged']} events: {', '.join(words)}.")
    return found


def _direction(name: str) -> int:
    """1 if larger is better, −1 if smaller is; 0 if neither, or if the package that defines the metric is not installed."""
    better = spec_of(name).larger_is_better if name in registry else None
    return 0 if better is None else 1 if better else -1


def figures(folder: RunFolder, runs: Sequence[RunFolder], names: Sequence[str]) -> Iterator[Picture]:
    """Learning curves, ROC curves, residuals and F1 of the runs; each figure needs two runs that have it.

    Args:
        folder: where the figures are written.
        runs: their folders.
        names: of the runs.
    """
    histories = [(i, name, _histories(run)) for i, (name, run) in enumerate(zip(names, runs, strict=True))]
    if sum(bool(each) for _, _, each in histories) > 1:
        yield _learning(folder, histories)
    trees = [_judged(run) for run in runs]
    rocs = [(i, names[i], tree["roc"]) for i, (_, tree) in enumerate(trees) if "roc" in tree]
    if len(rocs) > 1:
        yield _roc(folder, rocs)
    residuals = [(i, names[i], tree["residual"]) for i, (_, tree) in enumerate(trees) if "residual" in tree]
    if len(residuals) > 1:
        yield _residuals(folder, residuals, runs[0])
    classes = [(i, names[i], numbers["per_class"]) for i, (numbers, _) in enumerate(trees) if numbers.get("per_class")]
    if len(classes) > 1 and len({tuple(each) for _, _, each in classes}) == 1:
        yield _classes(folder, classes)


def _judged(run: RunFolder) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metrics and curves of the part of the data that gives the result."""
    metrics = parts_of(run.read_json("metrics.json"))
    curves = run.read_json("curves.json") if run.has("curves.json") else {}
    part = judged_part(metrics)
    return metrics[part], curves.get(part, {})


def _histories(run: RunFolder) -> list[list[dict[str, float]]]:
    """The history of a run, or those of its folds."""
    if run.has("history.jsonl"):
        return [run.history()]
    numbers = [row["fold"] for row in run.read_json("folds.json")["folds"]] if run.has("folds.json") else []
    return [run.fold(number).history() for number in numbers if run.fold(number).has("history.jsonl")]


def _learning(folder: RunFolder, runs: Sequence[tuple[int, str, list[list[dict[str, float]]]]]) -> Picture:
    from matplotlib.ticker import MaxNLocator

    figure, (axes,) = new_figure(6.4, 4.2)
    numbers = {}
    for i, name, histories in runs:
        for number, history in enumerate(histories):
            for key, line in (("loss", "--"), ("val_loss", "-")):
                if history and key in history[0]:
                    text = name if number == 0 and (key == "val_loss" or "val_loss" not in history[0]) else None
                    values = [row[key] for row in history]
                    axes.plot([row["epoch"] for row in history], values, ls=line, lw=1.3, color=colour(i), label=text)
        numbers[name] = [{"fold": number, **row} for number, history in enumerate(histories, 1) for row in history]
    axes.set(xlabel="epoch", ylabel="loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    caption = (
        "Solid: validation events; dashed: training events, averaged over the epoch. Losses of different kinds, or with "
    )
    caption += "different weights, cannot be compared."
    return save(folder, figure, "learning-curves", "Learning curves", caption, numbers)


def _roc(folder: RunFolder, runs: Sequence[tuple[int, str, Tree]]) -> Picture:
    figure, (left, right) = new_figure(9.4, 4.2, 1, 2)
    for i, name, curve in runs:
        signal, background = np.asarray(curve["signal"], float), np.asarray(curve["background"], float)
        left.plot(background, signal, color=colour(i))
        some = background > 0
        right.plot(signal[some], 1 / background[some], color=colour(i), label=name)
    left.plot([0, 1], [0, 1], color="0.7", lw=0.8, ls=":")
    left.set(xlabel="background efficiency", ylabel="signal efficiency", xlim=(0, 1), ylim=(0, 1.005))
    right.set(xlabel="signal efficiency", ylabel=r"background rejection $1/\varepsilon_B$", yscale="log", xlim=(0, 1))
    right.legend(fontsize=8)
    caption = "Left: signal against background efficiency. Right: background rejection against signal efficiency."
    return save(folder, figure, "roc", "ROC", caption, {name: dict(curve) for _, name, curve in runs})


def _residuals(folder: RunFolder, runs: Sequence[tuple[int, str, Tree]], first: RunFolder) -> Picture:
    target = first.analysis().target
    figure, (axes,) = new_figure(6.4, 4.2)
    for i, name, tree in runs:
        stairs(axes, tree, colour(i), name)
    unit = f" [{target.unit}]" if target is not None and target.unit else ""
    scale = count_scale(tree for _, _, tree in runs)
    axes.set(xlabel=f"predicted − true{unit}", ylabel="events, normalised to unit area", yscale=scale)
    axes.legend(fontsize=8)
    caption = "Residuals of each run, with bands of one standard error."
    return save(folder, figure, "residual", "Residuals", caption, {name: dict(tree) for _, name, tree in runs})


def _classes(folder: RunFolder, runs: Sequence[tuple[int, str, Tree]]) -> Picture:
    figure, (axes,) = new_figure(6.4, 3.8)
    labels = list(runs[0][2])
    for i, name, tree in runs:
        values = [np.nan if tree[each]["f1"]["value"] is None else tree[each]["f1"]["value"] for each in labels]
        errors = [tree[each]["f1"]["error"] or 0.0 for each in labels]
        places = np.arange(len(labels)) + 0.12 * (i - (len(runs) - 1) / 2)
        axes.errorbar(places, values, errors, fmt="os^DvPX*"[i % 8], color=colour(i), ms=5, capsize=2, label=name)
    axes.set_xticks(range(len(labels)), labels)
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    axes.set(ylabel="F1", xlim=(-0.5, len(labels) - 0.5))
    axes.legend(fontsize=8)
    caption = "F1 of each class, the harmonic mean of precision and recall."
    return save(folder, figure, "classes", "F1 of each class", caption, {name: dict(tree) for _, name, tree in runs})
