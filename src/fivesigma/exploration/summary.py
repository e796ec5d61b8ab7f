"""Numbers that describe a sample: columns, missing entries, classes, distributions, correlations."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.cluster.cores import cores
from fivesigma.events import Events
from fivesigma.metrics.histogram import histogram, sensible_edges
from fivesigma.metrics.order import quantiles
from fivesigma.names import matches
from fivesigma.prefetch import side_by_side
from fivesigma.preparation.split import shares_table

MOST_FOR_CORRELATION = 200_000
"""Correlations are computed on at most this many events: their error is then below 0.003."""

TOGETHER = 4
"""Columns that are taken out of a table at a time."""


def summarise(analysis: Analysis, parts: Mapping[str, Events], kinds: Mapping[str, str]) -> dict[str, Any]:
    """Compute everything that `explore` reports, as plain numbers.

    The distributions are those of training and validation events; of the test events only the
    counts are used.

    Args:
        analysis: for names and class edges.
        parts: the split events.
        kinds: type of each column in the file.

    Returns:
        `parts` (events and Σw), `columns`, `classes`, `shares`, `distributions`, `target`,
        `observers`, `correlations`, `memory_bytes`.
    """
    seen = [events for part, events in parts.items() if part != "test"]
    first, shapes = seen[0], _Shapes(seen)
    return {
        "parts": {part: _counts(events) for part, events in parts.items()},
        "memory_bytes": sum(_bytes(events) for events in parts.values()),
        "columns": columns_table(seen, kinds),
        "classes": classes_table(parts) if first.classes else {},
        "shares": shares_table(parts) if first.classes else {},
        "distributions": shapes.features(),
        "parameters": {
            name: shapes.by_class(np.concatenate([events.parameters[:, i] for events in seen]))
            for i, name in enumerate(first.parameter_names)
        },
        "target": _target(analysis, shapes),
        "observers": {
            name: shapes.by_class(column)
            for name in first.observers
            for column in [np.concatenate([events.observers[name] for events in seen])]
            if column.dtype.kind in "biuf" and not _is_identifier(column)
        },
        "correlations": correlations(seen),
        "test_events_used": "counts only",
    }


MOST_WHOLE_VALUES = 1000


def _is_identifier(column: NDArray[Any]) -> bool:
    """Whether a column is a number of runs or events, or constant: its distribution has no meaning."""
    values = np.asarray(column, np.float64)
    values = values[np.isfinite(values)]
    if len(values) == 0 or values.min() == values.max():
        return True
    whole = bool((values == np.rint(values)).all())
    return whole and (values.max() - values.min() > MOST_WHOLE_VALUES or values.min() > 10 * MOST_WHOLE_VALUES)


def _counts(events: Events) -> dict[str, float]:
    weight = events.weight
    squares = float((weight**2).sum())
    return {
        "events": len(events),
        "weight": float(weight.sum()),
        "effective_events": float(weight.sum()) ** 2 / squares if squares else 0.0,
        "negative_share": float((weight < 0).mean()) if len(events) else 0.0,
    }


def _bytes(events: Events) -> int:
    arrays = [events.features, events.target, events.weight, events.parameters, *events.observers.values()]
    return int(sum(array.nbytes for array in arrays))


def columns_table(seen: Sequence[Events], kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    """One row per feature and parameter: type, unit, missing share and spread (unweighted).

    Args:
        seen: events of one or several parts.
        kinds: type of each column in the file.
    """
    names = [*seen[0].feature_names, *seen[0].parameter_names]
    columns = chain(_columns(seen), _columns(seen, "parameters"))
    return [
        {"name": name, "type": kinds.get(name, "computed"), "unit": seen[0].units.get(name, ""), **described}
        for name, described in zip(names, side_by_side(_describe, columns, cores()), strict=True)
    ]


def _columns(seen: Sequence[Events], of: str = "features") -> Iterator[NDArray[Any]]:
    """One column of all parts after another: a table of all events would be as large as the events."""
    # A few at a time: they lie side by side, and each look at a table reads lines of memory, not single numbers.
    for first in range(0, getattr(seen[0], of).shape[1], TOGETHER):
        yield from np.concatenate([getattr(events, of)[:, first : first + TOGETHER].T for events in seen], axis=1)


def _describe(column: NDArray[Any]) -> dict[str, Any]:
    present = column[np.isfinite(column)]
    missing = 1 - len(present) / max(len(column), 1)
    if len(present) == 0:
        return {"missing": missing}
    low, q25, q50, q75, high = quantiles(np.sort(present), [0, 0.25, 0.5, 0.75, 1])
    present = present.astype(np.float64)
    spread = {"mean": float(present.mean()), "std": float(present.std())}
    return {"missing": missing, **spread, "min": low, "q25": q25, "median": q50, "q75": q75, "max": high}


MARKERS = (-99999.0, -9999.0, -999.0, -999.9, -99.0, -99.9, 999.0, 9999.0, 99999.0)
"""Numbers that ntuples write where there is nothing to write."""


def known_marker(value: float) -> float | None:
    """The marker that a value is, if it is one; a column of doubles may hold it in single precision.

    >>> known_marker(float(np.float32(-99.9))), known_marker(-98.0)
    (-99.9, None)
    """
    if not abs(value) < 1e6:
        return None
    return next((marker for marker in MARKERS if np.float32(marker) == np.float32(value)), None)


def suspected_markers(parts: Mapping[str, Events], known: Sequence[float]) -> dict[str, tuple[float, float]]:
    """Features with a marker such as −999, far from all other values.

    Returns:
        feature → (marker, share of the training events, or of the events of all folds, with it).
    """
    events = _learnt(parts)
    found = side_by_side(lambda column: _suspected_marker(column, known), _columns([events]), cores())
    return {name: one for name, one in zip(events.feature_names, found, strict=True) if one is not None}


def _suspected_marker(column: NDArray[Any], known: Sequence[float]) -> tuple[float, float] | None:
    """The marker in a column, and the share of the events with it."""
    found, finite = None, column[np.isfinite(column)]
    # A marker is far from all other values, so it is the smallest or the largest.
    for end in (finite.min(), finite.max()) if len(finite) else ():
        marker = known_marker(float(end))
        if marker is None or marker in known:
            continue
        others = finite[finite != end]
        if len(others) == 0:
            continue
        apart = others.min() - end if marker < 0 else end - others.max()
        if apart > others.max() - others.min():
            found = marker, (len(finite) - len(others)) / len(column)
    return found


FEWEST = 1000
"""With fewer training events, a measurement in whole numbers can differ in almost every event by chance."""


def is_event_number(different: NDArray[Any], values: int) -> bool:
    """Whether whole numbers are almost all different, over a range that is no measurement's.

    Args:
        different: the different values, in order.
        values: how many there are, equal ones included.
    """
    if values < 100 or len(different) < 0.95 * values:
        return False
    # Beyond the precision of its type, every number is whole.
    whole = different.dtype.kind in "iu" or bool(
        (different == np.rint(different)).all()
        and np.abs(different[[0, -1]]).max() < 2.0 ** (np.finfo(different.dtype).nmant + 1)
    )
    return whole and float(different[-1]) - float(different[0]) >= 0.9 * values


def suspected_event_numbers(parts: Mapping[str, Events]) -> list[str]:
    """Features that look like event numbers, such as the column `event` if `features` is `*`."""
    events = _learnt(parts)
    found = []
    for name, column in zip(events.feature_names, events.features.T, strict=True):
        first = column[:FEWEST]  # enough to say of almost every feature that it is not
        if len(first) < FEWEST or not (first == np.rint(first)).all():
            continue
        present = column[np.isfinite(column)]
        if is_event_number(np.unique(present), len(present)):
            found.append(name)
    return found


def without_logarithm(parts: Mapping[str, Events], patterns: Sequence[str]) -> dict[str, float]:
    """Features of `prepare.log` that are zero or negative → the share of the training events in which they are."""
    events = _learnt(parts)
    found = {}
    for name, column in zip(events.feature_names, events.features.T, strict=True):
        if any(matches(name, pattern) for pattern in patterns) and (share := float((column <= 0).mean())) > 0:
            found[name] = share
    return found


def doubts(parts: Mapping[str, Events], known: Sequence[float], logged: Sequence[str] = ()) -> list[str]:
    """Warnings about features that may hold markers of missing values, or event numbers, or have no logarithm.

    Args:
        parts: the split events.
        known: the analysis's `missing_values`.
        logged: features whose logarithm is taken, globs allowed.
    """
    sentences = [
        f"{100 * share:.1f} % of {name} are exactly {value:g}; if this marks missing values, set missing_values: [{value:g}]"
        for name, (value, share) in suspected_markers(parts, known).items()
    ]
    sentences += [
        f"{name} is a whole number that differs in almost every event, like an event number; if it is one, a network can "
        f"only learn from it which events it was trained on: leave it out with exclude: [{name}]"
        for name in suspected_event_numbers(parts)
    ]
    sentences += [
        f"{name} is zero or negative in {100 * share:.2g} % of the events; it has no logarithm there and is imputed"
        for name, share in without_logarithm(parts, logged).items()
    ]
    return sentences


def _learnt(parts: Mapping[str, Events]) -> Events:
    """The training events, or the events of all folds."""
    return parts["train"] if "train" in parts else parts["folds"]


def classes_table(parts: Mapping[str, Events]) -> dict[str, dict[str, dict[str, float]]]:
    """part → class → number of events and Σw."""
    return {
        part: {
            name: {"events": int(member.sum()), "weight": float(events.weight[member].sum())}
            for i, name in enumerate(events.classes)
            for member in [events.target == i]
        }
        for part, events in parts.items()
    }


class _Shapes:
    """Makes histograms of columns of all events, for each class.

    Args:
        seen: events of one or several parts.
    """

    def __init__(self, seen: Sequence[Events]) -> None:
        self._seen = seen
        self.target, self.weight = (np.concatenate([getattr(each, of) for each in seen]) for of in ("target", "weight"))
        classes = enumerate(seen[0].classes)
        self._groups: dict[str, Any] = {name: np.flatnonzero(self.target == i) for i, name in classes}
        self._groups = self._groups or {"all": slice(None)}
        self._weights = {name: self.weight[member] for name, member in self._groups.items()}

    def by_class(self, column: NDArray[Any]) -> dict[str, Any]:
        """Class → histogram of a column, [event]."""
        values = np.asarray(column, np.float64)
        edges = sensible_edges(column)
        return {
            name: histogram(values[member], self._weights[name], edges).to_dict() for name, member in self._groups.items()
        }

    def features(self) -> dict[str, Any]:
        """Feature → class → histogram."""
        found = side_by_side(self.by_class, _columns(self._seen), cores())
        return dict(zip(self._seen[0].feature_names, found, strict=True))


def _target(analysis: Analysis, shapes: _Shapes) -> dict[str, Any]:
    if analysis.target is None:
        return {}
    values = shapes.target.astype(np.float64)
    return {
        "variable": analysis.target.variable,
        "unit": analysis.target.unit,
        **_describe(values),
        "histogram": histogram(values, shapes.weight, sensible_edges(values)).to_dict(),
    }


def correlations(seen: Sequence[Events]) -> dict[str, Any]:
    """Pearson correlation of every pair of features, over the events in which both are present.

    Args:
        seen: events of one or several parts.

    Returns:
        `names` and `matrix`; NaN (no pair, or a constant) becomes None.
    """
    step, start, chosen = max(1, sum(map(len, seen)) // MOST_FOR_CORRELATION), 0, []
    for events in seen:  # every step-th event of all
        chosen.append(events.features[start::step].astype(np.float64))
        start = (start - len(events)) % step
    x = np.concatenate(chosen)
    rows = [[float(v) if np.isfinite(v) else None for v in np.clip(row, -1, 1)] for row in correlation_matrix(x)]
    return {"names": list(seen[0].feature_names), "matrix": rows, "events": len(x)}


def correlation_matrix(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson correlation of every pair of columns, over the rows in which both are finite; NaN where there is none.

    Args:
        x: [event, column].

    >>> correlation_matrix(np.array([[0.0, 0.0], [1.0, -2.0]]))
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    present = np.isfinite(x)
    means = np.where(present, x, 0.0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    x = np.where(present, x - means, 0.0)
    mask = present.astype(np.float64)
    count = mask.T @ mask
    with np.errstate(all="ignore"):
        mean_of_first = (x.T @ mask) / count
        covariance = (x.T @ x) / count - mean_of_first * mean_of_first.T
        variance = ((x**2).T @ mask) / count - mean_of_first**2
        return np.asarray(covariance / np.sqrt(variance * variance.T))
