"""Columns that are kept beside the scores."""

import numpy as np
import pytest

from fivesigma.data.kept import Kept
from fivesigma.errors import DataError


def test_a_column_has_the_type_of_its_beginning():
    kept = Kept(["n", "x", "flag"], [], "f.csv")
    first = kept.of({"n": np.array([1, 2]), "x": np.array([0.5, 1.0]), "flag": np.array([True, False])}, 2)
    assert [values.dtype.kind for values in first.values()] == ["i", "f", "b"]
    later = kept.of({"n": np.array([3.0, 4.0]), "x": np.array([1, 2]), "flag": np.array([True, True])}, 2)
    assert [values.dtype for values in later.values()] == [values.dtype for values in first.values()]
    assert later["n"].tolist() == [3, 4]


@pytest.mark.parametrize("value", [np.nan, 1.5, np.inf])
def test_whole_numbers_that_are_missing_later_are_refused(value):
    kept = Kept(["n"], [], "f.csv")
    kept.of({"n": np.array([1, 2])}, 2)
    with pytest.raises(DataError, match=r"column 'n' in f\.csv begins with whole numbers"):
        kept.of({"n": np.array([3.0, value])}, 2)


def test_columns_that_others_hold_are_left_out():
    assert Kept(["n", "x"], {"x"}, "f.csv").names == ["n"]
