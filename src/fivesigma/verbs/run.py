"""The verb `run`: explore, train, evaluate and report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fivesigma.analysis.file import load
from fivesigma.cluster import multiprocess
from fivesigma.metrics.summary import as_json
from fivesigma.progress import Listener
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession
from fivesigma.verbs.base import RUNS, AnalysisLike


def run(
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
    """Explore, train, evaluate and report, in one folder.

    Args:
        analysis: a path, the name of a built-in analysis, or a mapping.
        settings: overrides by dotted key.
        data: files by sample name.
        output: folder of all runs.
        listener: hears what happens.
        new: begin a new run even if one of the same analysis is unfinished.
        resume: insist on an unfinished run of the same analysis to go on with.
        workers: processes that train folds, and simulate events if there is no file of them; by default one per core.
        cluster: address of a Dask scheduler whose workers do that instead; for folds they must see `output`.
    """
    journey = RunSession.start(
        load(analysis, settings, data),
        Path(output),
        listener or Listener(),
        needs="run",
        new=new,
        resume=resume,
        workers=workers,
        cluster=cluster,
    )
    if multiprocess.rank():
        journey.help()
        return Run(journey.folder.path)
    folder = journey.folder
    if not folder.has("explore.json"):
        journey.say_classes(as_json(journey.explore()))
    network = journey.trained()
    journey.train_baselines()
    journey.evaluate(network)
    journey.report()
    folder.finish()
    journey.say_key_numbers()
    return Run(folder.path)
