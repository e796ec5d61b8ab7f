"""Columns that say the same."""

import numpy as np

from fivesigma.exploration.pairs import same


def test_large_whole_numbers_that_doubles_cannot_tell_apart_are_not_the_same():
    first = 1_700_000_000_000_000_000 + 4096 * np.arange(50)
    jitter = np.arange(50) % 3
    columns = {"a": first, "b": first + jitter, "c": first.copy(), "x": jitter * 1.0, "y": -2.0 * jitter}
    found = same(columns)
    assert found == {"c": "the same values as a", "y": "correlation −1 with x: one follows from the other"}
