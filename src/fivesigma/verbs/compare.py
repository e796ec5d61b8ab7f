"""The verb `compare`: two runs side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fivesigma.metrics.metric import is_metric
from fivesigma.metrics.result import parts_of
from fivesigma.runs.context import RUNS
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.manifest import blaming_altered_files
from fivesigma.runs.run import Run


def compare(first: str | Path | Run, second: str | Path | Run, output: str | Path = RUNS) -> dict[str, Any]:
    """Compare two runs.

    Raises:
        RunError: if a run has not been evaluated, or its files are damaged.

    Returns:
        `settings`: dotted key → the two values where they differ; `metrics`: rows of part, name,
        the two metrics, and the difference with its error. The errors are combined as if the
        samples were independent, which is too large if both were tested on the same events.
    """
    folders = [RunFolder.open(r.path if isinstance(r, Run) else r, Path(output), "metrics.json") for r in (first, second)]
    with blaming_altered_files(folders[0].path), blaming_altered_files(folders[1].path):
        return _compared(folders)


def _compared(folders: Sequence[RunFolder]) -> dict[str, Any]:
    trees = [_flat(folder.analysis().model_dump(mode="json")) for folder in folders]
    keys = dict.fromkeys([*trees[0], *trees[1]])
    settings = {key: [tree.get(key) for tree in trees] for key in keys if trees[0].get(key) != trees[1].get(key)}
    metrics = [parts_of(folder.read_json("metrics.json")) for folder in folders]
    rows = []
    for part in metrics[0]:
        for name, one in metrics[0][part].items():
            other = metrics[1].get(part, {}).get(name)
            if is_metric(one) and is_metric(other) and None not in (*one.values(), *other.values()):
                difference = other["value"] - one["value"]
                error = (one["error"] ** 2 + other["error"] ** 2) ** 0.5
                rows.append(
                    {
                        "part": part,
                        "name": name,
                        "first": one,
                        "second": other,
                        "difference": {"value": difference, "error": error},
                    }
                )
    return {"runs": [str(folder) for folder in folders], "settings": settings, "metrics": rows}


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    return {k: v for key, inner in tree.items() for k, v in _flat(inner, f"{prefix}.{key}" if prefix else str(key)).items()}
