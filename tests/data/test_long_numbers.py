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
from fivesigma.data.shards import Shards
from fivesigma.errors import DataError
from fivesigma.events import concatenate
from fivesigma.expressions import Expression
from fivesigma.verbs.prepare import prepare

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


@pytest.mark.parametrize("fields", [["10000000000000000", "0.5"], ["1e16", "10000000000000001"], ["20000000000000000", ""]])
def test_long_numbers_that_doubles_hold_or_that_stand_beside_fractions_are_doubles(tmp_path, fields):
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{field},1\n" for field in fields))
    (chunk,) = open_table(str(tmp_path / "t.csv")).chunks(["a"])
    assert chunk["a"].dtype == np.float64
    assert_array_equal(chunk["a"], [float(field or "nan") for field in fields])


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


@pytest.mark.parametrize(
    ("other", "kind"),
    [(np.arange(N), np.int64), (np.arange(N) * 2.0, np.int64), (2**63 + np.arange(N, dtype=np.uint64), np.uint64)],
)
def test_observers_of_files_with_unlike_types_keep_their_numbers(tmp_path, other, kind):
    for name, time, flag in (("a", TIME, LABEL == 1), ("b", other, LABEL.astype(np.int8))):
        columns = {"time": time, "flag": flag, "label": LABEL, "x": LABEL * 1.0, "id": np.arange(N) + 1000 * ord(name)}
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    tree = {
        "name": "unlike",
        "samples": {name: {"files": [str(tmp_path / f"{name}.parquet")]} for name in "ab"},
        "features": ["x"],
        "observers": ["time", "flag"],
        "event_number": "id",
        "labels": {"variable": "label", "names": ["b", "s"]},
        "split": {"val": 0.2, "test": 0.2},
    }
    analysis = validate(tree, "test")
    both = concatenate([sample.events for sample in load_samples(analysis)])
    assert both.observers["time"].dtype == kind
    assert both.observers["time"].tolist() == [*TIME.tolist(), *map(int, other)]
    prepared = Shards(prepare(analysis, destination=tmp_path / "prepared", shards=2))
    pieces = [piece for part in ("train", "val", "test") for piece in prepared.pieces(part)]
    assert sorted(int(time) for piece in pieces for time in piece.observers["time"]) == sorted(
        both.observers["time"].tolist()
    )
    assert sum(int(piece.observers["flag"].sum()) for piece in pieces) == N


def test_event_numbers_of_64_bits_come_from_text_too(tmp_path):
    numbers = [2**63 + 5, 2**63 + 7, 12]
    (tmp_path / "t.csv").write_text("event,x\n" + "".join(f"{number},1\n" for number in numbers))
    (chunk,) = open_table(str(tmp_path / "t.csv")).chunks(["event"], integers={"event"})
    assert chunk["event"].tolist() == numbers
