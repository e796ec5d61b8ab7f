"""The numbers of figures as flat tables."""

import csv
import io

import pytest

from fivesigma.reporting.flat import csv_of, rows_of

HISTOGRAM = {"edges": [0, 1, 2], "counts": [5, 3], "errors": [2.5, 1.0], "outside": 0.0}


def test_histograms_have_a_row_for_each_bin_with_the_names_of_what_they_are_of():
    found = list(rows_of({"train": {"signal": HISTOGRAM}}))
    first = {"name": "train", "name 2": "signal", "outside": 0.0, "low": 0, "high": 1, "counts": 5, "errors": 2.5}
    assert found[0] == first
    assert len(found) == 2


@pytest.mark.parametrize(
    ("numbers", "rows"),
    [
        ({"x": [1, 2], "y": [3]}, [{"x": 1, "y": 3}, {"x": 2}]),
        ([{"a": 1, "auc": {"value": 0.5, "error": None}}], [{"a": 1, "auc.value": 0.5, "auc.error": None}]),
        ({"train": {"QCD": {"events": 3}}}, [{"name": "train", "name 2": "QCD", "events": 3}]),
        (
            {"names": ["a", "b"], "matrix": [[1, 0], [0, None]]},
            [
                {"row": "a", "column": "a", "matrix": 1},
                {"row": "a", "column": "b", "matrix": 0},
                {"row": "b", "column": "a", "matrix": 0},
                {"row": "b", "column": "b", "matrix": None},
            ],
        ),
        ([1, 2], [{"index": 1, "value": 1}, {"index": 2, "value": 2}]),
        ({}, []),
    ],
    ids=["columns", "rows of metrics", "mappings", "matrix", "list", "nothing"],
)
def test_every_shape_of_numbers_has_its_rows(numbers, rows):
    assert list(rows_of(numbers)) == rows


def test_cells_of_two_axes_have_the_edges_of_both():
    found = list(rows_of({"edges": [0.0, 1.0, 4.0], "counts": [[5, 1], [0, 3]], "events_outside": 2}))
    last = {"events_outside": 2, "row": 2, "column": 2, "row low": 1.0, "row high": 4.0}
    assert found[3] == {**last, "column low": 1.0, "column high": 4.0, "counts": 3}


def test_numbers_of_every_kind_are_kept_and_texts_with_commas_are_quoted():
    read = list(csv.DictReader(io.StringIO(csv_of([{"name": 'a, "b"', "x": 1 / 3, "n": None}]))))
    assert read == [{"name": 'a, "b"', "x": "0.3333333", "n": ""}]
