"""The input files of a run: what they were when it began, and which of them are other ones now."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fivesigma.cluster.cores import cores
from fivesigma.data.formats import split_treename
from fivesigma.prefetch import side_by_side
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.moved import new_name
from fivesigma.runs.source import Source


def inputs_of(source: Source) -> list[dict[str, Any]]:
    """Size and SHA-256 of every file that events were read from, by sample."""
    return describe_inputs({name: [split_treename(path)[0] for path in paths] for name, paths in source.files.items()})


def describe_inputs(files: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Size and SHA-256 of every input file, by sample."""

    def described(named: tuple[str, str]) -> dict[str, Any]:
        sample, path = named
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"sample": sample, "path": path, "bytes": Path(path).stat().st_size, "sha256": digest}

    return [*side_by_side(described, ((sample, path) for sample, paths in files.items() for path in paths), cores())]


def changed_inputs(
    folder: RunFolder, inputs: Sequence[Mapping[str, Any]], places: Mapping[str, str] | None = None
) -> str | None:
    """Say which input files are not those that a run was made with; None if all are, or the run has recorded none.

    Args:
        folder: of the run.
        inputs: the files as they are now.
        places: where they are now, as by `moved.places_of`.
    """
    recorded = folder.read_json("metadata.json").get("inputs") or inputs
    then, now = ([row["sha256"] for row in rows] for rows in (recorded, inputs))
    if then == now:
        return None
    added, gone = Counter(now) - Counter(then), Counter(then) - Counter(now)
    changed = [row["path"] for row in inputs if row["sha256"] in added]
    before = [new_name(row["path"], places or {}) for row in recorded if row["sha256"] in gone]
    changed += [path for path in before if path not in changed]
    if not changed:
        return f"the input files are in another order than when the run {folder} was made"
    which = f"{changed[0]} has" if len(changed) == 1 else f"{changed[0]} and {len(changed) - 1} more have"
    return f"{which} changed since the run {folder} was made"
