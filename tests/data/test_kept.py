"""Columns that are kept beside the scores."""

import numpy as np

from fivesigma.data.kept import Kept


def test_columns_stay_as_they_are():
    chunk = {"n": np.array([3.0, np.nan]), "x": np.array([1, 2]), "flag": np.array([True, True])}
    found = Kept(["n", "x", "flag"], [], "f.csv").of(chunk, 2)
    assert list(found) == list(chunk)
    assert all(values is chunk[name] for name, values in found.items())


def test_columns_that_others_hold_are_left_out():
    assert Kept(["n", "x"], {"x"}, "f.csv").names == ["n"]
