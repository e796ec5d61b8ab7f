"""The verb `train`: recipe and network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fivesigma.analysis.file import load
from fivesigma.cluster import multiprocess
from fivesigma.progress import Listener
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession
from fivesigma.verbs.base import RUNS, AnalysisLike


def train(
    analysis: AnalysisLike,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    new: bool = False,
    workers: int | None = None,
    cluster: str | None = None,
    resume: bool = False,
) -> Run:
    """Fit recipe and network; goes on with an interrupted run of the same analysis."""
    journey = RunSession.start(
        load(analysis, settings, data),
        Path(output),
        listener or Listener(),
        needs="train",
        new=new,
        resume=resume,
        workers=workers,
        cluster=cluster,
    )
    if multiprocess.rank():
        journey.help()
        return Run(journey.folder.path)
    journey.trained()
    journey.train_baselines()
    journey.folder.finish()
    return Run(journey.folder.path)
