"""The verb `evaluate`: scores of every part, and metrics with uncertainties."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from fivesigma.assessment.base import Assessment, Findings
from fivesigma.assessment.comparison import Comparison
from fivesigma.assessment.fold_spread import FoldSpread
from fivesigma.assessment.front import FrontAssessment
from fivesigma.assessment.importance import Importance
from fivesigma.assessment.parameters import ParameterCheck
from fivesigma.assessment.ranges import RangeCheck
from fivesigma.assessment.search import SearchAssessment
from fivesigma.assessment.standard import StandardMetrics
from fivesigma.assessment.trust import Trust
from fivesigma.data.write import write_columns
from fivesigma.errors import DataError
from fivesigma.events import Events
from fivesigma.metrics.result import versioned
from fivesigma.metrics.summary import as_json
from fivesigma.metrics.verdicts import advantages, verdicts
from fivesigma.preparation.balance import training_shares
from fivesigma.preparation.split import OUT_OF_FOLD
from fivesigma.progress import Listener
from fivesigma.reporting.terminal import result_tables, search_sentences
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.folder import TRAINED
from fivesigma.runs.moved import Places
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession
from fivesigma.scores import Scores, concatenate
from fivesigma.training.fold_training import fold_scores, score_judged
from fivesigma.training.folds import Folds
from fivesigma.training.front import FRONT, front_of
from fivesigma.training.network import Network, hypothesis_column, score_columns, scores_by
from fivesigma.verbs.train import train_baselines


def evaluate(
    run: str | Path | Run,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    *,
    moved: Places | None = None,
) -> Run:
    """Score the run's events with its network and write metrics with uncertainties.

    Baselines of the analysis that are not trained yet are trained first.

    Args:
        run: a run's folder, or an analysis's name for its latest run.
        output: folder of all runs.
        listener: receives messages and progress.
        moved: folders or files from which the events were read → where they are now; the run keeps it.
    """
    session = RunSession.open(run, RunContext.of(output, listener), TRAINED, moved)
    session.analysis.check_observers()
    network = session.network()
    _read_events(session)
    train_baselines(session)
    assess(session, network)
    session.folder.finish()
    say_results(session)
    return Run(session.folder.path)


def _read_events(session: RunSession) -> None:
    """Read the events before the run is marked as unfinished: if they are not there, it stays as it was."""
    try:
        session.source  # noqa: B018  (read at the first use)
    except DataError as error:
        raise DataError(error.what, hint=error.hint or MOVED) from None


MOVED = (
    "a run reads its events from where they were when it was trained; say where they are now with --moved OLD=NEW, such as "
    "--moved /old/folder=/new/folder"
)


def assess(session: RunSession, network: Network | Folds) -> None:
    """Score every part; write predictions, metrics and the numbers behind the figures.

    The last step of a run that needs its events: those of a part go from memory once they are scored.
    """
    folder, listener = session.folder, session.listener
    folder.begin("evaluate")
    scorings = _scorings(session, network)
    assessments = _assessments(session, network)
    metrics: dict[str, dict[str, Any]] = {}
    curves: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}
    # Sorts and sums of many events and the compression of predictions let go of Python's lock: the rest goes on meanwhile.
    with ThreadPoolExecutor(2, thread_name_prefix="evaluate") as aside:
        written: list[Future[None]] = []
        pending: Callable[[], tuple[str, Findings]] | None = None

        def collect() -> None:
            nonlocal pending
            if pending is not None:
                part, whole = pending()
                metrics[part], curves[part] = dict(whole.metrics), dict(whole.curves)
                pending = None

        for i, (part, scoring) in enumerate(scorings.items()):
            listener.progress(i, len(scorings), f"scoring the {part} events")
            scores = scoring()
            counts[part] = len(scores)
            collect()
            pending = _assessed(session, part, scores, assessments, aside, written)
            del scores
        collect()
        for assessment in assessments:
            for part, found in assessment.finish().items():
                metrics[part] |= found.metrics
                curves[part] |= found.curves
        for each in written:
            each.result()
    unit = session.analysis.target.unit if session.analysis.target else ""
    sentences = [*verdicts(metrics, unit), *(sentence for each in assessments for sentence in each.sentences())]
    if session.changed is not None:
        sentences.append(
            f"{session.changed}; the network has learned from the files as they were, and all numbers "
            "are of the files as they are now"
        )
    folder.update_metadata(evaluated=counts, evaluated_of=session.source.lengths())
    folder.write_json("metrics.json", versioned(as_json(metrics)))
    folder.write_json("curves.json", as_json(curves))
    folder.write_json("verdicts.json", sentences)
    for sentence in sentences:
        listener.say(f"warning: {sentence}")
    for sentence in advantages(metrics, unit):
        listener.say(sentence)
    listener.done(f"evaluated {_counted(session, counts)} events")


def _assessed(
    session: RunSession,
    part: str,
    scores: Scores,
    assessments: Sequence[Assessment],
    aside: ThreadPoolExecutor,
    written: list[Future[None]],
) -> Callable[[], tuple[str, Findings]]:
    """Give the scores of a part to all assessments, to the first one in a thread.

    Returns:
        A function that waits for the first one: the part, and what all have found. It begins a file of the scores.
    """
    analysis = session.analysis
    # Variations, baselines and the steps of a training score events again, and ranges are looked for in them.
    ranges = any(isinstance(each, RangeCheck) for each in assessments)
    if not (analysis.systematics or analysis.baselines or session.folder.has(FRONT) or ranges):
        session.source.forget(part)
    standard, *others = assessments
    first = aside.submit(standard.add, part, scores)
    more = [assessment.add(part, scores) for assessment in others]

    def whole() -> tuple[str, Findings]:
        metrics: dict[str, Any] = {}
        curves: dict[str, Any] = {}
        columns: dict[str, Any] = {}
        for found in (first.result(), *more):
            metrics |= found.metrics
            curves |= found.curves
            columns |= found.columns
        if part != "train" and len(scores):
            written.append(aside.submit(_write_predictions, session, part, scores, columns))
        return part, Findings(metrics, curves)

    return whole


def say_results(session: RunSession) -> None:
    """Show the main numbers as tables."""
    results = Run(session.folder.path).results
    for sentence in search_sentences(results, session.analysis):
        session.listener.say(sentence)
    for table in result_tables(results, session.analysis):
        session.listener.table(table.title, ["", *table.header[1:]], table.rows)


def _assessments(session: RunSession, network: Network | Folds) -> list[Assessment]:
    """The assessments of this run, in order."""
    analysis, folder, source, listener = session.analysis, session.folder, session.source, session.listener
    folds = isinstance(network, Folds)
    scoring = partial(_score_new, session, network)
    learned = source.parts["train" if "train" in source.parts else OUT_OF_FOLD]
    shares = training_shares(learned, analysis).tolist() if analysis.classes else []
    comparison = Comparison(analysis, session.baselines, session.hypotheses, listener)
    return [
        StandardMetrics(analysis, shares),
        *([FoldSpread(analysis, network, source.parts.get("test"))] if isinstance(network, Folds) else []),
        Trust(folder, analysis, means={"test"} if folds else ()),
        SearchAssessment(folder, analysis, source, scoring, listener),
        ParameterCheck(session.analysis.parameters),
        comparison,
        *_front(session, network, comparison),
        *([RangeCheck(partial(_wrapping, session, network))] if network.can_wrap_around else []),
        Importance(analysis.evaluate.importance, network, source, analysis.task, listener),
    ]


def _front(session: RunSession, network: Network | Folds, comparison: Comparison) -> list[Assessment]:
    """The assessment of the steps of a training, if it had any; those of folds are in the folders of the folds."""
    if isinstance(network, Folds) or not session.folder.has(FRONT):
        return []
    networks, tree = front_of(session.folder, network), session.folder.read_json(FRONT)
    return [FrontAssessment(session.analysis, tree, networks, partial(_scores, session), comparison)]


def _wrapping(session: RunSession, network: Network | Folds, part: str) -> int:
    """How many events of a part have a value that wraps around, in the network that scores them."""
    source, wraps_around = session.source, network.wraps_around
    pieces: Iterable[Events] = [source.parts[part]] if source.shards is None else source.shards.pieces(part)
    if part == OUT_OF_FOLD and isinstance(network, Folds):
        assert source.division is not None
        fold = source.division.fold
        pieces, wraps_around = [source.division.scored_by(fold)], network.by(fold).wraps_around
    return sum(int(wraps_around(each.features, each.parameters).sum()) for each in pieces)


def _score_new(session: RunSession, network: Network | Folds, events: Events) -> Scores:
    """Score varied events of the part that a search is judged on."""
    return score_judged(network, events, session.source.parts, session.analysis.split, session.hypotheses)


def _scorings(session: RunSession, network: Network | Folds) -> Mapping[str, Callable[[], Scores]]:
    """Part → scorer."""
    source, hypotheses = session.source, session.hypotheses
    if not isinstance(network, Folds):
        return {part: partial(_scores, session, network, part) for part in source.parts}
    division = source.division
    assert division is not None  # the analysis that has trained folds divides its events into folds
    return fold_scores(network, division, source.parts.get("test"), hypotheses)


def _scores(session: RunSession, network: Network, part: str) -> Scores:
    """Scores of a part; if the training events are on disk, of the sample in memory.

    No file is written of the training events: of these, what no hypothesis tests is not scored under it.
    """
    shards, hypotheses = session.source.shards, session.hypotheses
    if shards is None or part == "train":
        return scores_by(network, session.source.parts[part], hypotheses, tested_only=part == "train")
    return concatenate([network.scores(events, hypotheses) for events in shards.pieces(part)])


def _write_predictions(session: RunSession, part: str, scores: Scores, more: Mapping[str, Any]) -> None:
    at = {hypothesis_column(scores.parameter_names, values): score for values, score in scores.at_hypothesis.items()}
    parameters = {name: scores.parameters[:, i].copy() for i, name in enumerate(scores.parameter_names)}
    first = {"event_number": scores.event_number, "target": scores.target, "weight": scores.weight}
    last = {**score_columns(scores), **at, **more}
    # What we write keeps its name, so that whoever reads the file finds the weights under `weight`.
    taken = {*first, *parameters, *last}
    observers = {f"observer_{name}" if name in taken else name: values for name, values in scores.observers.items()}
    columns = {**first, **parameters, **observers, **last}
    write_columns(session.folder / "predictions" / f"{part}.parquet", [columns], replace=True)


def _counted(session: RunSession, counts: Mapping[str, int]) -> str:
    """Number of evaluated events of each part."""
    sampled = counts.get("train", 0) < session.source.lengths().get("train", 0)
    notes = {"train": " (a random sample)" if sampled else ""}
    return ", ".join(f"{count:,} {part}{notes.get(part, '')}" for part, count in counts.items())
