"""The contract that every reader keeps, and what is particular to each format."""

import decimal
import gzip
import io
import tempfile
import threading
import zipfile
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
from tests.conftest import at_once

from fivesigma import plugins
from fivesigma.data.formats import expand, guess_format, open_table, split_treename
from fivesigma.data.plan import as_column
from fivesigma.data.readers.base import per_event
from fivesigma.data.readers.csv_head import Head
from fivesigma.data.readers.csv_parsers import Careful, Fast
from fivesigma.data.write import write_columns
from fivesigma.errors import ColumnNotFound, DataError
from fivesigma.expressions import Expression

REAL = Path(__file__).parents[3] / "shared" / "data" / "real"


def joined(reader, names, size, **more):
    parts = list(reader.chunks(names, size, **more))
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def test_columns_are_those_of_the_file_in_its_order(table):
    assert list(table.open().types()) == ["a", "b", "c", "n"]


def test_values_are_exact_and_missing_ones_nan(table):
    found = table.open().read(["b", "c", "n"])
    for name, values in found.items():
        assert_array_equal(values.astype(np.float32) if name == "c" else values, table.columns[name])


def test_large_event_numbers_are_exact(table):
    found = joined(table.open(), ["a"], 10, integers={"a"})["a"]
    assert found.dtype.kind in "iu"
    assert_array_equal(found, table.columns["a"])


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_small_chunks_make_the_whole(table, size):
    whole = table.open().read(["n", "b"])
    for name, values in joined(table.open(), ["n", "b"], size).items():
        assert_array_equal(values, whole[name])


def test_only_requested_columns_come_in_the_requested_order(table):
    (first, *_) = table.open().chunks(["n", "a"], 10)
    assert list(first) == ["n", "a"]


def test_length_is_the_number_of_rows_or_unknown(table):
    assert table.open().length() == (None if table.kind.startswith("csv") else 50)


def test_a_missing_column_names_the_nearest_and_the_place(table):
    with pytest.raises(ColumnNotFound, match="nearest: 'n'") as caught:
        table.open().read(["N"])
    assert table.path.name in caught.value.what


def test_reading_twice_gives_the_same(table):
    reader = table.open()
    assert_array_equal(reader.read(["b"])["b"], reader.read(["b"])["b"])


@pytest.mark.parametrize("damage", ["half", "start", "nothing", "noise", "middle"])
def test_a_damaged_file_is_one_sentence(make_table, table, damage):
    table = make_table(table.kind, 5000)
    content = table.path.read_bytes()
    damaged = bytearray(content)
    third = len(content) // 3
    damaged[third : 2 * third] = np.random.default_rng(1).bytes(third)
    table.path.write_bytes(
        {
            "half": content[: len(content) // 2 - 3],
            "start": content[:20],
            "nothing": b"",
            "noise": np.random.default_rng(1).bytes(3000),
            "middle": bytes(damaged),
        }[damage]
    )
    if damage == "start" and not table.path.name.endswith(".gz") and table.kind.startswith("csv"):
        pytest.skip("the start of a text is a text")
    with pytest.raises(DataError) as caught:
        reader = table.open()
        reader.length()
        reader.read()
    assert "\n" not in caught.value.what
    assert table.path.name in caught.value.what


def test_an_empty_table_has_columns_and_no_rows(make_table, table):
    if table.kind in ("csv without header", "rntuple"):
        pytest.skip("cannot be written without rows")
    reader = make_table(table.kind, 0).open()
    assert list(reader.types()) == ["a", "b", "c", "n"]
    assert all(len(values) == 0 for values in reader.read().values())


tables = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 40), st.integers(1, 4)), elements=st.floats(allow_infinity=False)
).map(lambda values: {f"x{i}": column for i, column in enumerate(values.T)})


@settings(max_examples=15)
@given(tables, st.integers(1, 50), st.sampled_from(["parquet", "csv", "csv.gz", "npz", "h5", "root"]))
def test_a_random_table_survives_writing_and_reading(columns, size, ending):
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / f"t.{ending}")
        rows = len(columns["x0"])
        write_columns(path, [{n: c[i : i + size] for n, c in columns.items()} for i in range(0, rows, size)])
        found = joined(open_table(path), list(columns), size)
    for name, values in columns.items():
        assert_array_equal(found[name], values)


def test_a_reader_is_found_by_ending_content_or_request(table, tmp_path):
    bare = tmp_path / "table"
    bare.write_bytes(table.path.read_bytes())
    if table.kind.startswith("csv"):
        with pytest.raises(DataError, match=r"the format of .* is unknown"):
            open_table(str(bare), **table.options)
        if table.path.suffix == ".gz":
            return
    else:
        assert list(open_table(str(bare), **table.options).types()) == list("abcn")
    kind = guess_format(str(table.path))
    assert list(open_table(str(bare), kind=kind, **table.options).types()) == list("abcn")


def test_known_endings_are_guessed_in_any_case():
    for each in plugins.readers:
        for ending in each.suffixes:
            assert guess_format("x" + ending) == guess_format("x" + ending.upper()) == each.name


def test_lists_per_event_stay_lists(tmp_path):
    lists = ak.Array([[1.0, 2.0], [], [3.0]])
    with uproot.recreate(tmp_path / "l.root") as file:
        file.mktree("Events", {"j": "var * float64"}).extend({"j": lists})
        file.mktree("Empty", {"j": "var * float64"})
    pq.write_table(pa.table({"j": [[1.0, 2.0], [], [3.0]]}), tmp_path / "l.parquet")
    for path in (f"{tmp_path}/l.root:Events", f"{tmp_path}/l.parquet"):
        parts = [part["j"] for part in open_table(path).chunks(["j"], 2)]
        assert ak.to_list(ak.concatenate(parts)) == ak.to_list(lists)
    (empty,) = open_table(f"{tmp_path}/l.root:Empty").chunks(["j"])
    assert empty["j"].ndim == 2


@pytest.mark.parametrize("kind", [pa.list_, pa.large_list])
@pytest.mark.parametrize("number", [pa.float32(), pa.int64()])
def test_lists_of_a_parquet_file_go_through_every_expression(tmp_path, kind, number):
    lists = pa.array([[3, 2], [], [1], None, [None, 4]], type=kind(number))
    pq.write_table(pa.table({"j": lists}), tmp_path / "l.parquet")
    (chunk,) = open_table(f"{tmp_path}/l.parquet").chunks(["j"])
    nan = np.nan
    expected = {
        "j[0]": [3, nan, 1, nan, nan],
        "j[1] + 1": [3, nan, nan, nan, 5],
        "sum(j)": [5, 0, 1, 0, 4],
        "max(j)": [3, nan, 1, nan, 4],
        "count(j)": [2, 0, 1, 0, 2],
        "count(j > 1)": [2, 0, 0, 0, 1],
        "j[j > 2][0]": [3, nan, nan, nan, 4],
        "any(j > 2)": [1, 0, 0, 0, 1],
    }
    for text, values in expected.items():
        assert_array_equal(as_column(Expression(text)(chunk), text, "here", 5).astype(float), values, text)


def test_several_trees_must_be_chosen_from(tmp_path):
    with uproot.recreate(tmp_path / "two.root") as file:
        for name in ("Events", "dir/Runs"):
            file.mktree(name, {"x": "f8"}).extend({"x": np.arange(3.0)})
    with pytest.raises(DataError, match=r"holds 2 trees: Events, dir/Runs") as caught:
        open_table(f"{tmp_path}/two.root").types()
    assert "`treename`" in caught.value.hint
    assert open_table(f"{tmp_path}/two.root:dir/Runs").length() == 3
    with pytest.raises(DataError, match=r"no tree 'events'.*did you mean 'Events'"):
        open_table(f"{tmp_path}/two.root", "events").types()


def test_parquet_nulls_are_nan_and_dotted_names_are_names(tmp_path):
    pq.write_table(pa.table({"jets.pt": [1.5, None], "ok": [True, None], "n": [3, None]}), tmp_path / "t.parquet")
    found = open_table(f"{tmp_path}/t.parquet").read()
    assert_array_equal(found["jets.pt"], [1.5, np.nan])
    assert_array_equal(found["ok"], [1.0, np.nan])
    assert_array_equal(found["n"], [3.0, np.nan])


@pytest.mark.parametrize(
    ("text", "columns", "names"),
    [
        ("# label,f0\n1,2\n", (), ["label", "f0"]),
        ("# label\n1\n", (), ["label"]),
        ('"a","b"\n1,2\n', (), ["a", "b"]),
        ("1,2\n3,4\n", (), ["c0", "c1"]),
        ("1,NA\n3,4\n", ("u", "v"), ["u", "v"]),
        ("a b\n1 2\n", (), ["a", "b"]),
        ('"0","1"\n1,2\n', (), ["0", "1"]),
    ],
)
def test_csv_headers(tmp_path, text, columns, names):
    path = tmp_path / "t.csv"
    path.write_text(text)
    reader = open_table(str(path), columns=columns)
    assert list(reader.types()) == names
    assert len(reader.read()[names[0]]) == text.count("\n") - any(c.isalpha() or c == '"' for c in text.replace("NA", ""))


@pytest.mark.parametrize(
    ("text", "names", "columns", "note"),
    [
        ("# label pt\n 1.00  3.25\n 0.00 -4.50\n", ["label", "pt"], [[1, 0], [3.25, -4.5]], ""),
        ("label  pt\r\n1\t \t3.25  \r\n  0  -4.5\r\n", ["label", "pt"], [[1, 0], [3.25, -4.5]], ""),
        ("  1.00  3.25\n  0.00  4.50\n", ["c0", "c1"], [[1, 0], [3.25, 4.5]], ""),
        (
            '"label" "pt"\n"1" 1 3.25\n"2" 0 4.5\n',
            ["label", "pt"],
            [[1, 0], [3.25, 4.5]],
            "the first field of every row has no name and numbers the rows; it is left out",
        ),
        (
            "label,pt\n0,1,3.25\n1,0,4.5\n",
            ["label", "pt"],
            [[1, 0], [3.25, 4.5]],
            "the first field of every row has no name and numbers the rows; it is left out",
        ),
        (
            "label,pt\n1,3.25,\n0,4.5,\n",
            ["label", "pt"],
            [[1, 0], [3.25, 4.5]],
            "every row ends in an empty field, which is left out",
        ),
        (
            ",0,1\n0,1,3.25\n1,0,4.5\n",
            ["c0", "c1"],
            [[1, 0], [3.25, 4.5]],
            "the first line counts the columns and is no event",
        ),
        (
            "0,1,2,3\n1,3.25,1,1\n0,4.5,1,1\n",
            ["c0", "c1", "c2", "c3"],
            [[1, 0], [3.25, 4.5], [1, 1], [1, 1]],
            "the first line counts the columns and is no event",
        ),
    ],
)
@pytest.mark.parametrize("block", [5, 1 << 20])
def test_names_stay_with_their_columns(tmp_path, monkeypatch, block, text, names, columns, note):
    monkeypatch.setattr("fivesigma.data.readers.csv_lines.BLOCK", block)
    (tmp_path / "t.txt").write_bytes(text.encode())
    reader = open_table(f"{tmp_path}/t.txt")
    found = reader.read()
    assert list(found) == names
    assert [values.tolist() for values in found.values()] == columns
    assert [note.removeprefix(f"{tmp_path}/t.txt: ") for note in reader.notes()] == ([note] if note else [])


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("# made by me\n# second\na,b\n0.5,0\n1.5,1\n", ["a", "b"], [[0.5, 1.5], [0, 1]]),
        ("# made by me\n# a,b\n0.5,0\n1.5,1\n", ["a", "b"], [[0.5, 1.5], [0, 1]]),  # as numpy.savetxt writes
        ("# made, with care\na,b,c\n1,2,3\n", ["a", "b", "c"], [[1], [2], [3]]),
        ("# one\n# two\n1,2\n3,4\n", ["c0", "c1"], [[1, 3], [2, 4]]),
        ("#one\n#two\n  x  y\n 1 2\n 3 NaN\n", ["x", "y"], [[1, 3], [2, np.nan]]),
        ("# a,b\n1,cat\n2,dog\n", ["a", "b"], [[1, 2]]),
        ("# made by me\na,label\n0.5,sig\n0.6,bkg\n", ["a", "label"], [[0.5, 0.6]]),
        ("# made by me\n1,2\n3,4\n", ["c0", "c1"], [[1, 3], [2, 4]]),
        ("# made by me\r\n\r\n# again\r\n\r\na,b\r\n0.5,0\r\n", ["a", "b"], [[0.5], [0]]),
        ("\ufeff# made by me\u2028in two lines\x0c\na,b\n0.5,0\n", ["a", "b"], [[0.5], [0]]),
        ("# banner\n" * 3000 + "a,b\n0.5,0\n1.5,1\n", ["a", "b"], [[0.5, 1.5], [0, 1]]),
        (
            "# one\n" * 3 + ",".join(f"column_{i}" for i in range(2000)) + "\n" + ",".join("1" * 2000) + "\n",
            ["column_0"],
            [[1]],
        ),
    ],
)
def test_lines_of_comments_before_the_header_are_no_events(tmp_path, text, names, rows, ending):
    path = tmp_path / f"t.{ending}"
    text = text.replace("\ufeff", "") if ending.endswith("gz") else text
    path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    reader = open_table(str(path))
    assert list(reader.types())[: len(names)] == names
    wanted = names[: len(rows)]
    found = next(reader.chunks(wanted))
    np.testing.assert_array_equal([found[name] for name in wanted], rows)
    sampled = next(iter(reader.sampled(wanted, 10, 2)))
    np.testing.assert_array_equal([sampled[name] for name in wanted], rows)


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_any_name_that_our_writer_writes_reads_back(tmp_path, ending):
    columns = {name: np.array([i, 0.5]) for i, name in enumerate(["score_d,e", 'a"b', "# c", " d ", "0", "1", "ü µ"])}
    write_columns(tmp_path / f"t.{ending}", [columns])
    found = open_table(f"{tmp_path}/t.{ending}").read()
    assert {name: values.tolist() for name, values in found.items()} == {n: c.tolist() for n, c in columns.items()}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("label,f0\n1,2,3,4\n5,6,7,8\n", "the header has 2 names, and the rows have 4 fields"),
        ("label pt\n 1 0.5  0.25\n 0 0.5 0.75\n", "the header has 2 names, and the rows have 3 fields"),
        ("event,label\n0,1,0.25\n1,0,0.5\n", "the header has 2 names, and the rows have 3 fields"),
        ("0,1\n1,1\n2,0\n", "may be a header or the first event"),
        ("\n\n", "is empty"),
        ("a,a\n1,2\n", "'a' more than once"),
        ("1,2\n3,4\n", "2 columns and no header; `columns` names 3"),
        ("a,b\n1,2\n3\n", "Expected 2 columns, got 1"),
        ("a,b\n1,x\n", "holds text"),
    ],
)
def test_a_csv_file_that_is_no_table_says_why(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        open_table(f"{tmp_path}/t.csv", columns=["a", "b", "c"]).read()


@pytest.mark.parametrize(("given", "said"), [(["x", "y"], True), (["b", "a"], False), ([], False)])
def test_names_beside_a_header_are_said_not_to_be_used(tmp_path, given, said):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    reader = open_table(f"{tmp_path}/t.csv", columns=given)
    assert list(reader.read()) == ["a", "b"]
    assert reader.notes() == (["`columns` is not used where a CSV file has a header; its columns are a, b"] if said else [])


def test_a_csv_file_is_read_ahead_and_can_be_left_early(tmp_path):
    rows = 200_000
    columns = {"a": np.arange(rows), "b": np.linspace(0, 1, rows)}
    write_columns(tmp_path / "t.csv.gz", [columns])
    reader = open_table(f"{tmp_path}/t.csv.gz")
    before = set(threading.enumerate())  # those of other tests may end meanwhile
    chunks = reader.chunks(["a", "b"])
    assert len(next(chunks)["a"]) < rows
    chunks.close()
    assert set(threading.enumerate()) <= before
    for name, values in columns.items():
        assert_array_equal(reader.read()[name], values)
    assert set(threading.enumerate()) <= before


def test_words_for_missing_and_infinite_values_in_csv(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n,NaN\nNA,inf\nnull,-inf\n 1 ,2\n")
    found = open_table(f"{tmp_path}/t.csv").read()
    assert_array_equal(found["a"], [np.nan, np.nan, np.nan, 1])
    assert_array_equal(found["b"], [np.nan, np.inf, -np.inf, 2])


def test_a_negative_nan_is_missing_among_numbers_and_among_event_numbers(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,n\n-nan,-NaN,1\n2,3,-nan\n-4,-5,-NaN\n")
    for float32 in ((), {"a", "b"}):
        found = joined(open_table(f"{tmp_path}/t.csv"), ["a", "b", "n"], 10, integers={"n"}, float32=float32)
        assert_array_equal(found["a"], [np.nan, 2, -4])
        assert_array_equal(found["b"], [np.nan, 3, -5])
        assert_array_equal(found["n"], [1, np.nan, np.nan])


def test_single_precision_is_rounded_once_and_what_it_cannot_hold_is_infinite_or_zero(tmp_path):
    texts = ["0.1", "1e39", "-1e39", "1e-50", "16777217", "-inf", "NA"]
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{text},{text}\n" for text in texts))
    found = joined(open_table(f"{tmp_path}/t.csv"), ["x", "y"], 10, float32={"x"})
    assert (found["x"].dtype, found["y"].dtype) == (np.float32, np.float64)
    with np.errstate(over="ignore"):
        assert_array_equal(found["x"], found["y"].astype(np.float32))


@pytest.mark.parametrize("block", [1, 3, 7, 64, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_size_of_blocks_of_text_changes_nothing(tmp_path, monkeypatch, block, end):
    rows = [f"{i},{i / 7!r},{-i}" for i in range(50)]
    (tmp_path / "t.csv").write_bytes(end.join(["\ufeff# a,b,c", "", *rows[:20], "", "", *rows[20:]]).encode())
    monkeypatch.setattr("fivesigma.data.readers.csv_lines.BLOCK", block)
    reader = open_table(f"{tmp_path}/t.csv")
    found = joined(reader, ["a", "b", "c"], 8, integers={"a"})
    assert_array_equal(found["a"], np.arange(50))
    assert_array_equal(found["b"], np.arange(50) / 7)
    assert_array_equal(found["c"], -np.arange(50))
    assert reader.share(50) == 1.0


def test_a_bad_row_is_named_by_its_number_in_the_file(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 500 + "3\n" + "1,2\n" * 500)
    for block in (1 << 20, 100):
        monkeypatch.setattr("fivesigma.data.readers.csv_lines.BLOCK", block)
        with pytest.raises(DataError, match="Row #502: Expected 2 columns, got 1: 3"):
            open_table(f"{tmp_path}/t.csv").read()


@pytest.mark.parametrize(
    ("arrays", "columns", "words"),
    [
        ({"v": np.zeros((2, 3))}, {"v": ["a"]}, "has 3 columns; `columns.v` names 1"),
        ({"v": np.zeros((2, 3))}, {"w": ["a"]}, "no array 'w'"),
        ({"v": np.zeros((2, 2)), "a": np.zeros(2)}, {"v": ["a", "b"]}, "named 'a'"),
        ({"v": np.zeros(2), "w": np.zeros(3)}, {}, "differ in length"),
        ({"v": np.zeros((2, 2, 2))}, {}, "holds no table"),
        ({"v": np.array([{}])}, {}, "Python objects"),
    ],
)
def test_an_archive_that_is_no_table_says_why(tmp_path, arrays, columns, words):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(DataError, match=words):
        open_table(f"{tmp_path}/t.npz", columns=columns).types()


def test_columns_of_an_array_without_names_are_numbered(tmp_path):
    np.savez(tmp_path / "t.npz", v=np.array([[1.0, 2.0]]))
    assert {n: c.tolist() for n, c in open_table(f"{tmp_path}/t.npz").read().items()} == {"v_0": [1.0], "v_1": [2.0]}


def test_two_hdf5_tables_with_one_column_name_must_be_chosen_from(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        for i, name in enumerate(("jets", "muons")):
            file[name] = np.array([(i,)], [("pt", "f8")])
    with pytest.raises(DataError, match="several tables with a column 'pt'"):
        open_table(f"{tmp_path}/t.h5").types()
    assert open_table(f"{tmp_path}/t.h5:muons").read()["pt"] == 1.0
    with pytest.raises(DataError, match=r"no group 'muon'.*did you mean 'muons'"):
        open_table(f"{tmp_path}/t.h5:muon").types()


def test_a_file_name_may_carry_a_tree():
    assert split_treename("/a/b.root:dir/tree") == ("/a/b.root", "dir/tree")
    assert split_treename("https://host/b.root") == ("https://host/b.root", None)
    assert split_treename("a.h5:g") == ("a.h5", "g")
    assert split_treename("a.csv:b") == ("a.csv:b", None)


def test_globs_are_expanded_in_sorted_order_with_their_tree(tmp_path):
    for name in ("b.root", "a.root", "c[1].root"):
        (tmp_path / name).touch()
    assert expand([f"{tmp_path}/?.root:Events"]) == [f"{tmp_path}/a.root:Events", f"{tmp_path}/b.root:Events"]
    assert expand([f"{tmp_path}/c[1].root"]) == [f"{tmp_path}/c[1].root"]
    with pytest.raises(DataError, match="no file matches"):
        expand([f"{tmp_path}/*.csv"])


def test_a_file_that_would_count_twice_is_refused(tmp_path):
    for name in ("a.root", "b.root"):
        (tmp_path / name).touch()
    (tmp_path / "link.root").symlink_to(tmp_path / "b.root")
    assert len(expand([f"{tmp_path}/a.root:one", f"{tmp_path}/a.root:two"])) == 2
    for files in ("a.root", "a.root"), ("?.root", "b.root"), ("b.root", "link.root"), ("a.root:one", "[a]*.root:one"):
        with pytest.raises(DataError, match=r"\.root(:one)? is named twice"):
            expand([f"{tmp_path}/{file}" for file in files])
    assert expand([f"{tmp_path}/a.root"] * 2, repeated=True) == [f"{tmp_path}/a.root"] * 2
    for files in ("a.root", "a.root:one"), ("b.root:one", "b.root:two", "link.root"):
        with pytest.raises(DataError, match=r"\.root(:one)? and .*\.root(:one)? may be the same table"):
            expand([f"{tmp_path}/{file}" for file in files])
    assert len(expand([f"{tmp_path}/a.root", f"{tmp_path}/a.root:one"], repeated=True)) == 2


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a,b\n1,True\n", "write 1 and 0 for it"),
        ("a;b\n1;0,5\n", "with a point, not with a comma"),
        ("a,b\n1,x\n", "leave the column out"),
    ],
)
def test_text_in_place_of_numbers_gets_the_remedy_that_fits(tmp_path, text, hint):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match="holds text") as caught:
        open_table(str(tmp_path / "a.csv")).read(["b"])
    assert hint in caught.value.hint


def test_a_folder_is_no_file_and_the_pattern_of_its_files_is_told(tmp_path):
    for name in ("a.parquet", "b.parquet", "c.csv", "notes.txt~"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=f"{tmp_path} is a folder") as caught:
        expand([str(tmp_path)])
    assert caught.value.hint == f"name its files, such as '{tmp_path}/*.parquet'"


def test_a_missing_file_gets_its_neighbours_named(tmp_path):
    (tmp_path / "train.csv").touch()
    for look in (open_table, lambda path: expand([path])):
        with pytest.raises(DataError, match="no file") as caught:
            look(f"{tmp_path}/trian.csv")
        assert "train.csv" in caught.value.hint
        with pytest.raises(DataError, match=r"the folder .* does not exist"):
            look(f"{tmp_path}/nowhere/train.csv")


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not on this machine")
@pytest.mark.parametrize(
    ("name", "rows", "column", "lists"),
    [
        ("uproot-Zmumu.root", 2304, "M", False),
        ("uproot-HZZ.root", 2421, "Muon_Px", True),
        ("nano_dimuon.root:Events", None, "nMuon", False),
        ("Run2012BC_DoubleMuParked_Muons_1000evts_rntuple_v1-0-0-0.root", 1000, "Muon_pt", True),
    ],
)
def test_real_files_read_in_chunks_as_uproot_reads_them_whole(name, rows, column, lists):
    reader = open_table(str(REAL / name))
    parts = [part[column] for part in reader.chunks([column], 300)]
    whole = uproot.open(reader.where)[column].array()
    assert reader.length() == len(whole) == (rows or len(whole))
    assert ak.to_list(ak.concatenate(parts)) == ak.to_list(whole)
    assert (ak.Array(parts[0]).ndim == 2) is lists


def test_text_of_very_many_columns_is_read_or_refused_at_once(tmp_path):
    names = [f"c{i}" for i in range(100_000)]
    (tmp_path / "wide.csv").write_text(",".join(names) + "\n" + ",".join(["1"] * len(names)) + "\n")
    (tmp_path / "long.csv").write_text(",".join(["1"] * 1_000_000))
    with at_once():
        reader = open_table(f"{tmp_path}/wide.csv")
        assert list(reader.types()) == names
        assert reader.read(["c5"])["c5"].tolist() == [1.0]
        with pytest.raises(DataError, match=r"the first line of .*long\.csv has more than 1,048,576 characters"):
            open_table(f"{tmp_path}/long.csv").types()


def test_an_archive_that_promises_more_than_it_holds_is_refused_before_memory_is_taken(tmp_path):
    header = np.lib.format.header_data_from_array_1_0(np.zeros(1)) | {"shape": (10**9,)}
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, header)
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("x.npy", buffer.getvalue())
    with pytest.raises(DataError, match=r"'x' should have 8,000,000,000 bytes and has 0"):
        open_table(f"{tmp_path}/t.npz").types()


def test_an_hdf5_file_reads_no_other_file(tmp_path):
    (tmp_path / "secret").write_bytes(np.arange(4.0).tobytes())
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.arange(4.0)
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file.create_dataset("x", (4,), "f8", external=[(str(tmp_path / "secret"), 0, 32)])
    with h5py.File(tmp_path / "v.h5", "w") as file:
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (4,))
        file.create_virtual_dataset("x", layout)
    with h5py.File(tmp_path / "l.h5", "w") as file:
        file["g"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/")
        file["y"] = np.arange(4.0)
    for name, words in (
        ("t.h5", "'x' keeps its values in another file"),
        ("v.h5", "'x' keeps"),
        ("l.h5:g", "'g' is in another"),
        ("l.h5", "'g' is a link to another file"),
    ):
        with pytest.raises(DataError, match=words):
            open_table(f"{tmp_path}/{name}").read()


def test_a_link_within_an_hdf5_file_is_another_name(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["x"] = np.arange(4.0)
        file["y"], file["gone"] = h5py.SoftLink("/x"), h5py.SoftLink("/nothing")
        file["loop"] = h5py.SoftLink("/loop")
        file["z"] = file["x"]
    found = open_table(f"{tmp_path}/t.h5").read()
    assert {name: column.tolist() for name, column in found.items()} == {key: [0, 1, 2, 3] for key in "xyz"}


def test_what_is_no_column_of_numbers_in_an_hdf5_file_is_said(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["x"], file["deep"], file["c"] = np.arange(4.0), np.zeros((4, 2, 2)), 1j * np.arange(4)
        file["short"] = np.array([b"sig"] * 4)
        file.create_dataset("long", data=["a", "b"] * 2, dtype=h5py.string_dtype())
        file.create_dataset("names", data=["x", "deep"], dtype=h5py.string_dtype())  # not of the events
        file.create_dataset("lists", (4,), h5py.vlen_dtype("f4"))
    reader = open_table(f"{tmp_path}/t.h5")
    assert reader.types() == {"long": "text", "short": "text", "x": "float64"}
    assert reader.read()["long"].tolist() == ["a", "b"] * 2
    deep, lists = reader.notes()
    assert "left out, as they have more than two dimensions: deep" in deep
    assert "left out, as they are neither numbers nor text: c, lists" in lists


def test_arrays_of_another_length_are_left_out_by_the_group(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["deep/events/x"], file["other"] = np.arange(4.0), np.zeros(5)
    with pytest.raises(DataError, match="differ in length") as caught:
        open_table(f"{tmp_path}/t.h5").types()
    assert f"{tmp_path}/t.h5:deep/events" in caught.value.hint
    assert list(open_table(f"{tmp_path}/t.h5:deep/events").types()) == ["x"]


@pytest.mark.parametrize("ending", ["h5", "npz"])
def test_fields_of_structured_arrays_are_columns(tmp_path, ending):
    table = np.zeros(3, [("p", "f4", (2,)), ("q", "i4")])
    table["p"], table["q"] = np.arange(6).reshape(3, 2), [7, 8, 9]
    path = tmp_path / f"t.{ending}"
    if ending == "npz":
        np.savez(path, table=table, x=np.arange(3.0))
    else:
        with h5py.File(path, "w") as file:
            file["table"], file["x"] = table, np.arange(3.0)
    for columns, names in ({}, ("p_0", "p_1")), ({"p": ["px", "py"]}, ("px", "py")):
        found = open_table(str(path), columns=columns).read()
        assert {name: column.tolist() for name, column in found.items()} == {
            **{name: [i, 2 + i, 4 + i] for i, name in enumerate(names)},
            "q": [7, 8, 9],
            "x": [0, 1, 2],
        }


def test_an_hdf5_dataset_without_a_shape_is_no_column(tmp_path):
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["nothing"], file["x"] = h5py.Empty("f8"), np.arange(4.0)
    assert list(open_table(f"{tmp_path}/t.h5").read()) == ["x"]


def test_a_file_that_may_not_be_read_is_not_called_incomplete(tmp_path, monkeypatch):
    from fivesigma.data.readers.base import reading

    with pytest.raises(DataError, match=r"cannot read a\.csv: permission denied") as caught, reading("a.csv"):
        raise PermissionError(13, "Permission denied", "a.csv")
    assert "permissions" in caught.value.hint


FIELDS = st.one_of(
    st.floats(allow_nan=True).map(repr),
    st.floats(width=32).map(lambda x: f"{x:.9e}"),
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.sampled_from(
        ["", "NA", "nan", "NaN", "-nan", " 1", "1 ", '"2"', "+3", "4.", ".5", "1e400", "inf", "-Inf", "0x1", "1_0"]
    ),
    st.text("0123456789.eE+-na ", max_size=6),
)


@given(
    st.lists(st.lists(FIELDS, min_size=1, max_size=4), min_size=1, max_size=6),
    st.sampled_from(["float32", "float64", "int64"]),
)
def test_polars_and_pyarrow_read_the_same_numbers_or_polars_leaves_it(lines, kind):
    head = Head(("a", "b", "c"), False, ",", ())
    text = "".join(",".join(line) + "\n" for line in lines).encode()
    found = Fast(head, {"a": kind, "b": kind}).columns(text, 0)
    if found is None:
        return
    expected = Careful(head, {"a": kind, "b": kind}).columns(text, 0, int)
    for name in "ab":
        assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize(
    "odd",
    ["3,4\n", "3,4,5,6\n", "\n", "NA,4,5\n", '"3",4,5\n', " 3,4,5\n", "3,4,\n"],
    ids=["short", "long", *["empty", "NA", "quoted", "blank", "last"]],
)
def test_an_odd_line_among_plain_ones_is_left_to_pyarrow(odd):
    head = Head(("a", "b", "c"), False, ",", ())
    plain = b"1,2,3\n" * 5
    assert Fast(head, {"a": "float64"}).columns(plain, 0) is not None
    found = Fast(head, {"a": "float64"}).columns(plain + odd.encode() + plain, 0)
    if odd in (" 3,4,5\n", '"3",4,5\n'):
        assert found["a"].tolist() == [1] * 5 + [3] + [1] * 5
    else:
        assert found is None


def test_a_panic_of_the_parser_is_one_sentence(tmp_path, capfd):
    """polars panics instead of raising an error where a file ends within a field of a quotation mark."""
    (tmp_path / "e.csv").write_bytes(b'a,b\n1,2\n,1e\r\r.1\n"')
    with pytest.raises(DataError):
        open_table(str(tmp_path / "e.csv")).read()
    capfd.readouterr()  # what it prints of itself


def test_an_rntuple_that_claims_more_than_its_bytes_hold_is_refused(tmp_path, monkeypatch):
    """uproot takes memory for the number of values that a page claims to hold, whatever its size."""
    with uproot.recreate(tmp_path / "e.root") as file:
        file.mkrntuple("Events", {"x": np.arange(60.0)})
    monkeypatch.setattr("fivesigma.data.readers.root._MOST_PER_BYTE", 0.1)
    with pytest.raises(DataError, match="bytes of it claim to hold 60 values"):
        open_table(str(tmp_path / "e.root")).read()


def test_members_of_a_collection_of_an_rntuple_are_lists(tmp_path):
    jets = ak.zip({"pt": [[1.0, 2.0], [], [3.0]], "eta": [[0.1, 0.2], [], [0.3]]})
    with uproot.recreate(tmp_path / "e.root") as file:
        file.mkrntuple("Events", {"Jet": jets, "x": np.arange(3.0), "hits": ak.Array([[1], [], [2, 3]])})
    reader = open_table(str(tmp_path / "e.root"))
    found = {name: per_event(kind) for name, kind in reader.types().items()}
    assert found == {
        "Jet": "no number",
        **dict.fromkeys(("Jet.pt", "Jet.eta", "hits"), "a list of numbers"),
        "x": "one number",
    }
    assert reader.read(["Jet.pt"])["Jet.pt"].tolist() == [[1.0, 2.0], [], [3.0]]


def test_an_hdf5_type_that_numpy_has_not_is_one_sentence(tmp_path):

    kind = h5py.h5t.IEEE_F64LE.copy()
    kind.set_ebias(100_000)  # an exponent that no number of NumPy has, long double neither
    with h5py.File(tmp_path / "e.h5", "w") as file:
        h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple((3,)))
    with pytest.raises(DataError, match=r"cannot read .*e\.h5"):
        open_table(str(tmp_path / "e.h5")).types()


def test_a_parquet_file_is_never_in_memory_as_a_whole(tmp_path):
    path = tmp_path / "many.parquet"
    generator = np.random.default_rng(1)
    blocks = ({f"x{i}": generator.normal(size=20_000) for i in range(8)} for _ in range(30))
    write_columns(path, blocks)
    reader, before, most = open_table(str(path)), pa.total_allocated_bytes(), 0
    for _ in reader.chunks([f"x{i}" for i in range(8)], size=20_000):
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < path.stat().st_size / 4


def test_columns_of_the_other_order_of_bytes_are_those_of_this_machine(tmp_path):
    columns = {"t": np.array([2**60 + 1, 2**60 + 3], ">i8"), "m": np.array([0.5, 1.5], ">f8"), "x": np.array([1, 2], ">f4")}
    np.savez(tmp_path / "t.npz", **columns)
    with h5py.File(tmp_path / "t.h5", "w") as file:
        for name, values in columns.items():
            file[name] = values
    for name in ("t.npz", "t.h5"):
        found = open_table(str(tmp_path / name)).read()
        assert all(values.dtype.isnative for values in found.values())
        assert Expression("t % 4")(found).tolist() == [1, 3]
        assert found["m"].tolist() == [0.5, 1.5]
        write_columns(tmp_path / f"{name}.parquet", [found])


def test_columns_with_as_many_numbers_for_every_event_are_lists_in_every_format(tmp_path):
    values, weight = np.arange(9.0).reshape(3, 3), np.array([1.0, 10.0, 100.0])
    with uproot.recreate(tmp_path / "t.root") as file:
        file["t"] = {"v": values, "w": weight}
    lists = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 3)
    pq.write_table(pa.table({"v": lists, "w": weight}), tmp_path / "t.parquet")
    for name in ("t.root", "t.parquet"):
        found = open_table(str(tmp_path / name)).read()
        assert Expression("sum(v * w)")(found).tolist() == [3, 120, 2100], name
        assert Expression("max(v[v > 0])")(found).tolist() == [2, 5, 8]
        assert Expression("v[1]")(found).tolist() == [1, 4, 7]
        assert Expression("count(v[v > 4])")(found).tolist() == [0, 1, 3]


def test_a_number_that_an_event_of_an_rntuple_may_lack_is_missing(tmp_path):
    with uproot.recreate(tmp_path / "t.root") as file:
        file.mkrntuple(
            "t", {"o": ak.Array([1.0, None, 3.0]), "n": ak.Array([1, None, 3]), "large": ak.Array([2**60 + 1, None, 3])}
        )
    found = open_table(str(tmp_path / "t.root")).read(["o", "n"])
    for values in found.values():
        np.testing.assert_array_equal(values, [1, np.nan, 3])
    with pytest.raises(DataError, match="column 'large' has missing values and whole numbers above 2⁵³"):
        open_table(str(tmp_path / "t.root")).read(["large"])


def test_decimal_numbers_are_numbers_with_and_without_missing_ones(tmp_path):
    for values in ([1.5, 2.25], [1.5, None]):
        decimals = [None if value is None else decimal.Decimal(str(value)) for value in values]
        pq.write_table(pa.table({"d": pa.array(decimals, pa.decimal128(10, 2))}), tmp_path / "t.parquet")
        np.testing.assert_array_equal(open_table(str(tmp_path / "t.parquet")).read()["d"], np.array(values, float))
