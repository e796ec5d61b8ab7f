"""What several verbs share: how an analysis may be given, and the session of a run that is there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.errors import RunError
from fivesigma.progress import Listener
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession

AnalysisLike = str | Path | Analysis | Mapping[str, Any]
RUNS = Path("runs")


def session_of(
    run: str | Path | Run, output: str | Path, listener: Listener | None, needs: str | Sequence[str]
) -> RunSession:
    folder = RunFolder.open(run.path if isinstance(run, Run) else run, Path(output), needs)
    if folder.busy:
        raise RunError(f"the run {folder} is being worked on ({folder.unfinished})", hint="wait until it is finished")
    return RunSession(folder, folder.analysis(), listener or Listener())
