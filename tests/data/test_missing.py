"""Numbers that mean missing."""

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal

import fivesigma as fs
from fivesigma.data.missing import marked, without_missing
from fivesigma.errors import DataError

N = 200
X = np.random.default_rng(1).normal(size=N)


def read(tmp_path, table, **settings):
    """The events of a small analysis."""
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    tree = {"name": "toy", "samples": {"s": {"files": str(tmp_path / "t.parquet")}}, "missing_values": [-99.9]}
    return fs.read(tree | {"labels": {"variable": "y", "names": ["a", "b"]}} | settings)


def test_elements_of_lists_are_missing_too(tmp_path):
    lists = [[x, -99.9] if i % 2 else [-99.9, x, 2 * x] for i, x in enumerate(X)]
    features = ["jets[0]", "mean(jets)", "min(jets)", "count(jets)"]
    table = {"jets": pa.array(lists, pa.list_(pa.float32())), "y": np.arange(N) % 2}
    found = read(tmp_path, table, features=features).features
    odd = np.arange(N) % 2 == 1
    x = X.astype(np.float32)
    assert_array_equal(np.isnan(found[:, 0]), ~odd)
    np.testing.assert_allclose(found[:, 1], np.where(odd, x, 1.5 * x), rtol=1e-6)
    np.testing.assert_allclose(found[:, 2], np.where(odd, x, np.minimum(x, 2 * x)), rtol=1e-6)
    assert_array_equal(found[:, 3], np.where(odd, 2, 3))


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64(), pa.int32(), pa.bool_()])
@pytest.mark.parametrize("shape", [pa.list_, pa.large_list])
def test_a_null_in_a_list_is_missing_like_any_null(tmp_path, kind, shape):
    one = True if kind == pa.bool_() else 1
    lists = [[one, None], [], None, [one, one, one], [None]] * (N // 5)
    table = {"l": pa.array(lists, shape(kind)), "y": np.arange(N) % 2}
    features = ["count(l)", "count(ismissing(l))", "count(l != 1)", "count(l == 1)", "sum(l)", "l[1]"]
    found = read(tmp_path, table, features=features).features[:5]
    nan = np.nan
    expected = [[2, 1, 0, 1, 1, nan], [0, 0, 0, 0, 0, nan], [0, 0, 0, 0, 0, nan], [3, 0, 0, 3, 3, 1], [1, 1, 0, 0, 0, nan]]
    assert_array_equal(found, expected)


def test_lists_of_texts_and_of_whole_numbers_are_as_good(tmp_path):
    chunk = {"names": ak.Array([["a", "b"], []]), "ids": ak.Array([[-999, 2], [3]]), "flags": ak.Array([[True], [False]])}
    found = without_missing(chunk, [-999, 1])
    assert found["names"].to_list() == [["a", "b"], []]
    assert np.isnan(found["ids"][0, 0])
    assert found["ids"][:, -1].to_list() == [2, 3]
    assert found["flags"].to_list() == [[True], [False]]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("copied", [False, True])
def test_a_marker_is_found_in_doubles_that_were_written_in_single_precision(tmp_path, kind, copied):
    marker = np.float32(-99.9) if copied else -99.9
    values = np.where(np.arange(N) % 4, X, marker).astype(kind)
    found = read(tmp_path, {"x": values, "y": np.arange(N) % 2}, features=["x"]).features
    assert_array_equal(np.isnan(found[:, 0]), np.arange(N) % 4 == 0)


def test_markers_out_of_range_are_none():
    assert np.isinf(marked([1e300], np.dtype(np.float32))).all()
    assert 1e300 in marked([1e300], np.dtype(np.float64))


@pytest.mark.parametrize("names", [{}, {"lab": "y", "n": "event"}])
def test_numbers_of_events_and_of_classes_are_never_missing(tmp_path, names):
    table = {"x": X, "y": np.arange(N) % 2, "event": np.arange(N)}
    label, number = ("lab", "n") if names else ("y", "event")
    found = read(
        tmp_path,
        table,
        features=["x"],
        event_number=number,
        labels={"variable": label, "names": ["a", "b"]},
        missing_values=[0, 1, 99],
        new_variables=names,
    )
    assert len(found.event_number) == N
    assert_array_equal(found.target, table["y"])


def test_a_label_may_be_missing_where_the_marker_is_no_class(tmp_path):
    label = np.where(np.arange(N) % 10 == 0, -999, np.arange(N) % 2)
    table = {"x": X, "y": label, "event": np.arange(N)}
    found = read(tmp_path, table, features=["x"], event_number="event", missing_values=[-999], selection="isfinite(y)")
    assert_array_equal(found.target, label[label >= 0])


def test_large_whole_numbers_beside_a_marker_are_refused_and_not_rounded():
    t = 1_700_000_000_000_000_000 + np.arange(5)
    t[2] = -999
    with pytest.raises(DataError, match=r"column 't' has missing values and whole numbers above 2⁵³"):
        without_missing({"t": t}, [-999])
    assert without_missing({"t": t}, [-998])["t"] is t
    np.testing.assert_array_equal(without_missing({"t": np.array([1, -999])}, [-999])["t"], [1, np.nan])
