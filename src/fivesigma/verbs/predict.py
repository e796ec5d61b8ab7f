"""The verb `predict`: score every event of some files, in order."""

import json
import re
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.assessment.trust import CALIBRATION, read_calibration
from fivesigma.atomic import folder_beside, named_errors, write_text, writing
from fivesigma.baselines.saved import NETWORK, SavedBaseline, check_name, load_baseline
from fivesigma.cluster.base import tell
from fivesigma.data.formats import expand, format_of_name, split_treename
from fivesigma.data.kept import Kept, keepable
from fivesigma.data.load import Layout, features_of, plain_features, plan_for, reader_of_new, whole_numbers
from fivesigma.data.plan import Plan, Variables
from fivesigma.data.readers.base import ColumnNames
from fivesigma.data.write import writable_format, write_columns
from fivesigma.deployment.exported import CHECKED, ExportedModel, known_exports, load_exported, path_of
from fivesigma.deployment.metadata import hashes
from fivesigma.errors import AnalysisError, ColumnNotFound, OutputError, RunError
from fivesigma.metrics.calibration import Isotonic
from fivesigma.names import column_of, quoted
from fivesigma.prefetch import prefetch, side_by_side
from fivesigma.progress import Listener
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.file_folds import FileFolds, say_who_scores, training_samples
from fivesigma.runs.folder import TRAINED, RunFolder
from fivesigma.runs.run import Run
from fivesigma.runs.trained_on import Counts, TrainedOn, as_trained
from fivesigma.scores import Scores
from fivesigma.training.folds import Folds, load_trained
from fivesigma.training.network import Network, ScoresArrays, hypothesis_column, score_columns
from fivesigma.verbs.base import check_cluster

Columns = dict[str, Any]
ROWS = 1 << 16
"""Events scored at a time; a row group or basket of the output."""
EXPORTED = "exported as "
"""What comes before the format in the name of an exported model; no baseline has a name with a blank."""
KNOWN = "trained on"
"""Whether an event was trained on, beside its scores; no column of the output has a name with a blank."""


def predict(
    run: str | Path | Run,
    files: str | Path | Sequence[str | Path],
    destination: str | Path,
    *,
    at: Mapping[str, float] | None = None,
    model: str = NETWORK,
    exported: str | None = None,
    format: str | None = None,
    treename: str | None = None,
    columns: ColumnNames = (),
    friend: bool = False,
    keep: bool = False,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    workers: int | None = None,
    cluster: str | None = None,
) -> int:
    """Score every event of some files, in order, and write scores and observers.

    With folds, an event that was trained on is scored by the network of its fold, which was not trained on it; any
    other event is scored by the mean of all networks. The column `fold` holds the fold; 0 is the mean.

    Args:
        run: a run folder, or an analysis's name for its latest run.
        files: one file or several, of any format that can be read.
        destination: the file to write; its ending gives the format. It must not exist.
        at: parameter values to score at, such as `{"mass": 1000}`.
        model: name of a baseline of the run, to score with it instead of the network.
        exported: format of a model that the run has exported, such as `onnx`, to score with it instead of the network;
            `emulation` is the emulator of `rtl`.
        format: format of the files, if they do not show it; by default that of the samples.
        treename: tree, table or group inside the files; by default that of the samples.
        columns: column names of files without a header, or of arrays; by default those of the analysis.
        friend: write a file of scores for each file, without observers, into the folder `destination`; it has the
            name and the rows of the file, so it can be its friend. Files that are there already are not scored again.
        keep: write every column of the files that has one number for each event, beside the scores. A column whose name
            the output needs for itself is written as `NAME_2`.
        output: folder of all runs.
        listener: receives messages and progress.
        workers: processes that score several files in parallel; by default one per core. The output
            does not depend on it.
        cluster: address of a Dask scheduler whose workers score the files; they must see the run, the
            files and the folder of the destination.

    Returns:
        The number of events written.
    """
    exported = "rtl" if exported == "emulation" else exported
    context = RunContext.of(output, listener, workers, cluster)
    listener = context.listener
    folder = RunFolder.open(run.path if isinstance(run, Run) else run, context.output, TRAINED)
    destination = Path(destination)
    if keep and friend:
        raise AnalysisError("a friend holds scores only, and `keep` all columns", hint="give either --keep or --friend")
    if destination.exists() and not friend:
        raise OutputError(f"{destination} exists already", hint="choose another name, or remove it first")
    if not friend:
        writable_format(destination)
    analysis, given, layout = folder.analysis(), dict(at or {}), Layout(format, treename, columns)
    check_name(analysis, model)
    if not isinstance(run, Run) and Path(run) != folder.path:
        listener.say(f"with the run {folder}")
    given = _check_exported(folder, exported, model, given)
    listed = expand([str(file) for file in ([files] if isinstance(files, str | Path) else files)])
    check_cluster(cluster, shares=len(listed) > 1 and not friend)
    _check_parameters(analysis, given, folder.hypotheses(), listener)
    observers = [] if friend else _common_observers(analysis, listed, layout, listener)
    seen = _seen_files(folder, analysis, listed, listener)
    chosen = model if exported is None else f"{EXPORTED}{exported}"
    kept = _common_columns(analysis, listed, layout, listener) if keep else []
    task = Scoring(str(folder.path.absolute()), tuple(observers), given, seen, chosen, layout, tuple(kept))
    if friend:
        return _friends(task, analysis, listed, destination, listener)
    if len(listed) > 1 and workers != 1:
        chunks = _side_by_side(task, analysis, listed, destination, context)
    else:
        chunks = _one_by_one(task, listed, listener)
    counts = Counts(analysis.split.folds if exported is None else None)
    with closing(chunks):
        rows = write_columns(destination, _without_known(chunks, counts))
    counts.say(listener)
    listener.done(f"scored {rows:,} events: {destination}")
    return rows


def _friends(task: "Scoring", analysis: Analysis, files: Sequence[str], folder: Path, listener: Listener) -> int:
    """Write a file of scores for each file; give the number of events written."""
    places = _places(files, folder)
    described = {"network": hashes(RunFolder(Path(task.run))), "at": dict(task.at), "model": task.model}
    with named_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if (folder / FRIENDS).is_file():
        if json.loads((folder / FRIENDS).read_text(encoding="utf-8")) != described:
            raise OutputError(f"{folder} holds scores of another network, model or parameter", hint="choose another folder")
    elif any(place.exists() for place in places.values()):
        there = next(place for place in places.values() if place.exists())
        raise OutputError(f"{there} exists already", hint="choose another folder, or remove it first")
    write_text(folder / FRIENDS, json.dumps(described, indent=1) + "\n")
    counts, rows = Counts(None if task.model.startswith(EXPORTED) else analysis.split.folds), 0
    for file, place in places.items():
        if place.exists():
            listener.say(f"there already: {place}")
            continue
        with closing(_one_by_one(task, [file], listener)) as chunks:
            written = write_columns(place, _without_known(chunks, counts))
        rows += written
        listener.say(f"{written:,} events: {place}")
    counts.say(listener)
    listener.done(f"scored {rows:,} events: {folder}")
    return rows


FRIENDS = "scored-by.json"
"""Which network, model and parameters the scores in a folder of friends are of."""


def _places(files: Sequence[str], folder: Path) -> dict[str, Path]:
    """Where the scores of each file are written: a file of its name, as Parquet if its own format cannot be written.

    Raises:
        OutputError: if two files have one name, or scores would replace a file.
    """
    found: dict[str, Path] = {}
    for file in dict.fromkeys(files):
        path = Path(split_treename(file)[0])
        known = format_of_name(path.name)
        name = path.name if known is not None and known.writer is not None else f"{path.name}.parquet"
        place = folder / name
        if place in found.values():
            raise OutputError(f"two files are called {path.name}", hint="score them into two folders")
        if place.absolute() == path.absolute() or (place.exists() and place.samefile(path)):
            raise OutputError(f"the scores of {path} would replace it", hint="choose another folder")
        found[file] = place
    return found


@dataclass(frozen=True)
class Scoring:
    """How to score a file; a worker receives it.

    Attributes:
        run: the run's folder.
        observers: formulas that are written beside the scores.
        at: values of parameters that are not read from the file.
        trained: for a run of an older version with folds: absolute path of a training file → the samples it was read as.
        model: name of the model that scores; of an exported one, its format after `EXPORTED`.
        layout: how files are read.
        kept: columns that are written as they are.
    """

    run: str
    observers: tuple[str, ...]
    at: Mapping[str, float]
    trained: Mapping[str, tuple[str, ...]]
    model: str
    layout: Layout
    kept: tuple[str, ...] = ()

    def reader(self, analysis: Analysis, file: str) -> Any:
        """The reader of a file."""
        return reader_of_new(analysis, file, self.layout)


def _seen_files(
    folder: RunFolder, analysis: Analysis, files: Sequence[str], listener: Listener
) -> dict[str, tuple[str, ...]]:
    """Files that a run of an older version with folds was trained on; later versions know the events themselves."""
    if analysis.split.folds is None or TrainedOn.load(folder) is not None:
        return {}
    trained = training_samples(folder, analysis, files)
    say_who_scores(files, list(trained), analysis.split.folds, listener)
    return {_absolute(file): samples for file, samples in trained.items()}


def _without_known(chunks: Iterator[tuple[str, Columns]], counts: Counts) -> Iterator[Columns]:
    """The columns that are written, after counting the events that were trained on."""
    for file, columns in chunks:
        if KNOWN in columns:
            counts.add(file, columns[KNOWN])
        yield {name: values for name, values in columns.items() if name != KNOWN}


def _check_exported(folder: RunFolder, exported: str | None, model: str, at: Mapping[str, float]) -> dict[str, float]:
    """The parameter values to score at, of which an exported model may have fixed some."""
    if exported is None:
        return dict(at)
    if model != NETWORK:
        raise AnalysisError(
            f"only the network is exported, not the baseline {model!r}", hint="give either the model or the exported format"
        )
    path_of(folder, exported)  # raises if it is not there, or not of this network
    fixed = known_exports(folder)[exported]["fixed"]
    for name, value in fixed.items():
        if at.get(name, value) != value:
            raise AnalysisError(
                f"the exported model is fixed at {name}={value:g} and cannot score at {at[name]:g}",
                hint="export it without --at",
            )
    return {**fixed, **at}


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


def _common_observers(analysis: Analysis, files: Sequence[str], layout: Layout, listener: Listener) -> list[str]:
    """Find the observers that all files have; files with different observers cannot be written as one table."""
    found = []
    for file in files:
        plan = plan_for(analysis, reader_of_new(analysis, file, layout))
        found.append([name for name in analysis.observers if _available(plan, name)])
        if found[-1] != found[0]:
            raise RunError(f"{file} has other observers than {files[0]}: {found[-1]}", hint="predict them one by one")
    left_out = sorted(set(analysis.observers) - set(found[0]))
    if left_out:
        listener.say(f"not in {files[0]}, so left out: {', '.join(left_out)}")
    return found[0]


def _common_columns(analysis: Analysis, files: Sequence[str], layout: Layout, listener: Listener) -> list[str]:
    """The columns to keep; files with different columns cannot be written as one table."""
    found: list[str] = []
    for i, file in enumerate(files):
        names, others = keepable(reader_of_new(analysis, file, layout))
        if i and names != found:
            different = sorted({*names} ^ {*found}) or names
            raise RunError(
                f"{file} has other columns than {files[0]}, such as {different[0]!r}", hint="predict them one by one"
            )
        if others and not i:
            listed = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
            listener.say(f"not one number for each event in {file}, so left out: {listed}")
        found = names
    return found


def _one_by_one(task: Scoring, files: Sequence[str], listener: Listener) -> Generator[tuple[str, Columns], None, None]:
    for file in files:
        total, done = None, 0
        with closing(_score(task, file)) as found:
            for columns, total in found:
                yield file, columns
                done += _length(columns)
                listener.progress(done, total or done, f"scoring {file}: {done:,} events")


def _side_by_side(
    task: Scoring,
    analysis: Analysis,
    files: Sequence[str],
    destination: Path,
    context: RunContext,
) -> Generator[tuple[str, Columns], None, None]:
    """The same chunks in the same order; workers score each file into a temporary file."""
    lengths = [task.reader(analysis, file).length() for file in files]
    total = sum(length or 0 for length in lengths) if None not in lengths else None
    keys = {f"scoring file {i + 1}, {file}": file for i, file in enumerate(files)}  # a file may be given twice
    scored = dict.fromkeys(keys, 0)

    def on_message(key: str, rows: int) -> None:
        scored[key] = rows
        done = sum(scored.values())
        context.listener.progress(done, total or done, f"scoring {len(files)} files: {done:,} events")

    with folder_beside(destination) as parts, context.workers.executor(tasks=len(files), ahead=1) as pool:
        places = {key: parts / f"{i}.arrow" for i, key in enumerate(keys)}
        for key, file in keys.items():
            pool.submit(key, _score_to, task, _absolute(file) if context.workers.cluster else file, places[key])
        waiting, finished = deque(keys), set()
        for key, _ in pool.results(on_message):
            finished.add(key)
            while waiting and waiting[0] in finished:
                key = waiting.popleft()
                for columns in _read_part(places[key]):
                    yield keys[key], columns


def _absolute(file: str) -> str:
    path, inside = split_treename(file)
    return f"{Path(path).absolute()}:{inside}" if inside else str(Path(path).absolute())


def _score_to(task: Scoring, file: str, place: Path) -> None:
    """In a worker: write the scored columns of a file as an Arrow stream, one batch per chunk."""
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
    """Read the chunks that `_score_to` has written, and remove the file."""
    if place.stat().st_size:  # a file without a float32 chunk leaves an empty one
        with pa.memory_map(str(place)) as source, pa.ipc.open_stream(source) as stream:
            for batch in stream:
                yield {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}
    place.unlink()


@dataclass(frozen=True)
class _Model:
    """What scores the events of a file.

    Attributes:
        trained: a network, those of all folds, or a baseline.
        exported: what scores in place of the network, if that is wanted.
        analysis: what it learned, from which columns.
        hypotheses: parameter values of the training's signal, if it has the run's parameters.
        calibration: turns scores into probabilities.
        trained_on: the events that it was trained on; None for a run of an older version.
    """

    trained: Network | Folds | SavedBaseline
    exported: ExportedModel | None
    analysis: Analysis
    hypotheses: list[tuple[float, ...]]
    calibration: Isotonic | None
    trained_on: TrainedOn | None

    def features_of(self, plan: Plan) -> tuple[str, ...]:
        """Names of the features it takes, in their order."""
        return self.trained.features_of(plan) if isinstance(self.trained, SavedBaseline) else self.trained.recipe.features


@lru_cache(maxsize=2)
def _loaded(run: str, model: str, changed: int) -> _Model:
    """Load a model once for many files; `changed` distinguishes it from one trained later in the same place."""
    folder = RunFolder.open(run)
    network, analysis, seen = load_trained(folder), folder.analysis(), TrainedOn.load(folder)
    if model == NETWORK or model.startswith(EXPORTED):
        exported = None if model == NETWORK else load_exported(folder, model.removeprefix(EXPORTED))
        return _Model(network, exported, analysis, folder.hypotheses(), read_calibration(folder), seen)
    baseline = load_baseline(folder, model, network.recipe.features)
    hypotheses = folder.hypotheses() if baseline.analysis.parameters == analysis.parameters else []
    return _Model(baseline, None, baseline.analysis, hypotheses, None, seen)


def _score(task: Scoring, file: str) -> Generator[tuple[Columns, int | None], None, None]:
    """Score a file chunk by chunk; yield columns, and the number of rows of the file if it is known."""
    models = [path for path in (Path(task.run) / name for name in (*TRAINED, CALIBRATION, CHECKED)) if path.is_file()]
    model = _loaded(task.run, task.model, max((path.stat().st_mtime_ns for path in models), default=0))
    analysis = model.analysis
    reader = task.reader(analysis, file)
    plan, total = plan_for(analysis, reader), reader.length()
    given = {name: p.variable or name for name, p in analysis.parameters.items() if name not in task.at}
    has_parameters = all(_available(plan, text) for text in given.values())
    if not has_parameters and not model.hypotheses:
        plan.columns(list(given.values()))  # raises, naming the missing column and the nearest
    number, selection = _event_number(plan), _selection(plan)
    others = [*task.observers, *(given.values() if has_parameters else ())]
    others += [text for text in (number, selection) if text]
    features, seen = model.features_of(plan), model.trained_on
    known_by = seen.features if seen is not None and all(_available(plan, name) for name in seen.features) else ()
    every = list(dict.fromkeys([*features, *known_by]))
    if model.exported is not None:
        others += model.exported.columns
    own = {column_of(text) for name, text in given.items() if name == column_of(text)}
    same = {column_of(text) for text in task.observers} | own | ({number} if number == "event_number" else set())
    kept = Kept(task.kept, same, plan.where)
    read = plan.columns([*every, *others])
    names, integers = [*read, *(name for name in kept.names if name not in read)], {number} if number else set[str]()
    float32 = plain_features(plan, every, [*others, *map(quoted, kept.names)])
    older = FileFolds(analysis, file, task.trained.get(_absolute(file), ()), number is not None)
    names_of = column_names([*task.observers, *kept.names], _reserved(analysis, model.hypotheses))

    def scored(piece: tuple[int, Mapping[str, Any]]) -> Columns:
        start, chunk = piece
        length = _length(chunk)
        variables = plan.variables(chunk)
        columns: Columns = {"event_number": _numbers(plan, number, variables, length)} if number else {}
        columns |= {names_of[name]: plan.evaluate(name, variables, length) for name in task.observers}
        columns |= {names_of[name]: values for name, values in kept.of(chunk, length).items()}
        if selection:
            columns["selected"] = plan.evaluate(selection, variables, length).astype(bool)
        values = features_of([plan.evaluate(name, variables, length) for name in every], length)
        fold, known = older.of(start, length, columns.get("event_number")), {}
        if seen is not None:
            inputs = values[:, [every.index(name) for name in known_by]] if known_by else None
            numbers = as_trained(columns["event_number"]) if number else None
            known[KNOWN], fold = seen.of(inputs, numbers, length, analysis.split)
        scorer: ScoresArrays = model.trained
        if analysis.split.folds is not None and not isinstance(model.trained, Network):
            columns["fold"], scorer = fold, model.trained.by(fold)
        if model.exported is not None:
            columns |= {"fold": np.zeros_like(fold)} if "fold" in columns else {}
            scorer = model.exported.on(chunk, plan.where)
        x = values if len(every) == len(features) else np.ascontiguousarray(values[:, : len(features)])
        if not has_parameters:
            return columns | known | _at_each_hypothesis(scorer, analysis, x, model.hypotheses)
        found = _at_own_parameters(scorer, plan, variables, x, task.at)
        probability = {} if model.calibration is None else {"probability": model.calibration(found["score"])}
        return columns | known | found | probability

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
    """Divide chunks into smaller ones of a fixed size; yield the number of their first row, and the chunk."""
    done = 0
    for chunk in chunks:
        for start in range(0, max(_length(chunk), 1), ROWS):
            yield done + start, {name: values[start : start + ROWS] for name, values in chunk.items()}
        done += _length(chunk)


def _at_own_parameters(
    network: ScoresArrays, plan: Plan, variables: Variables, x: NDArray[np.float32], at: Mapping[str, float]
) -> Columns:
    """Parameters from the file or from `at`, and the scores at these values."""
    analysis, length = plan.analysis, len(x)
    rows = np.zeros((length, len(analysis.parameters)), np.float32)
    for i, (name, parameter) in enumerate(analysis.parameters.items()):
        rows[:, i] = at[name] if name in at else plan.evaluate(parameter.variable or name, variables, length)
    parameters = {name: rows[:, i].copy() for i, name in enumerate(analysis.parameters)}
    scores = score_columns(_as_scores(network.score(x, rows), analysis))
    return {**parameters, **{column_name(name): values for name, values in scores.items()}}


def _at_each_hypothesis(
    network: ScoresArrays, analysis: Analysis, x: NDArray[np.float32], hypotheses: Sequence[tuple[float, ...]]
) -> Columns:
    """The scores at each parameter value of the training, for events without parameters."""
    columns = {}
    for hypothesis in hypotheses:
        rows = np.broadcast_to(np.asarray(hypothesis, np.float32), (len(x), len(hypothesis)))
        columns[hypothesis_column(tuple(analysis.parameters), hypothesis)] = network.score(x, rows)
    return columns


def _event_number(plan: Plan) -> str | None:
    number = plan.analysis.event_number
    if number and _available(plan, number):
        return column_of(number)
    return "event_number" if "event_number" in plan.available else None


def _numbers(plan: Plan, number: str, variables: Variables, length: int) -> NDArray[Any]:
    """Event numbers as the file has them; those of an expression, which computes in double precision, as integers."""
    values = plan.evaluate(number, variables, length)
    if number in plan.available:
        return values
    return whole_numbers(values, number, plan.where).view(np.int64)


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
    """A formula as a column name of letters, digits and `_`, which every format accepts.

    >>> column_name("Muon_pt[0]"), column_name("1 - x")
    ('Muon_pt_0', '_1_x')
    """
    name = re.sub(r"\W+", "_", text).strip("_")
    return f"_{name}" if name[:1].isdigit() else name or "_"


def column_names(texts: Sequence[str], reserved: Sequence[str]) -> dict[str, str]:
    """A column name for each formula; where two would have the same, the later ones are numbered.

    Args:
        texts: the formulas.
        reserved: names of other columns.

    >>> column_names(["jets/pt", "jets.pt", "score"], ["score"])
    {'jets/pt': 'jets_pt', 'jets.pt': 'jets_pt_2', 'score': 'score_2'}
    """
    found: dict[str, str] = {}
    for text in texts:
        name = plain = column_name(text)
        count = 1
        while name in reserved or name in found.values():
            count += 1
            name = f"{plain}_{count}"
        found[text] = name
    return found


def _reserved(analysis: Analysis, hypotheses: Sequence[tuple[float, ...]]) -> list[str]:
    """Names of the columns that are written beside the observers."""
    fixed = ["event_number", "selected", "fold", "score", "prediction", "predicted_class", "probability"]
    scores = [column_name(f"score_{name}") for name in analysis.classes]
    return [*fixed, *analysis.parameters, *scores, *(hypothesis_column(tuple(analysis.parameters), h) for h in hypotheses)]
