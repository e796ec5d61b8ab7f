"""The verb `explore`: what the data are, before anything is trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fivesigma.analysis.file import load
from fivesigma.progress import Listener
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession
from fivesigma.verbs.base import RUNS, AnalysisLike


def explore(
    analysis: AnalysisLike,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    new: bool = False,
    workers: int | None = None,
    cluster: str | None = None,
) -> Run:
    """Describe an analysis's events: columns, missing entries, classes, distributions; with figures."""
    journey = RunSession.start(
        load(analysis, settings, data),
        Path(output),
        listener or Listener(),
        needs="explore",
        new=new,
        workers=workers,
        cluster=cluster,
    )
    journey.explore()
    journey.report()
    journey.folder.finish()
    journey.say_data()
    return Run(journey.folder.path)
