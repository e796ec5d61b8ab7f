from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from numpy.testing import assert_allclose, assert_array_equal

from fivesigma.analysis.file import load
from fivesigma.data.load import load_samples, plan_for, read_events, reader_for
from fivesigma.errors import AnalysisError, ColumnNotFound, DataError, EventsError, FivesigmaError, LeakageError

REAL = Path(__file__).parents[3] / "shared" / "data" / "real"
X = np.array([1.0, -2.0, 3.0, np.nan])
COLUMNS = {
    "x": X,
    "y": np.array([10.0, 20.0, 30.0, 40.0]),
    "label": np.array([0, 1, 1, 0]),
    "w": np.array([1.0, -0.5, 2.0, 1.0]),
    "mass": np.array([499.99997, 750.00003, 1000, 1000]),
    "event": np.arange(4) + 2**60,
    "gen_pt": np.array([1.0, 5, 10, 10]),
}


@pytest.fixture
def read(tmp_path):
    """A function: (columns or text, **analysis) → the events of one sample."""

    def read(columns=COLUMNS, **tree):
        if isinstance(columns, str):
            path = tmp_path / "t.csv"
            path.write_text(columns)
        else:
            path = tmp_path / "t.parquet"
            pq.write_table(pa.table(columns), path)
        tree = {"features": ["x", "y"], "labels": "label", "samples": {"s": {"files": str(path)}}, **tree}
        (loaded,) = load_samples(load(tree))
        return loaded.events

    return read


def test_features_labels_weights_observers_and_numbers_are_read(read):
    events = read(weights="w", observers=["mass"], event_number="event", units={"y": "GeV", "m*": "TeV"})
    assert events.feature_names == ("x", "y")
    assert_array_equal(events.features, np.stack([X, COLUMNS["y"]], 1).astype(np.float32))
    assert_array_equal(events.target, COLUMNS["label"])
    assert_array_equal(events.weight, COLUMNS["w"])
    assert_array_equal(events.observers["mass"], COLUMNS["mass"])
    assert_array_equal(events.event_number, COLUMNS["event"].astype(np.uint64))
    assert events.units == {"y": "GeV", "mass": "TeV"}


@pytest.mark.parametrize("size", [1, 3, 100])
def test_the_size_of_chunks_changes_nothing(tmp_path, size):
    pq.write_table(pa.table(COLUMNS), tmp_path / "t.parquet")
    analysis = load({"features": ["x * y"], "labels": "label", "selection": "y > 10"})
    reader = reader_for(analysis, f"{tmp_path}/t.parquet")
    parts = list(read_events(analysis, plan_for(analysis, reader), reader, None, size=size))
    assert sum(rows for _, rows in parts) == 4
    assert_array_equal(np.concatenate([events.features[:, 0] for events, _ in parts]), [-40, 90, np.nan])


def test_a_selection_keeps_what_is_true_and_not_what_is_missing(read):
    assert_array_equal(read(selection="y > 15 && y < 35").features[:, 1], [20, 30])
    assert_array_equal(read(selection="x").features[:, 1], [10, 20, 30])
    assert_array_equal(read(selection="not x > 0").features[:, 1], [20, 40])
    with pytest.raises(EventsError, match=r"no event of sample 's' passes the selection \(4 read\)"):
        read(selection="y > 99")


def test_new_variables_may_depend_on_each_other(read):
    events = read(features=["c"], new_variables={"c": "b * 2", "b": "a + 1", "a": "y / 10"})
    assert_array_equal(events.features[:, 0], [4, 6, 8, 10])


def test_new_variables_in_a_circle_are_refused(read):
    with pytest.raises(AnalysisError, match="a → b → a is a circle"):
        read(features=["a"], new_variables={"a": "b + 1", "b": "a * 2"})


def test_features_may_be_globs_expressions_and_exceptions(read):
    assert read(features="*", exclude=["gen*", "w", "label", "mass", "event"]).feature_names == ("x", "y")
    assert read(features=["y", "x / y", "?"]).feature_names == ("y", "x / y", "x", "w")
    with pytest.raises(AnalysisError, match="'z' matches none"):
        read(exclude=["z"])


def test_what_cannot_be_computed_counts_as_missing(read):
    events = read(features=["log(x)", "1 / (y - 10)", "y * 1e38 * 10"])
    assert_array_equal(events.features[:2], np.float32([[0, np.nan, np.nan], [np.nan, 0.1, np.nan]]))


def test_a_missing_column_names_the_nearest(read):
    through = {"features": ["a"], "new_variables": {"a": "b", "b": "Y + 1"}}
    others = ({"features": ["Y"]}, {"features": ["x + Y"]}, {"weights": "Y"}, {"observers": ["Y"]}, {"selection": "Y > 1"})
    for tree in (through, *others):
        with pytest.raises(ColumnNotFound, match=r"no column 'Y'.*nearest: 'y'"):
            read(**tree)


def test_text_is_no_feature(read):
    columns = {"x": ["a", "b"], "label": [0, 1]}
    for feature in ("x", "x + 1"):
        with pytest.raises(FivesigmaError, match="'x"):
            read(columns, features=[feature])


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32])
def test_agreed_values_mean_missing_in_any_precision(read, kind):
    marks = [-999] if kind is np.int32 else [-99.9, -999]
    columns = {"x": np.array([1, marks[0], 3], kind), "y": np.array([1, 2, -999], kind), "label": [0, 1, 1]}
    events = read(columns, missing_values=marks)
    assert_array_equal(np.isnan(events.features), [[False, False], [True, False], [False, True]])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("answer", [{"labels": "label"}, {"labels": None, "target": "label"}])
def test_an_event_without_an_answer_is_refused_unless_it_is_cut_away(read, answer, bad):
    columns = {**COLUMNS, "label": np.array([0, 1, bad, 0])}
    with pytest.raises(EventsError, match=r"1 of 4 events .* 'label' is NaN or infinite") as caught:
        read(columns, **answer)
    assert "isfinite(label)" in caught.value.hint
    assert len(read(columns, selection="isfinite(label)", **answer)) == 3


def test_a_class_outside_the_named_ones_is_refused(read):
    for label, words in [([0, 1, 2, 0], "= 2;"), ([0, 0.5, 1, 0], "= 0.5;"), ([0, -1, 1, 0], "= -1;")]:
        with pytest.raises(EventsError, match=words):
            read({**COLUMNS, "label": np.array(label, float)})


def test_label_edges_bin_with_the_lower_edge_included(read):
    edges = {"variable": "gen_pt", "edges": [1, 5, 10]}
    assert_array_equal(read(labels=edges).target, [0, 1, 1, 1])
    assert_array_equal(read(labels={"variable": "gen_pt", "edges": [0, 5, 10, float("inf")]}).target, [0, 1, 2, 2])
    with pytest.raises(EventsError, match=r"3 events .* outside 0 … 4"):
        read(labels={"variable": "gen_pt", "edges": [0, 2, 4]})


def test_a_label_may_be_a_comparison(read):
    assert_array_equal(read(labels="gen_pt >= 5").target, [0, 1, 1, 1])


def test_parameters_snap_to_their_values(read):
    events = read(parameters={"mass": {"values": [1000, 500, 750]}})
    assert_array_equal(events.parameters[:, 0], [500, 750, 1000, 1000])
    assert_allclose(read(parameters={"m": {"variable": "mass / 1000"}}).parameters[:, 0], COLUMNS["mass"] / 1000, rtol=1e-6)
    with pytest.raises(EventsError, match="parameter 'x' is missing in 1 of 4"):
        read(parameters={"x": {}})


def test_background_may_carry_another_column_as_it_is(read):
    parameter = {"values": [500, 750, 1000], "background_variable": "y * 3"}
    events = read({**COLUMNS, "mass": np.array([np.nan, 750.00003, 1000, np.inf])}, parameters={"mass": parameter})
    assert events.parameters[:, 0].tolist() == [30.0, 750.0, 1000.0, 120.0]
    with pytest.raises(EventsError, match="'mass' is missing in 1 of 4"):
        read(parameters={"mass": {**parameter, "background_variable": "x"}})
    with pytest.raises(AnalysisError, match="needs `background: given`"):
        read(parameters={"mass": {**parameter, "background": "signal"}})


def test_a_weight_that_is_not_a_number_is_refused(read):
    with pytest.raises(EventsError, match=r"1 events .* weight that is not a number"):
        read(weights="x", features="y")


def test_the_weight_is_no_input(read):
    with pytest.raises(LeakageError, match="'w'"):
        read(weights="w", features=["x", "w"])


def test_a_new_variable_with_the_name_of_a_column_is_refused(read):
    with pytest.raises(AnalysisError, match="'y' is already a column"):
        read(new_variables={"y": "2 * x"})


def test_the_answer_is_no_input_unless_it_is_allowed(read):
    for feature in ("gen_pt", "label", "event", "log(gen_pt)", "new", "*"):
        with pytest.raises(LeakageError, match="knows the answer"):
            read(features=[feature], new_variables={"new": "2 * gen_pt"}, event_number="event")
    assert read(features=["gen_pt"], allow_truth=["gen_*"]).feature_names == ("gen_pt",)
    assert read(features=["gen_pt"], truth=[]).feature_names == ("gen_pt",)


def test_the_number_of_an_event_is_no_input_even_if_nobody_named_it(read):
    columns = {**COLUMNS, "event_number": np.arange(4)}
    assert_array_equal(read(columns).event_number, range(4))
    with pytest.raises(LeakageError, match="'event_number'"):
        read(columns, features=["event_number"])


def test_without_a_number_the_content_of_the_event_is_its_number(read):
    events = read(features=["y"])
    assert_array_equal(events.event_number, events.fingerprint)
    assert len(set(events.event_number.tolist())) == 4


def test_a_missing_event_number_is_refused(read):
    with pytest.raises(DataError, match=r"'x' .* is missing in some events"):
        read(event_number="x", features=["y"])


def test_samples_have_their_own_label_weight_and_selection(tmp_path):
    for name, shift in [("sig", 0), ("bkg", 100)]:
        pq.write_table(pa.table({"x": np.arange(4.0) + shift, "w": np.full(4, 2.0)}), tmp_path / f"{name}.parquet")
    tree = {
        "features": ["x"],
        "labels": {"names": ["bkg", "sig"]},
        "weights": "w",
        "samples": {
            "mc": {"files": f"{tmp_path}/sig.parquet", "label": "sig", "weight": 0.5, "selection": "x > 1"},
            "test": {"files": [f"{tmp_path}/bkg.parquet"] * 2, "label": "bkg", "weight": "w * 3"},
        },
    }
    signal, background = load_samples(load(tree))
    assert (signal.use, background.use, signal.read, background.read) == ("split", "test", 4, 8)
    assert_array_equal(signal.events.features[:, 0], [2, 3])
    assert_array_equal(signal.events.weight, [1, 1])
    assert_array_equal(signal.events.target, [1, 1])
    assert_array_equal(background.events.weight, np.full(8, 12))
    assert_array_equal(background.events.target, np.zeros(8))


@pytest.fixture
def trees(tmp_path):
    """Three ROOT files with jets, one of them without events."""
    jets = {"a": [[50.0, 30.0], [], [20.0]], "b": [[70.0]]}
    for name in "abc":
        with uproot.recreate(tmp_path / f"{name}.root") as file:
            file.mktree("dir/Events", {"pt": "var * float64", "label": "i4"})
            if name in jets:
                file["dir/Events"].extend({"pt": ak.Array(jets[name]), "label": np.zeros(len(jets[name]), np.int32)})
    return tmp_path


def test_lists_give_features_by_index_and_by_reduction(trees):
    tree = {"features": ["pt[0]", "count(pt)", "sum(pt)", "max(pt)"], "labels": "label"}
    (loaded,) = load_samples(load({**tree, "samples": {"s": {"files": f"{trees}/?.root:dir/Events"}}}))
    nan = np.nan
    assert_array_equal(loaded.events.features, [[50, 2, 80, 50], [nan, 0, 0, nan], [20, 1, 20, 20], [70, 1, 70, 70]])
    assert loaded.files == tuple(f"{trees}/{name}.root:dir/Events" for name in "abc")


def test_a_list_is_no_feature_and_the_remedy_is_named(trees):
    tree = {"features": ["pt"], "labels": "label", "samples": {"s": {"files": f"{trees}/a.root", "treename": "dir/Events"}}}
    with pytest.raises(DataError, match=r"'pt' .* has a list per event, not one value") as caught:
        load_samples(load(tree))
    assert caught.value.hint == "take one element, pt[0], or reduce it: count(pt), sum(pt), max(pt)"


def test_files_whose_globs_resolve_in_another_order_are_not_mixed_up(tmp_path):
    for name, order in [("a", ["x1", "x2", "y"]), ("b", ["x2", "x1", "y"])]:
        pq.write_table(pa.table({column: [float(column == "x2")] for column in order}), tmp_path / f"{name}.parquet")
    tree = {"features": "x*", "target": "y", "samples": {"s": {"files": f"{tmp_path}/*.parquet"}}}
    with pytest.raises(EventsError, match="differ in their features: x2, x1 is not x1, x2"):
        load_samples(load(tree))
    (loaded,) = load_samples(load(tree, {"features": ["x1", "x2"]}))
    assert_array_equal(loaded.events.features, [[0, 1], [0, 1]])


def test_rows_with_one_field_too_many_are_read_by_the_header(read):
    """The published file 1000_test.csv has a header of 28 names over rows of 29 fields."""
    events = read("# label,x,y\n1.0,2,3,500\n0.0,5,6,500\n")
    assert_array_equal(events.target, [1, 0])
    assert_array_equal(events.features, [[2, 3], [5, 6]])


def test_large_event_numbers_in_text_are_exact(read):
    events = read(f"x,y,label,event\n1,2,0,{2**60 + 1}\n1,2,1,{2**60 + 2}\n", event_number="event")
    assert_array_equal(events.event_number, np.array([2**60 + 1, 2**60 + 2], np.uint64))


def test_an_event_number_with_an_exponent_is_said_so(read):
    with pytest.raises(DataError, match=r"'event' in .* numbers events and holds '1.0e4'") as caught:
        read("x,y,label,event\n1,2,0,1\n3,4,1,1.0e4\n", event_number="event")
    assert "whole numbers" in caught.value.hint


def test_text_keeps_double_precision_where_a_formula_an_observer_or_a_weight_needs_it(read):
    near = 1 + 2.0**-40
    columns = "x,y,label\n" + f"{near!r},2,0\n1,3,1\n"
    assert_array_equal(read(columns, features=["x", "y"], selection="x > 1").features, [[1, 2]])
    assert_array_equal(read(columns, features=["x", "(x - 1) * 2**40"], exclude=[]).features[:, 1], [1, 0])
    assert_array_equal(read(columns, features=["x", "y"], observers=["x"]).observers["x"], [near, 1])
    assert_array_equal(read(columns, features=["y"], weights="x").weight, [near, 1])
    assert_array_equal(read(columns, features=["x", "y"]).features, [[1, 2], [1, 3]])


def test_an_analysis_without_files_says_how_to_give_them():
    with pytest.raises(AnalysisError, match="names no files") as caught:
        load_samples(load({"features": ["x"], "target": "y"}))
    assert "--data" in caught.value.hint


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not on this machine")
def test_dimuons_of_a_real_file_have_the_mass_of_the_z():
    mass = "sqrt((E1 + E2)**2 - (px1 + px2)**2 - (py1 + py2)**2 - (pz1 + pz2)**2)"
    samples = {"s": {"files": f"{REAL}/uproot-Zmumu.root", "selection": "Q1 * Q2 < 0"}}
    (loaded,) = load_samples(load({"features": [mass], "target": "M", "samples": samples}))
    assert_allclose(loaded.events.features[:, 0], loaded.events.target, rtol=1e-6)
    assert 85 < np.median(loaded.events.target) < 93
