"""What is in files, described without any analysis: from all events of small ones, and a sample of large ones."""

import gzip
import json
import re

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

import fivesigma as fs
from fivesigma.data.formats import open_table
from fivesigma.data.write import write_columns
from fivesigma.exploration import rows
from fivesigma.exploration.column import Column, Shape, _of_numbers, described, shape_of

N = 5000


def column(values, kind="float", total=None, name="x"):
    return described(name, kind, np.asarray(values), total)


@pytest.fixture
def table():
    """A column of each kind that the description has a word for."""
    generator = np.random.default_rng(1)
    x = generator.normal(10, 2, N)
    return {
        "event": np.arange(N) + 10**9,
        "x": x,
        "same": x.copy(),
        "scaled": -3 * x + 1,
        "constant": np.full(N, 7),
        "empty": np.full(N, np.nan),
        "holes": np.where(np.arange(N) % 4 == 0, np.nan, generator.normal(size=N)),
        "infinite": np.where(np.arange(N) == 3, np.inf, generator.normal(size=N)),
        "marked": np.where(np.arange(N) % 10 == 0, -999.0, generator.normal(size=N)),
        "outlier": np.where(np.arange(N) == 5, 1e9, generator.normal(size=N)),
        "label": np.arange(N) % 2,
        "long_tail": np.exp(generator.normal(0, 3, N)),
    }


def write(path, table):
    pq.write_table(pa.table(table), path, row_group_size=1000)
    return path


def said(description, name):
    (found,) = [column for column in description.columns if column.name == name]
    return " ".join(found.remarks)


def test_numbers_are_those_of_numpy(table, tmp_path):
    found = {c.name: c for c in fs.describe(write(tmp_path / "t.parquet", table)).columns}
    x = found["x"]
    expected = {"min": table["x"].min(), "max": table["x"].max(), "mean": table["x"].mean(), "median": np.median(table["x"])}
    assert {key: x.numbers[key] for key in expected} == pytest.approx(expected)
    assert x.numbers["q25"] == pytest.approx(np.quantile(table["x"], 0.25))
    assert (x.unique, x.unique_is_estimate, x.missing) == (N, False, 0)
    assert found["holes"].missing == 0.25
    assert found["holes"].numbers["mean"] == pytest.approx(np.nanmean(table["holes"]))
    assert found["label"].unique == 2


def test_what_looks_wrong_has_a_sentence_and_what_does_not_has_none(table, tmp_path):
    found = fs.describe(write(tmp_path / "t.parquet", table))
    assert said(found, "constant") == "always 7"
    assert said(found, "empty") == "missing in every event"
    assert "infinite in 1 event" in said(found, "infinite")
    assert "exactly -999 in 10 % of the events" in said(found, "marked")
    assert "1 value is more than a million interquartile ranges" in said(found, "outlier")
    assert said(found, "same") == "the same values as x"
    assert said(found, "scaled") == "correlation −1 with x: one follows from the other"
    for name in ("x", "event", "holes", "label", "long_tail"):
        assert said(found, name) == ""
    (event,) = [c for c in found.columns if c.name == "event"]
    assert "an event number" in event.notes[0]


def test_a_marker_in_single_precision_is_named_as_it_is_written(table, tmp_path):
    values = np.where(np.arange(N) % 10 == 0, np.float32(-99.9), table["x"].astype(np.float32))
    for kind in (np.float32, np.float64):
        found = fs.describe(write(tmp_path / f"{kind.__name__}.parquet", {"marked": values.astype(kind)}))
        assert "exactly -99.9 in 10 % of the events" in said(found, "marked")
        assert "set missing_values: [-99.9]" in said(found, "marked")


def test_a_marker_is_no_part_of_the_distribution(table):
    marked = column(table["marked"])
    assert marked.marker == (-999.0, pytest.approx(0.1))
    assert marked.shape.edges[0] > -10
    # The smallest value of an ordinary distribution is no marker, nor are the zeros of a count.
    assert column(np.random.default_rng(2).normal(size=N)).marker is None
    assert column(np.random.default_rng(2).poisson(0.3, N), "int").marker is None
    # A number that often marks missing values is none where it lies beside the others.
    assert column(np.arange(1000) % 1000, "int").marker is None


def test_a_large_file_is_sampled_from_all_of_it_and_says_so(tmp_path):
    rows_, path = 100_000, tmp_path / "large.parquet"
    place = np.arange(rows_)
    pq.write_table(pa.table({"place": place, "kind": place % 3}), path, row_group_size=2000)
    found = fs.describe(path, events=5000)
    assert not found.is_all
    assert found.total == rows_
    assert 4000 <= found.looked_at <= 6000
    assert re.search(r"sampled: [\d,]+ of 100,000 events looked at, from 20 places", found.how)
    spread, kind = found.columns
    assert spread.numbers["min"] < 0.05 * rows_
    assert spread.numbers["max"] > 0.95 * rows_
    assert (spread.unique, spread.unique_is_estimate) == (rows_, True)
    assert (kind.unique, kind.unique_is_estimate) == (3, True)
    assert rows.unique(kind) == "~3"


@pytest.mark.parametrize("ending", ["root", "h5", "npz", "csv"])
def test_other_formats_jump_as_well(tmp_path, ending):
    rows_, path = 60_000, tmp_path / f"large.{ending}"
    place = np.arange(rows_, dtype=np.float64)
    if ending == "root":
        with uproot.recreate(path) as file:
            file.mktree("T", {"place": "f8"})
            for start in range(0, rows_, 2000):
                file["T"].extend({"place": place[start : start + 2000]})
    elif ending == "h5":
        with h5py.File(path, "w") as file:
            file["place"] = place
    elif ending == "npz":
        np.savez(path, place=place)
    else:
        np.savetxt(path, place, header="place", comments="", fmt="%08.1f")
    found = fs.describe(path, events=2000)
    (column,) = found.columns
    assert not found.is_all
    assert not found.from_the_beginning
    assert 1500 <= found.looked_at <= 2600
    assert found.total == pytest.approx(rows_, rel=0.02)
    assert found.total_is_estimate == (ending == "csv")
    assert column.numbers["min"] < 0.06 * rows_
    assert column.numbers["max"] > 0.9 * rows_


def test_of_a_compressed_text_file_the_beginning_is_read_and_the_rest_is_estimated(tmp_path):
    generator = np.random.default_rng(1)
    path = tmp_path / "large.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("x,y\n" + "".join(f"{x:.9f},{y:.9f}\n" for x, y in generator.normal(size=(400_000, 2))))
    found = fs.describe(path, events=20_000)
    assert found.from_the_beginning
    assert found.total_is_estimate
    assert found.looked_at < 250_000
    assert found.total == pytest.approx(400_000, rel=0.1)
    assert re.fullmatch(r"the first [\d,]+ of about [\d,]+ events looked at", found.how)


def test_text_lists_and_what_cannot_be_used(tmp_path):
    table = {
        "jets": pa.array([[1.0, 2.0], [], [3.0]]),
        "vertex": pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float32(), 2)),
        "name": pa.array(["mu", None, "mu"]),
        "muon": pa.array([{"pt": 1.0}] * 3),
        "tracks": pa.array([[[1]], [], []]),
        "ok": pa.array([True, False, True]),
        "none": pa.array([[], [], []], pa.list_(pa.float64())),
    }
    found = {c.name: c for c in fs.describe(write(tmp_path / "t.parquet", table)).columns}
    assert found["jets"].lengths == {"min": 0, "mean": 1, "max": 2}
    assert found["jets"].numbers["max"] == 3
    assert rows.kind(found["jets"]) == "double[0–2]"
    assert rows.kind(found["vertex"]) == "float[2]"
    assert found["name"].common == [("mu", pytest.approx(2 / 3))]
    assert found["name"].missing == pytest.approx(1 / 3)
    assert found["ok"].unique == 2
    assert found["none"].remarks == ["an empty list in every event"]
    assert "cannot be used" in found["muon"].notes[0]
    assert "lists in lists" in found["tracks"].notes[0]


def test_words_among_the_numbers_of_a_text_file_are_named(tmp_path):
    lines = [f"{i},{i / 2},mu\n" for i in range(200)]
    lines[150] = "150,broken,e\n"
    (tmp_path / "t.csv").write_text("a,b,c\n" + "".join(lines))
    found = fs.describe(tmp_path / "t.csv")
    assert said(found, "b") == "numbers, and text in some events, such as 'broken'"
    assert {c.name: c.unique for c in found.columns} == {"a": 200, "b": 200, "c": 2}


def test_lines_with_another_number_of_fields_are_counted(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3\n4,5,6\n7,8\n")
    found = fs.describe(tmp_path / "t.csv")
    assert found.total == 4
    assert "2 lines have another number of fields than the header" in found.notes[0]
    (tmp_path / "even.csv").write_text("a,b\n1,2\n\n")
    assert fs.describe(tmp_path / "even.csv").notes == []


def test_a_missing_value_of_a_text_file_is_missing(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n,NaN\nNA,4\n")
    found = {c.name: c for c in fs.describe(tmp_path / "t.csv").columns}
    assert (found["a"].missing, found["b"].missing) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_several_files_are_one_table_and_their_differences_are_named(tmp_path):
    for i in range(3):
        columns = {"x": np.arange(10.0) + 100 * i, "pt": np.zeros(10, np.float32 if i else np.float64)}
        pq.write_table(pa.table({**columns, **({"truth": np.arange(10)} if i == 2 else {})}), tmp_path / f"f{i}.parquet")
    found = fs.describe(str(tmp_path / "f*.parquet"))
    assert (len(found.files), found.total, found.is_all) == (3, 30, True)
    x = found.columns[0]
    assert (x.numbers["min"], x.numbers["max"]) == (0, 209)
    notes = " ".join(found.notes)
    assert f"only in {tmp_path / 'f2.parquet'}: truth" in notes
    assert f"pt is double in {tmp_path / 'f0.parquet'}, float in {tmp_path / 'f1.parquet'}" in notes


def test_of_very_many_files_some_are_opened(tmp_path, monkeypatch):
    monkeypatch.setattr("fivesigma.exploration.sample.MOST_FILES", 4)
    for i in range(10):
        pq.write_table(pa.table({"x": np.arange(100.0) + i}), tmp_path / f"f{i}.parquet")
    found = fs.describe(str(tmp_path / "*.parquet"))
    assert found.total == pytest.approx(1000, rel=0.05)
    assert (found.looked_at, found.total_is_estimate, found.is_all) == (400, True, False)
    assert "4 of 10 files opened, evenly spread" in found.notes


def test_lists_and_trees_of_root_files(tmp_path):
    with uproot.recreate(tmp_path / "t.root") as file:
        file.mktree("T", {"jets": "var * float32", "n": "int32"}).extend(
            {"jets": ak.Array([[1.0, 5.0], [], [3.0]]), "n": np.array([1, 2, 3], np.int32)}
        )
    found = {c.name: c for c in fs.describe(f"{tmp_path / 't.root'}:T").columns}
    assert found["jets"].lengths["max"] == 2
    assert (found["jets"].numbers["max"], found["n"].numbers["median"]) == (5, 2)


def test_a_table_without_events_is_described(tmp_path):
    pq.write_table(pa.table({"x": np.zeros(0), "jets": pa.array([], pa.list_(pa.float64()))}), tmp_path / "t.parquet")
    found = fs.describe(tmp_path / "t.parquet")
    assert (found.total, [c.name for c in found.columns]) == (0, ["x", "jets"])
    assert "x" in str(found)


def test_hostile_numbers_raise_no_warning():
    for values in ([1e308, -1e308, 0.0], [5e-324, 0.0], [np.nan, np.inf, -np.inf], [True, False], [2**63 - 1, -(2**63)]):
        assert column(values, total=10).looked_at == len(values)
    assert column(np.array([60000, 1, 2], np.float16)).numbers["max"] == 60000
    assert column(np.array([250, 251, 0], np.uint8)).numbers["mean"] == 167


def test_bars_show_the_central_values_and_a_long_tail_in_its_logarithm():
    generator = np.random.default_rng(3)
    tail = np.exp(generator.normal(0, 3, 10_000))
    assert shape_of(tail).log
    assert not shape_of(generator.normal(size=1000)).log
    assert shape_of(np.append(generator.normal(size=10_000), 1e6)).edges[-1] < 10
    assert Shape([0, 1, 2], [8, 4]).bars(12) == "█▄"
    assert len(Shape(list(range(25)), [1] * 24).bars(12)) == 12


def test_pages_and_notebooks_show_everything_and_escape_names(table, tmp_path):
    table = {**table, "<b>&\"'": table["constant"]}
    found = fs.describe(write(tmp_path / "t.parquet", table))
    found.write_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    for text in (page, found._repr_html_()):
        assert '<b>&"' not in text
        assert "&lt;b&gt;" in text
        assert text.count("<svg") == len([c for c in found.columns if c.shape])
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "always 7" in page
    assert "prefers-color-scheme: dark" in page
    json.dumps(found.to_json(), allow_nan=False)


def test_a_row_fits_into_a_narrow_terminal(table, tmp_path):
    found = fs.describe(write(tmp_path / "t.parquet", {**table, "x" * 80: table["x"]}))
    lines = rows.as_text(found, 80).splitlines()
    assert max(len(line) for line in lines[1 : 2 + len(found.columns)]) <= 120
    assert rows.header(200)[4:10] == ["min", "25 %", "median", "75 %", "max", "mean"]
    assert rows.header(80)[4:7] == ["min", "median", "max"]


def test_a_column_that_cannot_be_read_is_named_and_the_others_are_described(table, tmp_path, monkeypatch):
    from fivesigma.data.readers.parquet import ParquetReader

    whole = ParquetReader._chunks

    def broken(self, names, *more):
        if "holes" in names:
            raise OSError("truncated")
        yield from whole(self, names, *more)

    monkeypatch.setattr(ParquetReader, "_chunks", broken)
    found = {c.name: c for c in fs.describe(write(tmp_path / "t.parquet", table)).columns}
    assert "cannot be read" in found["holes"].notes[0]
    assert found["x"].unique == N


def test_every_reader_gives_the_rows_it_was_asked_for(tmp_path):
    path = write(tmp_path / "t.parquet", {"x": np.arange(N)})
    reader = open_table(str(path))
    assert sum(len(chunk["x"]) for chunk in reader.sampled(["x"], 10**6)) == N
    few = [len(chunk["x"]) for chunk in reader.sampled(["x"], 500, places=5)]
    assert (len(few), sum(few)) == (5, 500)
    with pytest.raises(fs.FivesigmaError, match="no column 'y'"):
        list(reader.sampled(["y"], 10))


def test_columns_are_plain_for_json():
    tree = Column("x", "float").to_json()
    assert (tree["name"], tree["min"], tree["distribution"]) == ("x", None, None)


def test_a_reader_that_cannot_jump_gives_its_first_rows():
    """The default, which other people's readers have."""
    from fivesigma.data.readers.base import Reader

    class Counting(Reader):
        def types(self):
            return {"x": "int"}

        def length(self):
            return None

        def _chunks(self, names, size, integers, float32):
            for start in range(0, 1000, 300):
                yield {"x": np.arange(start, start + 300)}

    reader = Counting("somewhere", "somewhere")
    assert not reader.jumps
    assert np.concatenate([chunk["x"] for chunk in reader.sampled(["x"], 450)]).tolist() == list(range(450))


def test_a_look_at_a_file_does_not_wait_for_what_trains_networks(tmp_path):
    import subprocess
    import sys

    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    heavy = "[name for name in ('jax', 'keras', 'matplotlib') if name in sys.modules]"
    code = f"import sys; from fivesigma.cli.app import app; app(['explore', 't.csv'], standalone_mode=False); print({heavy})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_file_without_events_is_said_to_be_one(tmp_path, ending):
    path = tmp_path / f"none.{ending}"
    if ending == "csv":
        path.write_text("a,b\n")
    else:
        pq.write_table(pa.table({name: pa.array([], pa.float64()) for name in "ab"}), path)
    found = fs.describe(path)
    assert "there are no events" in found.notes
    assert not any(column.notes for column in found.columns)


def test_the_ends_of_event_numbers_are_exact(tmp_path):
    number = np.array([9007199254740993, 9007199254741991], np.int64)
    write_columns(tmp_path / "t.parquet", [{"event": number, "run": np.array([7, 9])}])
    event, run = fs.describe(tmp_path / "t.parquet").columns
    assert (event.numbers["min"], event.numbers["max"]) == tuple(number.tolist())
    assert (run.numbers["min"], type(run.numbers["min"])) == (7.0, float)


def test_values_that_are_mostly_missing_are_not_as_many_as_events():
    generator = np.random.default_rng(1)
    rare, half = np.full(2000, np.nan), np.full(2000, np.nan)
    rare[7] = 3.0
    half[::2] = generator.normal(size=1000)
    for values, unique in ((rare, 1), (half, 50_000), (generator.normal(size=2000), 100_000)):
        found = _of_numbers("x", "number", values, 2000, 100_000)
        assert (found.unique, found.unique_is_estimate) == (unique, True)
