"""What an exported file says of itself: names, units, classes, working points, origin."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.units import units_of
from fivesigma.atomic import sha256
from fivesigma.deployment.base import Input
from fivesigma.metrics.result import judged_part, parts_of
from fivesigma.runs.folder import RunFolder
from fivesigma.version import __version__

MEANING = {
    "binary": "probability of the second class, at the class fractions of the training",
    "multiclass": "probability of each class, at the class fractions of the training",
    "regression": "the predicted target",
}
_WORKING_POINTS = ("search", "trigger")
_CUTS = ("cut", "threshold")


def describe(
    folder: RunFolder, analysis: Analysis, inputs: Sequence[Input], features: Sequence[str], fixed: Mapping[str, float]
) -> dict[str, str]:
    """The metadata of an exported file, as texts by name; lists and mappings are JSON.

    Args:
        folder, analysis: of the run.
        inputs: of the exported model.
        features: of the network.
        fixed: parameters with one value for all events.
    """
    titles, units = analysis.titles, units_of(analysis, [*features, *(given.name for given in inputs)])
    parameters = {name: parameter.unit for name, parameter in analysis.parameters.items()}
    hypotheses = folder.read_json("metadata.json").get("hypotheses", [])
    found: dict[str, Any] = {
        "fivesigma": __version__,
        "analysis": analysis.name,
        "description": analysis.description,
        "references": analysis.references,
        "task": analysis.task,
        "inputs": [
            {
                "name": each.name,
                "title": titles.get(each.name, ""),
                "unit": units.get(each.name, parameters.get(each.name, "")),
            }
            for each in inputs
        ],
        "features": [{"name": name, "title": titles.get(name, ""), "unit": units.get(name, "")} for name in features],
        "parameters": {
            name: {"unit": unit, "trained_at": sorted({values[i] for values in hypotheses})}
            for i, (name, unit) in enumerate(parameters.items())
        },
        "fixed": dict(fixed),
        "classes": list(analysis.classes),
        "output": MEANING[analysis.task],
        "target": {} if analysis.target is None else {"variable": analysis.target.variable, "unit": analysis.target.unit},
        "missing": _missing(analysis),
        "sha256": hashes(folder),
        **_results(folder),
    }
    return {name: value if isinstance(value, str) else as_text(value) for name, value in found.items()}


def _missing(analysis: Analysis) -> str:
    """Which values are missing, in words."""
    markers = ", ".join(f"{value:.17g}" if value % 1 == 0 else repr(value) for value in analysis.missing_values)
    return "a value that is NaN or infinite is missing" + (f", and so is {markers} in a column of a file" if markers else "")


def as_text(value: Any) -> str:
    """A list or mapping as JSON."""
    return json.dumps(value, ensure_ascii=False)


def hashes(folder: RunFolder) -> dict[str, str]:
    """SHA-256 of the recipes and networks of a run, by file."""
    names = ("model.keras", "recipe.json")
    files = sorted(path for name in names for path in (*folder.path.glob(name), *folder.path.glob(f"folds/fold-*/{name}")))
    return {path.relative_to(folder.path).as_posix(): sha256(path) for path in files}


def _results(folder: RunFolder) -> dict[str, Any]:
    """Numbers of the events that count, and the cuts that the run has chosen."""
    if not folder.has("metrics.json"):
        return {}
    parts = parts_of(folder.read_json("metrics.json"))
    part = judged_part(parts)
    tree = parts[part]
    numbers = {name: row for name, row in tree.items() if isinstance(row, dict) and set(row) == {"value", "error"}}
    points = {path: value for name in _WORKING_POINTS for path, value in _cuts(tree.get(name), name)}
    verdicts = folder.read_json("verdicts.json") if folder.has("verdicts.json") else []
    return {"judged_on": part, "metrics": numbers, "working_points": points, "verdicts": verdicts}


def _cuts(tree: Any, path: str) -> Iterator[tuple[str, float]]:
    if not isinstance(tree, dict):
        return
    for name, value in tree.items():
        if name in _CUTS and isinstance(value, int | float):
            yield f"{path}.{name}", float(value)
        else:
            yield from _cuts(value, f"{path}.{name}")
