"""One column of a table: type, missing entries, range, distribution, and what looks wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.exploration.summary import is_event_number, known_marker
from fivesigma.names import is_number

BINS = 24
"""Bins of the distribution of a column."""
FEW_VALUES = 12
"""So many different values get a bar each."""
CENTRAL = 0.98
"""Share of the values that the distribution shows, in their middle."""
FAR = 1e6
"""Interquartile ranges from the median from which a value is an outlier."""
MOST_COMMON = 5
"""Values of text that are listed."""
_PILE = 0.001
"""Share of a number at one end, from which it may be a marker of missing values."""


@dataclass(frozen=True)
class Shape:
    """A distribution.

    Attributes:
        edges: of the bins, one more than counts; for few different values, the values themselves, as many as counts.
        counts: values in each bin.
        log: whether the bins are equally wide in the logarithm.
    """

    edges: list[float]
    counts: list[int]
    log: bool = False

    def bars(self, width: int) -> str:
        """The distribution as blocks, at most `width` of them; an empty bin is a blank.

        >>> Shape([0, 1, 2, 3], [1, 0, 8]).bars(12), Shape([0, 1], [0]).bars(12)
        ('▁ █', ' ')
        """
        counts = np.asarray(self.counts, np.float64)
        if len(counts) > width:
            counts = np.add.reduceat(counts, np.linspace(0, len(counts), width, endpoint=False).astype(int))
        top = counts.max(initial=0) or 1
        return "".join(" ▁▂▃▄▅▆▇█"[min(int(np.ceil(8 * count / top)), 8)] for count in counts)


@dataclass(frozen=True)
class Column:
    """What is known of a column.

    Attributes:
        name: in the file.
        type: in the file.
        looked_at: number of events looked at.
        missing: share of the events without a value: NaN, null, or text of no letters.
        unique: number of different values; None if they were not counted.
        unique_is_estimate: whether it is estimated from a sample.
        numbers: `min`, `q25`, `median`, `q75`, `max`, `mean` of all finite values; empty for text.
        shape: the distribution, or None.
        lengths: `min`, `mean`, `max` of the lengths of lists; empty if there are none.
        marker: a number that seems to stand for a missing value, and its share; None if there is none.
        common: the most common values of text, and their shares.
        remarks: what looks wrong, as what one says of the column: "always 0".
        notes: what is only worth knowing.
    """

    name: str
    type: str
    looked_at: int = 0
    missing: float = 0.0
    unique: int | None = None
    unique_is_estimate: bool = False
    numbers: Mapping[str, float] = field(default_factory=dict)
    shape: Shape | None = None
    lengths: Mapping[str, float] = field(default_factory=dict)
    marker: tuple[float, float] | None = None
    common: Sequence[tuple[str, float]] = ()
    remarks: Sequence[str] = ()
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "type": self.type,
            "looked_at": self.looked_at,
            "missing": self.missing,
            "unique": self.unique,
            "unique_is_estimate": self.unique_is_estimate,
            **{key: self.numbers.get(key) for key in ("min", "q25", "median", "q75", "max", "mean")},
            "lengths": dict(self.lengths) or None,
            "marker": {"value": self.marker[0], "share": self.marker[1]} if self.marker else None,
            "common": [{"value": value, "share": share} for value, share in self.common],
            "distribution": None
            if self.shape is None
            else {"edges": self.shape.edges, "counts": self.shape.counts, "log": self.shape.log},
            "suspicious": list(self.remarks),
            "notes": list(self.notes),
        }


def described(name: str, kind: str, values: Any, total: int | None) -> Column:
    """Describe a column.

    Args:
        name: of the column.
        kind: its type in the file.
        values: NumPy array [event] of numbers or objects, or an Awkward array of lists or texts.
        total: number of events in the files, if only some were looked at; None if these are all.
    """
    with np.errstate(all="ignore"):  # whatever a file holds is described
        return _described(name, kind, values, total)


def _described(name: str, kind: str, values: Any, total: int | None) -> Column:
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "biuf":
            return _of_numbers(name, kind, values, len(values), total)
        return _of_text(name, kind, [_as_text(value) for value in values.tolist()], total)
    import awkward as ak

    if values.ndim == 1:
        return _of_text(name, kind, [_as_text(value) for value in ak.to_list(values)], total)
    lengths = np.asarray(ak.num(values, axis=1))
    inside = ak.flatten(values, axis=None)
    if "string" in str(inside.type):
        inner = _of_text(name, kind, [_as_text(value) for value in ak.to_list(inside)], total and len(inside))
    else:
        numbers = np.asarray(ak.to_numpy(ak.drop_none(inside)))
        inner = _of_numbers(name, kind, numbers, len(lengths), total, in_lists=True)
    spread = (
        {"min": float(lengths.min()), "mean": float(lengths.mean()), "max": float(lengths.max())} if len(lengths) else {}
    )
    remarks = inner.remarks
    if spread and spread["max"] == 0:
        remarks = ["an empty list in every event"]
    known = {**inner.__dict__, "looked_at": len(lengths), "lengths": spread, "remarks": remarks}
    return Column(**known)


def _exact(value: Any) -> float:
    """A number of NumPy as Python's; a whole one that a float does not hold, such as an event number, stays whole."""
    plain = value.item()
    return plain if isinstance(plain, int) and int(float(plain)) != plain else float(plain)


def _of_numbers(
    name: str, kind: str, values: NDArray[Any], events: int, total: int | None, in_lists: bool = False
) -> Column:
    """Describe numbers, of each event or of all lists."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    nans = int(np.isnan(values).sum()) if values.dtype.kind == "f" else 0
    infinite = len(values) - len(finite) - nans
    missing = nans / max(len(values), 1)
    if len(finite) == 0:
        remarks = ["missing in every event"] if len(values) and not infinite else []
        remarks += [f"infinite in {_counted(infinite, 'event')}"] if infinite else []
        return Column(name, kind, events, missing, 0, remarks=remarks)
    different, counts = np.unique(finite, return_counts=True)
    unique, estimated = _unique(counts, len(finite), len(values), total if not in_lists else None, total is not None)
    # Bytes would overflow in the differences below, and half precision in the sums.
    wide = finite.astype(np.float64)
    quartiles = np.quantile(wide, [0.25, 0.5, 0.75])
    numbers = {
        "min": _exact(different[0]),
        **dict(zip(("q25", "median", "q75"), quartiles.tolist(), strict=True)),
        "max": _exact(different[-1]),
        "mean": _mean(wide),
    }
    marker = _marker(different.astype(np.float64), counts)
    shown = wide if marker is None else wide[wide != marker[0]]
    remarks = []
    if infinite:
        remarks.append(f"infinite in {_counted(infinite, 'value' if in_lists else 'event')}")
    if len(different) == 1 and len(finite) > 1:
        remarks.append(f"always {_short(numbers['min'])}" + (" where it is not missing" if nans else ""))
    if marker is not None:
        remarks.append(
            f"exactly {_short(marker[0])} in {100 * marker[1]:.3g} % of the {'values' if in_lists else 'events'}, far from "
            f"all others: if this marks missing values, set missing_values: [{_short(marker[0])}]"
        )
    remarks += _outliers(shown, quartiles)
    notes = []
    if not in_lists and is_event_number(different, len(finite)):
        notes.append("whole numbers, almost all different: an event number, and no input of a network")
    return Column(
        name,
        kind,
        events,
        missing,
        unique,
        estimated,
        numbers,
        shape_of(shown),
        marker=marker,
        remarks=remarks,
        notes=notes,
    )


def _of_text(name: str, kind: str, values: Sequence[str | None], total: int | None) -> Column:
    """Describe text, [event]."""
    there = np.array([value for value in values if value], object)
    missing = 1 - len(there) / max(len(values), 1)
    if len(there) == 0:
        return Column(name, kind, len(values), missing, 0, remarks=["missing in every event"] if len(values) else [])
    different, counts = np.unique(there.astype(str), return_counts=True)
    unique, estimated = _unique(counts, len(there), len(values), total, total is not None)
    order = np.argsort(-counts, kind="stable")[:MOST_COMMON]
    common = [(str(different[i]), float(counts[i] / len(values))) for i in order]
    remarks = [f"always {common[0][0]!r}"] if len(different) == 1 and len(there) > 1 else []
    numbers = sum(is_number(value) for value in different)
    if numbers > 0 and kind in ("number", "text"):
        words = [str(value) for value in different if not is_number(value)]
        if words and numbers > len(words):
            remarks.append(f"numbers, and text in some events, such as {words[0]!r}")
    return Column(name, kind, len(values), missing, unique, estimated, common=common, remarks=remarks)


MANY = 100
"""If fewer values were found and all differ, the rest of the file may still repeat them."""


def _unique(counts: NDArray[Any], values: int, events: int, total: int | None, sampled: bool) -> tuple[int, bool]:
    """Number of different values, and whether it is an estimate.

    Args:
        counts: of each different value, [value].
        values: how many values were found.
        events: how many events were looked at.
        total: events of the file.
        sampled: whether the file has more events.

    The estimate is Chao's, from the numbers of values that were seen once and twice: it is exact where every value was seen
    several times, and a lower bound otherwise. A column whose values are all different in the sample is taken to be so in
    the file.
    """
    seen = len(counts)
    if not sampled:
        return seen, False
    if total is not None:
        total = round(total * values / max(events, 1))  # values in the file, if the same share of them is missing there
    if seen == values >= MANY and total is not None:
        return max(total, seen), True
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    guess = seen + once * (once - 1) / (2 * (twice + 1))
    return int(min(guess, total) if total is not None else guess), True


def _marker(different: NDArray[np.float64], counts: NDArray[Any]) -> tuple[float, float] | None:
    """A number such as −999 that piles up at one end, farther from the others than these are from each other."""
    if len(different) < 3:
        return None
    values = int(counts.sum())
    for value, count, others in ((different[0], counts[0], different[1:]), (different[-1], counts[-1], different[:-1])):
        known = known_marker(float(value)) is not None
        if not known and (count < 3 or count < _PILE * values or abs(value) < 9 or value != np.rint(value)):
            continue
        gap = others[0] - value if value < others[0] else value - others[-1]
        if gap > others[-1] - others[0]:
            return float(value), float(count / values)
    return None


def _outliers(values: NDArray[np.float64], quartiles: NDArray[np.float64]) -> list[str]:
    width = quartiles[2] - quartiles[0]
    if not width > 0 or len(values) == 0:
        return []
    distance = np.abs(values - quartiles[1])
    far = distance > FAR * width
    if not far.any():
        return []
    worst = values[np.argmax(distance)]
    number = int(far.sum())
    are = "value is" if number == 1 else "values are"
    return [f"{number:,} {are} more than a million interquartile ranges from the median, such as {_short(float(worst))}"]


def shape_of(values: NDArray[np.float64]) -> Shape | None:
    """The distribution of the central values, in bins that suit them: one for each of few, logarithmic for a long tail.

    >>> shape_of(np.array([0.0, 1.0, 1.0]))
    Shape(edges=[0.0, 1.0], counts=[1, 2], log=False)
    """
    if len(values) == 0:
        return None
    different, counts = np.unique(values, return_counts=True)
    if len(different) <= FEW_VALUES:
        return Shape(different.tolist(), counts.tolist())
    tail = (1 - CENTRAL) / 2
    low, middle, high = np.quantile(values, [tail, 0.5, 1 - tail])
    if not high > low:
        low, high = different[0], different[-1]
    log = bool(low > 0 and high > 20 * middle)
    with np.errstate(over="ignore"):
        edges = np.geomspace(low, high, BINS + 1) if log else np.linspace(low, high, BINS + 1)
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        return None
    return Shape(edges.tolist(), np.histogram(values, edges)[0].tolist(), log)


def _mean(values: NDArray[np.float64]) -> float:
    largest = float(np.abs(values).max())
    if largest < 1e300:
        return float(values.mean())
    return float((values / largest).mean() * largest)


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _short(value: float) -> str:
    """A number as people write it.

    >>> _short(-999.0), _short(1e30), _short(0.25)
    ('-999', '1e+30', '0.25')
    """
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e9 else f"{value:.4g}"
