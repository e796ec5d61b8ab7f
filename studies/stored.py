"""Runs that are there are used again; those that are not are made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fivesigma as fs
from fivesigma.progress import Listener
from fivesigma.runs.folder import matching_runs
from studies.catalogue import Row

Files = Mapping[str, str]


def run_of(row: Row, output: Path, more: Mapping[str, Any], data: Files, listener: Listener) -> fs.Run:
    """The finished run of exactly this analysis, made now if there is none.

    Args:
        row: what to run.
        output: folder of all runs of the studies.
        more: further settings.
        data: files by sample name; without them events are simulated.
        listener: hears what happens.
    """
    analysis = fs.load(row.analysis, {**row.settings, **more}, data or None)
    place = output / row.name
    finished = [
        folder for folder in matching_runs(place, analysis) if folder.unfinished is None and folder.has("report.html")
    ]
    run = fs.Run(finished[-1].path) if finished else fs.run(analysis, output=place, listener=listener)
    if row.scanned and not (run.path / "scan" / "scan.json").is_file():
        run = fs.scan(run, leave_out=[1000], extremes=True, compare=True, listener=listener)
    return run
