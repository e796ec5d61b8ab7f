"""The figures of a run, in groups that can be drawn side by side."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.metrics.result import parts_of
from fivesigma.progress import Progress, silent
from fivesigma.reporting import data, front, learning, results, search, trigger, trust, tuning
from fivesigma.reporting.features import Feature, features, write_pages
from fivesigma.reporting.helper import Helper
from fivesigma.reporting.style import Picture, formats_of, new_figure, style
from fivesigma.runs.folder import RunFolder

Placed = Iterator[tuple[str, Picture]]
"""Section of the page, and figure, one after another."""


@dataclass(frozen=True)
class Drawn:
    """What has been drawn of a group.

    Attributes:
        pictures: section of the page and figure, in their order.
        features: the features with their distributions, which the reader chooses from a list.
        pages: names of the PDF files with these distributions, without ending.
    """

    pictures: Sequence[tuple[str, Picture]]
    features: Sequence[Feature] = ()
    pages: Sequence[str] = ()


def figures(folder: RunFolder, progress: Progress = silent, helper: Helper | None = None) -> list[Drawn]:
    """Draw every figure that the run has numbers for, group by group.

    Args:
        folder: of the run.
        progress: called after each figure that this process draws.
        helper: a process that draws all but the last group, which this process draws meanwhile. It may have drawn some
            of them already.
    """
    done: list[str] = []

    def on_figure(title: str) -> None:
        done.append(title)
        progress(len(done), len(done) + 4, f"drawing {title}")

    if helper is None:
        return [draw(folder.path, group, on_figure) for group in _GROUPS]
    others = [group for group in _GROUPS if group != "more"]
    for group in others:
        helper.ask(draw, folder.path, group)
    here = draw(folder.path, "more", on_figure)
    return [*(helper.answer(draw, folder.path, group) for group in others), here]


def prepare(path: Path, group: str) -> None:
    """Draw nothing: a helper imports matplotlib for it, before there is something to draw. The arguments are not used."""
    formats_of(new_figure()[0])


def draw(path: Path, group: str, on_figure: Callable[[str], None] = lambda title: None) -> Drawn:
    """Draw a group of figures.

    Args:
        path: folder of the run.
        group: `data`, `training`, `results`, or `more`: of the search, the trigger, the deployment and the trust.
        on_figure: called with the title of each figure.
    """
    folder = RunFolder(path)
    analysis = folder.analysis()
    note = "Simulation" if folder.read_json("metadata.json").get("simulated") else ""
    found: list[tuple[str, Picture]] = []
    with style(note, analysis.style):
        for section, picture in _GROUPS[group](folder, analysis, note):
            found.append((section, picture))
            on_figure(picture.title)
    explored = _read(folder, "explore.json") if group == "data" else {}
    if not explored.get("distributions"):
        return Drawn(found)
    listed = features(analysis, explored, note)
    return Drawn(found, listed, write_pages(folder, listed, explored["distributions"]))


def by_section(drawings: Sequence[Drawn]) -> dict[str, list[Picture]]:
    """Section → its figures."""
    found: dict[str, list[Picture]] = {}
    for drawn in drawings:
        for section, picture in drawn.pictures:
            found.setdefault(section, []).append(picture)
    return found


def _data(folder: RunFolder, analysis: Analysis, note: str) -> Placed:
    if explored := _read(folder, "explore.json"):
        yield from (("data", each) for each in data.figures(folder, analysis, explored))


def _training(folder: RunFolder, analysis: Analysis, note: str) -> Placed:
    yield from (("training", each) for each in learning.figures(folder, analysis))
    found = tuning.search_of(folder)
    if found is not None:
        picture = tuning.parallel_coordinates(folder, analysis, *tuning.trials_of(found))
        yield from (("tuning", each) for each in (picture,) if each is not None)


def _results(folder: RunFolder, analysis: Analysis, note: str) -> Placed:
    metrics, curves = _metrics_and_curves(folder)
    for each in results.figures(folder, analysis, metrics, curves):
        yield "trust" if each.name == "calibration" else "evaluation", each


def _more(folder: RunFolder, analysis: Analysis, note: str) -> Placed:
    """Those of the search show the luminosity, if it is given."""
    metrics, curves = _metrics_and_curves(folder)
    if curves:
        lumi = analysis.evaluate.search.lumi if analysis.evaluate.search else None
        scale = "" if lumi is None else f"{lumi:g} fb⁻¹"
        with style(", ".join(filter(None, [note, scale])), analysis.style):
            yield from (("search", each) for each in search.figures(folder, analysis, metrics, curves))
        yield from (("trigger", each) for each in trigger.figures(folder, analysis, curves))
        yield from (("deployment", each) for each in front.figures(folder, analysis, metrics))
        yield from (("trust", each) for each in trust.figures(folder, analysis, metrics, curves))
    if scan := _read(folder, "scan/scan.json"):
        yield from (("search", each) for each in search.scan_figures(folder, analysis, scan))


_GROUPS: dict[str, Callable[[RunFolder, Analysis, str], Placed]] = {
    "data": _data,
    "training": _training,
    "results": _results,
    "more": _more,
}


def _metrics_and_curves(folder: RunFolder) -> tuple[dict[str, Any], Any]:
    metrics = parts_of(folder.read_json("metrics.json")) if folder.has("metrics.json") else {}
    return metrics, _read(folder, "curves.json") if metrics else {}


def _read(folder: RunFolder, name: str) -> Any:
    return folder.read_json(name) if folder.has(name) else {}
