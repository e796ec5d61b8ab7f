"""Read tables into Events as an analysis describes; only necessary columns are read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.samples import Sample
from fivesigma.analysis.units import units_of
from fivesigma.data.formats import expand, split_treename
from fivesigma.data.opening import plan_for, reader_for
from fivesigma.data.plan import EVENT_NUMBER, Plan, Variables, as_column
from fivesigma.data.readers.base import CHUNK, Columns, Reader
from fivesigma.data.values import (
    TARGET,
    Ranges,
    parameters_of,
    singles_of,
    table_of,
    target_of,
    weight_of,
    whole_numbers,
)
from fivesigma.errors import AnalysisError, EventsError
from fivesigma.events import Events, gather
from fivesigma.hashing import fingerprints
from fivesigma.names import column_of, is_number, quoted
from fivesigma.progress import Progress, silent


@dataclass(frozen=True)
class Loaded:
    """The events of one sample.

    Attributes:
        name: the sample's name.
        use: `split`, `train`, `val` or `test`.
        events: its events, after the selection.
        read: number of events read, before the selection.
        files: the files they came from.
        notes: what is worth a line about the files and the numbers in them.
    """

    name: str
    use: str
    events: Events
    read: int
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()


def load_samples(
    analysis: Analysis, progress: Progress = silent, kept: Callable[[Events], Events] = lambda events: events
) -> list[Loaded]:
    """Read every sample of an analysis.

    Args:
        analysis: names the files.
        progress: hears how far it is.
        kept: the events of a sample → the same, held as they are to be while the next one is read.

    Raises:
        AnalysisError: if no sample has files.
        DataError, ColumnNotFound: if a file cannot be read, or a column does not exist.
        LeakageError: if a feature gives the answer away.
        EventsError: if events cannot be used, for example because their label is NaN.
    """
    samples = {name: sample for name, sample in analysis.samples.items() if sample.files}
    if not samples:
        raise AnalysisError(f"{analysis.name} names no files", hint="give --data train=FILE, or `samples` in the file")
    found = list[Loaded]()
    for name, sample in samples.items():
        found.append(_load_sample(analysis, name, sample, progress))
        found[-1] = replace(found[-1], events=kept(found[-1].events))
    return found


def read_events(
    analysis: Analysis,
    plan: Plan,
    reader: Reader,
    sample: Sample | None,
    *,
    size: int = CHUNK,
    ranges: Ranges | None = None,
) -> Iterator[tuple[Events, int]]:
    """Yield the selected events of one file in chunks, each with the number of rows before the selection.

    Args:
        analysis, plan, reader: the file, and what is read from it.
        sample: the sample it belongs to, if any.
        size: rows of a chunk.
        ranges: learns the smallest and largest value of what is kept in single precision.
    """
    _check_weights(analysis, plan, sample)
    texts = [text for text in _formulas(analysis, plan, sample) if not _is_constant(text, plan)]
    columns = plan.columns([*plan.features, *texts])
    number = _event_number(analysis, plan)
    integers, float32 = {number} if number else set[str](), plain_features(plan, plan.features, texts)
    for chunk in reader.chunks(columns or list(plan.available[:1]), size, integers=integers, float32=float32):
        length = len(next(iter(chunk.values())))
        variables = plan.variables(chunk)
        chosen = _selected(plan, variables, sample, length)
        yield _events(plan, variables, sample, chosen, ranges or Ranges()), length


def read_with_columns(
    analysis: Analysis, plan: Plan, reader: Reader, sample: Sample | None, columns: Sequence[str]
) -> Iterator[tuple[Columns, Events]]:
    """Yield the selected events of one file in chunks, each with some columns as they stand in the file.

    Args:
        analysis, plan, reader, sample: as for `read_events`.
        columns: their names.
    """
    _check_weights(analysis, plan, sample)
    texts = [text for text in _formulas(analysis, plan, sample) if not _is_constant(text, plan)]
    names = list(dict.fromkeys([*plan.columns([*plan.features, *texts]), *columns]))
    number = _event_number(analysis, plan)
    for chunk in reader.chunks(names, integers={number} if number else set()):
        length = len(next(iter(chunk.values())))
        variables = plan.variables(chunk)
        chosen = _selected(plan, variables, sample, length)
        kept = {name: as_column(chunk[name], quoted(name), plan.where, length)[chosen] for name in columns}
        yield kept, _events(plan, variables, sample, chosen, Ranges())


def read_formulas(analysis: Analysis, name: str, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read columns or expressions of the selected events of a sample, in the order of events in `load_samples`.

    Args:
        analysis: resolved.
        name: of the sample.
        texts: columns or expressions.

    Returns:
        Text → its values, [event].

    Raises:
        ColumnNotFound: if a file has no such column.
    """
    sample = analysis.samples[name]
    selections = [text for text in (analysis.selection, sample.selection) if text is not None]
    found: dict[str, list[NDArray[Any]]] = {text: [] for text in texts}
    for file in expand(sample.files):
        reader = reader_for(analysis, file, sample)
        plan = plan_for(analysis, reader)
        columns = plan.columns([text for text in [*texts, *selections] if not _is_constant(text, plan)])
        for chunk in reader.chunks(columns or list(plan.available[:1])):
            length = len(next(iter(chunk.values())))
            variables = plan.variables(chunk)
            chosen = _selected(plan, variables, sample, length)
            for text in texts:
                values = np.full(length, float(text)) if _is_constant(text, plan) else plan.evaluate(text, variables, length)
                found[text].append(values[chosen])
    return {text: np.concatenate(pieces) for text, pieces in found.items()}


def _load_sample(analysis: Analysis, name: str, sample: Sample, progress: Progress) -> Loaded:
    files = expand(sample.files)
    sizes = [Path(split_treename(file)[0]).stat().st_size for file in files]
    total, read = sum(sizes), 0
    notes, ranges = list[str](), Ranges()

    def parts() -> Iterator[tuple[Events, float]]:
        nonlocal read
        for i, file in enumerate(files):
            reader = reader_for(analysis, file, sample)
            plan = plan_for(analysis, reader)
            plan.check_no_truth()
            notes.extend(reader.notes())
            rows = 0
            for events, length in read_events(analysis, plan, reader, sample, ranges=ranges):
                rows, read = rows + length, read + length
                done = sum(sizes[:i]) + sizes[i] * min(reader.share(rows), 1.0)
                progress(done, total, f"reading {name}: {read:,} events")
                yield events, done / max(total, 1)

    events = gather(parts())
    progress(total, total, f"reading {name}: {read:,} events")
    if events is None:
        raise EventsError(f"sample {name!r} has no events in {', '.join(files)}")
    if len(events) == 0:
        texts = [f"'{text}'" for text in (analysis.selection, sample.selection) if text is not None]
        raise EventsError(
            f"no event of sample {name!r} passes the selection ({read:,} read): {' and '.join(texts)}",
            hint=f"`fivesigma explore {files[0]}` shows between which values each column lies",
        )
    notes += ranges.notes(analysis, name)
    return Loaded(name, analysis.use_of(name), events, read, tuple(files), tuple(notes))


def plain_features(plan: Plan, features: Sequence[str], others: Sequence[str]) -> set[str]:
    """Columns that are used as features only, without a formula; float32 is precise enough for them.

    Args:
        plan: of the table.
        features: columns or formulas.
        others: formulas beside the features.
    """
    formulas = [*others, *(name for name in features if name not in plan.available)]
    return set(features).intersection(plan.available).difference(plan.columns(formulas))


def _is_constant(text: str, plan: Plan) -> bool:
    """Whether a formula is a number, and no column has it as its name."""
    return is_number(text) and text not in plan.available


def _check_weights(analysis: Analysis, plan: Plan, sample: Sample | None) -> None:
    """Refuse a weight that may be a number or a column.

    Raises:
        AnalysisError: naming it.
    """
    for text in (analysis.weights, sample.weight if sample else None):
        if text is not None and is_number(text) and text in plan.available:
            raise AnalysisError(
                f"the weight {text} is a number, and {plan.where} has a column of this name",
                hint=f"write 1 * {text} for the number, or 1 * `{text}` for the column",
            )


def _formulas(analysis: Analysis, plan: Plan, sample: Sample | None) -> list[str]:
    """All formulas that an event needs beside its features."""
    texts = [*analysis.observers, *(p.variable or name for name, p in analysis.parameters.items())]
    texts += [p.background_variable for p in analysis.parameters.values() if p.background_variable]
    optional = [analysis.selection, analysis.weights, sample and sample.selection, sample and sample.weight]
    answer = analysis.labels or analysis.target
    if answer is not None and (sample is None or sample.label is None):
        optional.append(answer.variable)
    number = _event_number(analysis, plan)
    return [*texts, *(text for text in optional if text), *([number] if number else [])]


def _event_number(analysis: Analysis, plan: Plan) -> str | None:
    """The column with event numbers: that of the analysis, otherwise a column `event_number` if there is one."""
    if analysis.event_number:
        return column_of(analysis.event_number)
    return EVENT_NUMBER if EVENT_NUMBER in plan.available else None


def _selected(plan: Plan, variables: Variables, sample: Sample | None, length: int) -> NDArray[np.bool_] | slice:
    chosen: NDArray[np.bool_] | None = None
    for text in (plan.analysis.selection, sample.selection if sample else None):
        if text is not None:
            values = plan.evaluate(text, variables, length)
            # A missing value is no reason to keep an event, though NaN counts as true in NumPy.
            passed = (values != 0) & (values == values)
            chosen = passed if chosen is None else chosen & passed
    return slice(0, length) if chosen is None else chosen


def _events(
    plan: Plan, variables: Variables, sample: Sample | None, chosen: NDArray[np.bool_] | slice, ranges: Ranges
) -> Events:
    analysis = plan.analysis
    length = chosen.stop if isinstance(chosen, slice) else len(chosen)
    count = length if isinstance(chosen, slice) else int(chosen.sum())

    def column(text: str) -> NDArray[Any]:
        if _is_constant(text, plan):
            return np.full(count, float(text))
        return plan.evaluate(text, variables, length)[chosen]

    columns = [column(name) for name in plan.features]
    for name, values in zip(plan.features, columns, strict=True):
        ranges.add(name, values)
    singles = singles_of(columns)
    if analysis.target is not None:
        ranges.add(TARGET, column(analysis.target.variable))
    target = target_of(analysis, sample, column, plan.where)
    parameters = parameters_of(analysis, column, target, plan.where, count, ranges)
    number = _event_number(analysis, plan)
    events = Events(
        features=table_of(singles, count),
        feature_names=plan.features,
        target=target,
        weight=weight_of(analysis, sample, column, count, plan.where),
        parameters=parameters,
        parameter_names=tuple(analysis.parameters),
        classes=analysis.classes,
        observers={name: np.ascontiguousarray(column(name)) for name in analysis.observers},
        units=units_of(analysis, [*plan.features, *analysis.observers]),
    )
    # Of the columns as they are, which takes less time than those of the table, whose values lie apart.
    fingerprint = fingerprints(
        [*singles, *parameters.T, *(c.astype(np.float32) for c in (target, *events.observers.values()))]
    )
    numbers = whole_numbers(column(number), number, plan.where) if number else fingerprint
    return replace(events, event_number=numbers, fingerprint=fingerprint)
