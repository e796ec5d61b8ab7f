"""The verb `run`: explore, train, evaluate and report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fivesigma.analysis.file import load
from fivesigma.cluster import multiprocess
from fivesigma.metrics.summary import as_json
from fivesigma.progress import Listener
from fivesigma.reporting import figures
from fivesigma.reporting.helper import Helper
from fivesigma.reporting.terminal import class_tables
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession
from fivesigma.verbs.base import AnalysisLike, Build, check_cluster
from fivesigma.verbs.evaluate import assess, say_results
from fivesigma.verbs.explore import describe_events
from fivesigma.verbs.report import write
from fivesigma.verbs.train import help_to_train, train_baselines, trained, with_model


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
    model: Build | None = None,
) -> Run:
    """Explore, train, evaluate and report, in one folder.

    Args:
        analysis: a path, the name of a built-in analysis, or a mapping.
        settings: overrides by dotted key.
        data: files by sample name.
        output: folder of all runs.
        listener: receives messages and progress.
        new: begin a new run even if one of the same analysis is unfinished.
        resume: continue an unfinished run of the same analysis; an error if there is none.
        workers: processes that train folds, and simulate events if there is no file of them; by default one per core.
            With 1, no other process draws figures while the network is trained.
        cluster: address of a Dask scheduler whose workers do this instead; for folds they need access to `output`.
        model: a function that builds the network, instead of the section `model`: (number of inputs) → `keras.Model`.
            The number is an `int` that also has `outputs`, `link`, `parameters`, `names` and `seed`. The run folder
            names the function; only a script that gives the same function can continue the training.

    Returns:
        The run, with its metrics, history, network and report.

    Raises:
        FivesigmaError: if the analysis, the data or the model are wrong.
    """
    context = RunContext.of(output, listener, workers, cluster)
    resolved = with_model(load(analysis, settings, data), model, settings)
    check_cluster(context, shares=resolved.simulates or resolved.split.folds is not None)
    session = RunSession.start(resolved, context, needs="run", new=new, resume=resume)
    if multiprocess.rank():
        help_to_train(session)
        return Run(session.folder.path)
    with Helper(workers) as helper:
        path = session.folder.path
        helper.ask(figures.prepare, path, "nothing")  # it imports matplotlib while this process reads the events
        if not session.folder.has("explore.json"):
            for table in class_tables(as_json(describe_events(session)), session.analysis):
                session.listener.table(table.title, ["", *table.header[1:]], table.rows)
        helper.ask(figures.draw, path, "data")  # nothing that follows changes them
        network = trained(session, before_trial=helper.wait)
        helper.ask(figures.draw, path, "training")
        train_baselines(session)
        assess(session, network)
        write(session, helper=helper)
    session.folder.finish()
    say_results(session)
    return Run(session.folder.path)
