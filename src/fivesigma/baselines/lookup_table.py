"""A lookup table: coarse quantities make an address, which holds the answer; as trigger hardware does it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.baselines import AddressField, LookupTable

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """How one quantity becomes a code.

    Attributes:
        edges: inner edges between codes, rising; a value on an edge belongs above it.
        missing: whether code 0 says that there is no value.
    """

    edges: Column
    missing: bool

    @property
    def codes(self) -> int:
        """How many codes there are."""
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
    """A table of one fineness.

    Attributes:
        quantities: one per quantity of the address.
        addresses: those that hold an answer, rising, [entry].
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
class Table:
    """A lookup table with coarser ones behind it, for addresses that training has not filled.

    Attributes:
        levels: the finest first; the last has one address for everything.
    """

    levels: tuple[Level, ...]

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
        """Everything as named arrays, for an NPZ file."""
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


def fill(columns: NDArray[Any], target: NDArray[Any], weight: Column, settings: LookupTable, classes: int = 0) -> Table:
    """Fill a table with training events.

    Each quantity of b bits has 2^b codes: bins of equal population, or of equal width where a range is given; one code
    fewer, and one for "missing", if it is missing in training. An address that fewer than `least` training events have
    is left to a coarser table, in which every quantity has a bit less, and so on down to one answer for everything.

    Args:
        columns: the quantities in the order of `settings.address`, NaN where missing, [event, quantity].
        target: to be answered, or class index, [event].
        weight: [event]; negative ones count as zero.
        settings: bits, and what an address holds.
        classes: number of classes; 0 for a regression.

    >>> from fivesigma.analysis.baselines import LookupTable
    >>> settings = LookupTable(kind="lookup_table", address={"x": 1}, least=1)
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
        least = settings.least if any(quantity.codes > 1 for quantity in quantities) else 1
        levels.append(Level(quantities, *_answers(address, target, weight, settings, classes, least)))
    return Table(tuple(levels))


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
    """The addresses with enough events, rising, and what they answer."""
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
