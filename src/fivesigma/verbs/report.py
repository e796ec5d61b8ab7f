"""The verb `report`: the page of a run."""

from pathlib import Path

from fivesigma.progress import Listener
from fivesigma.reporting.page import write_report
from fivesigma.runs import manifest
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession


def report(run: str | Path | Run, output: str | Path = RUNS, listener: Listener | None = None) -> Path:
    """Draw the run's figures and write its report, as far as the run has got.

    Args:
        run: a run's folder, or an analysis's name for its latest run.
        output: folder of all runs.
        listener: receives messages and progress.

    Returns:
        The page.
    """
    session = RunSession.open(run, RunContext.of(output, listener), "explore.json")
    for name in manifest.altered(session.folder.path):
        session.listener.say(f"warning: {name} is not the file that this run wrote; `fivesigma verify RUN` tells more")
    path = write(session)
    session.folder.finish()
    return path


def write(session: RunSession) -> Path:
    """Draw the figures and write `report.html`."""
    session.folder.begin("report")
    path = write_report(session.folder, session.listener.progress)
    session.listener.done("report written")
    return path
