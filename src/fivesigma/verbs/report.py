"""The verb `report`: the page of a run."""

from collections.abc import Sequence
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
    altered = manifest.altered(session.folder.path)
    for name in altered:
        session.listener.say(f"warning: {name} is not the file that this run wrote; `fivesigma verify RUN` tells more")
    with manifest.blaming_altered_files(session.folder.path):
        path = write(session, altered)
    session.folder.finish()
    return path


def write(session: RunSession, altered: Sequence[str] = ()) -> Path:
    """Draw the figures and write `report.html`.

    Args:
        session: the run.
        altered: files that are not what the run wrote, of which the page warns.
    """
    session.folder.begin("report")
    path = write_report(session.folder, session.listener.progress, altered)
    session.listener.done("report written")
    return path
