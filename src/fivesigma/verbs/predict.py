"""The verb `predict`: score every event of some files, in order."""

import copy
import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fivesigma import plugins
from fivesigma.analysis.analysis import Analysis
from fivesigma.atomic import folder_beside, writing
from fivesigma.baselines.saved import NETWORK, check_name
from fivesigma.cluster.base import tell
from fivesigma.data.formats import expand
from fivesigma.data.kept import keepable
from fivesigma.data.opening import Layout, plan_for, reader_of_new
from fivesigma.data.plan import EVENT_NUMBER
from fivesigma.data.readers.base import ColumnNames
from fivesigma.data.types import SameTypes, WiderTypes
from fivesigma.data.write import NothingToWrite, writable_format, write_columns
from fivesigma.data.writers.arrow import array
from fivesigma.deployment.exported import known_exports, path_of
from fivesigma.deployment.friends import Friends
from fivesigma.deployment.metadata import hashes
from fivesigma.deployment.scoring import (
    EXPORTED,
    KNOWN,
    WRAPPED,
    Columns,
    Scoring,
    absolute,
    available,
    column_names,
    reserved_names,
    row_count,
    scored,
)
from fivesigma.errors import AnalysisError, DataError, EventsError, OutputError, RunError
from fivesigma.preparation.parameters import outside_training, trained_ranges
from fivesigma.progress import Listener
from fivesigma.reporting.deployment import rounded_in_words, wrapped_in_words
from fivesigma.runs.context import RUNS, RunContext, parameter_values
from fivesigma.runs.file_folds import say_who_scores, training_samples
from fivesigma.runs.folder import TRAINED, RunFolder
from fivesigma.runs.run import Run
from fivesigma.runs.trained_on import Counts, TrainedOn
from fivesigma.verbs.base import check_cluster


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
    analysis, given, layout = folder.analysis(), parameter_values(at), Layout(format, treename, columns)
    check_name(analysis, model)
    if not isinstance(run, Run) and Path(run) != folder.path:
        listener.say(f"with the run {folder}")
    given = _check_exported(folder, exported, model, given)
    if exported is not None:
        _say_which_export(folder, exported, listener)
    listed = expand(_names(files), repeated=True)
    check_cluster(context, shares=len(listed) > 1 and not friend)
    _check_parameters(analysis, given, folder.hypotheses(), listener)
    observers = [] if friend else _common_observers(analysis, listed, layout, given, listener)
    seen = _seen_files(folder, analysis, listed, listener)
    chosen = model if exported is None else f"{EXPORTED}{exported}"
    kept = _common_columns(analysis, listed, layout, folder.hypotheses(), listener) if keep else []
    task = Scoring(str(folder.path.absolute()), tuple(observers), given, seen, chosen, layout, tuple(kept))
    if friend:
        return _friends(task, analysis, listed, destination, listener)
    types: dict[str, np.dtype[Any]] = {}
    while True:
        if len(listed) > 1 and workers != 1:
            chunks = _side_by_side(task, analysis, listed, destination, context)
        else:
            chunks = _one_by_one(task, listed, listener)
        counts = Counts(analysis.split.folds if exported is None else None)
        outside = _Outside(analysis, given, folder.hypotheses(), (*kept, *observers))
        try:
            with closing(chunks):
                rows = write_columns(destination, _without_known(chunks, counts, outside), types=types)
            break
        except WiderTypes as error:
            types |= error.types
            listener.say(f"scoring again from the first event, because later events need {_in_words(error.types)}")
    counts.say(listener)
    outside.say(listener)
    listener.done(f"scored {rows:,} events: {destination}")
    return rows


def _names(files: Any) -> list[str]:
    """The files as a list of names."""
    files = [files] if isinstance(files, str | os.PathLike) else files
    listed = list(files) if isinstance(files, Iterable) else [files]
    for file in listed:
        if not isinstance(file, str | os.PathLike):
            raise EventsError(f"{file!r} is no name of a file", hint='give names, such as ["a.root", "b.root"]')
    return [str(file) for file in listed]


SHOWN = 5
"""Files in a message, at most."""


def _friends(task: "Scoring", analysis: Analysis, files: Sequence[str], folder: Path, listener: Listener) -> int:
    """Write a file of scores for each file; give the number of events written.

    Raises:
        DataError: if files could not be read, after all others are scored.
    """
    run = RunFolder(Path(task.run))
    layout = {"format": task.layout.format, "columns": _as_json(task.layout.columns)}
    scorer = {"network": hashes(run), "at": dict(task.at), "model": task.model, "layout": layout}
    if task.model.startswith(EXPORTED):
        scorer["exported"] = known_exports(run)[task.model.removeprefix(EXPORTED)]["sha256"]
    friends = Friends(folder, scorer, files, task.layout.treename)
    counts, rows = Counts(None if task.model.startswith(EXPORTED) else analysis.split.folds), 0
    outside = _Outside(analysis, task.at, run.hypotheses())
    failed: dict[str, DataError] = {}
    for file, place in friends.places.items():
        if place.exists():
            listener.say(f"there already: {place}")
            continue
        friends.begin(file)
        before = copy.deepcopy((counts, outside))
        try:
            with closing(_one_by_one(task, [file], listener)) as chunks:
                written = write_columns(place, _without_known(chunks, counts, outside))
        except NothingToWrite:
            listener.say(f"{file} has no events, so there is no {place}")
            continue
        except DataError as error:
            counts, outside = before
            failed[file] = error
            if len(friends.places) > 1:
                listener.say(f"warning: {file} is not scored: {error.what}")
            continue
        rows += written
        listener.say(f"{written:,} events: {place}")
    counts.say(listener)
    outside.say(listener)
    if len(friends.places) == len(failed) == 1:
        raise next(iter(failed.values()))
    if failed:
        names = ", ".join([*failed][:SHOWN]) + (", …" if len(failed) > SHOWN else "")
        raise DataError(
            f"{len(failed)} of {len(friends.places)} files are not scored: {names}; those of the others are in {folder}",
            hint="mend these files or leave them out; the same command goes on where it stopped",
        )
    listener.done(f"scored {rows:,} events: {folder}")
    return rows


def _seen_files(
    folder: RunFolder, analysis: Analysis, files: Sequence[str], listener: Listener
) -> dict[str, tuple[str, ...]]:
    """Files that a run of an older version with folds was trained on; later versions know the events themselves."""
    if analysis.split.folds is None or TrainedOn.load(folder) is not None:
        return {}
    trained = training_samples(folder, analysis, files)
    say_who_scores(files, list(trained), analysis.split.folds, listener)
    return {absolute(file): samples for file, samples in trained.items()}


class _Outside:
    """Counts events outside the ranges of the training: of parameters that are read from a file, and of the values of a
    quantised network.

    Args:
        analysis: names the parameters.
        at: values that were given, which are not in the files.
        hypotheses: of the training's signal; none if they are too many to list.
        others: columns of the files that are written beside the scores, whatever their names.
    """

    def __init__(
        self,
        analysis: Analysis,
        at: Mapping[str, float],
        hypotheses: Sequence[tuple[float, ...]],
        others: Sequence[str] = (),
    ) -> None:
        ranges = trained_ranges(tuple(analysis.parameters), hypotheses)
        self._ranges = {name: limits for name, limits in ranges.items() if name not in at}
        self._found: dict[str, tuple[int, str]] = {}
        self._others = frozenset(others)
        self._events = self._wrapped = self._undefined = 0

    def add(self, file: str, columns: Columns) -> None:
        """Count some events of a file."""
        self._events += row_count(columns)
        self._wrapped += int(np.sum(columns.get(WRAPPED, 0)))
        scores = [v for name, v in columns.items() if name.startswith(("score", "prediction")) and name not in self._others]
        numbers = [~np.isfinite(v) for v in scores if np.asarray(v).dtype.kind == "f"]
        self._undefined += int(np.any(numbers, axis=0).sum()) if numbers else 0
        for name, (low, high) in self._ranges.items():
            if name not in columns:
                continue
            values = columns[name]
            margin = ROUNDED * max(abs(low), abs(high))
            beyond = ~((values >= low - margin) & (values <= high + margin))
            if beyond.any():
                count, example = self._found.get(name, (0, f"{values[beyond][0]:g} in {file}"))
                self._found[name] = (count + int(beyond.sum()), example)

    def say(self, listener: Listener) -> None:
        """Warn of them."""
        if self._wrapped:
            listener.say(f"warning: {wrapped_in_words(self._wrapped, self._events)}")
        if self._undefined:
            listener.say(
                f"warning: {self._undefined:,} of {self._events:,} events have a score that is no number, as an input is "
                "too large to compute with: is it a marker of missing values (`missing_values`)?"
            )
        for name, (count, example) in self._found.items():
            low, high = self._ranges[name]
            listener.say(
                f"warning: {name} is outside the training range {low:g} … {high:g} in {count:,} of {self._events:,} events, "
                f"such as {example}: the network was not trained there; --at {name}=VALUE scores all events at one value"
            )


ROUNDED = 1e-3
"""Published files hold 499.99997 for 500."""


def _without_known(chunks: Iterator[tuple[str, Columns]], counts: Counts, outside: _Outside) -> Iterator[Columns]:
    """The columns that are written, after counting the events that were trained on, and those of other parameter values."""
    for file, columns in chunks:
        outside.add(file, columns)
        if KNOWN in columns:
            counts.add(file, columns[KNOWN])
        yield {name: values for name, values in columns.items() if name not in (KNOWN, WRAPPED)}


def _say_which_export(folder: RunFolder, format: str, listener: Listener) -> None:
    """Name the exported file that scores, the parameter values it is fixed at, and what rounding at its ports changes."""
    path, known = path_of(folder, format), known_exports(folder)[format]
    fixed = ", ".join(f"{name}={value:g}" for name, value in known["fixed"].items())
    listener.say(f"the scores are those of {path}" + (f", at {fixed} for all events, as it was exported" if fixed else ""))
    if rounded := known.get("proof", {}).get("rounded"):
        listener.say(
            "values are rounded as at the ports of the firmware; when it was exported, that changed the scores by "
            f"{rounded_in_words(rounded)}"
        )
    if plugins.exporters.get(format).runs_code:
        listener.say(f"{path} is compiled and run: do so only with runs that you trust")


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
        known = ", ".join(analysis.parameters)
        raise AnalysisError(
            f"the analysis has no parameter {unknown[0]!r}",
            hint=f"it has: {known}" if known else "it has none: leave it out",
        )
    for sentence in outside_training(at, trained_ranges(tuple(analysis.parameters), hypotheses)):
        listener.say(f"warning: {sentence}")


def _common_observers(
    analysis: Analysis, files: Sequence[str], layout: Layout, at: Mapping[str, float], listener: Listener
) -> list[str]:
    """Find the observers that all files have, and say which are left out.

    Raises:
        RunError: if some files lack a parameter and others do not: they would be different tables.
    """
    wanted = {name: parameter.variable or name for name, parameter in analysis.parameters.items() if name not in at}
    absent: dict[str, list[str]] = {}
    lacks: list[str] = []
    for file in files:
        plan = plan_for(analysis, reader_of_new(analysis, file, layout))
        for name in analysis.observers:
            if not available(plan, name):
                absent.setdefault(name, []).append(file)
        lacks.append(next((name for name, text in wanted.items() if not available(plan, text)), ""))
        if bool(lacks[-1]) != bool(lacks[0]):
            lacking, having = (file, files[0]) if lacks[-1] else (files[0], file)
            name = lacks[-1] or lacks[0]
            raise RunError(
                f"{lacking} has no parameter {name!r} and {having} has it, so their scores are different columns",
                hint=f"predict them one by one, or fix the value with --at {name}=VALUE",
            )
    for where in dict.fromkeys(map(tuple, absent.values())):
        names = sorted(name for name, lacking in absent.items() if tuple(lacking) == where)
        more = f" and {len(where) - 1} more" if len(where) > 1 else ""
        listener.say(f"not in {where[0]}{more}, so left out: {', '.join(names)}")
    return [name for name in analysis.observers if name not in absent]


def _common_columns(
    analysis: Analysis, files: Sequence[str], layout: Layout, hypotheses: Sequence[tuple[float, ...]], listener: Listener
) -> list[str]:
    """The columns to keep; files with different columns cannot be written as one table."""
    found: list[str] = []
    for i, file in enumerate(files):
        names, others = keepable(reader_of_new(analysis, file, layout))
        if i and (different := sorted({*names} ^ {*found})):
            raise RunError(
                f"{file} has other columns than {files[0]}, such as {different[0]!r}", hint="predict them one by one"
            )
        if others and not i:
            listed = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
            listener.say(f"not one number for each event in {file}, so left out: {listed}")
        found = found or names
    own = {*analysis.parameters, EVENT_NUMBER}
    written = column_names([name for name in found if name not in own], reserved_names(analysis, hypotheses))
    if renamed := [f"{name!r} as {new}" for name, new in written.items() if new != name]:
        more = f" and {len(renamed) - 5} more" if len(renamed) > 5 else ""
        listener.say(f"written under names of letters, digits and _: {', '.join(renamed[:5])}{more}")
    return found


def _as_json(columns: ColumnNames) -> Any:
    return {name: list(own) for name, own in columns.items()} if isinstance(columns, Mapping) else list(columns)


def _one_by_one(task: Scoring, files: Sequence[str], listener: Listener) -> Generator[tuple[str, Columns], None, None]:
    for file in files:
        total, done = None, 0
        with closing(scored(task, file)) as found:
            for columns, total in found:
                yield file, columns
                done += row_count(columns)
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
            pool.submit(key, _score_to, task, absolute(file) if context.workers.cluster else file, places[key])
        waiting, finished = deque(keys), set()
        for key, _ in pool.results(on_message):
            finished.add(key)
            while waiting and waiting[0] in finished:
                key = waiting.popleft()
                for columns in _read_part(places[key]):
                    yield keys[key], columns


def _in_words(types: Mapping[str, np.dtype[Any]]) -> str:
    return ", ".join(f"column {name!r} in {kind}" for name, kind in types.items())


def _score_to(task: Scoring, file: str, place: Path) -> None:
    """In a worker: write the scored columns of a file as an Arrow stream, one batch per chunk."""
    types: dict[str, np.dtype[Any]] = {}
    while True:
        try:
            return _write_part(task, file, place, types)
        except WiderTypes as error:
            types |= error.types


def _write_part(task: Scoring, file: str, place: Path, types: Mapping[str, np.dtype[Any]]) -> None:
    rows, same = 0, SameTypes(types)
    with writing(place) as part, ExitStack() as stack:
        sink: Any = None
        for columns, _ in stack.enter_context(closing(scored(task, file))):
            batch = pa.record_batch({name: array(values) for name, values in same.of(columns).items()})
            if sink is None:
                sink = stack.enter_context(pa.ipc.new_stream(stack.enter_context(pa.OSFile(str(part), "wb")), batch.schema))
            sink.write_batch(batch)
            rows += batch.num_rows
            tell(rows)


def _read_part(place: Path) -> Iterator[Columns]:
    """Read the chunks that `_score_to` has written, and remove the file."""
    if place.stat().st_size:  # a file without a float32 chunk leaves an empty one
        # Not memory-mapped: the mapped pages would count as memory of this process, and grow with the file.
        with pa.OSFile(str(place)) as source, pa.ipc.open_stream(source) as stream:
            for batch in stream:
                yield {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}
    place.unlink()
