"""What a result depends on, into docs/robustness.md: `python -m studies.determinism`.

The same analysis is run several times, each time with something else that should not matter; weights, metrics and
predictions are compared bit for bit.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from studies.marks import renew
from studies.unchanged import left

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "robustness.md"
EVENTS, CUTS = 4000, (0, 1, 1500, 4000)

VARIANTS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "one worker process": (("--workers", "1"), {}),
    "four worker processes": (("--workers", "4"), {}),
    "another folder": (("FOLDER",), {}),
    "another order of Python's sets (`PYTHONHASHSEED`)": ((), {"PYTHONHASHSEED": "12345"}),
    "the events in three files instead of one": (("--data", "all=part*.csv"), {}),
    "a cache without compiled programs": ((), {"FIVESIGMA_CACHE": "empty-cache"}),
    "one core instead of all": ((), {"FIVESIGMA_THREADS": "1"}),
}
"""What is different → words of the command, and of the environment."""


def write(folder: Path) -> None:
    """An analysis with folds, trees and a search, and its events: in one file and in three."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(1)
    label = chance.integers(0, 2, EVENTS)
    columns = [
        np.arange(EVENTS),
        label,
        chance.normal(label, 1),
        chance.normal(0, 1, EVENTS),
        chance.uniform(0.5, 1.5, EVENTS),
    ]
    rows = np.column_stack(columns)
    pieces = {
        "events.csv": rows,
        **{f"part{i}.csv": rows[a:b] for i, (a, b) in enumerate(pairwise(CUTS))},
    }
    for name, piece in pieces.items():
        kinds = ["%d", "%d", "%.9g", "%.9g", "%.9g"]
        np.savetxt(folder / name, piece, delimiter=",", header="event,label,x,y,w", comments="", fmt=kinds)
    analysis = {
        "name": "same",
        "samples": {"all": {"files": ["events.csv"]}},
        "features": ["x", "y"],
        "labels": {"variable": "label", "names": ["background", "signal"]},
        "weights": "w",
        "event_number": "event",
        "split": {"folds": 2, "test": 0.2},
        "model": {"layers": [16, 16], "dropout": 0.1},
        "train": {"epochs": 4, "batch_size": 128},
        "baselines": {"trees": {"kind": "boosted_trees", "rounds": 20}},
        "evaluate": {"search": {"yields": {"background": 1000, "signal": 100}}},
    }
    (folder / "same.yaml").write_text(yaml.safe_dump(analysis, sort_keys=False), encoding="utf-8")


def result(place: Path, words: tuple[str, ...] = (), environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run the analysis in a folder; what the run left, without times and places."""
    folder = place / "an other" / "place" if "FOLDER" in words else place
    write(folder)
    command = [sys.executable, "-m", "fivesigma", "run", "same.yaml", "--output", "out", "--quiet"]
    command += [word for word in words if word != "FOLDER"]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return dict(left(folder / "out"))


def row(what: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """A row of the table.

    >>> row("nothing", {"a.keras": "1", "metrics.json": {"auc": 0.5}}, {"a.keras": "1", "metrics.json": {"auc": 0.5}})
    '| nothing | equal | equal | – |'
    """
    cells = []
    for ending in (".keras", "metrics.json", ".parquet"):
        names = [name for name in wanted if name.endswith(ending)]
        same = all(found.get(name) == wanted[name] for name in names)
        cells.append("–" if not names else "equal" if same else _difference(found, wanted, names))
    return f"| {what} | {' | '.join(cells)} |"


def _difference(found: Mapping[str, Any], wanted: Mapping[str, Any], names: list[str]) -> str:
    """How far apart the numbers of files are; of hashes only that they are not equal."""
    pairs = [pair for name in names for pair in zip(_numbers(found.get(name)), _numbers(wanted[name]), strict=False)]
    if not pairs:
        return "not equal"
    return f"differ by at most {max(abs(one - other) / max(abs(other), 1e-3) for one, other in pairs):.0e} of their value"


def _numbers(tree: Any) -> list[float]:
    if isinstance(tree, Mapping):
        return [number for inner in tree.values() for number in _numbers(inner)]
    if isinstance(tree, list):
        return [number for inner in tree for number in _numbers(inner)]
    return [float(tree)] if isinstance(tree, int | float) and np.isfinite(tree) else []


def table() -> str:
    """A row for each thing that is different."""
    lines = ["| what is different | weights | metrics | predictions |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        wanted = result(Path(folder) / "first")
        for i, (what, (words, environment)) in enumerate({"nothing": ((), {}), **VARIANTS}.items()):
            print(f"{what} …", file=sys.stderr, flush=True)
            found = result(Path(folder) / f"{i}", words, environment)
            lines.append(row(what, found, wanted))
    return "\n".join(lines) + "\n"


def main() -> int:
    """Renew the table of the page."""
    renew(PAGE, "determinism", table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
