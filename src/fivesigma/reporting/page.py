"""One self-contained HTML page for a run."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.errors import RunError
from fivesigma.metrics.metric import is_metric, shown
from fivesigma.progress import Progress, silent
from fivesigma.reporting.comparison_tables import comparison_tables
from fivesigma.reporting.data_figures import data_figures
from fivesigma.reporting.result_figures import fold_curves, learning_curves, result_figures
from fivesigma.reporting.scan_tables import tables as scan_tables
from fivesigma.reporting.search_figures import scan_figures
from fivesigma.reporting.style import Picture, style
from fivesigma.runs.folder import RunFolder

_HEADLINES = {
    "binary": ("auc", "accuracy", "log_loss", "balanced_accuracy"),
    "multiclass": ("f1_weighted", "f1_macro", "balanced_accuracy", "accuracy"),
    "regression": ("rmse", "mae", "width_68", "rmse_of_constant"),
}
"""The numbers at the top of the page, by task."""

_PER_FOLD = {"binary": ("auc", "accuracy"), "multiclass": ("accuracy",), "regression": ("rmse", "width_68", "bias")}
"""Out-of-fold numbers in the table of folds, by task."""

_EXPLAINED = {
    "auc": "probability that a signal event scores above a background event",
    "accuracy": "share of events put into the right class",
    "log_loss": "mean of −ln p(true class)",
    "balanced_accuracy": "mean recall of the classes",
    "f1_macro": "mean F1 of the classes",
    "f1_weighted": "F1 of the classes weighted by their size",
    "accuracy_of_constant": "accuracy of always answering the largest class",
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
    "bias": "mean of predicted − true",
    "width_68": "half the interval that holds 68 % of the residuals",
    "r_squared": "share of the variance explained",
    "calibration_error": "mean distance of the score from the share of signal",
    "recalibrated_calibration_error": "the same after recalibration",
    "recalibrated_log_loss": "mean of −ln p(true class) after recalibration",
    "rmse_of_constant": "RMSE of always answering the mean",
    "trigger_rate": "rate above the trigger's threshold, at equal efficiency",
}


def write_report(folder: RunFolder, progress: Progress = silent) -> Path:
    """Draw every figure the run has numbers for and write `report.html`.

    Raises:
        RunError: if the run has nothing to show yet.
    """
    import jinja2

    analysis = folder.analysis()
    data, results = _pictures(folder, analysis, progress)
    if not data and not results:
        raise RunError(f"the run {folder} has nothing to report yet", hint="run explore, train or evaluate first")
    metrics = folder.read_json("metrics.json") if folder.has("metrics.json") else {}
    bins = {round(row["low"] + 0.5): row for row in metrics.get("folds", {}).get("against", {}).get("fold", [])}
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fivesigma", "reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    page = environment.get_template("page.html.j2").render(
        css=(resources.files("fivesigma.reporting") / "page.css").read_text(encoding="utf-8"),
        analysis=analysis,
        metadata=folder.read_json("metadata.json"),
        explore=folder.read_json("explore.json") if folder.has("explore.json") else None,
        recipe=_recipe(folder),
        folds=folder.read_json("folds.json")["folds"] if folder.has("folds.json") else [],
        fold_bins=bins,
        fold_metrics=[name for name in _PER_FOLD[analysis.task] if bins],
        verdicts=folder.read_json("verdicts.json") if folder.has("verdicts.json") else [],
        unit=f" [{analysis.target.unit}]" if analysis.target and analysis.target.unit else "",
        parts=list(metrics),
        sampled=_sampled(folder.read_json("metadata.json")),
        table=_metric_rows(metrics),
        headline=[row for name in _HEADLINES[analysis.task] for row in _metric_rows(metrics) if row["name"] == name],
        metrics=metrics,
        comparison=comparison_tables(metrics, analysis) if metrics else [],
        shown=shown,
        scan_tables=scan_tables(folder.read_json("scan/scan.json")) if folder.has("scan/scan.json") else [],
        data=data,
        results=results,
        resolved=(folder / "analysis.yaml").read_text(encoding="utf-8"),
        path=str(folder),
    )
    folder.write_text("report.html", page)
    return folder / "report.html"


def _pictures(folder: RunFolder, analysis: Analysis, progress: Progress) -> tuple[list[Picture], list[Picture]]:
    """Figures of the data and of the network."""
    data: list[Picture] = []
    results: list[Picture] = []
    with style():
        if folder.has("explore.json"):
            for picture in data_figures(folder, analysis, folder.read_json("explore.json")):
                data.append(picture)
                progress(len(data), len(data) + 6, f"drawing {picture.title}")
        if folder.has("history.jsonl"):
            results.append(learning_curves(folder, folder.history(), analysis))
        elif histories := _histories(folder, analysis):
            results.append(fold_curves(folder, histories, analysis))
        if folder.has("metrics.json") and folder.has("curves.json"):
            shapes = folder.read_json("curves.json")
            for picture in result_figures(folder, analysis, folder.read_json("metrics.json"), shapes):
                results.append(picture)
                progress(len(data) + len(results), len(data) + len(results) + 2, f"drawing {picture.title}")
        if folder.has("scan/scan.json"):
            results.extend(scan_figures(folder, analysis, folder.read_json("scan/scan.json")))
    return data, results


def _histories(folder: RunFolder, analysis: Analysis) -> dict[int, list[dict[str, float]]]:
    """Fold → a row per epoch, for the folds that are trained."""
    trained = [n for n in range(1, (analysis.split.folds or 0) + 1) if folder.fold(n).has("history.jsonl")]
    return {number: folder.fold(number).history() for number in trained}


def _recipe(folder: RunFolder) -> Any:
    """The recipe of the network, or of the first fold's."""
    place = folder.fold(1) if folder.has("folds.json") else folder
    return place.read_json("recipe.json") if place.has("recipe.json") else None


def _sampled(metadata: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Part → number of events evaluated and of all, where not all were."""
    there = metadata.get("events", {})
    return {part: (n, there[part]) for part, n in metadata.get("evaluated", {}).items() if n < there.get(part, 0)}


def _metric_rows(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = dict.fromkeys(n for part in metrics.values() for n, m in part.items() if is_metric(m))
    return [
        {"name": name, "meaning": _EXPLAINED.get(name, ""), "values": [shown(part.get(name)) for part in metrics.values()]}
        for name in names
    ]


def _number(value: Any) -> str:
    """A number for a table: four significant digits, thousands separated; a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
