"""The verb `report`: the page of a run."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from fivesigma.deployment.citations import bibtex
from fivesigma.errors import OutputError
from fivesigma.progress import Listener
from fivesigma.reporting import printing
from fivesigma.reporting.helper import Helper
from fivesigma.reporting.page import write_report
from fivesigma.runs import manifest
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession

REPORT = "report"
"""The step in which the report is written."""


def report(run: str | Path | Run, output: str | Path = RUNS, listener: Listener | None = None, pdf: bool = False) -> Path:
    """Draw the run's figures and write its report, as far as the run has got.

    Args:
        run: a run's folder, or an analysis's name for its latest run.
        output: folder of all runs.
        listener: receives messages and progress.
        pdf: print the page to `report.pdf` as well, with Chromium, Chrome or Edge.

    Raises:
        RunError: if there is no such run, or nothing to report.
        MissingExtra: if the page is to be printed and there is no browser.

    Returns:
        The page, or the PDF file.
    """
    if pdf:
        printing.browser()  # before minutes of drawing
    session = RunSession.open(run, RunContext.of(output, listener), "explore.json")
    place, unfinished = session.folder.path, session.folder.unfinished
    altered = manifest.problems(place)
    for problem in altered:
        session.listener.say(f"warning: {problem}; `fivesigma verify RUN` tells more")
    stopped = None if unfinished == REPORT else unfinished
    if stopped:
        session.listener.say(
            f"warning: the run stopped in the step {stopped!r}, and its numbers may not belong together; continue it with "
            "`fivesigma run ANALYSIS`"
        )
    try:
        with manifest.blaming_altered_files(place):
            path = write(session, altered, stopped=stopped)
        if pdf:
            session.listener.progress(1, 2, "printing")
            path = printing.print_page(path, session.folder / "report.pdf")
            session.listener.done("report printed")
    except BaseException:
        with suppress(OutputError):  # what cannot be written to has no mark, and the first error counts
            if unfinished is None:
                session.folder.finish()  # the run is as finished as it was
            elif stopped:
                session.folder.begin(stopped)
        raise
    if stopped:
        session.folder.begin(stopped)
    else:
        session.folder.finish()
    return path


def write(
    session: RunSession, altered: Sequence[str] = (), helper: Helper | None = None, stopped: str | None = None
) -> Path:
    """Draw the figures and write `report.html`.

    Args:
        session: the run.
        altered: sentences on files that are not what the run wrote, or are missing, of which the page warns.
        helper: a process that draws some of the figures.
        stopped: the step in which the run stopped, of which the page warns.
    """
    session.folder.begin(REPORT)
    more = {"stopped": stopped} if stopped else {}
    path = write_report(session.folder, session.listener.progress, altered, bibtex(session.folder), helper, **more)
    session.listener.done("report written")
    return path
