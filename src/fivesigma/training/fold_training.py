"""Train the networks of all folds side by side, and score each event with the right one."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.split import Split
from fivesigma.cluster.base import tell
from fivesigma.cluster.executor import Workers
from fivesigma.data.mapped import Handed, handed_over, read
from fivesigma.errors import FivesigmaError
from fivesigma.events import Events
from fivesigma.metrics.spec import kept_epoch, kept_in_words
from fivesigma.models.ebops import weight_count
from fivesigma.preparation.folds import FoldAssignment, fold_of
from fivesigma.preparation.split import OUT_OF_FOLD
from fivesigma.progress import Listener
from fivesigma.runs.folder import RunFolder
from fivesigma.scores import Scores
from fivesigma.training.fit import FitOptions
from fivesigma.training.folds import Folds, finish
from fivesigma.training.front import FRONT
from fivesigma.training.network import Network
from fivesigma.training.training import train

Hypotheses = Sequence[tuple[float, ...]]
MODEL = "model.keras"


def train_folds(
    folder: RunFolder,
    analysis: Analysis,
    division: FoldAssignment,
    listener: Listener,
    workers: Workers,
) -> Folds:
    """Train the network of each fold that has none yet, side by side, each on one core.

    Args:
        folder: folder of the run; fold k is kept in `folds/fold-<k>/`.
        analysis: resolved.
        division: the events.
        listener: receives every epoch.
        workers: threads or processes, by default one per core; the result does not depend on them. Those of a cluster
            must see `folder`.
    """
    numbers = range(1, division.count + 1)
    missing = [number for number in numbers if not folder.fold(number).has(MODEL)]
    for number in numbers:
        if number not in missing:
            listener.say(f"fold {number} is trained already")
        elif folder.fold(number).checkpoint.is_file():
            listener.say(f"resuming fold {number} from {folder.fold(number).checkpoint}")

    def on_message(_: str, message: Any) -> None:
        folder.alive()
        row, epochs = message
        listener.epoch(row, epochs)

    place = (folder / "folds" / "events").absolute()
    parts = {OUT_OF_FOLD: division.events} if missing else {}
    with (
        workers.executor(tasks=len(missing), single_core=True) as pool,
        handed_over(parts, place, pool.shares_memory) as events,
    ):
        for number in missing:
            pool.submit(f"fold {number}", train_one, number, analysis, events, folder.fold(number).path.absolute())
        for _ in pool.results(on_message):
            folder.alive()
    folds = Folds(tuple(Network.load(folder.fold(number)) for number in numbers))
    finish(folder, [_row(number, analysis, division, folds.networks[number - 1], folder.fold(number)) for number in numbers])
    return folds


def train_one(number: int, analysis: Analysis, events: Handed, place: Path) -> None:
    """In a worker: train the network of one fold, continuing from its checkpoint, and report each epoch.

    Args:
        number: number of the fold, from 1.
        analysis: its seed is that of fold 0.
        events: all events, or the folder that they were written to.
        place: folder of the fold.
    """
    folder = RunFolder(place)
    settings = analysis.train.model_copy(update={"seed": analysis.train.seed + number})
    own = analysis.model_copy(update={"train": settings})

    def on_epoch(row: dict[str, float], epochs: int) -> None:
        tell([{"fold": number, **{name: float(value) for name, value in row.items()}}, epochs])

    try:
        parts = FoldAssignment(read(events)[OUT_OF_FOLD], analysis.split, analysis.parameters).parts(number)
        options = FitOptions(folder.checkpoint, resume=True, on_epoch=on_epoch, on_front=lambda front: front.save(folder))
        network, history = train(own, parts, options=options)
    except FivesigmaError as error:
        raise type(error)(f"fold {number}: {error.what}", hint=error.hint) from None
    folder.write_history(history)
    network.save(folder)  # last: it marks the fold as trained


def _row(number: int, analysis: Analysis, division: FoldAssignment, network: Network, folder: RunFolder) -> dict[str, Any]:
    """The entry of a fold in `folds.json`."""
    history, front = folder.history(), folder.read_json(FRONT) if folder.has(FRONT) else None
    kept = kept_epoch(history, analysis.train.monitor, analysis.train.keep, front)
    loss = kept.get("val_loss", kept["loss"])
    return {
        "fold": number,
        "events": int((division.fold == number).sum()),
        **{part: len(index) for part, index in division.index(number).items()},
        "epochs": len(history),
        "best_epoch": int(kept["epoch"]),
        "loss": loss if np.isfinite(loss) else None,  # that of validation events may overflow
        "kept": kept_in_words(kept, analysis.train.monitor),
        "weights": weight_count(network.model),
        "dropped": list(network.recipe.dropped),
        "seconds": sum(row["seconds"] for row in history),
    }


def fold_scores(
    folds: Folds, division: FoldAssignment, test: Events | None, hypotheses: Hypotheses
) -> dict[str, Callable[[], Scores]]:
    """Part → scorer.

    `train`: training events, each scored by one network that trained on it, that of the next fold, for a fair
    comparison: a mean of networks would be better than one, overtrained or not. `folds`: every event, scored
    by the one network that has not seen it, with its `fold` as an observer. `test`: the mean of all networks.
    """
    parts: dict[str, Callable[[], Scores]] = {
        "train": partial(_seen, folds, division, hypotheses),
        OUT_OF_FOLD: partial(_unseen, folds, division, hypotheses),
    }
    return parts if test is None else {**parts, "test": partial(folds.scores, test, hypotheses)}


def score_judged(
    network: Network | Folds, events: Events, parts: Collection[str], split: Split, hypotheses: Hypotheses
) -> Scores:
    """Scores of varied events of the part that a search is judged on: without test events, each by the network of its fold.

    Args:
        network: of the run.
        events: a variation of the events of that part.
        parts: names of the parts of the run.
        split: the section of the analysis.
        hypotheses: parameter values of further scores.
    """
    if isinstance(network, Folds) and "test" not in parts:
        return network.by(fold_of(events.event_number, split)).scores(events, hypotheses)
    return network.scores(events, hypotheses)


def _seen(folds: Folds, division: FoldAssignment, hypotheses: Hypotheses) -> Scores:
    network = division.next_network
    rows = division.training
    return folds.by(network[rows]).scores(division.scored_by(network).take(rows), hypotheses)


def _unseen(folds: Folds, division: FoldAssignment, hypotheses: Hypotheses) -> Scores:
    scores = folds.by(division.fold).scores(division.scored_by(division.fold), hypotheses)
    return replace(scores, observers={**scores.observers, "fold": division.fold})


def fold_edges(count: int) -> list[float]:
    """Bin edges with one fold in each bin.

    >>> fold_edges(2)
    [0.5, 1.5, 2.5]
    """
    return [number + 0.5 for number in range(count + 1)]


def spread_columns(scores: Scores, each: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Standard deviation of one network's score about the mean, `spread` or `spread_<class>`.

    Args:
        scores: the mean scores, which also hold the names of the classes.
        each: scores of every network, [network, event] or [network, event, class].
    """
    spread = each.std(axis=0, ddof=1)
    if scores.task != "multiclass":
        return {"spread": spread}
    return {f"spread_{name}": np.ascontiguousarray(spread[:, i]) for i, name in enumerate(scores.classes)}
