"""The report of a run as one self-contained HTML page."""

import base64
import hashlib
import shlex
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.atomic import read_manifest
from fivesigma.errors import RunError
from fivesigma.metrics.metric import shown
from fivesigma.metrics.result import judged_part, parts_of
from fivesigma.progress import Progress, silent, size
from fivesigma.reporting import answer, comparison, deployment, front, results, search, trigger, tuning
from fivesigma.reporting.canvas import plain
from fivesigma.reporting.downloads import Downloads
from fivesigma.reporting.features import SEPARATION
from fivesigma.reporting.figures import by_section, figures
from fivesigma.reporting.helper import Helper
from fivesigma.reporting.style import Picture, file_name, titled
from fivesigma.reporting.table import number
from fivesigma.runs.folder import TRAINED, RunFolder
from fivesigma.templates import templates

SECTIONS = {
    "answer": "Answer",
    "data": "Data",
    "training": "Training",
    "tuning": "Tuning",
    "evaluation": "Evaluation",
    "search": "Search",
    "trigger": "Trigger",
    "trust": "Trust",
    "deployment": "Deployment",
    "provenance": "Provenance",
}
"""Section of the page → its title, in their order."""

Pictures = dict[str, list[Picture]]
"""Section → its figures."""


def write_report(
    folder: RunFolder,
    progress: Progress = silent,
    altered: Sequence[str] = (),
    citation: str = "",
    helper: Helper | None = None,
    stopped: str | None = None,
) -> Path:
    """Draw every figure that the run has numbers for and write `report.html`.

    Args:
        folder: of the run.
        progress: called after each figure.
        altered: sentences on files that are not what the run wrote, or are missing; the page begins with them.
        citation: what to cite, as BibTeX.
        helper: a process that draws some of the figures, and may have begun with those of the data.
        stopped: the step in which the run stopped, if it is not finished.

    Raises:
        RunError: if the run has no results yet.
        MissingExtra: if the figures' style needs a package that is not installed.
    """
    analysis, metadata = folder.analysis(), folder.read_json("metadata.json")
    metrics = parts_of(folder.read_json("metrics.json")) if folder.has("metrics.json") else {}
    explored = folder.read_json("explore.json") if folder.has("explore.json") else None
    drawings = figures(folder, progress, helper)
    drawn = by_section(drawings)
    listed = [feature for each in drawings for feature in each.features]
    pages = [name for each in drawings for name in each.pages]
    content = {
        **_of_metrics(folder, analysis, metrics, metadata),
        **_of_tuning(folder),
        **_of_provenance(folder),
        "scan_tables": search.tables(folder.read_json("scan/scan.json")) if folder.has("scan/scan.json") else [],
        "exports": deployment.exports(folder),
    }
    sections = _sections(folder, content, drawn, explored)
    if not explored and len(sections) == 2:
        raise RunError(f"the run {folder} has nothing to report yet", hint="run explore, train or evaluate first")
    pictures = {name: drawn.get(name, []) for name in SECTIONS}
    taken = 300_000 + sum(len(each.svg) for some in drawn.values() for each in some) + 12_000 * len(listed)
    page = render(
        "page.html.j2",
        sections=sections,
        analysis=analysis,
        metadata=metadata,
        explore=explored,
        recipe=_recipe(folder),
        question=answer.question(analysis),
        features=listed,
        feature_pages=pages,
        separation_in_words=SEPARATION,
        pictures=pictures,
        downloads=Downloads(folder, taken),
        titled=partial(titled, analysis),
        altered=altered,
        stopped=stopped,
        citation=citation,
        **content,
    )
    folder.write_text("report.html", page)
    return folder / "report.html"


def render(template: str, **content: Any) -> str:
    """A page from its template, with the style and the script that all pages share.

    Args:
        template: its file, which extends `shell.html.j2`.
        content: what the template names.

    Raises:
        KeyError: if something that the template names is not there.
    """
    import jinja2

    environment = templates("reporting")
    environment.filters.update(number=number, file_name=file_name, formula=_formula, words=_words, size=size)
    script = text_of("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    css = text_of("page.css") + text_of("layout.css")
    try:
        return environment.get_template(template).render(
            css=css, script=script, script_hash=f"sha256-{digest}", shown=shown, **content
        )
    except jinja2.UndefinedError as error:
        raise KeyError(str(error)) from error  # a damaged file has left out what a template names


def _formula(text: str) -> Any:
    """A text that may hold TeX between dollar signs, as HTML."""
    from markupsafe import Markup, escape

    tags = {-1: "<sub>{}</sub>", 0: "{}", 1: "<sup>{}</sup>"}
    return Markup("").join(Markup(tags[level]).format(escape(piece)) for piece, level in plain(text))


def _words(text: str) -> str:
    """The same without marks, to be read aloud."""
    return "".join(piece for piece, _ in plain(text))


@cache
def text_of(name: str) -> str:
    """A file of this room as text."""
    return (resources.files("fivesigma.reporting") / name).read_text(encoding="utf-8")


def _sections(folder: RunFolder, content: Mapping[str, Any], drawn: Pictures, explored: Any) -> dict[str, str]:
    """Sections that there is something for."""
    metrics = content["metrics"]
    there = {
        "answer": True,
        "data": explored is not None,
        "training": folder.has(*TRAINED) or folder.has("history.jsonl") or bool(drawn.get("training")),
        "tuning": content["trial_table"] is not None,
        "evaluation": bool(metrics),
        "search": bool(content["scan_tables"]) or any(part.get("search") for part in metrics.values()),
        "trigger": bool(content["trigger_tables"]),
        "trust": any(part.get("overtraining") or part.get("sculpting") for part in metrics.values()),
        "deployment": bool(content["exports"] or content["front_tables"]),
        "provenance": True,
    }
    return {name: title for name, title in SECTIONS.items() if there[name] or drawn.get(name)}


def _of_metrics(
    folder: RunFolder, analysis: Analysis, metrics: Mapping[str, Any], metadata: Mapping[str, Any]
) -> dict[str, Any]:
    """What the templates need of the metrics: tables, the answer, and words."""
    verdicts = folder.read_json("verdicts.json") if folder.has("verdicts.json") else []
    sampled = results.sampled_parts(metadata)
    bins = {round(row["low"] + 0.5): row for row in metrics.get("folds", {}).get("against", {}).get("fold", [])}
    # Of the training events only a sample may have been evaluated; the network learnt from all of them.
    known = metadata.get("events", {})
    events = {**known, **metadata.get("evaluated", {})}
    if "train" in known:
        events["train"] = known["train"]
    return {
        "metrics": metrics,
        "parts": list(metrics),
        "judged": judged_part(metrics) if metrics else "",
        "verdicts": verdicts,
        "keys": answer.keys(metrics, analysis) if metrics else [],
        "verdict": answer.sentences(metrics, analysis, events, verdicts) if metrics else [],
        "sampled": sampled,
        "metric_tables": results.tables(metrics, analysis, sampled) if metrics else [],
        "comparison_tables": comparison.tables(metrics, analysis) if metrics else [],
        "trigger_tables": trigger.tables(metrics, analysis) if metrics else [],
        "front_tables": front.tables(metrics, analysis) if metrics else [],
        "folds": folder.read_json("folds.json")["folds"] if folder.has("folds.json") else [],
        "fold_bins": bins,
        "fold_columns": results.fold_columns(analysis) if bins else {},
        "band_of": search.band_of,
        "change_of": search.change_of,
        "chosen_in_words": search.chosen_in_words,
        "limit_of": search.limit_of,
        "discovery_of": search.discovery_of,
    }


def _of_tuning(folder: RunFolder) -> dict[str, Any]:
    """The trials of the search that the settings come from."""
    found = tuning.search_of(folder)
    section, trials = tuning.trials_of(found) if found is not None else ({}, [])
    return {"search_path": str(found or ""), "trial_table": tuning.table(section, trials) if trials else None}


def _of_provenance(folder: RunFolder) -> dict[str, Any]:
    """How the run was made, and how to make it again."""
    manifest = read_manifest(folder.path) or {"files": {}}
    return {
        "path": str(folder),
        "path_quoted": shlex.quote(str(folder)),
        "rerun": shlex.quote(str(folder / "analysis.yaml")),
        "hashes": {name: digests[0] for name, digests in sorted(manifest["files"].items()) if digests},
        "resolved": (folder / "analysis.yaml").read_text(encoding="utf-8"),
    }


def _recipe(folder: RunFolder) -> Any:
    """The recipe of the network, or of the network of the first fold."""
    place = folder.fold(1) if folder.has("folds.json") else folder
    return place.read_json("recipe.json") if place.has("recipe.json") else None
