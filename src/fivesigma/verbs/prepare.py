"""The verb `prepare`: write files of any format and size as shuffled Parquet shards, in bounded memory."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.file import load
from fivesigma.analysis.section import fields_with
from fivesigma.atomic import alone_in
from fivesigma.data.formats import expand, split_treename
from fivesigma.data.load import read_events
from fivesigma.data.normalisation import is_normalised, normalised
from fivesigma.data.opening import plan_for, reader_for
from fivesigma.data.readers.base import CHUNK
from fivesigma.data.shards import PARTS, Shards, ShardWriter
from fivesigma.data.values import Ranges
from fivesigma.errors import AnalysisError, EventsError, OutputError
from fivesigma.events import Events
from fivesigma.names import number_of
from fivesigma.preparation.split import (
    check_shares,
    expected_events,
    refuse_overlap,
    shared_with_test,
    sides,
    without_overlap,
)
from fivesigma.progress import Listener
from fivesigma.runs.context import RunContext
from fivesigma.runs.source import reading_settings, sample_settings, with_simulation
from fivesigma.verbs.base import AnalysisLike, check_cluster

SHARD_BYTES = 64 << 20
"""Memory of a shard unless their number is given."""
FEWEST, MOST = 8, 1024
"""Shards: enough to divide among processes, few enough to keep every one worth opening."""
SMALL_SHARD = 100
"""Training events of a shard below which its opening takes longer than the training on it."""
ROWS_PER_BUCKET = 2048
"""Rows that a piece of input has at least for each bucket, on average."""


def prepare(
    analysis: AnalysisLike,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    destination: str | Path | None = None,
    shards: int | None = None,
    listener: Listener | None = None,
    workers: int | None = None,
    cluster: str | None = None,
) -> Path:
    """Read, select, label and split an analysis's events once, and write them as shuffled Parquet shards.

    A call that was killed continues where it stopped; a finished one is not repeated.

    Args:
        analysis, settings, data: as for `run`.
        destination: the folder to write, by default `prepared/<name>`.
        shards: files of each part; by default as many as keep one of them below 64 MB.
        listener: receives messages and progress.
        workers, cluster: processes that simulate events, if there are no files.

    Returns:
        The folder, which the key `shards` of an analysis takes.

    Raises:
        OutputError: if the folder holds other events, or other files.
        LeakageError: if test events are also in the training files (`split.overlap`).
    """
    context = RunContext.of(listener=listener, workers=workers, cluster=cluster)
    listener = context.listener
    resolved = load(analysis, settings, data)
    if resolved.split.folds is not None:
        raise AnalysisError(
            "folds need all events in memory, and prepared events stay on disk",
            hint="leave out split.folds, or train from the files without `fivesigma prepare`",
        )
    simulated = not resolved.has_files
    check_cluster(context, shares=simulated)
    if simulated:
        resolved = with_simulation(resolved, listener, context.workers)
    uses = sorted({resolved.use_of(name) for name in resolved.samples})
    samples = {} if simulated else sample_settings(resolved)
    origin = {"simulated": simulated, "per_fb": is_normalised(resolved), "uses": uses, "samples": samples}
    resolved = normalised(resolved, listener.progress)
    folder = Path(destination) if destination is not None else Path("prepared") / resolved.name
    count = shards or _suitable(resolved)
    writer = ShardWriter(folder, count, _digest(resolved, count), {**reading_settings(resolved), **origin})
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file", hint="choose another folder with --output")
    with alone_in(folder):
        return _write(resolved, writer, listener)


def _write(resolved: Analysis, writer: ShardWriter, listener: Listener) -> Path:
    folder, count = writer.folder, writer.shards
    if _is_there(folder, writer.digest, listener):
        return folder
    if resolved.split.stratify:
        listener.say(
            "split.stratify needs all events in memory; here each class is split by hash, with the right shares on average"
        )
    like = _scatter(resolved, writer, listener)
    checked = "test" in {resolved.use_of(name) for name in resolved.samples}
    shared: dict[str, tuple[int, int]] = {}

    def clean(parts: dict[str, Events]) -> dict[str, Events]:
        """Without events that are in two parts; they are counted in all shards before they are an error."""
        if not checked or resolved.split.overlap == "keep":
            return parts
        for part, found in shared_with_test(parts).items():
            before = shared.get(part, (0, 0))
            shared[part] = before[0] + int(found.sum()), before[1] + len(found)
        return parts if resolved.split.overlap == "error" else without_overlap(parts, resolved.split)

    def check() -> None:
        if resolved.split.overlap == "error":
            refuse_overlap(shared)

    writer.gather(like, clean, resolved.split.seed, listener.progress, check)
    if dropped := sum(number for number, _ in shared.values()):
        listener.say(f"{number_of(dropped, 'event')} left out of the training, as the test has them too (split.overlap)")
    made = Shards(folder)
    _check_classes(made, resolved)
    if count > FEWEST and made.length("train") < count * SMALL_SHARD:
        listener.say(
            f"warning: the {count:,} shards hold {made.length('train') / count:,.1f} training events each, and every epoch "
            "opens them all: training from fewer, as without --shards, is much faster"
        )
    listener.done(", ".join(f"{made.length(part):,} {part}" for part in made.rows) + f" events in {count} shards: {folder}")
    return folder


def _is_there(folder: Path, digest: str, listener: Listener) -> bool:
    """Whether the folder is complete already.

    Raises:
        OutputError: if the folder holds something else.
    """
    if (folder / "prepared.json").is_file():
        if Shards(folder).digest == digest:
            listener.say(f"already prepared: {folder}")
            return True
        raise OutputError(f"{folder} holds events of other files or settings", hint="choose another folder, or remove it")
    if any(folder.iterdir()):
        if not any(folder.glob("spill-*")):
            raise OutputError(f"{folder} is not empty", hint="choose another folder with --output")
        listener.say(f"continuing in {folder}")
    return False


def _scatter(analysis: Analysis, writer: ShardWriter, listener: Listener) -> Events:
    """Distribute the events of all files to the shards; returns some events, for the names of the columns."""
    uses = {analysis.use_of(name) for name in analysis.samples}
    total = sum(Path(split_treename(file)[0]).stat().st_size for _, file in _files(analysis))
    size = max(CHUNK, writer.shards * ROWS_PER_BUCKET)
    like, piece, rows, done = None, 0, 0, 0
    ranges = Ranges()
    selected, counts = dict.fromkeys(uses, 0), dict.fromkeys(PARTS, 0)
    for name, file in _files(analysis):
        sample = analysis.samples[name]
        reader = reader_for(analysis, file, sample)
        plan = plan_for(analysis, reader)
        plan.check_no_truth()
        for note in reader.notes():
            listener.say(note)
        for events, length in read_events(analysis, plan, reader, sample, size=size, ranges=ranges):
            if like is not None and events.feature_names != like.feature_names:
                raise EventsError(f"{file} has other features than the first file", hint="name them instead of a glob")
            like = events.take(np.zeros(0, np.intp)) if like is None else like
            parts = sides(analysis.use_of(name), uses, events, analysis.split)
            if not writer.has(piece):
                writer.scatter(piece, parts or {"train": like})
            selected[analysis.use_of(name)] += len(events)
            for part, found in parts.items():
                counts[part] += len(found)
            piece, rows = piece + 1, rows + length
            listener.progress(done, total, f"reading {name}: {rows:,} events")
        done += Path(split_treename(file)[0]).stat().st_size
    if like is None:
        raise EventsError(f"{analysis.name}: there are no events in the files")
    check_shares(counts, expected_events(selected, analysis.split), writer.event_numbers())
    listener.done(f"read {rows:,} events")
    for note in ranges.notes(analysis, "of all files"):
        listener.say(note)
    return like


def _files(analysis: Analysis) -> Iterator[tuple[str, str]]:
    for name, sample in analysis.samples.items():
        if sample.files:
            yield from ((name, file) for file in expand(sample.files))


def _suitable(analysis: Analysis) -> int:
    """Shards of about 64 MB each, by the rows of the files, or by their size where rows are not known."""
    total = 0.0
    for name, file in _files(analysis):
        reader = reader_for(analysis, file, analysis.samples[name])
        plan = plan_for(analysis, reader)
        row_bytes = 4 * (len(plan.features) + len(analysis.parameters)) + 8 * (len(analysis.observers) + 4)
        rows = reader.length()
        # Text takes about ten bytes a number, a third of that when compressed.
        size = Path(split_treename(file)[0]).stat().st_size
        total += rows * row_bytes if rows is not None else size * (1.5 if file.endswith((".gz", ".bz2", ".zst")) else 0.5)
    return int(min(max(total / SHARD_BYTES, FEWEST), MOST))


def _digest(analysis: Analysis, shards: int) -> str:
    tree = [reading_settings(analysis), analysis.model_dump(mode="json", include=set(fields_with(Analysis, "place")))]
    stats = [Path(split_treename(file)[0]).stat() for _, file in _files(analysis)]
    inputs = [(row.st_size, row.st_mtime_ns) for row in stats]
    return hashlib.sha256(json.dumps([tree, inputs, shards], sort_keys=True).encode()).hexdigest()[:12]


def _check_classes(shards: Shards, analysis: Analysis) -> None:
    if shards.length("train") == 0:
        raise EventsError("no event is left for training", hint="lower `split.val` and `split.test`, or add events")
    for part in shards.rows:
        if part == "test":
            continue  # may lack a class, as in `split`
        counts = shards.index["parts"][part]["classes"]
        for name in analysis.classes:
            if shards.length(part) and counts.get(name, {"events": 0})["events"] == 0:
                raise EventsError(
                    f"class {name!r} has no event in the {part} part ({shards.length(part):,} events)",
                    hint="check `labels`, `selection` and the files; or add events",
                )
