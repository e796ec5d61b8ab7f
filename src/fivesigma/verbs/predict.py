"""The verb `predict`: score every event of some files, in order."""

import re
import shutil
import tempfile
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.assessment.trust import CALIBRATION, read_calibration
from fivesigma.atomic import named_errors, writing
from fivesigma.cluster.base import tell
from fivesigma.data.formats import expand, split_treename
from fivesigma.data.load import features_of, plain_features, plan_for, reader_for
from fivesigma.data.plan import Plan, Variables
from fivesigma.data.write import writable_format, write_columns
from fivesigma.errors import AnalysisError, ColumnNotFound, OutputError, RunError
from fivesigma.metrics.calibration import Isotonic
from fivesigma.prefetch import prefetch, side_by_side
from fivesigma.progress import Listener
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.file_folds import FileFolds, say_who_scores, training_samples
from fivesigma.runs.folder import TRAINED, RunFolder
from fivesigma.runs.run import Run
from fivesigma.scores import Scores
from fivesigma.training.folds import Folds, load_trained
from fivesigma.training.network import Network, Scorer, hypothesis_column, score_columns

Columns = dict[str, Any]
ROWS = 1 << 16
"""Events scored at a time; a row group or basket of the output."""


def predict(
    run: str | Path | Run,
    files: str | Sequence[str],
    destination: str | Path,
    *,
    at: Mapping[str, float] | None = None,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    workers: int | None = None,
    cluster: str | None = None,
) -> int:
    """Score every event of some files, in order, and write scores and observers.

    With folds, events of a file that was trained on are scored by the network that has not seen them, those of any
    other file by the mean of all networks; the column `fold` says which (0 is the mean).

    Args:
        run: a run folder, or an analysis's name for its latest run.
        files: one file or several, of any format that can be read.
        destination: the file to write; its ending gives the format. It must not exist.
        at: parameter values to score at, such as `{"mass": 1000}`.
        output: folder of all runs.
        listener: hears what happens.
        workers: processes that score several files side by side; by default one per core. The output
            does not depend on it.
        cluster: address of a Dask scheduler whose workers score the files; they must see the run, the
            files and the folder of the destination.

    Returns:
        The number of events written.
    """
    context = RunContext.of(output, listener, workers, cluster)
    listener = context.listener
    folder = RunFolder.open(run.path if isinstance(run, Run) else run, context.output, TRAINED)
    destination = Path(destination)
    if destination.exists():
        raise OutputError(f"{destination} exists already", hint="choose another name, or remove it first")
    writable_format(destination)
    analysis, given = folder.analysis(), dict(at or {})
    listed = expand([files] if isinstance(files, str) else list(files))
    _check_parameters(analysis, given, _hypotheses(folder), listener)
    observers = _common_observers(analysis, listed, listener)
    trained: dict[str, tuple[str, ...]] = {}
    if analysis.split.folds is not None:
        trained = training_samples(folder, analysis, listed)
        say_who_scores(listed, list(trained), analysis.split.folds, listener)
    by_place = {_absolute(file): samples for file, samples in trained.items()}
    task = Scoring(str(folder.path.absolute()), tuple(observers), given, by_place)
    if len(listed) > 1 and workers != 1:
        chunks = _side_by_side(task, analysis, listed, destination, context)
    else:
        chunks = _one_by_one(task, listed, listener)
    with closing(chunks):
        rows = write_columns(destination, chunks)
    listener.done(f"scored {rows:,} events: {destination}")
    return rows


@dataclass(frozen=True)
class Scoring:
    """How to score a file, in a form that travels to a worker.

    Attributes:
        run: the run's folder.
        observers: formulas carried along.
        at: values of parameters that are not read from the file.
        trained: with folds, absolute path of a file that was trained on → the samples it was read as.
    """

    run: str
    observers: tuple[str, ...]
    at: Mapping[str, float]
    trained: Mapping[str, tuple[str, ...]]


def _check_parameters(
    analysis: Analysis, at: Mapping[str, float], hypotheses: Sequence[tuple[float, ...]], listener: Listener
) -> None:
    unknown = [name for name in at if name not in analysis.parameters]
    if unknown:
        raise AnalysisError(f"the analysis has no parameter {unknown[0]!r}", hint=f"it has: {list(analysis.parameters)}")
    for i, name in enumerate(analysis.parameters):
        known = [values[i] for values in hypotheses]
        if name in at and known and not min(known) <= at[name] <= max(known):
            listener.say(f"warning: {name}={at[name]:g} lies outside the training range {min(known):g} … {max(known):g}")


def _hypotheses(folder: RunFolder) -> list[tuple[float, ...]]:
    return [tuple(v) for v in folder.read_json("metadata.json").get("hypotheses", [])]


def _common_observers(analysis: Analysis, files: Sequence[str], listener: Listener) -> list[str]:
    """The observers that every file has; files that differ in them cannot be written as one table."""
    found = []
    for file in files:
        plan = plan_for(analysis, reader_for(analysis, file))
        found.append([name for name in analysis.observers if _available(plan, name)])
        if found[-1] != found[0]:
            raise RunError(f"{file} has other observers than {files[0]}: {found[-1]}", hint="predict them one by one")
    left_out = sorted(set(analysis.observers) - set(found[0]))
    if left_out:
        listener.say(f"not in {files[0]}, so left out: {', '.join(left_out)}")
    return found[0]


def _one_by_one(task: Scoring, files: Sequence[str], listener: Listener) -> Generator[Columns, None, None]:
    for file in files:
        total, done = None, 0
        with closing(_score(task, file)) as found:
            for columns, total in found:
                yield columns
                done += _length(columns)
                listener.progress(done, total or done, f"scoring {file}: {done:,} events")


def _side_by_side(
    task: Scoring,
    analysis: Analysis,
    files: Sequence[str],
    destination: Path,
    context: RunContext,
) -> Generator[Columns, None, None]:
    """The same chunks in the same order, each file scored by a worker into a file of its own."""
    lengths = [reader_for(analysis, file).length() for file in files]
    total = sum(length or 0 for length in lengths) if None not in lengths else None
    keys = {f"scoring file {i + 1}, {file}": file for i, file in enumerate(files)}  # a file may be given twice
    scored = dict.fromkeys(keys, 0)

    def on_message(key: str, rows: int) -> None:
        scored[key] = rows
        done = sum(scored.values())
        context.listener.progress(done, total or done, f"scoring {len(files)} files: {done:,} events")

    with _folder_beside(destination) as parts, context.workers.executor(tasks=len(files), ahead=1) as pool:
        places = {key: parts / f"{i}.arrow" for i, key in enumerate(keys)}
        for key, file in keys.items():
            pool.submit(key, _score_to, task, _absolute(file) if context.workers.cluster else file, places[key])
        waiting, finished = deque(keys), set()
        for key, _ in pool.results(on_message):
            finished.add(key)
            while waiting and waiting[0] in finished:
                yield from _read_part(places[waiting.popleft()])


@contextmanager
def _folder_beside(destination: Path) -> Iterator[Path]:
    """A folder for parts of the destination, where there is room for it if anywhere; gone afterwards."""
    with named_errors(destination):
        destination.absolute().parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.absolute().parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _absolute(file: str) -> str:
    path, inside = split_treename(file)
    return f"{Path(path).absolute()}:{inside}" if inside else str(Path(path).absolute())


def _score_to(task: Scoring, file: str, place: Path) -> None:
    """In a worker: the scored columns of a file as an Arrow stream, a batch per chunk."""
    rows = 0
    with writing(place) as part, ExitStack() as stack:
        sink: Any = None
        for columns, _ in stack.enter_context(closing(_score(task, file))):
            batch = pa.record_batch({name: pa.array(values) for name, values in columns.items()})
            if sink is None:
                sink = stack.enter_context(pa.ipc.new_stream(stack.enter_context(pa.OSFile(str(part), "wb")), batch.schema))
            sink.write_batch(batch)
            rows += batch.num_rows
            tell(rows)


def _read_part(place: Path) -> Iterator[Columns]:
    """The chunks that `_score_to` has written; the part is removed once it is read."""
    if place.stat().st_size:  # a file without a float32 chunk leaves an empty one
        with pa.memory_map(str(place)) as source, pa.ipc.open_stream(source) as stream:
            for batch in stream:
                yield {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}
    place.unlink()


@lru_cache(maxsize=2)
def _loaded(run: str, changed: int) -> tuple[Network | Folds, Analysis, list[tuple[float, ...]], Isotonic | None]:
    """A worker scores many files with one network; `changed` tells it from one trained later in the same place."""
    folder = RunFolder.open(run)
    return load_trained(folder), folder.analysis(), _hypotheses(folder), read_calibration(folder)


def _score(task: Scoring, file: str) -> Generator[tuple[Columns, int | None], None, None]:
    """Scored columns of a file, chunk by chunk, each with the number of rows of the file where that is known."""
    models = [path for path in (Path(task.run) / name for name in (*TRAINED, CALIBRATION)) if path.is_file()]
    trained, analysis, hypotheses, calibration = _loaded(
        task.run, max((path.stat().st_mtime_ns for path in models), default=0)
    )
    reader = reader_for(analysis, file)
    plan, total = plan_for(analysis, reader), reader.length()
    given = {name: p.variable or name for name, p in analysis.parameters.items() if name not in task.at}
    has_parameters = all(_available(plan, text) for text in given.values())
    if not has_parameters and not hypotheses:
        plan.columns(list(given.values()))  # raises, naming the missing column and the nearest
    number, selection = _event_number(plan), _selection(plan)
    others = [*task.observers, *(given.values() if has_parameters else ())]
    others += [text for text in (number, selection) if text]
    features = trained.recipe.features
    names, integers = plan.columns([*features, *others]), {number} if number else set[str]()
    float32 = plain_features(plan, features, others)
    folds = FileFolds(analysis, file, task.trained.get(_absolute(file), ()), number is not None)

    def scored(piece: tuple[int, Mapping[str, Any]]) -> Columns:
        start, chunk = piece
        length = _length(chunk)
        variables = plan.variables(chunk)
        columns: Columns = {"event_number": plan.evaluate(number, variables, length)} if number else {}
        columns |= {column_name(name): plan.evaluate(name, variables, length) for name in task.observers}
        if selection:
            columns["selected"] = plan.evaluate(selection, variables, length).astype(bool)
        network: Scorer = trained
        if isinstance(trained, Folds):
            columns["fold"] = folds.of(start, length, columns.get("event_number"))
            network = trained.by(columns["fold"])
        x = features_of([plan.evaluate(name, variables, length) for name in features], length)
        if has_parameters:
            found = _at_own_parameters(network, plan, variables, x, task.at)
            return columns | found | ({} if calibration is None else {"probability": calibration(found["score"])})
        return columns | _at_each_hypothesis(network, analysis, x, hypotheses)

    # Read ahead, score some chunks at a time, and let the caller write: every core has something to do.
    with closing(prefetch(reader.chunks(names, integers=integers, float32=float32))) as chunks:
        pieces = _pieces(chunks)
        first = next(pieces, None)
        if first is None:
            return
        yield scored(first), total  # compiles, once
        with closing(side_by_side(scored, pieces)) as found:
            for columns in found:
                yield columns, total


def _pieces(chunks: Iterator[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The same rows in smaller chunks, of a size that the network takes without filling up, each after its first row."""
    done = 0
    for chunk in chunks:
        for start in range(0, max(_length(chunk), 1), ROWS):
            yield done + start, {name: values[start : start + ROWS] for name, values in chunk.items()}
        done += _length(chunk)


def _at_own_parameters(
    network: Scorer, plan: Plan, variables: Variables, x: NDArray[np.float32], at: Mapping[str, float]
) -> Columns:
    """Parameters, as the file or `at` has them, and the scores at them."""
    analysis, length = plan.analysis, len(x)
    rows = np.zeros((length, len(analysis.parameters)), np.float32)
    for i, (name, parameter) in enumerate(analysis.parameters.items()):
        rows[:, i] = at[name] if name in at else plan.evaluate(parameter.variable or name, variables, length)
    parameters = {name: rows[:, i].copy() for i, name in enumerate(analysis.parameters)}
    return {**parameters, **score_columns(_as_scores(network.score(x, rows), analysis))}


def _at_each_hypothesis(
    network: Scorer, analysis: Analysis, x: NDArray[np.float32], hypotheses: Sequence[tuple[float, ...]]
) -> Columns:
    """The scores at each parameter value of the training, for events that do not know their own."""
    columns = {}
    for hypothesis in hypotheses:
        rows = np.broadcast_to(np.asarray(hypothesis, np.float32), (len(x), len(hypothesis)))
        columns[hypothesis_column(tuple(analysis.parameters), hypothesis)] = network.score(x, rows)
    return columns


def _event_number(plan: Plan) -> str | None:
    number = plan.analysis.event_number
    if number and _available(plan, number):
        return number
    return "event_number" if "event_number" in plan.available else None


def _selection(plan: Plan) -> str | None:
    selection = plan.analysis.selection
    return selection if selection and _available(plan, selection) else None


def _available(plan: Plan, text: str) -> bool:
    try:
        plan.needs(text)
    except ColumnNotFound:
        return False
    return True


def _length(columns: Mapping[str, Any]) -> int:
    return len(next(iter(columns.values())))


def _as_scores(score: Any, analysis: Analysis) -> Scores:
    nothing = np.zeros(len(score))
    return Scores(score=score, target=nothing, weight=nothing, classes=analysis.classes)


def column_name(text: str) -> str:
    """A formula as a column name that every format accepts.

    >>> column_name("Muon_pt[0]")
    'Muon_pt_0'
    """
    return re.sub(r"\W+", "_", text).strip("_")
