"""Read tables into Events as an analysis describes; only necessary columns are read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.answers import Labels
from fivesigma.analysis.samples import Sample
from fivesigma.data.formats import expand, guess_format, open_table, split_treename
from fivesigma.data.plan import EVENT_NUMBER, Plan, Variables, as_column
from fivesigma.data.readers.base import CHUNK, ColumnNames, Columns, Reader
from fivesigma.errors import AnalysisError, DataError, EventsError
from fivesigma.events import Events, gather
from fivesigma.hashing import fingerprints
from fivesigma.names import column_of, is_number, matches, quoted
from fivesigma.progress import Progress, silent

_ROWS = 4096


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


TARGET = "target"
MOST_WEIGHT = 1e30
"""Largest weight: the sum of the squares of any number of such weights is still a number."""

_LEAST_STEPS = 4096
"""Steps of single precision in the range of values below which values that differ become the same too often."""


_ALL_WHOLE = 2**24
"""Up to here single precision holds all whole numbers."""


class Ranges:
    """Smallest and largest value of features and target, to tell whether single precision can hold their differences."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, float]] = {}

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Take note of some values of a feature, or of the target under the name `TARGET`."""
        if len(values) == 0:
            return
        low, high = self._found.get(name, (np.inf, -np.inf))
        least, most = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
        self._found[name] = (least if least < low else low, most if most > high else high)

    def notes(self, analysis: Analysis, sample: str) -> list[str]:
        """A sentence for each feature that loses its differences.

        Raises:
            EventsError: if the target does.
        """
        notes = []
        for name, (low, high) in self._found.items():
            if not (np.isfinite(low) and np.isfinite(high)):
                continue
            step = float(np.spacing(np.float32(min(max(abs(low), abs(high)), 1e38))))
            # What a text format reads in single precision may have become one value already.
            merged = high - low < _LEAST_STEPS * step and (high > low or abs(high) > _ALL_WHOLE)
            if not merged:
                continue
            is_target = name == TARGET and analysis.target is not None
            shown = analysis.target.variable if is_target and analysis.target is not None else name
            what = (
                f"{'target' if is_target else 'feature'} {shown!r} lies between {low:g} and {high:g}: in single precision "
                f"it has only {_counted(int((high - low) / step) + 1)}"
            )
            if is_target:
                raise EventsError(f"{what} (sample {sample!r})", hint=f"subtract a constant: `target: {shown} - {low:g}`")
            notes.append(f"warning: {what}; subtract a constant in `new_variables`")
        return notes


def _counted(values: int) -> str:
    return "one value" if values == 1 else f"{values:,} different values"


def load_samples(analysis: Analysis, progress: Progress = silent) -> list[Loaded]:
    """Read every sample of an analysis.

    Raises:
        AnalysisError: if no sample has files.
        DataError, ColumnNotFound: if a file cannot be read, or a column does not exist.
        LeakageError: if a feature gives the answer away.
        EventsError: if events cannot be used, for example because their label is NaN.
    """
    samples = {name: sample for name, sample in analysis.samples.items() if sample.files}
    if not samples:
        raise AnalysisError(f"{analysis.name} names no files", hint="give --data train=FILE, or `samples` in the file")
    return [_load_sample(analysis, name, sample, progress) for name, sample in samples.items()]


def reader_for(analysis: Analysis, path: str, sample: Sample | None = None) -> Reader:
    """Open one file of a sample, with the tree and column names of the analysis."""
    treename = (sample.treename if sample else None) or analysis.treename
    return open_table(path, treename, analysis.columns, sample.format if sample else None)


@dataclass(frozen=True)
class Layout:
    """How to read a new file, if it does not show that itself.

    Attributes:
        format: name of the format.
        treename: tree, table or group inside the file.
        columns: names of columns that have none in the file.
    """

    format: str | None = None
    treename: str | None = None
    columns: ColumnNames = ()


def reader_of_new(analysis: Analysis, path: str, given: Layout = Layout()) -> Reader:
    """Open a new file, which is in no sample; settings that are not given are those of the samples.

    Args:
        analysis: analysis of the run.
        path: the file.
        given: settings of the user for this file.
    """
    samples = [sample for sample in analysis.samples.values() if sample.files]
    alike = [sample for sample in samples if _ending(path) in {_ending(file) for file in sample.files}]
    kind = given.format or _common([sample.format for sample in alike])
    if kind is None:
        try:
            guess_format(split_treename(path)[0])
        except DataError:
            kind = _common([sample.format for sample in samples])
    treename = given.treename or _common([sample.treename or analysis.treename for sample in alike or samples])
    return open_table(path, treename or analysis.treename, given.columns or analysis.columns, kind)


def _ending(path: str) -> str:
    return Path(split_treename(path)[0]).suffix.lower()


def _common(values: Sequence[str | None]) -> str | None:
    """The value, if it is the same for all samples; otherwise None."""
    return values[0] if values and set(values) == {values[0]} else None


def plan_for(analysis: Analysis, reader: Reader) -> Plan:
    """Match the analysis with the columns of one file."""
    return Plan(analysis, tuple(reader.types()), reader.where)


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
    texts = [text for text in _formulas(analysis, plan, sample) if not is_number(text)]
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
    texts = [text for text in _formulas(analysis, plan, sample) if not is_number(text)]
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
        columns = plan.columns([text for text in [*texts, *selections] if not is_number(text)])
        for chunk in reader.chunks(columns or list(plan.available[:1])):
            length = len(next(iter(chunk.values())))
            variables = plan.variables(chunk)
            chosen = _selected(plan, variables, sample, length)
            for text in texts:
                constant = is_number(text) and text not in plan.available
                values = np.full(length, float(text)) if constant else plan.evaluate(text, variables, length)
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
        raise EventsError(f"no event of sample {name!r} passes the selection ({read:,} read)")
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
        if is_number(text) and text not in plan.available:
            return np.full(count, float(text))
        return plan.evaluate(text, variables, length)[chosen]

    columns = [column(name) for name in plan.features]
    for name, values in zip(plan.features, columns, strict=True):
        ranges.add(name, values)
    features = features_of(columns, count)
    if analysis.target is not None:
        ranges.add(TARGET, column(analysis.target.variable))
    target = _target(analysis, sample, column, plan.where)
    parameters = _parameters(analysis, column, target, plan.where, count)
    number = _event_number(analysis, plan)
    events = Events(
        features=features,
        feature_names=plan.features,
        target=target,
        weight=_weight(analysis, sample, column, count, plan.where),
        parameters=parameters,
        parameter_names=tuple(analysis.parameters),
        classes=analysis.classes,
        observers={name: np.ascontiguousarray(column(name)) for name in analysis.observers},
        units=units_of(analysis, [*plan.features, *analysis.observers]),
    )
    fingerprint = fingerprints(
        [*features.T, *parameters.T, *(c.astype(np.float32) for c in (target, *events.observers.values()))]
    )
    numbers = whole_numbers(column(number), number, plan.where) if number else fingerprint
    return replace(events, event_number=numbers, fingerprint=fingerprint)


def features_of(columns: Sequence[NDArray[Any]], count: int) -> NDArray[np.float32]:
    """Put columns side by side in single precision, [event, feature]; infinite values become missing."""
    with np.errstate(over="ignore"):
        singles = [np.asarray(values, np.float32) for values in columns]
    features = np.empty((count, len(columns)), np.float32)
    for start in range(0, count, _ROWS):  # rows that stay in the processor's cache until they are complete
        rows = slice(start, start + _ROWS)
        for i, values in enumerate(singles):
            features[rows, i] = values[rows]
    features[~np.isfinite(features)] = np.nan
    return features


def _weight(analysis: Analysis, sample: Sample | None, column: Any, length: int, where: str) -> NDArray[np.float64]:
    weight = np.ones(length)
    for text in (analysis.weights, sample.weight if sample else None):
        if text is not None:
            weight = weight * column(text).astype(np.float64)
    if not np.isfinite(weight).all():
        raise EventsError(f"{int((~np.isfinite(weight)).sum()):,} events in {where} have a weight that is not a number")
    large = np.abs(weight) > MOST_WEIGHT
    if large.any():
        raise EventsError(
            f"{int(large.sum()):,} events in {where} have a weight above {MOST_WEIGHT:g}",
            hint="sums of their squares overflow: divide all weights by a constant",
        )
    return weight


def _parameters(analysis: Analysis, column: Any, target: NDArray[Any], where: str, length: int) -> NDArray[np.float32]:
    result = np.empty((length, len(analysis.parameters)), np.float32)
    for i, (name, parameter) in enumerate(analysis.parameters.items()):
        values = column(parameter.variable or name).astype(np.float64)
        as_is = np.zeros(length, bool)
        if parameter.background_variable is not None:
            as_is = target == 0
            values = np.where(as_is, column(parameter.background_variable), values)
        if not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).sum())
            raise EventsError(f"parameter {name!r} is missing in {bad:,} of {length:,} events in {where}")
        if parameter.values:
            # Published files hold 499.99997 for 500: an event belongs to the nearest value.
            allowed = np.sort(np.asarray(parameter.values, np.float64))
            middles = (allowed[1:] + allowed[:-1]) / 2
            nearest = allowed[np.searchsorted(middles, values)]
            drawn = target == 0 if parameter.background != "given" else np.zeros(length, bool)
            _refuse_far(values, nearest, as_is | drawn, allowed, f"parameter {name!r} in {where}")
            values = np.where(as_is, values, nearest)
        result[:, i] = values
    return result


def _refuse_far(
    values: NDArray[np.float64], nearest: NDArray[np.float64], free: NDArray[np.bool_], allowed: NDArray[Any], what: str
) -> None:
    """Refuse values that belong to no allowed one: farther outside than half a step, or than half of the value itself.

    Args:
        values: as they are in the file.
        nearest: the allowed value nearest to each.
        free: events that need not carry an allowed value.
        allowed: all of them, in rising order.
        what: what they are and where, for the message.
    """
    steps = np.diff(allowed) / 2
    limit = np.abs(nearest) / 2
    if len(steps):
        limit = np.minimum(np.where(limit > 0, limit, np.inf), np.where(values < allowed[0], steps[0], steps[-1]))
    outside = (values < allowed[0]) | (values > allowed[-1])
    far = outside & (np.abs(values - nearest) > np.where(limit > 0, limit, 1.0)) & ~free
    if far.any():
        raise EventsError(
            f"{what} is far from every allowed value in {int(far.sum()):,} of {len(values):,} events, such as "
            f"{values[far][0]:g}; allowed are {allowed[0]:g} … {allowed[-1]:g}",
            hint="is it in another unit? then convert it in `variable`; or remove these events with a selection",
        )


def _target(analysis: Analysis, sample: Sample | None, column: Any, where: str) -> NDArray[Any]:
    if analysis.target is not None:
        values = column(analysis.target.variable).astype(np.float32)
        _refuse_missing(values, analysis.target.variable, "target", where)
        return np.asarray(values)
    labels = analysis.labels
    assert labels is not None  # an analysis has one or the other
    if sample is not None and sample.label is not None:
        length = len(column("1"))
        return np.full(length, analysis.classes.index(sample.label), np.int64)
    if labels.variable is None:
        raise AnalysisError("no class is given: set `label` of each sample, or `labels.variable`")
    values = column(labels.variable)
    _refuse_missing(values, labels.variable, "label", where)
    return _classes(labels, values, where)


def _refuse_missing(values: NDArray[Any], name: str, what: str, where: str) -> None:
    bad = int((~np.isfinite(values.astype(np.float64))).sum())
    if bad:
        raise EventsError(
            f"{bad:,} of {len(values):,} events read from {where} have no {what}: {name!r} is NaN or infinite",
            hint=f"remove them with a selection: isfinite({name})",
        )


def _classes(labels: Labels, values: NDArray[Any], where: str) -> NDArray[np.int64]:
    count = len(labels.classes)
    if labels.edges is not None:
        edges = np.asarray(labels.edges)
        index: NDArray[Any] = np.searchsorted(edges, values, side="right") - 1
        outside = (index < 0) | (index >= count)
        index[values == edges[-1]] = count - 1
        outside[values == edges[-1]] = False
        if outside.any():
            raise EventsError(
                f"{int(outside.sum()):,} events in {where} have {labels.variable!r} outside {labels.edges[0]:g} … "
                f"{labels.edges[-1]:g}",
                hint="widen `labels.edges` (.inf is allowed) or add a selection",
            )
        return np.asarray(index, np.int64)
    index = np.rint(values).astype(np.int64)
    wrong = (index != values) | (index < 0) | (index >= count)
    if wrong.any():
        found = ", ".join(f"{value:g}" for value in np.unique(values[wrong])[:3])
        raise EventsError(
            f"{int(wrong.sum()):,} events in {where} have {labels.variable!r} = {found}; "
            f"the classes are 0 to {count - 1} ({', '.join(labels.classes)})",
            hint="name every class in `labels.names`, or compute the index: for labels 1 and 2 write `variable: label - 1`",
        )
    return index


def whole_numbers(values: NDArray[Any], name: str, where: str) -> NDArray[np.uint64]:
    """Convert event numbers of any type, [event].

    Args:
        values: as they are read.
        name: of the column.
        where: names the file.

    Raises:
        DataError: if one is missing, has a fraction, or is too large for its type to hold it exactly.
    """
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise DataError(f"the event number {name!r} in {where} is missing in some events")
        broken = values != np.floor(values)
        if broken.any():
            raise DataError(
                f"the event number {name!r} in {where} is no number of events: {int(broken.sum()):,} events have no whole "
                f"number, such as {values[broken][0]:g}",
                hint="name a column of whole numbers in `event_number`",
            )
        exact = 2.0 ** (np.finfo(values.dtype).nmant + 1)
        if (np.abs(values) > exact).any():
            raise DataError(
                f"the event number {name!r} in {where} is too large for its type, {values.dtype}, which holds only whole "
                f"numbers up to {exact:.0f} exactly",
                hint="write it as 64-bit integers, or name another column in `event_number`",
            )
        return values.astype(np.int64).view(np.uint64)
    return values.astype(np.int64).view(np.uint64) if values.dtype.kind in "bi" else values.astype(np.uint64)


def units_of(analysis: Analysis, names: Sequence[str]) -> Mapping[str, str]:
    """Units of columns, by the names or globs in the analysis."""
    return {name: unit for name in names for pattern, unit in analysis.units.items() if matches(name, pattern)}
