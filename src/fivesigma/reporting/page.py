"""The report of a run as one self-contained HTML page."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.errors import RunError
from fivesigma.metrics.metric import shown
from fivesigma.metrics.result import judged_part, parts_of
from fivesigma.progress import Progress, silent
from fivesigma.reporting import comparison, data, deployment, front, results, search, trigger, trust
from fivesigma.reporting.style import Picture, style, titled
from fivesigma.reporting.table import number
from fivesigma.runs.folder import RunFolder


def write_report(folder: RunFolder, progress: Progress = silent, altered: Sequence[str] = ()) -> Path:
    """Draw every figure that the run has numbers for and write `report.html`.

    Args:
        folder: of the run.
        progress: called after each figure.
        altered: files that are not what the run wrote; the page begins with a warning of them.

    Raises:
        RunError: if the run has no results yet.
    """
    import jinja2

    analysis, metadata = folder.analysis(), folder.read_json("metadata.json")
    metrics = parts_of(folder.read_json("metrics.json")) if folder.has("metrics.json") else {}
    note = "Simulation" if metadata.get("simulated") else ""
    of_data, of_results = _pictures(folder, analysis, metrics, note, progress)
    if not of_data and not of_results:
        raise RunError(f"the run {folder} has nothing to report yet", hint="run explore, train or evaluate first")
    bins = {round(row["low"] + 0.5): row for row in metrics.get("folds", {}).get("against", {}).get("fold", [])}
    sampled = results.sampled_parts(metadata)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fivesigma", "reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    page = environment.get_template("page.html.j2").render(
        css=(resources.files("fivesigma.reporting") / "page.css").read_text(encoding="utf-8"),
        analysis=analysis,
        metadata=metadata,
        explore=folder.read_json("explore.json") if folder.has("explore.json") else None,
        recipe=_recipe(folder),
        verdicts=folder.read_json("verdicts.json") if folder.has("verdicts.json") else [],
        parts=list(metrics),
        metrics=metrics,
        judged=judged_part(metrics) if metrics else "",
        shown=shown,
        titled=partial(titled, analysis),
        band_of=search.band_of,
        chosen_in_words=search.chosen_in_words,
        limit_of=search.limit_of,
        discovery_of=search.discovery_of,
        sampled=sampled,
        headline=results.headline(metrics, analysis) if metrics else [],
        metric_tables=results.tables(metrics, analysis, sampled) if metrics else [],
        folds=folder.read_json("folds.json")["folds"] if folder.has("folds.json") else [],
        fold_bins=bins,
        fold_columns=results.fold_columns(analysis) if bins else {},
        scan_tables=search.tables(folder.read_json("scan/scan.json")) if folder.has("scan/scan.json") else [],
        comparison_tables=comparison.tables(metrics, analysis) if metrics else [],
        trigger_tables=trigger.tables(metrics, analysis) if metrics else [],
        front_tables=front.tables(metrics, analysis) if metrics else [],
        exports=deployment.exports(folder),
        result_pictures=of_results,
        data_pictures=of_data,
        resolved=(folder / "analysis.yaml").read_text(encoding="utf-8"),
        path=str(folder),
        altered=altered,
    )
    folder.write_text("report.html", page)
    return folder / "report.html"


def _pictures(
    folder: RunFolder, analysis: Analysis, metrics: Mapping[str, Any], note: str, progress: Progress
) -> tuple[list[Picture], list[Picture]]:
    """Figures of the data and of the network."""
    of_data: list[Picture] = []
    of_results: list[Picture] = []
    with style(note):
        if folder.has("explore.json"):
            for picture in data.figures(folder, analysis, folder.read_json("explore.json")):
                of_data.append(picture)
                progress(len(of_data), len(of_data) + 6, f"drawing {picture.title}")
        for picture in _of_results(folder, analysis, metrics, note):
            of_results.append(picture)
            drawn = len(of_data) + len(of_results)
            progress(drawn, drawn + 2, f"drawing {picture.title}")
    return of_data, of_results


def _of_results(folder: RunFolder, analysis: Analysis, metrics: Mapping[str, Any], note: str) -> Iterator[Picture]:
    """Figures of the network, section by section; those of the search show the luminosity, if it is given."""
    curves = folder.read_json("curves.json") if metrics and folder.has("curves.json") else {}
    yield from results.figures(folder, analysis, metrics, curves)
    if curves:
        lumi = analysis.evaluate.search.lumi if analysis.evaluate.search else None
        scale = "" if lumi is None else f"{lumi:g} fb⁻¹"
        with style(", ".join(filter(None, [note, scale]))):
            yield from search.figures(folder, analysis, metrics, curves)
        yield from trigger.figures(folder, analysis, curves)
        yield from front.figures(folder, analysis, metrics)
        yield from trust.figures(folder, analysis, metrics, curves)
    if folder.has("scan/scan.json"):
        yield from search.scan_figures(folder, analysis, folder.read_json("scan/scan.json"))


def _recipe(folder: RunFolder) -> Any:
    """The recipe of the network, or of the network of the first fold."""
    place = folder.fold(1) if folder.has("folds.json") else folder
    return place.read_json("recipe.json") if place.has("recipe.json") else None
