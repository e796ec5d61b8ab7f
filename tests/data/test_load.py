import re
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from numpy.testing import assert_allclose, assert_array_equal

from fivesigma.analysis.file import load, validate
from fivesigma.data.formats import expand
from fivesigma.data.load import load_samples, read_events, read_formulas
from fivesigma.data.opening import plan_for, read_twice, reader_for
from fivesigma.data.write import write_columns
from fivesigma.errors import AnalysisError, ColumnNotFound, DataError, EventsError, FivesigmaError, LeakageError
from fivesigma.preparation.recipe import fit

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
    with pytest.raises(EventsError, match=r"no event of sample 's' passes the selection \(4 read\): 'y > 99'"):
        read(selection="y > 99")


def test_new_variables_may_depend_on_each_other(read):
    events = read(features=["c"], new_variables={"c": "b * 2", "b": "a + 1", "a": "y / 10"})
    assert_array_equal(events.features[:, 0], [4, 6, 8, 10])


def test_new_variables_in_a_circle_are_refused(read):
    with pytest.raises(AnalysisError, match="a → b → a is a circle"):
        read(features=["a"], new_variables={"a": "b + 1", "b": "a * 2"})


@pytest.mark.parametrize("glob", ["jet_*", "q?", "[zq]*"])
def test_a_glob_of_features_that_matches_nothing_is_called_so(read, glob):
    with pytest.raises(AnalysisError, match=f"no column in .* matches {re.escape(repr(glob))}"):
        read(features=[glob])


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
    with pytest.raises(EventsError, match=r"'label' is NaN or infinite in 1 of 4 events") as caught:
        read(columns, **answer)
    assert "isfinite(label)" in caught.value.hint
    assert len(read(columns, selection="isfinite(label)", **answer)) == 3


def test_a_class_outside_the_named_ones_is_refused(read):
    for label, words in [([0, 1, 2, 0], "= 2 in 1 of 4"), ([0, 0.5, 1, 0], "= 0.5 in 1"), ([0, -1, 1, 0], "= -1 in 1")]:
        with pytest.raises(EventsError, match=words):
            read({**COLUMNS, "label": np.array(label, float)})


def test_label_edges_bin_with_the_lower_edge_included(read):
    edges = {"variable": "gen_pt", "edges": [1, 5, 10]}
    assert_array_equal(read(labels=edges).target, [0, 1, 1, 1])
    assert_array_equal(read(labels={"variable": "gen_pt", "edges": [0, 5, 10, float("inf")]}).target, [0, 1, 2, 2])
    with pytest.raises(EventsError, match=r"is outside 0 … 4 in 3 of \d+ events"):
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
    with pytest.raises(EventsError, match=r"the weight is not a number in 1 of \d+ events"):
        read(weights="x", features="y")


def test_the_weight_is_no_input(read):
    with pytest.raises(LeakageError, match="'w', which knows the answer: it is the event weight"):
        read(weights="w", features=["x", "w"])


def test_the_event_number_is_no_input(read):
    with pytest.raises(LeakageError, match="knows the answer: it is the event number"):
        read(event_number="event", features=["x", "event"])


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
    with pytest.raises(DataError, match=r"'x' is missing in \d of \d events read from "):
        read(event_number="x", features=["y"])


def test_samples_have_their_own_label_weight_and_selection(tmp_path):
    for name, shift in [("sig", 0), ("bkg", 100), ("bkg2", 100)]:
        pq.write_table(pa.table({"x": np.arange(4.0) + shift, "w": np.full(4, 2.0)}), tmp_path / f"{name}.parquet")
    tree = {
        "features": ["x"],
        "labels": {"names": ["bkg", "sig"]},
        "weights": "w",
        "samples": {
            "mc": {"files": f"{tmp_path}/sig.parquet", "label": "sig", "weight": 0.5, "selection": "x > 1"},
            "test": {"files": f"{tmp_path}/bkg*.parquet", "label": "bkg", "weight": "w * 3"},
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


ODD = {
    "Jets/Jets.pt": ak.Array([[50.0, 30.0], [], [20.0]]),
    "Jets/Jets.eta": ak.Array([[0.0, 3.0], [], [1.0]]),
    "MET/MET.fMET": np.array([5.0, 15.0, 25.0]),
    "Particle#0.index": np.array([7.0, 8.0, 9.0]),
    "ns::m T": np.array([1.0, 2.0, 3.0]),
    "Event/Event.number": np.array([11, 12, 13]),
    "Event/Event.ok": np.array([1, 1, 1], np.int8),
    "Event/Event.label": np.array([0, 1, 1]),
    "Event weight": np.array([3.0, 4.0, 5.0]),
}


@pytest.fixture
def odd(tmp_path):
    """A function: **analysis → the events of a tree whose columns are named as those of split branches."""
    types = {name: "var * float64" if isinstance(c, ak.Array) else c.dtype for name, c in ODD.items()}
    with uproot.recreate(tmp_path / "odd.root") as file:
        file.mktree("Events", types, counter_name=lambda name: f"n{name[5:].replace('.', '')}").extend(ODD)

    def read(**tree):
        tree = {"features": ["MET/MET.fMET"], "labels": "Event/Event.label", **tree}
        (loaded,) = load_samples(load({**tree, "samples": {"s": {"files": f"{tmp_path}/odd.root"}}}))
        return loaded.events

    return read


@pytest.mark.parametrize("mark", ["", "`"])
def test_a_column_of_any_name_can_stand_wherever_a_column_stands(odd, mark):
    def column(name):
        return f"{mark}{name}{mark}"

    events = odd(
        features=[column(name) for name in ("MET/MET.fMET", "Particle#0.index", "ns::m T")],
        labels=column("Event/Event.label"),
        weights=column("MET/MET.fMET"),
        observers=[column("Particle#0.index")],
        event_number=column("Event/Event.number"),
        selection=column("Event/Event.ok"),
        units={column("MET/*"): "GeV"},
        allow_truth=[column("MET/*")],
        prepare={"log": [column("MET/*")]},
    )
    assert events.feature_names == ("MET/MET.fMET", "Particle#0.index", "ns::m T")
    assert_array_equal(events.features, np.stack([ODD[name] for name in events.feature_names], axis=1).astype(np.float32))
    assert_array_equal(events.target, [0, 1, 1])
    assert_array_equal(events.weight, [5, 15, 25])
    assert_array_equal(events.event_number, [11, 12, 13])
    assert_array_equal(next(iter(events.observers.values())), [7, 8, 9])
    assert events.units == {"MET/MET.fMET": "GeV"}
    logs = load({"features": ["x"], "target": "y", "prepare": {"log": [column("MET/*")]}})
    assert fit(events, logs.prepare).logarithm == (0,)


def test_columns_of_any_name_make_expressions_new_variables_and_globs(odd):
    features = ["`Jets/Jets.pt`[0]", "max(`Jets/Jets.pt`[`Jets/Jets.eta` < 2])", "sqrt(`ns::m T`) * met", "index", "M*/*.f*"]
    events = odd(features=features, new_variables={"met": "`MET/MET.fMET`", "index": "Particle#0.index"})
    assert events.feature_names == (*features[:4], "MET/MET.fMET")
    met = ODD["MET/MET.fMET"]
    expected = [[50, np.nan, 20], [50, np.nan, 20], np.sqrt([1, 2, 3]) * met, [7, 8, 9], met]
    assert_allclose(events.features, np.stack(expected, axis=1), rtol=1e-6)
    assert odd(features=["`ns*`", "`MET/*`"]).feature_names == ("ns::m T", "MET/MET.fMET")
    wanted = {"features": ["Particle#0.index", "MET/MET.fMET"], "exclude": ["`Particle#*`"]}
    assert odd(**wanted).feature_names == ("MET/MET.fMET",)
    logs = {"prepare": {"log": ["`Jets/Jets.pt`[0]"]}}
    events = odd(features=["`Jets/Jets.pt`[0]", "MET/MET.fMET"], **logs)
    assert fit(events, load({"features": ["x"], "target": "y", **logs}).prepare).logarithm == (0,)


def test_the_answer_is_no_input_however_it_is_written(odd):
    for feature in ("Event/Event.label", "`Event/Event.label`", "`Event/Event.label` + 1"):
        for answer in ("Event/Event.label", "`Event/Event.label`"):
            with pytest.raises(LeakageError, match="knows the answer"):
                odd(features=[feature], labels=answer)
    with pytest.raises(LeakageError, match="knows the answer"):
        odd(features=["Event weight"], weights="`Event weight`")
    with pytest.raises(LeakageError, match="knows the answer"):
        odd(features=["MET/MET.fMET"], truth=["`MET/*`"])


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        ("Jets/Jets.pt[0]", "write `Jets/Jets.pt`, between backticks"),
        ("Particle#0.index + 1", "between backticks"),
        ("log(ns::m T)", "between backticks"),
    ],
)
def test_a_name_without_the_backticks_it_needs_is_told_so(odd, feature, words):
    with pytest.raises(FivesigmaError) as caught:
        odd(features=[feature])
    assert words in caught.value.hint


def test_a_list_in_a_column_of_any_name_is_no_feature_and_the_remedy_can_be_pasted(odd):
    with pytest.raises(DataError, match=r"'Jets/Jets.pt' .* has a list per event") as caught:
        odd(features=["Jets/Jets.pt"])
    assert "`Jets/Jets.pt`[0]" in caught.value.hint


def test_lists_in_lists_are_refused_in_a_true_sentence(tmp_path):
    table = {"v": [[[1.0], [2.0, 3.0]], []], "y": [1.0, 2.0]}
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    for feature in ("v", "v[0]", "count(v)"):
        with pytest.raises(FivesigmaError, match=r"'v' .*holds lists in lists"):
            load_samples(load({"features": [feature], "target": "y", "samples": {"s": {"files": f"{tmp_path}/t.parquet"}}}))


def test_a_new_variable_that_is_a_condition_is_counted_as_one(odd):
    new = {"central": "`Jets/Jets.eta` < 2", "same": "central"}
    events = odd(features=["count(central)", "count(same)", "max(`Jets/Jets.pt`[central])"], new_variables=new)
    assert_array_equal(events.features, [[1, 1, 50], [0, 0, np.nan], [1, 1, 20]])


def test_yaml_that_begins_with_a_backtick_is_told_to_be_quoted(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("features: [`a b`]\ntarget: y\n")
    with pytest.raises(AnalysisError, match="line 1") as caught:
        load(path)
    assert caught.value.hint == "put quotes around a text that begins with a backtick: '`Jets/Jets.pt`[0]'"


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
    with pytest.raises(DataError, match=r"'event' in .* has event numbers, but holds '1.0e4'") as caught:
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


def test_a_feature_that_is_called_by_a_number_is_a_column(read):
    events = read({"0": X, "1": COLUMNS["y"], "label": COLUMNS["label"]}, features=["0", "1"])
    assert_array_equal(events.features, np.stack([X, COLUMNS["y"]], 1).astype(np.float32))


def test_what_a_file_hides_is_said_once_for_each_file(tmp_path):
    (tmp_path / "t.csv").write_text("x,y,label\n0,1,2,0\n1,2,3,1\n")
    tree = {"features": ["x", "y"], "labels": "label", "samples": {"s": {"files": f"{tmp_path}/t.csv"}}}
    (loaded,) = load_samples(load(tree))
    assert loaded.notes == (
        f"{tmp_path}/t.csv: the first field of every row has no name and numbers the rows; it is left out",
    )
    assert_array_equal(loaded.events.features, [[1, 2], [2, 3]])


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (np.array([0.25, 0.5, 0.75, 1]), r"'event_number' is not a whole number in 3 of 4 events read from .*, such as 0"),
        (np.array([1, 2, 3, 2.0**53 + 2]), "too large for its type"),
        (np.array([1, 2, 3, 2.0**24 + 2], np.float32), "too large for its type"),
    ],
)
def test_fractions_and_rounded_numbers_are_no_event_numbers(read, numbers, words):
    for more in ({}, {"event_number": "event_number"}):
        with pytest.raises(DataError, match=words):
            read({**COLUMNS, "event_number": numbers}, **more)
    assert_array_equal(read({**COLUMNS, "event_number": np.array([1.0, 2, 3, -4])}).event_number[:3], [1, 2, 3])


@pytest.mark.parametrize(
    ("values", "given"),
    [([500, 750, 1000], [0.5, 0.75, 1, 1]), ([1000], [1, 1, 1, 1]), ([500, 1500], [0.5, 1.5, 1.5, 0.5])],
)
def test_parameters_in_another_unit_are_refused(read, values, given):
    columns = {**COLUMNS, "mass": np.array(given)}
    with pytest.raises(EventsError, match=r"parameter 'mass' .* is far from every allowed value in 4 of 4 events .* 0\.5|1"):
        read(columns, parameters={"mass": {"values": values}})
    events = read({**COLUMNS, "mass": np.array(given) * 1000 * 1.05}, parameters={"mass": {"values": values}})
    assert set(events.parameters[:, 0]) <= set(values)


def test_a_placeholder_of_background_may_be_far_if_its_value_is_drawn(read):
    columns = {**COLUMNS, "mass": np.where(COLUMNS["label"] == 1, 750, -999.0)}
    read(columns, parameters={"mass": {"values": [500, 750], "background": "signal"}})
    with pytest.raises(EventsError, match="far from every allowed value in 2 of 4 events"):
        read(columns, parameters={"mass": {"values": [500, 750]}})


def test_values_that_single_precision_merges_are_refused_or_said(tmp_path):
    time = 1.7e9 + np.arange(4.0)

    def load_one(**tree):
        pq.write_table(pa.table({**COLUMNS, "time": time, "run": time.astype(int), "x": time * 1e3}), tmp_path / "t.parquet")
        tree = {"features": ["y"], "labels": "label", "samples": {"s": {"files": f"{tmp_path}/t.parquet"}}, **tree}
        return load_samples(load(tree))[0]

    for name in ("time", "run"):
        assert load_one(features=["y", name]).notes == (
            f"warning: feature '{name}' lies between 1.7e+09 and 1.7e+09: in single precision it has only one value; "
            "subtract a constant in `new_variables`",
        )
    (tmp_path / "t.csv").write_text("y,time,label\n1,1700000000,0\n2,1700000003,1\n")
    (note,) = load_one(features=["y", "time"], samples={"s": {"files": f"{tmp_path}/t.csv"}}).notes
    assert "'time' lies between 1.7e+09 and 1.7e+09: in single precision it has only one value" in note
    assert load_one(features=["y", "t"], new_variables={"t": "time - 1700000000"}).notes == ()
    with pytest.raises(EventsError, match=r"target 'time' lies between 1.7e\+09 .*single precision"):
        load_one(labels=None, target="time")


def test_values_between_those_of_a_parameter_are_said(tmp_path):
    pq.write_table(pa.table({**COLUMNS, "mass": [500.0, 499.99, 750, 1010]}), tmp_path / "t.parquet")

    def notes(values):
        tree = {"features": ["y"], "labels": "label", "samples": {"s": {"files": f"{tmp_path}/t.parquet"}}}
        return load_samples(load(tree | {"parameters": {"mass": {"values": values}}}))[0].notes

    assert notes([500, 750, 1000]) == ()
    assert notes([500, 1000]) == (
        "warning: parameter 'mass' of 1 of 4 events of sample 's' lies between the allowed values, such as 750; each counts "
        "as the nearest one",
    )
    assert len(notes([100, 1000, 9000])) == 1


def test_events_that_two_samples_read_are_said(tmp_path):
    for name in ("a", "b", "c", "up"):
        (tmp_path / f"{name}.csv").write_text("x\n1\n")

    def said(**more):
        samples = {"s": {"files": [f"{tmp_path}/a.csv"]}, "b": {"files": [f"{tmp_path}/b.csv", f"{tmp_path}/c.csv"]}}
        return read_twice(load({"features": ["x"], "labels": "y", "samples": samples, **more}))

    same = {"s": {"files": [f"{tmp_path}/a.csv"]}, "b": {"files": [f"{tmp_path}/?.csv"]}}
    assert said() == []
    assert said(samples=same) == ["a.csv is read for the samples 's' and 'b': each event counts in both"]
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    same["b"]["files"] = [f"{tmp_path}/link.csv"]
    assert len(said(samples=same)) == 1
    assert said(samples={"s": {**same["s"], "selection": "x > 1"}, "b": {**same["b"], "selection": "x < 1"}}) == []
    assert said(samples={"s": {**same["s"], "weight": "x"}, "b": {**same["b"], "weight": "1 - x"}}) == []
    assert said(samples={"s": {**same["s"], "use": "train"}, "b": {**same["b"], "use": "test"}}) == []
    every = {name: {"files": [f"{tmp_path}/?.csv"]} for name in ("s", "b")}
    assert said(samples=every) == ["a.csv and 2 more files are read for the samples 's' and 'b': each event counts in both"]


def test_a_variation_that_is_among_the_nominal_files_is_said(tmp_path):
    for name in ("a", "b", "alt"):
        (tmp_path / f"{name}.csv").write_text("x\n1\n")

    def said(nominal, varied):
        files = [[f"{tmp_path}/{name}.csv" for name in names] for names in (nominal, varied)]
        tree = {"features": ["x"], "labels": "y", "samples": {"t": {"files": files[0]}}}
        return read_twice(load(tree | {"systematics": {"gen": {"up": {"samples": {"t": files[1]}}}}}))

    assert said(["a", "b"], ["alt"]) == said(["a", "b"], ["alt", "b"]) == said(["a", "b"], ["a", "b"]) == []
    assert said(["a", "b"], ["gone"]) == []
    (sentence,) = said(["a", "b", "alt"], ["alt"])
    assert sentence.startswith("systematics.gen.up: alt.csv is read for the nominal sample 't', too, which has other files")


def test_weights_that_overflow_are_refused(read):
    with pytest.raises(EventsError, match=r"the weight is above 1e\+30 in 1 of \d+ events"):
        read({**COLUMNS, "w": np.array([1, 2, 1e300, 1])}, weights="w")


def test_columns_whose_names_are_numbers_are_read(tmp_path):
    generator = np.random.default_rng(1)
    columns = {"0": np.arange(60) % 2, "1": generator.normal(size=60), "2": generator.normal(size=60), "3": np.full(60, 2.0)}
    write_columns(tmp_path / "t.parquet", [columns])
    tree = {"name": "t", "features": ["1", "2"], "labels": {"variable": "0"}, "weights": "1 * `3`", "observers": ["3"]}
    analysis = validate({**tree, "samples": {"s": {"files": [str(tmp_path / "t.parquet")]}}}, "test")
    (found,) = load_samples(analysis)
    np.testing.assert_array_equal(found.events.target, columns["0"])
    np.testing.assert_array_equal(found.events.weight, columns["3"])
    np.testing.assert_array_equal(found.events.features[:, 0], columns["1"].astype(np.float32))
    again = read_formulas(analysis, "s", ["3", "4.5"])
    np.testing.assert_array_equal(again["3"], columns["3"])
    np.testing.assert_array_equal(again["4.5"], np.full(60, 4.5))


def test_a_product_that_is_a_pattern_as_well_is_not_guessed(tmp_path):
    columns = {name: np.arange(6.0) for name in ("a", "b", "a_times_b")}
    write_columns(tmp_path / "t.parquet", [{**columns, "label": np.arange(6) % 2}])
    tree = {"name": "t", "labels": "label", "samples": {"s": {"files": [str(tmp_path / "t.parquet")]}}}
    with pytest.raises(AnalysisError, match=r"'a\*b' is a product of columns, and a pattern that 'a_times_b' matches"):
        load_samples(validate({**tree, "features": ["a*b"]}, "test"))
    (found,) = load_samples(validate({**tree, "features": ["a * b", "a_*"]}, "test"))
    assert found.events.feature_names == ("a * b", "a_times_b")


@pytest.mark.parametrize("keys", [{"weights": "3"}, {"weights": 2}, {"samples": {"s": {"weight": 2}}}])
def test_a_weight_that_is_a_number_and_the_name_of_a_column_is_not_guessed(tmp_path, keys):
    columns = {str(i): np.arange(8.0) % 2 + i for i in range(4)}
    write_columns(tmp_path / "t.parquet", [columns])
    sample = {"files": [str(tmp_path / "t.parquet")], **keys.get("samples", {}).get("s", {})}
    tree = {"name": "t", "features": ["1"], "labels": {"variable": "`0`"}, **keys, "samples": {"s": sample}}
    with pytest.raises(AnalysisError, match=r"the weight [23] is a number, and .* has a column of this name"):
        load_samples(validate(tree, "test"))


def test_the_users_own_folder_may_be_written_as_in_a_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    assert expand(["~/a.csv"]) == [str(tmp_path / "a.csv")]
    assert expand(["~/*.csv"]) == [str(tmp_path / "a.csv")]
