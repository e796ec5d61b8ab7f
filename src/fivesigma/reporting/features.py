"""The features of a run: a list from which the reader chooses one to see its distribution by class."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.reporting import distribution
from fivesigma.reporting.canvas import Drawing, write_pdf
from fivesigma.reporting.flat import csv_of
from fivesigma.reporting.style import label
from fivesigma.runs.folder import RunFolder

MOST_DRAWN = 60
"""Features whose distributions are drawn."""

PER_PAGE = 12
"""Features on a page of the PDF files."""

SEPARATION = (
    "Separation: the largest difference between the cumulative distributions of two classes, as in a Kolmogorov–Smirnov "
    "test; 0 for equal distributions, 1 for distributions that do not overlap."
)


@dataclass(frozen=True)
class Feature:
    """A feature in the list.

    Attributes:
        name: of the column.
        title: its title and unit.
        missing: fraction of the events in which it is missing; None if the fraction is not known.
        separation: between its distributions in the classes; None for a regression.
        drawing: its distribution by class; None if it is not drawn.
        csv: the numbers in the figure.
    """

    name: str
    title: str
    missing: float | None
    separation: float | None
    drawing: Drawing | None = None
    csv: str = ""


def features(analysis: Analysis, tree: Mapping[str, Any], note: str = "") -> list[Feature]:
    """All features in the order of the analysis; those that separate the classes most are drawn.

    Args:
        analysis: for titles and units.
        tree: `explore.json`.
        note: text at the upper left of each figure, such as "Simulation".
    """
    shapes = tree["distributions"]
    missing = {row["name"]: row["missing"] for row in tree["columns"]}
    drawn = set(most_separating(shapes, MOST_DRAWN))
    found = []
    for name, by_class in shapes.items():
        several = len(by_class) > 1
        found.append(
            Feature(
                name,
                label(analysis, name),
                missing.get(name),
                separation(by_class) if several else None,
                distribution.by_class(by_class, label(analysis, name), note) if name in drawn else None,
                csv_of(by_class) if name in drawn else "",
            )
        )
    return found


def write_pages(folder: RunFolder, listed: Sequence[Feature], tree: Mapping[str, Any]) -> list[str]:
    """Write the drawn features on pages of PDF, for print, with their numbers as JSON and CSV.

    Args:
        folder: of the run.
        listed: features of the run.
        tree: `distributions` of `explore.json`.

    Returns:
        Names of the files, without ending.
    """
    drawn = [(each.name, each.drawing) for each in listed if each.drawing is not None]
    names = []
    for start in range(0, len(drawn), PER_PAGE):
        name = f"features-{start // PER_PAGE + 1}"
        chosen = drawn[start : start + PER_PAGE]
        write_pdf(folder, name, [drawing for _, drawing in chosen], columns=min(3, len(chosen)))
        numbers = {feature: tree[feature] for feature, _ in chosen}
        folder.write_text(f"plots/{name}.json", json.dumps(numbers, allow_nan=False) + "\n")
        folder.write_text(f"plots/{name}.csv", csv_of(numbers))
        names.append(name)
    return names


def most_separating(tree: Mapping[str, Any], most: int) -> list[str]:
    """Names of the features whose distributions differ most between classes, in their order; all if they are few.

    Args:
        tree: feature → class → `edges` and `counts`.
        most: largest number of features to return.
    """
    if len(tree) <= most:
        return list(tree)
    chosen = set(sorted(tree, key=lambda name: separation(tree[name]), reverse=True)[:most])
    return [name for name in tree if name in chosen]


def separation(by_class: Mapping[str, Any]) -> float:
    """The largest difference between the cumulative distributions of two classes, in bins.

    Args:
        by_class: class → `counts`; without the same bins for all classes the answer is 0.

    >>> separation({"b": {"counts": [4, 4]}, "s": {"counts": [1, 3]}})
    0.25
    """
    shares = [_cumulative(shape["counts"]) for shape in by_class.values()]
    return float(np.ptp(np.stack(shares), axis=0).max()) if len({len(share) for share in shares}) == 1 else 0.0


def _cumulative(counts: Any) -> NDArray[np.float64]:
    total = np.cumsum(np.asarray(counts, float))
    return total / total[-1] if len(total) and total[-1] > 0 else np.zeros_like(total)
