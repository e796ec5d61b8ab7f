"""Whole numbers that double precision rounds, such as times in nanoseconds, from files of every format."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal
from pyarrow.csv import write_csv

from fivesigma.analysis.file import validate
from fivesigma.data.formats import open_table
from fivesigma.data.load import load_samples
from fivesigma.errors import DataError
from fivesigma.expressions import Expression

N = 60
TIME = 1_700_000_000_000_000_000 + 37 * np.arange(N)
LABEL = np.arange(N) % 2


def test_differences_and_bits_are_exact_in_every_format(table):
    chunks = list(table.open().chunks(["a", "n"]))
    for text, expected in (
        ("a - 1152921504606846977", np.arange(50)),
        ("a % 2", (np.arange(50) + 1) % 2),
        ("a > 1152921504606847000", np.arange(50) > 23),
    ):
        assert_array_equal(np.concatenate([Expression(text)(chunk) for chunk in chunks]), expected)


def test_new_variables_selections_and_observers_are_exact(tmp_path):
    table = pa.table({"time": TIME, "label": LABEL})
    pq.write_table(table, tmp_path / "t.parquet")
    write_csv(table, tmp_path / "t.csv")
    for name in ("t.parquet", "t.csv"):
        tree = {
            "samples": {"a": {"files": [str(tmp_path / name)]}},
            "new_variables": {"dt": "time - 1700000000000000000"},
            "features": ["dt"],
            "observers": ["time"],
            "selection": "time > 1700000000000000000",
            "labels": {"variable": "label", "names": ["b", "s"]},
        }
        events = load_samples(validate(tree, "test"))[0].events
        assert_array_equal(events.features[:, 0], 37 * np.arange(1, N))
        assert_array_equal(events.observers["time"], TIME[1:])
        assert events.observers["time"].dtype == np.int64


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("", "has missing values and whole numbers above 2⁵³"),
        ("1.5", "has whole numbers above 2⁵³, but also holds '1.5'"),
        ("36893488147419103232", "but also holds '36893488147419103232'"),
        ("yes", "holds text \\('yes'\\)"),
    ],
)
def test_a_column_of_text_that_would_be_rounded_is_refused(tmp_path, field, said):
    rows = [f"{time},{label}" for time, label in zip(TIME.tolist(), LABEL.tolist(), strict=True)] * 40
    rows[-3] = f"{field},1"
    (tmp_path / "t.csv").write_text("\n".join(["time,label", *rows, ""]))
    with pytest.raises(DataError, match=said):
        list(open_table(str(tmp_path / "t.csv")).chunks(["time", "label"]))
