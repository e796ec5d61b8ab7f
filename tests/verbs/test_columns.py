"""The verb `columns`: list the columns of a file."""

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot


def listed(out):
    """Column → the last word or words of its row."""
    return {line.split()[0]: " ".join(line.split()[2:]) for line in out.splitlines()[2:]}


def test_columns_lists_names(toy, command):
    code, out, _ = command("columns", "train.csv")
    assert code == 0
    assert "x2" in out


def test_text_is_told_from_numbers(command, tmp_path):
    (tmp_path / "t.csv").write_text("a,name,b\n1,,2.5\n2,mu mu,nan\n")
    code, out, err = command("columns", "t.csv")
    assert (code, err) == (0, "")
    assert listed(out) == {"a": "one number", "name": "text", "b": "one number"}


def test_lists_are_told_from_single_numbers_in_parquet(command, tmp_path):
    table = {
        "x": pa.array([1.0, 2.0], pa.float32()),
        "n": pa.array([1, 2], pa.uint8()),
        "jets": pa.array([[1.0], []]),
        "vertex": pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2)),
        "tracks": pa.array([[[1]], []]),
        "name": pa.array(["a", "b"]),
        "time": pa.array([1, 2], pa.timestamp("ns")),
        "muon": pa.array([{"pt": 1.0}, {"pt": 2.0}]),
        "ok": pa.array([True, False]),
    }
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    _, out, _ = command("columns", "t.parquet")
    found = {line.split()[0]: line for line in out.splitlines()[2:]}
    endings = {
        "x": "one number",
        "n": "one number",
        "jets": "a list of numbers",
        "vertex": "2 numbers",
        "tracks": "lists in lists",
        "name": "text",
        "time": "no number",
        "muon": "no number",
        "ok": "one number",
    }
    for name, ending in endings.items():
        assert found[name].endswith(f"  {ending}"), found[name]


def test_lists_are_told_from_single_numbers_in_root(command, tmp_path):
    with uproot.recreate(tmp_path / "t.root") as file:
        types = {"x": "float32", "jets": "var * float32", "vertex": "(3,)f8"}
        columns = {"x": np.ones(2, np.float32), "jets": ak.Array([[1.0], []]), "vertex": np.ones((2, 3))}
        file.mktree("T", types).extend(columns)
        file.mkrntuple("R", ak.Array({"x": [1.0, 2.0], "jets": [[1.0], []], "tracks": [[[1.0]], []], "name": ["a", "b"]}))
    _, out, _ = command("columns", "t.root:T")
    assert listed(out) == {"x": "one number", "njets": "one number", "jets": "a list of numbers", "vertex": "3 numbers"}
    _, out, _ = command("columns", "t.root:R")
    found = {line.split()[0]: line for line in out.splitlines()[2:]}
    for name, ending in {"x": "one number", "jets": "a list of numbers", "tracks": "lists in lists", "name": "text"}.items():
        assert found[name].endswith(f"  {ending}"), found[name]


def test_arrays_of_more_than_two_dimensions_are_listed_too(command, tmp_path):
    np.savez(tmp_path / "t.npz", x=np.ones(2), m=np.ones((2, 2)), image=np.ones((2, 4, 4)))
    _, out, _ = command("columns", "t.npz")
    assert listed(out) == {"x": "one number", "m_0": "one number", "m_1": "one number"}
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["x"], file["name"] = np.ones(2), np.array([b"a", b"b"])
    _, out, _ = command("columns", "t.h5")
    assert listed(out) == {"x": "one number", "name": "text"}


@pytest.mark.parametrize("name", ["t.npz", "t.h5"])
def test_arrays_that_differ_in_length_are_named_with_their_lengths(command, tmp_path, name):
    np.savez(tmp_path / "t.npz", x=np.ones(3), y=np.ones(2))
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["x"], file["y"] = np.ones(3), np.ones(2)
    code, _, err = command("columns", name)
    assert code == 2
    assert f"the arrays in {name} differ in length: x has 3 rows, y has 2" in err


def test_a_root_file_of_histograms_is_told_as_one(command, tmp_path):
    with uproot.recreate(tmp_path / "h.root") as file:
        for name in ("met", "dir/pt"):
            file[name] = np.histogram([1.0, 2.0], bins=3)
    code, _, err = command("columns", "h.root")
    assert code == 2
    assert "h.root has no tree, only histograms: 'met' (TH1D), 'dir/pt' (TH1D)" in " ".join(err.split())
    with uproot.recreate(tmp_path / "e.root"):
        pass
    code, _, err = command("columns", "e.root")
    assert "e.root has no tree: it is empty" in " ".join(err.split())


def test_format_and_column_names_can_be_given(command, tmp_path):
    (tmp_path / "t.events").write_text("1 2 3\n4 5 6\n")
    code, out, err = command("columns", "t.events", "--format", "csv", "--columns", "label,x{1..2}")
    assert (code, list(listed(out))) == (0, ["label", "x1", "x2"]), err
    np.savez(tmp_path / "t.npz", m=np.ones((2, 2)))
    code, out, _ = command("columns", "t.npz", "--columns", "m=a,b")
    assert (code, list(listed(out))) == (0, ["a", "b"])
    code, _, err = command("columns", "t.events", "--format", "cvs")
    assert (code, "did you mean 'csv'" in err) == (2, True)
