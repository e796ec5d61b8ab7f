"""Events: the immutable columns of one sample, which readers make and everything else takes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.errors import EventsError
from fivesigma.whole_numbers import of_one_type


@dataclass(frozen=True)
class Events:
    """Columns of equal length, one row per event.

    Attributes:
        features: network inputs as read, float32 [event, feature]; NaN where missing.
        feature_names: one name per feature.
        target: class index (int64) or regression target (float32), [event]; empty when unknown.
        weight: event weight, float64 [event].
        parameters: physics parameters given to the network, such as a mass, float32 [event, parameter].
        parameter_names: one name per parameter.
        classes: class names in the order of their index; empty for regression.
        observers: columns carried along and never trained on, each [event].
        event_number: what splits and folds are made by, uint64 [event].
        fingerprint: a 64-bit hash of each row's content, to find one event in two places.
        units: unit of a column, by name; absent for dimensionless or unknown.
    """

    features: NDArray[np.float32]
    feature_names: tuple[str, ...]
    target: NDArray[Any]
    weight: NDArray[np.float64]
    parameters: NDArray[np.float32]
    parameter_names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    observers: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    event_number: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    fingerprint: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    units: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.features)

    def _repr_html_(self) -> str:
        """For notebooks: what the events are, and a line for each feature and parameter."""
        from html import escape

        columns = {name: self.features[:, i] for i, name in enumerate(self.feature_names)}
        columns |= {name: self.parameters[:, i] for i, name in enumerate(self.parameter_names)}
        rows = [[name, self.units.get(name, ""), *_statistics(column)] for name, column in columns.items()]
        head = ["column", "unit", "missing", "mean", "std", "min", "median", "max"]
        counts = [f"{np.sum(self.target == i):,} {name}" for i, name in enumerate(self.classes) if len(self.target)]
        about = ", ".join([f"{len(self):,} events", *counts, f"sum of weights {self.weight.sum():,.6g}"])
        lines = [
            "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in row)
            for tag, row in [("th", head), *(("td", row) for row in rows)]
        ]
        return f"<p>{escape(about)}</p><table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"

    def take(self, index: NDArray[Any] | slice) -> "Events":
        """The events at `index` (positions, a boolean mask or a slice), in that order."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), np.ndarray)}
        if self.event_number is self.fingerprint:
            del arrays["event_number"]  # one array serves as both
        changes: dict[str, Any] = {name: values[index] for name, values in arrays.items() if len(values)}
        if self.event_number is self.fingerprint and "fingerprint" in changes:
            changes["event_number"] = changes["fingerprint"]
        return replace(self, **changes, observers={name: column[index] for name, column in self.observers.items()})

    def with_parameters(self, values: Sequence[float]) -> "Events":
        """The same events under the hypothesis that every event has these parameter values.

        Raises:
            EventsError: if there is not one value for each parameter.
        """
        row = np.atleast_1d(np.asarray(values, np.float32))
        if row.shape != (len(self.parameter_names),):
            listed = ", ".join(self.parameter_names) or "(none)"
            raise EventsError(f"{values!r} is not one value for each of the parameters {listed}")
        return replace(self, parameters=np.broadcast_to(row, (len(self), len(row))).copy())


def _statistics(column: NDArray[Any]) -> list[str]:
    """Share of missing entries, then mean, standard deviation, smallest, middle and largest of the others, as text."""
    there = column[np.isfinite(column)].astype(np.float64)
    missing = f"{100 * (1 - len(there) / max(len(column), 1)):.2f} %"
    if not len(there):
        return [missing, *["–"] * 5]
    return [missing, *(f"{f(there):.4g}" for f in (np.mean, np.std, np.min, np.median, np.max))]


def carries(parameters: NDArray[np.float32], values: Sequence[float]) -> NDArray[np.bool_]:
    """Which events carry these parameter values, [event].

    Args:
        parameters: [event, parameter].
        values: one for each parameter.

    >>> carries(np.array([[500.0], [750.0]], np.float32), (750,)).tolist()
    [False, True]
    """
    return np.asarray((parameters == np.asarray(values, np.float32)).all(axis=1))


def parameter_text(value: float) -> str:
    """A parameter's value as names of hypotheses show it: six digits, or as many as single precision needs.

    >>> parameter_text(500.0), parameter_text(1e-07), parameter_text(125.0001)
    ('500', '1e-07', '125.0001')
    """
    short, single = f"{value:g}", np.float32(value)
    return short if np.float32(short) == single else str(single).removesuffix(".0")


def concatenate(parts: Sequence[Events]) -> Events:
    """All events of several samples, in order.

    Raises:
        EventsError: if the samples differ in their features or in the order of them.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts:
        check_features(part, first)
    changes: dict[str, Any] = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts])
        for f in fields(first)
        if isinstance(getattr(first, f.name), np.ndarray)
    }
    observers = {name: _joined(name, [part.observers[name] for part in parts]) for name in first.observers}
    return replace(first, **changes, observers=observers)


def _joined(name: str, parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(_alike(name, parts))


def _alike(name: str, parts: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Parts of an observer in one type.

    Raises:
        EventsError: if that would round whole numbers.
    """
    try:
        return of_one_type(parts)
    except ValueError as error:
        raise EventsError(
            f"no type holds all values of the observer {name.removeprefix('observers/')!r}: {error}",
            hint="write the same type into all files, or leave it out of `observers`",
        ) from None


def gather(parts: Iterable[tuple[Events, float]]) -> Events | None:
    """All events of a stream, in order, in arrays that grow with it: unlike by `concatenate`, nothing is held twice.

    Args:
        parts: events, each with the share of the stream that has passed with them, from 0 to 1, as good as it is known.

    Returns:
        The events, or None if there was no part.

    Raises:
        EventsError: if parts differ in their features or in the order of them.
    """
    first, columns, used = None, dict[str, _Column](), 0
    for part, share in parts:
        first = part.take(np.zeros(0, np.intp)) if first is None else first
        check_features(part, first)
        arrays = _arrays(part)
        if part.event_number is part.fingerprint and "event_number" not in columns:
            del arrays["event_number"]  # one array serves as both
        elif used and "event_number" not in columns:
            columns["event_number"] = columns["fingerprint"].copy(used)
        expected = int((used + len(part)) / max(share, 1e-3) * 1.02) if share < 1 else 0
        for name, values in arrays.items():
            columns.setdefault(name, _Column(values, name)).add(values, used, expected)
        used += len(part)
        del part, arrays, values  # their memory serves the next ones
    if first is None:
        return None
    whole: dict[str, Any] = {name: column.done(used) for name, column in columns.items()}
    whole.setdefault("event_number", whole["fingerprint"])
    observers = {name: whole.pop(f"observers/{name}") for name in first.observers}
    return replace(first, **whole, observers=observers)


class _Column:
    """One growing column of all parts.

    Args:
        like: values of the first part, for their shape and type.
        name: of the column.
    """

    def __init__(self, like: NDArray[Any], name: str) -> None:
        self._values, self._name = np.empty((0, *like.shape[1:]), like.dtype), name

    def add(self, values: NDArray[Any], used: int, expected: int) -> None:
        """Put values behind the `used` ones; if there is no room, make it for `expected` rows."""
        if values.dtype != self._values.dtype:
            before, values = _alike(self._name, [self._values[:used], values])
            if before.dtype != self._values.dtype:
                self._values = before
            del before
        if used + len(values) > len(self._values):
            # The pages of an array may move, so that it is not copied; no view of it exists.
            rows = max(used + len(values), expected)
            if used:
                self._values.resize((rows, *self._values.shape[1:]), refcheck=False)
            else:
                self._values = np.empty((rows, *self._values.shape[1:]), self._values.dtype)
        self._values[used : used + len(values)] = values

    def copy(self, used: int) -> "_Column":
        """Another column of the same values."""
        other = _Column(self._values, self._name)
        other.add(self._values[:used], 0, len(self._values))
        return other

    def done(self, used: int) -> NDArray[Any]:
        """The values, without the room behind them."""
        self._values.resize((used, *self._values.shape[1:]), refcheck=False)
        return self._values


def _arrays(events: Events) -> dict[str, NDArray[Any]]:
    """Every column by name, observers as `observers/<name>`."""
    own = {f.name: getattr(events, f.name) for f in fields(events) if isinstance(getattr(events, f.name), np.ndarray)}
    return {**own, **{f"observers/{name}": values for name, values in events.observers.items()}}


def check_features(part: Events, first: Events) -> None:
    """Refuse events whose features are others, or stand in another order.

    Raises:
        EventsError: naming the features.
    """
    if part.feature_names != first.feature_names:
        raise EventsError(
            f"the samples differ in their features: {', '.join(part.feature_names)} is not {', '.join(first.feature_names)}",
            hint="a glob in `features` follows the order in each file; name the features instead",
        )
