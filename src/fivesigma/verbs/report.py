"""The verb `report`: the page of a run."""

from pathlib import Path

from fivesigma.progress import Listener
from fivesigma.runs.run import Run
from fivesigma.verbs.base import RUNS, session_of


def report(run: str | Path | Run, output: str | Path = RUNS, listener: Listener | None = None) -> Path:
    """Draw the run's figures and write its report; shows whatever the run has got to."""
    journey = session_of(run, output, listener, "explore.json")
    path = journey.report()
    journey.folder.finish()
    return path
