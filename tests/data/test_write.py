import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fivesigma.data.formats import open_table
from fivesigma.data.write import write_columns
from fivesigma.errors import OutputError

ENDINGS = ["parquet", "csv", "csv.gz", "root", "npz", "h5"]
COLUMNS = {
    "event": np.arange(5) + 2**60,
    "score": np.float32([0.1, 0.2, 0.3, np.nan, 1]),
    "w": np.array([1.0, -1e-300, np.nan, 3.3, 1e300]),
    "ok": np.array([True, False, True, True, False]),
}


def chunked(size):
    return [{name: values[i : i + size] for name, values in COLUMNS.items()} for i in range(0, 5, size)]


@pytest.mark.parametrize("size", [2, 5])
@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_what_is_read(tmp_path, ending, size):
    path = tmp_path / f"out.{ending}"
    assert write_columns(path, chunked(size)) == 5
    parts = list(open_table(str(path)).chunks(list(COLUMNS), integers={"event"}))
    for name, values in COLUMNS.items():
        found = np.concatenate([part[name] for part in parts])
        assert_array_equal(found.astype(values.dtype), values)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_existing_file_is_refused_or_replaced_whole(tmp_path, ending):
    path = tmp_path / f"out.{ending}"
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        write_columns(path, chunked(2))
    assert path.read_text() == "precious"
    write_columns(path, chunked(2), replace=True)
    assert list(open_table(str(path)).types()) == list(COLUMNS) or ending == "h5"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_failure_on_the_way_leaves_nothing_behind(tmp_path, ending):
    def chunks():
        yield chunked(2)[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_columns(tmp_path / f"out.{ending}", chunks())
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending != "root"])
def test_nothing_to_write_is_an_error_and_leaves_nothing_behind(tmp_path, ending):
    for chunks in ([], [{name: values[:0] for name, values in COLUMNS.items()}]):
        with pytest.raises(OutputError, match="no events to write"):
            write_columns(tmp_path / f"out.{ending}", chunks)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["out", "out.pdf", "parquet"])
def test_an_unknown_ending_is_refused_before_anything_is_computed(tmp_path, name):
    def chunks():
        raise AssertionError("was asked for")
        yield

    with pytest.raises(OutputError, match=r"the format of .* is unknown"):
        write_columns(tmp_path / name, chunks())


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_columns(tmp_path / "file" / "out.csv", chunked(2))


@pytest.mark.parametrize("ending", ["npz", "parquet", "csv"])
def test_the_same_columns_make_the_same_bytes(tmp_path, ending, monkeypatch):
    import time

    columns = {"x": np.arange(5.0), "y": np.arange(10).reshape(5, 2)} if ending == "npz" else {"x": np.arange(5.0)}
    paths = [tmp_path / f"{name}.{ending}" for name in "ab"]
    write_columns(paths[0], [columns])
    later = time.localtime(time.time() + 1e6)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    write_columns(paths[1], [columns])
    assert paths[0].read_bytes() == paths[1].read_bytes()
