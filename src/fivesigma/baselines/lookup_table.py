"""Lookup tables as trigger hardware uses them: coarse quantities form an address, which holds the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fivesigma.analysis.section import Section
from fivesigma.atomic import writing
from fivesigma.baselines.base import ArrayBaseline, ArrayModel, Sample
from fivesigma.runs.folder import RunFolder

Column = NDArray[np.float64]
FILE = "table.npz"


class AddressField(Section):
    """One quantity of a table's address."""

    bits: int = Field(gt=0, le=16, description="codes are 2^bits; one of them means missing, if it can be missing")
    low: float | None = Field(
        None, description="with `high`: steps of equal width between them, instead of equal population"
    )
    high: float | None = Field(None, description="upper end of the range of `low`")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("give both `low` and `high`, or neither")
        if self.low is not None and self.high is not None and self.high <= self.low:
            raise ValueError(f"the range [{self.low:g}, {self.high:g}] is empty: `low` must be below `high`")
        return self


class LookupTable(Section):
    """A lookup table as in trigger hardware: coarse quantities form an address, and its entry is the answer."""

    renamed: ClassVar[Mapping[str, str]] = {"least": "min_events"}

    kind: Literal["lookup_table"] = "lookup_table"
    address: dict[str, AddressField] = Field(
        min_length=1, description="column, new variable or parameter → bits of the address that it gets"
    )
    fill: Literal["mean", "quantile"] = Field(
        "mean",
        description="content of an address: the mean target of its training events "
        "(class shares for a classifier), or a quantile",
    )
    quantile: float = Field(0.5, gt=0, lt=1, description="which one `fill: quantile` takes; 0.5 is the median")
    min_events: int = Field(
        5,
        gt=0,
        description="training events that an address needs; below it, the answer of a coarser table counts, in which every "
        "quantity has one bit less",
    )

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, data: Any) -> Any:
        """`zone: 3` is short for `zone: {bits: 3}`."""
        if isinstance(data, dict) and isinstance(data.get("address"), dict):
            fields = {name: {"bits": field} if isinstance(field, int) else field for name, field in data["address"].items()}
            return {**data, "address": fields}
        return data

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.bits > 60:
            raise ValueError(f"the address has {self.bits} bits, more than 60")
        return self

    @property
    def bits(self) -> int:
        """Bits of the whole address."""
        return sum(field.bits for field in self.address.values())


@dataclass(frozen=True)
class Quantity:
    """How one quantity is converted to a code.

    Attributes:
        edges: inner edges between codes, rising; a value on an edge belongs above it.
        missing: whether code 0 means that there is no value.
    """

    edges: Column
    missing: bool

    @property
    def codes(self) -> int:
        """Number of codes."""
        return len(self.edges) + 1 + self.missing

    def __call__(self, values: NDArray[Any]) -> NDArray[np.uint64]:
        """The code of each value, [event].

        >>> Quantity(np.array([0.0, 10.0]), True)(np.array([-3.0, np.nan, 10.0])).tolist()
        [1, 0, 3]
        """
        code = np.searchsorted(self.edges, values, side="right") + self.missing
        return np.where(np.isnan(values), 0, code).astype(np.uint64)


@dataclass(frozen=True)
class Level:
    """A table of one granularity.

    Attributes:
        quantities: one per quantity of the address.
        addresses: addresses with an answer, ascending, [entry].
        answers: [entry], or [entry, class].
    """

    quantities: tuple[Quantity, ...]
    addresses: NDArray[np.uint64]
    answers: Column

    def address(self, columns: NDArray[Any]) -> NDArray[np.uint64]:
        """The address of each event, [event]."""
        result = np.zeros(len(columns), np.uint64)
        for i, quantity in enumerate(self.quantities):
            result = result * np.uint64(quantity.codes) + quantity(columns[:, i])
        return result


@dataclass(frozen=True)
class Table(ArrayModel):
    """A lookup table, and coarser ones for the addresses that the training has not filled.

    Attributes:
        levels: the finest first; the last one has a single address.
        bits: bits of the finest address.
    """

    levels: tuple[Level, ...]
    bits: int = 0

    def score(self, columns: NDArray[Any]) -> NDArray[np.float32]:
        """The answer for each event, [event] or [event, class].

        Args:
            columns: the quantities of the address, NaN where missing, [event, quantity].
        """
        result = np.full((len(columns), *self.levels[-1].answers.shape[1:]), np.nan)
        left = np.arange(len(columns))
        for level in self.levels:
            address = level.address(columns[left])
            place = np.minimum(np.searchsorted(level.addresses, address), max(len(level.addresses) - 1, 0))
            found = level.addresses[place] == address if len(level.addresses) else np.zeros(len(left), bool)
            result[left[found]] = level.answers[place[found]]
            left = left[~found]
        return result.astype(np.float32)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The table as named arrays, for an NPZ file."""
        arrays: dict[str, NDArray[Any]] = {}
        for i, level in enumerate(self.levels):
            arrays |= {f"{i}/addresses": level.addresses, f"{i}/answers": level.answers}
            for j, quantity in enumerate(level.quantities):
                arrays |= {f"{i}/{j}/edges": quantity.edges, f"{i}/{j}/missing": np.array(quantity.missing)}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Table":
        """The inverse of `to_arrays`.

        Raises:
            KeyError: if an array is missing.
        """
        levels = []
        for i in range(len({key.split("/")[0] for key in arrays})):
            count = len({key.split("/")[1] for key in arrays if key.startswith(f"{i}/") and key.count("/") == 2})
            quantities = (Quantity(arrays[f"{i}/{j}/edges"], bool(arrays[f"{i}/{j}/missing"])) for j in range(count))
            levels.append(Level(tuple(quantities), arrays[f"{i}/addresses"], arrays[f"{i}/answers"]))
        return cls(tuple(levels))

    @classmethod
    def fit(cls, settings: LookupTable, training: Sample, validation: Sample | None, classes: int, on_round: Any) -> "Table":
        """Fill the table with training events."""
        return fill(training.inputs, training.target, training.weight, settings, classes)

    def save(self, place: RunFolder) -> None:
        """Write all levels."""
        with writing(place / FILE) as part:
            np.savez_compressed(part, **self.to_arrays())  # type: ignore[arg-type]

    @classmethod
    def load(cls, place: RunFolder) -> "Table":
        """Read all levels."""
        with np.load(place / FILE, allow_pickle=False) as arrays:
            return cls.from_arrays(dict(arrays))

    def facts(self) -> dict[str, Any]:
        """Bits of the address, and filled addresses of each level."""
        return {"bits": self.bits, "filled": list(sizes(self))}

    def describe(self) -> str:
        """Say how many addresses are filled."""
        return f"{sizes(self)[0]:,} addresses filled"


def fill(columns: NDArray[Any], target: NDArray[Any], weight: Column, settings: LookupTable, classes: int = 0) -> Table:
    """Fill a table with training events.

    Each quantity of b bits has 2^b codes: bins of equal population, or of equal width if a range is given; if it is missing
    in some training events, one of the codes means "missing". Addresses with fewer than `min_events` training events are
    left to a coarser table, in which every quantity has one bit less, and so on down to a table with a single answer.

    Args:
        columns: the quantities in the order of `settings.address`, NaN where missing, [event, quantity].
        target: value to predict, or class index, [event].
        weight: [event]; negative weights count as zero.
        settings: address, bits and kind of answer.
        classes: number of classes; 0 for a regression.

    >>> from fivesigma.baselines.lookup_table import LookupTable
    >>> settings = LookupTable(kind="lookup_table", address={"x": 1}, min_events=1)
    >>> table = fill(np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([1.0, 3.0, 5.0, 7.0]), np.ones(4), settings)
    >>> table.score(np.array([[0.5], [10.0]])).tolist()
    [2.0, 6.0]
    """
    weight = np.maximum(np.asarray(weight, np.float64), 0)
    fields, levels = list(settings.address.values()), []
    for fewer in range(max(field.bits for field in fields) + 1):
        quantities = tuple(_quantity(columns[:, i], field, max(field.bits - fewer, 0)) for i, field in enumerate(fields))
        empty = Level(quantities, np.zeros(0, np.uint64), np.zeros(0))
        address = empty.address(columns)
        least = settings.min_events if any(quantity.codes > 1 for quantity in quantities) else 1
        levels.append(Level(quantities, *_answers(address, target, weight, settings, classes, least)))
    return Table(tuple(levels), settings.bits)


def _quantity(values: NDArray[Any], field: AddressField, bits: int) -> Quantity:
    present = values[~np.isnan(values)].astype(np.float64)
    missing = len(present) < len(values) and bits > 0
    bins = 2**bits - missing
    if len(present) == 0 or bins < 2:
        return Quantity(np.zeros(0), missing)
    if field.low is not None and field.high is not None:
        return Quantity(np.linspace(field.low, field.high, bins + 1)[1:-1], missing)
    shares = np.arange(1, bins) / bins
    # Values between two neighbours: a quantity with few values gets a code for each of them.
    distinct = np.unique(present)
    if len(distinct) <= bins:
        return Quantity((distinct[1:] + distinct[:-1]) / 2, missing)
    return Quantity(np.unique(np.quantile(present, shares)), missing)


def _answers(
    address: NDArray[np.uint64], target: NDArray[Any], weight: Column, settings: LookupTable, classes: int, least: int
) -> tuple[NDArray[np.uint64], Column]:
    """The addresses with enough events, ascending, and their answers."""
    found, entry, count = np.unique(address, return_inverse=True, return_counts=True)
    total = np.bincount(entry, weight, len(found))
    kept = (count >= least) & (total > 0)
    if classes:
        sums = np.bincount(entry * classes + target.astype(np.intp), weight, len(found) * classes)
        return found[kept], sums.reshape(-1, classes)[kept] / total[kept, None]
    if settings.fill == "mean":
        return found[kept], np.bincount(entry, weight * target, len(found))[kept] / total[kept]
    order = np.lexsort((target, entry))
    passed = np.concatenate([[0.0], np.cumsum(weight[order])])
    starts = np.concatenate([[0], np.cumsum(count)])
    low, high = passed[starts[:-1]], passed[starts[1:]]
    wanted = low + settings.quantile * (high - low)
    # Where the share is reached between two values, the middle of them: else the median of two would be the lower one.
    slack = 1e-9 * (high - low)
    ends = [
        np.searchsorted(passed, wanted - slack, side="left") - 1,
        np.searchsorted(passed, wanted + slack, side="right") - 1,
    ]
    places = [np.clip(end, starts[:-1], starts[1:] - 1) for end in ends]
    answers = (target[order][places[0]] + target[order][places[1]].astype(np.float64)) / 2
    return found[kept], answers[kept]


def sizes(table: Table) -> Sequence[int]:
    """Filled addresses of each level, the finest first."""
    return [len(level.addresses) for level in table.levels]


def _label(settings: LookupTable) -> str:
    return f"a lookup table of {settings.bits} bits"


def _inputs(settings: LookupTable) -> tuple[str, ...]:
    return tuple(settings.address)


def _refuses(settings: LookupTable, classes: int) -> tuple[str, str] | None:
    if classes and settings.fill == "quantile":
        return "a lookup table of classes holds shares, not a quantile", "set `fill: mean`"
    return None


LOOKUP_TABLE = ArrayBaseline("lookup_table", LookupTable, Table, _label, _inputs, scales_target=False, refuses=_refuses)
