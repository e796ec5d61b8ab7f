"""Pairs of columns that say the same: duplicates, and columns that are each other times a constant."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.exploration.summary import correlation_matrix
from fivesigma.whole_numbers import beyond_doubles

ROWS = 20_000
"""Events on which correlations are computed."""
MOST_COLUMNS = 600
"""Of more columns no correlations are computed: there would be too many pairs."""
_FEWEST = 10
"""Events in which both columns are there, from which a correlation says something."""
ONE = 1 - 1e-9
"""Absolute correlation from which it counts as 1: single precision leaves about 1e-14."""


def same(columns: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Columns that say the same as one before them.

    Args:
        columns: name → numbers, all [event] of the same events.

    Returns:
        Name → what is to be said of it.
    """
    found: dict[str, str] = {}
    first: dict[bytes, str] = {}
    for name, values in columns.items():
        if len(values) < 2 or values.min() == values.max():
            continue  # constant, which is said already
        # Doubles cannot tell large whole numbers apart.
        key = (values if beyond_doubles(values) else np.asarray(values, np.float64)).tobytes()
        if key in first:
            found[name] = f"the same values as {first[key]}"
        else:
            first[key] = name
    names = [name for name in first.values() if not beyond_doubles(columns[name])]
    if 1 < len(names) <= MOST_COLUMNS:
        for name, other, sign in _proportional({name: columns[name] for name in names}, names):
            found.setdefault(name, f"correlation {sign}1 with {other}: one follows from the other")
    return found


def _proportional(columns: Mapping[str, NDArray[Any]], names: Sequence[str]) -> list[tuple[str, str, str]]:
    step = max(1, len(columns[names[0]]) // ROWS)
    x = np.column_stack([np.asarray(columns[name][::step], np.float64) for name in names])
    x[~np.isfinite(x)] = np.nan
    with np.errstate(all="ignore"):
        # Squares of very large numbers would overflow.
        x /= np.nanmax(np.abs(x), axis=0, initial=np.finfo(np.float64).tiny)
    present = np.isfinite(x).astype(np.float64)
    enough = present.T @ present >= _FEWEST
    matrix = np.tril(np.where(enough, np.nan_to_num(correlation_matrix(x)), 0.0), -1)
    pairs = np.argwhere(np.abs(matrix) > ONE)
    earliest: dict[int, int] = {}
    for row, column in pairs.tolist():
        earliest.setdefault(row, column)
    return [(names[i], names[j], "" if matrix[i, j] > 0 else "−") for i, j in earliest.items()]
