"""Columns → features, target, weight, parameters and event numbers of events, with the checks of their values."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.answers import Labels
from fivesigma.analysis.samples import Sample
from fivesigma.errors import AnalysisError, DataError, EventsError

_ROWS = 8192
TARGET = "target"
MOST_WEIGHT = 1e30
"""Largest weight: the sum of the squares of any number of such weights is still a number."""
_LEAST_STEPS = 4096
"""Steps of single precision in the range of values below which values that differ become the same too often."""
_ALL_WHOLE = 2**24
"""Up to here single precision holds all whole numbers."""

Column = Callable[[str], NDArray[Any]]
"""Column or formula → its values for the selected events, [event]."""


class Ranges:
    """Smallest and largest value of features and target, to tell whether single precision can hold their differences."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, float]] = {}
        self._between: dict[str, tuple[int, int, float]] = {}

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Take note of some values of a feature, or of the target under the name `TARGET`."""
        if len(values) == 0:
            return
        low, high = self._found.get(name, (np.inf, -np.inf))
        least, most = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
        self._found[name] = (least if least < low else low, most if most > high else high)

    def add_parameter(self, name: str, values: NDArray[np.float64], between: NDArray[np.bool_]) -> None:
        """Take note of values of a parameter, and of which of them lie between two allowed ones, near neither."""
        count, events, example = self._between.get(name, (0, 0, np.nan))
        if between.any() and not count:
            example = float(values[between][0])
        self._between[name] = (count + int(between.sum()), events + len(values), example)

    def notes(self, analysis: Analysis, sample: str) -> list[str]:
        """A sentence for each feature that loses its differences, and each parameter with values between the allowed ones.

        Raises:
            EventsError: if the target does.
        """
        notes = []
        for name, (count, events, example) in self._between.items():
            if count:
                notes.append(
                    f"warning: parameter {name!r} of {count:,} of {events:,} events of sample {sample!r} lies between the "
                    f"allowed values, such as {example:g}; each counts as the nearest one"
                )
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


def _some(chosen: NDArray[np.bool_]) -> str:
    """How many of the events that were read together.

    >>> _some(np.array([True, False, False]))
    '1 of 3 events'
    """
    return f"{int(chosen.sum()):,} of {len(chosen):,} events"


def singles_of(columns: Sequence[NDArray[Any]]) -> list[NDArray[np.float32]]:
    """Columns in single precision, [event] each; infinite values become missing."""
    found = []
    for column in columns:
        with np.errstate(over="ignore"):
            values = np.asarray(column, np.float32)
        finite = np.isfinite(values)
        found.append(values if finite.all() else np.where(finite, values, np.float32(np.nan)))
    return found


def features_of(columns: Sequence[NDArray[Any]], count: int) -> NDArray[np.float32]:
    """Put columns side by side in single precision, [event, feature]; infinite values become missing."""
    return table_of(singles_of(columns), count)


def table_of(singles: Sequence[NDArray[np.float32]], count: int) -> NDArray[np.float32]:
    """Columns of `count` values as one array, [event, column]."""
    table = np.empty((count, len(singles)), np.float32)
    for start in range(0, count, _ROWS):  # rows that stay in the processor's cache until they are complete
        rows = slice(start, start + _ROWS)
        for i, values in enumerate(singles):
            table[rows, i] = values[rows]
    return table


def weight_of(analysis: Analysis, sample: Sample | None, column: Column, length: int, where: str) -> NDArray[np.float64]:
    """The weight of each event, [event]: that of the analysis times that of the sample; 1 without either.

    Args:
        analysis, sample: say which columns or formulas are weights.
        column: gives their values.
        length: number of events.
        where: names the file.

    Raises:
        EventsError: if a weight is missing, infinite or above `MOST_WEIGHT`.
    """
    weight = np.ones(length)
    for text in (analysis.weights, sample.weight if sample else None):
        if text is not None:
            weight = weight * column(text).astype(np.float64)
    if not np.isfinite(weight).all():
        raise EventsError(
            f"the weight is not a number in {_some(~np.isfinite(weight))} read from {where}",
            hint="leave these events out with `selection`, or mend the file",
        )
    large = np.abs(weight) > MOST_WEIGHT
    if large.any():
        raise EventsError(
            f"the weight is above {MOST_WEIGHT:g} in {_some(large)} read from {where}",
            hint="sums of their squares overflow: divide all weights by a constant",
        )
    return weight


def parameters_of(
    analysis: Analysis, column: Column, target: NDArray[Any], where: str, length: int, ranges: Ranges
) -> NDArray[np.float32]:
    """The physics parameters of each event, [event, parameter]; of a parameter with `values` the nearest of them.

    Args:
        analysis: names the parameters and their columns.
        column: gives the values of a column or formula.
        target: class of each event, or regression target, [event].
        where: names the file.
        length: number of events.
        ranges: learns how many values are between the allowed ones.

    Raises:
        EventsError: if a value is missing, or far from every allowed one.
    """
    result = np.empty((length, len(analysis.parameters)), np.float32)
    for i, (name, parameter) in enumerate(analysis.parameters.items()):
        values = column(parameter.variable or name).astype(np.float64)
        as_is = np.zeros(length, bool)
        if parameter.background_variable is not None:
            as_is = target == 0
            values = np.where(as_is, column(parameter.background_variable), values)
        if not np.isfinite(values).all():
            raise EventsError(f"parameter {name!r} is missing in {_some(~np.isfinite(values))} read from {where}")
        if parameter.values:
            # Published files hold 499.99997 for 500: an event belongs to the nearest value.
            allowed = np.sort(np.asarray(parameter.values, np.float64))
            middles = (allowed[1:] + allowed[:-1]) / 2
            nearest = allowed[np.searchsorted(middles, values)]
            drawn = target == 0 if parameter.background != "given" else np.zeros(length, bool)
            _refuse_far(values, nearest, as_is | drawn, allowed, f"parameter {name!r} in {where}")
            ranges.add_parameter(name, values, _between(values, nearest, allowed) & ~(as_is | drawn))
            values = np.where(as_is, values, nearest)
        result[:, i] = values
    return result


def _between(values: NDArray[np.float64], nearest: NDArray[np.float64], allowed: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values lie between two allowed ones, farther from each than a tenth of the distance between these, [event]."""
    place = np.clip(np.searchsorted(allowed, values), 1, max(len(allowed) - 1, 1))
    if len(allowed) < 2:
        return np.zeros(len(values), bool)
    inside = (values > allowed[0]) & (values < allowed[-1])
    return np.asarray(inside & (np.abs(values - nearest) > _NEAR * (allowed[place] - allowed[place - 1])))


_NEAR = 0.1
"""A value belongs to an allowed one if it is nearer than this share of the distance to the next allowed one."""


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
            f"{what} is far from every allowed value in {_some(far)}, such as "
            f"{values[far][0]:g}; allowed are {allowed[0]:g} … {allowed[-1]:g}",
            hint="is it in another unit? then convert it in `variable`; or remove these events with a selection",
        )


def target_of(analysis: Analysis, sample: Sample | None, column: Column, where: str) -> NDArray[Any]:
    """What the network is to learn, [event]: the number of the class from 0, or the regression target.

    Args:
        analysis, sample: say where the class or the target is found.
        column: gives the values of a column or formula.
        where: names the file.

    Raises:
        AnalysisError: if nothing says which class the events have.
        EventsError: if a target or label is missing, or belongs to no class.
    """
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
    bad = ~np.isfinite(values.astype(np.float64))
    if bad.any():
        raise EventsError(
            f"the {what} {name!r} is NaN or infinite in {_some(bad)} read from {where}",
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
                f"{labels.variable!r} is outside {labels.edges[0]:g} … {labels.edges[-1]:g} in {_some(outside)} "
                f"read from {where}",
                hint="widen `labels.edges` (.inf is allowed) or add a selection",
            )
        return np.asarray(index, np.int64)
    index = np.rint(values).astype(np.int64)
    wrong = (index != values) | (index < 0) | (index >= count)
    if wrong.any():
        found = ", ".join(f"{value:g}" for value in np.unique(values[wrong])[:3])
        raise EventsError(
            f"{labels.variable!r} = {found} in {_some(wrong)} read from {where}; "
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
            raise DataError(f"the event number {name!r} is missing in {_some(~np.isfinite(values))} read from {where}")
        broken = values != np.floor(values)
        if broken.any():
            raise DataError(
                f"the event number {name!r} is not a whole number in {_some(broken)} read from {where}, such as "
                f"{values[broken][0]:g}",
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
