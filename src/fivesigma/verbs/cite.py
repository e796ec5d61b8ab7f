"""The verb `cite`: what to cite for a run."""

from pathlib import Path

from fivesigma.deployment.citations import Citation, citations
from fivesigma.runs.context import RUNS
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.run import Run


def cite(run: str | Path | Run, output: str | Path = RUNS) -> list[Citation]:
    """What to cite for a run: fivesigma, the references of its analysis, and the programs and methods it really used.

    Args:
        run: a run folder, or an analysis's name for its latest run.
        output: folder of all runs.

    Raises:
        RunError: if there is no such run, or it is damaged.

    Returns:
        Entries of a bibliography; `str` of one is its BibTeX, with a comment that says why.
    """
    return citations(RunFolder.open(run.path if isinstance(run, Run) else run, Path(output)))
