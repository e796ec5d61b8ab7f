"""The verb `train`: recipe and network, or those of every fold."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fivesigma.analysis.answers import swapped
from fivesigma.analysis.file import load
from fivesigma.assessment.comparison import check_trigger
from fivesigma.cluster import multiprocess
from fivesigma.cluster.devices import Layout
from fivesigma.data.opening import read_twice
from fivesigma.errors import AnalysisError
from fivesigma.events import Events
from fivesigma.memory import give_back
from fivesigma.metrics.spec import kept_epoch, kept_in_words
from fivesigma.models.custom import custom
from fivesigma.models.ebops import weight_count
from fivesigma.names import number_of
from fivesigma.preparation.balance import lopsided
from fivesigma.preparation.folds import FoldAssignment
from fivesigma.preparation.negative_weights import what_is_done
from fivesigma.preparation.parameters import values_without_events
from fivesigma.preparation.recipe import constant_features
from fivesigma.progress import Listener
from fivesigma.runs import trained_on
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession
from fivesigma.runs.source import Source
from fivesigma.training import training
from fivesigma.training.fit import FitOptions
from fivesigma.training.fold_training import train_folds
from fivesigma.training.folds import INDEX, Folds
from fivesigma.training.front import FRONT, Front
from fivesigma.training.network import Network, hypotheses_of
from fivesigma.training.schedule import doubts
from fivesigma.verbs.base import AnalysisLike, Build, check_cluster

_TRAINS = "train"
"""What the first of several processes says to the others before it trains."""


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
    model: Build | None = None,
) -> Run:
    """Fit recipe and network; continues an interrupted run of the same analysis.

    The arguments are those of `run`.
    """
    context = RunContext.of(output, listener, workers, cluster)
    resolved = with_model(load(analysis, settings, data), model, settings)
    check_cluster(context, shares=resolved.simulates or resolved.split.folds is not None)
    session = RunSession.start(resolved, context, needs="train", new=new, resume=resume)
    if multiprocess.rank():
        help_to_train(session)
        return Run(session.folder.path)
    trained(session)
    train_baselines(session)
    session.folder.finish()
    return Run(session.folder.path)


def with_model(analysis: Any, model: Build | None, settings: Mapping[str, Any] | None = None) -> Any:
    """Put a network that the calling script builds into the analysis.

    Raises:
        AnalysisError: if it is no function, or settings of the network are given beside it.
    """
    if model is None:
        return analysis
    if idle := [key for key in settings or {} if key.partition(".")[0] == "model"]:
        raise AnalysisError(
            f"{', '.join(map(repr, idle))} would change nothing, as model=… builds the network",
            hint="leave it out, and let your function decide",
        )
    return analysis.model_copy(update={"model": custom(model)})


def help_to_train(session: RunSession) -> None:
    """In every process but the first: load the events after the first one has, and train with it."""
    if multiprocess.agree() == _TRAINS:
        source = session.source
        options = FitOptions(session.folder.checkpoint, resume=True)
        training.train(session.analysis, source.parts, shards=source.shards, options=options)
    multiprocess.leave()


def trained(session: RunSession, before_trial: Callable[[], None] | None = None) -> Network | Folds:
    """The run's network, or those of its folds; trains them if they are not trained yet.

    Args:
        session: the run.
        before_trial: called before it is measured how the devices are used best, which other work would falsify.
    """
    if session.is_trained:
        multiprocess.agree()  # tells the others that there is nothing to do
        multiprocess.leave()
        return session.network()
    session.folder.begin("train")
    source, analysis = session.source, session.analysis
    learnt = source.parts["train"] if source.division is None else source.division.events
    analysis.check_observers()
    check_trigger(analysis, learnt)
    session.baselines.check()
    sampled = len(learnt) < source.lengths().get("train", 0)
    among = f"a random sample of {len(learnt):,} training events" if sampled else "all training events"
    if said := what_is_done(learnt.weight, analysis.train.negative_weights):
        session.listener.say(f"{said} (in {among})" if sampled else said)
    twice = read_twice(source.origin) if source.origin is not None else []
    alone = [constant_features(learnt, among), *values_without_events(learnt, analysis.parameters, among)]
    for said in filter(None, (*doubts(analysis.train), swapped(analysis.classes), *twice, *alone)):
        session.listener.say(f"warning: {said}")
    if source.per_fb and (said := lopsided(learnt, analysis)):
        session.listener.say(f"warning: {said}")
    fold, lengths = source.division.fold if source.division is not None else None, source.lengths()
    count = len(learnt) if fold is not None else sum(lengths.get(part, 0) for part in ("train", "val"))
    trained_on.write(session.folder, _learnt_from(source), count, fold)
    return _train_one(session, before_trial) if source.division is None else _train_folds(session, source.division)


def _learnt_from(source: Source) -> Iterator[Events]:
    """All events that the networks of a run train and validate on."""
    if source.division is not None:
        yield source.division.events
        return
    for part in ("train", "val"):
        if source.shards is not None:
            yield from source.shards.pieces(part)
        elif part in source.parts:
            yield source.parts[part]


def train_baselines(session: RunSession) -> None:
    """Train the baselines of the analysis that are not trained yet."""
    if session.analysis.baselines:
        session.folder.begin("baselines")
        session.baselines.train()


def _train_folds(session: RunSession, division: FoldAssignment) -> Folds:
    folder, listener = session.folder, session.listener
    folds = train_folds(folder, session.analysis, division, listener, session.workers)
    rows = folder.read_json(INDEX)["folds"]
    folder.update_metadata(
        hypotheses=hypotheses_of(division.events),
        folds=division.count,
        epochs=sum(row["epochs"] for row in rows),
        dropped_features=sorted({name for row in rows for name in row["dropped"]}),
        weights=rows[0]["weights"],
        training_seconds=sum(row["seconds"] for row in rows),
    )
    _say_if_fixed(folds.networks[0], listener)
    listener.done(f"trained {division.count} folds; kept in each: {', '.join(row['kept'] for row in rows)}")
    return folds


def _say_if_fixed(network: Network, listener: Listener) -> None:
    if not network.model.trainable_variables:
        listener.say("warning: the network has no weights that can be trained: it stays as it was built")


def _train_one(session: RunSession, before_trial: Callable[[], None] | None) -> Network:
    folder, listener, source = session.folder, session.listener, session.source
    multiprocess.agree(_TRAINS)
    if folder.checkpoint.is_file():
        listener.say(f"resuming from {folder.checkpoint}")
    learnt = source.lengths()["train"]

    def on_epoch(row: dict[str, float], epochs: int) -> None:
        folder.alive()
        listener.epoch({**row, "events": learnt}, epochs)

    def on_layout(layout: Layout, rates: Mapping[str, float]) -> None:
        folder.update_metadata(devices=str(layout))
        if rates:
            each = ", ".join(f"{name} {rate / 1000:,.0f} k/s" for name, rate in rates.items())
            listener.say(f"devices x threads of each: {layout} is fastest here ({each}); remembered")

    def on_front(front: Front) -> None:
        front.save(folder)
        listener.say(str(front))
        for said in front.doubts():
            listener.say(f"warning: {said}")

    def on_window(epochs: float) -> None:
        folder.alive()
        listener.progress(epochs, session.analysis.train.epochs, f"training: {epochs * learnt:,.0f} events")

    options = FitOptions(
        folder.checkpoint,
        resume=True,
        on_epoch=on_epoch,
        before_trial=before_trial,
        on_layout=on_layout,
        on_front=on_front,
        on_window=on_window,
    )
    listener.progress(0, session.analysis.train.epochs, "training")
    network, history = training.train(session.analysis, source.parts, shards=source.shards, options=options)
    multiprocess.leave()
    folder.write_history(history)
    settings = session.analysis.train
    kept = kept_epoch(history, settings.monitor, settings.keep, folder.read_json(FRONT) if folder.has(FRONT) else None)
    folder.update_metadata(
        hypotheses=hypotheses_of(source.parts["train"]),
        epochs=len(history),
        dropped_features=list(network.recipe.dropped),
        weights=weight_count(network.model),
        training_seconds=sum(row["seconds"] for row in history),
    )
    network.save(folder)
    give_back()
    _say_if_fixed(network, listener)
    rate = source.lengths()["train"] * len(history) / max(sum(row["seconds"] for row in history), 1e-9)
    listener.done(
        f"trained {number_of(len(history), 'epoch')} at {rate:,.0f} events/s; kept {kept_in_words(kept, settings.monitor)}"
    )
    return network
