import os
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import at_once

from fivesigma.analysis.file import builtin_names, dump, load, merge, parse_data, parse_settings, source_text, validate
from fivesigma.analysis.text import BadText, read
from fivesigma.errors import AnalysisError

TREE = {"name": "toy", "features": ["x"], "target": "y", "samples": {"mc": {"files": ["a.csv"]}}}


@pytest.fixture
def write(tmp_path):
    """A function that writes a mapping as an analysis file."""

    def write(tree, name="toy.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(tree if isinstance(tree, str) else yaml.safe_dump(tree))
        return path

    return write


@pytest.mark.parametrize("name", builtin_names())
def test_a_built_in_analysis_survives_being_written_and_read(name, write):
    assert load(write(dump(load(name)))) == load(name)
    assert yaml.safe_load(source_text(name))["name"] == load(name).name


def test_settings_reach_every_key_and_leave_the_rest():
    analysis = load(TREE, {"train.epochs": 7, "split.seed": 3, "evaluate.against": {"x": [0, 1]}})
    assert (analysis.train.epochs, analysis.split.seed, analysis.evaluate.against) == (7, 3, {"x": [0, 1]})
    assert load(analysis, {"train.epochs": load(TREE).train.epochs, "split.seed": 0, "evaluate.against": {}}) == load(TREE)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"train.epoch": 1}, "did you mean 'epochs'"),
        ({"name.x": 1}, "which has no keys"),
        ({"trian.epochs": 1}, "did you mean 'train'"),
    ],
)
def test_a_wrong_setting_is_refused(settings, words):
    with pytest.raises(AnalysisError, match=words):
        load(TREE, settings)


def test_data_replace_the_files_of_a_sample():
    analysis = load(TREE, data={"mc": "b.csv", "test": ["/c.csv", "/d.root"]})
    assert analysis.samples["mc"].files == [os.path.abspath("b.csv")]
    assert analysis.samples["test"].files == ["/c.csv", "/d.root"]
    with pytest.raises(AnalysisError, match="no sample 'mcc'; did you mean 'mc'"):
        load(TREE, data={"mcc": "b.csv"})


def test_files_are_relative_to_the_file_that_names_them(write, tmp_path, monkeypatch):
    path = write(TREE, "sub/toy.yaml")
    monkeypatch.chdir("/")
    assert load(path).samples["mc"].files == [str(tmp_path / "sub" / "a.csv")]
    assert load(TREE).samples["mc"].files == ["/a.csv"]
    assert TREE["samples"]["mc"]["files"] == ["a.csv"]


def test_an_extension_changes_only_what_it_names(write, tmp_path):
    write({**TREE, "train": {"epochs": 4, "seed": 5}}, "base/base.yaml")
    analysis = load(write({"extends": "base/base.yaml", "name": "more", "train": {"epochs": 9}}))
    assert (analysis.name, analysis.train.epochs, analysis.train.seed) == ("more", 9, 5)
    assert analysis.samples["mc"].files == [str(tmp_path / "base" / "a.csv")]
    assert load(write({"extends": "muon-pt", "name": "mine"})).features == load("muon-pt").features


@pytest.mark.parametrize("relative", [True, False])
def test_extensions_in_a_circle_are_refused(write, monkeypatch, tmp_path, relative):
    write({"extends": "b.yaml"}, "a.yaml")
    write({"extends": "a.yaml"}, "b.yaml")
    write({"extends": "own.yaml"}, "own.yaml")
    monkeypatch.chdir(tmp_path)
    for name in ("a.yaml", "own.yaml"):
        with pytest.raises(AnalysisError, match="leads back to itself"):
            load(name if relative else tmp_path / name)


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: [1", "line 1 is not YAML"), ("a: 1\n\tb: 2", "line 2"), ("- a", "must be a mapping"), ("", "must be a mapping")],
)
def test_a_file_that_is_no_analysis_says_where(write, text, words):
    with pytest.raises(AnalysisError, match=words):
        load(write(text))


def test_a_file_that_cannot_be_read_is_refused(write, tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"name: \xff\xfe")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("latin.yaml", "folder.yaml"):
        with pytest.raises(AnalysisError, match="cannot read"):
            load(tmp_path / name)
    with pytest.raises(AnalysisError, match="no analysis file"):
        load(tmp_path / "none.yaml")


def test_an_unknown_name_gets_the_nearest_built_in_one():
    with pytest.raises(AnalysisError, match="no analysis 'hepmas'") as caught:
        load("hepmas")
    assert "did you mean 'hepmass'?" in caught.value.hint


trees = st.recursive(st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner), max_leaves=8)
mappings = st.dictionaries(st.sampled_from("abc"), trees)


@given(mappings, mappings)
def test_merging_is_idempotent_and_keeps_the_changes(base, changes):
    merged = merge(base, changes)
    assert merge(merged, changes) == merged
    assert merge(base, {}) == base == merge({}, base)
    assert merged.keys() == base.keys() | changes.keys()


def test_settings_are_read_as_yaml():
    pairs = ["a.b=1", "c=[1, 2]", "d=null", "e=x: y", "f=text=more", "g="]
    expected = {"a.b": 1, "c": [1, 2], "d": None, "e": {"x": "y"}, "f": "text=more", "g": None}
    assert parse_settings(pairs) == expected


@pytest.mark.parametrize("pair", ["train.epochs", "=3", "a b=3", "a..b=1", "a=[1"])
def test_a_pair_that_is_no_setting_is_refused(pair):
    with pytest.raises(AnalysisError, match="--set"):
        parse_settings([pair])


def test_data_pairs_collect_by_sample():
    assert parse_data(["a=1.csv", "b=x=y", "a=2.csv"]) == {"a": ["1.csv", "2.csv"], "b": ["x=y"]}
    for pair in ("a", "=b", "a="):
        with pytest.raises(AnalysisError, match="--data"):
            parse_data([pair])


def test_the_analysis_of_a_baseline_is_looked_for_beside_the_file(tmp_path):
    (tmp_path / "other.yaml").write_text("features: [x]\ntarget: y\n")
    tree = "features: [x]\ntarget: y\nbaselines: {%s: {kind: network, analysis: %s}}\n"
    (tmp_path / "mine.yaml").write_text(tree % ("other", "other.yaml"))
    assert load(tmp_path / "mine.yaml").baselines["other"].analysis == str(tmp_path / "other.yaml")
    (tmp_path / "mine.yaml").write_text(tree % ("builtin", "muon-pt"))
    assert load(tmp_path / "mine.yaml").baselines["builtin"].analysis == "muon-pt"


def test_null_removes_what_the_extended_file_has(tmp_path):
    base = tmp_path / "base.yaml"
    base.write_text(
        "features: [x, y]\nlabels: {variable: t, names: [b, s]}\nselection: x > 0\n"
        "new_variables: {z: x + y, u: x * y}\nevaluate: {search: {yields: {b: 10, s: 1}, systematic: 0.3}}\n"
        "train: {epochs: 7, seed: 3}\nprepare: {class_weights: balanced}\n"
    )
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "extends: base.yaml\nselection: null\nnew_variables: {u: null}\n"
        "evaluate: {search: {yields: {s: null}, systematic: null}}\ntrain: {epochs: null}\nprepare: null\n"
    )
    found = load(mine)
    assert found.selection is None
    assert list(found.new_variables) == ["z"]
    assert found.evaluate.search.yields == {"b": 10}
    assert found.evaluate.search.systematic == type(found.evaluate.search)().systematic
    assert (found.train.epochs, found.train.seed) == (type(found.train)().epochs, 3)
    assert found.prepare == type(found.prepare)()
    assert load(mine, {"evaluate.search": None}).evaluate.search is None
    assert load(mine, {"evaluate.search.yields": None}).evaluate.search.yields == {}


def test_a_null_that_is_a_value_is_kept_in_the_resolved_file():
    found = load("muon-pt", {"evaluate.trigger.eta": None})
    assert found.evaluate.trigger.eta is None
    assert load(yaml.safe_load(dump(found))).evaluate.trigger.eta is None


@pytest.mark.parametrize("name", builtin_names())
def test_the_resolved_file_is_the_same_analysis(name):
    found = load(name)
    assert load(yaml.safe_load(dump(found))) == found


def test_a_luminosity_beside_the_yields_of_every_class_is_refused():
    tree = {
        "features": ["x"],
        "labels": {"variable": "y", "names": ["b", "s"]},
        "samples": {"one": {"files": "a.csv", "xsec": 1.0}},
        "evaluate": {"search": {"lumi": 10, "yields": {"b": 100, "s": 3}}},
    }
    with pytest.raises(AnalysisError, match="`lumi` has no effect where `yields` gives every class"):
        validate(tree, "test")
    tree["evaluate"]["search"]["yields"] = {"s": 3}
    assert validate(tree, "test").evaluate.search.lumi == 10


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in pairwise("abcdefghijkl")
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("split: {seed: 2020-13-45}", "line 1 is not YAML: month must be in 1..12"),
        ("name: x\nsplit: !!int x", "line 2 is not YAML: .*invalid literal for int"),
        ("name: x\nsplit: {seed: " + "9" * 5000 + "}", "line 2 is not YAML: .*"),
        ("a: !!float x", "line 1 is not YAML"),
        ("a: !!timestamp x", "line 1 is not YAML"),
        ("a: !!python/object:os.system x", "line 1 is not YAML: could not determine a constructor"),
        ("[" * 3000, "is nested too deeply"),
        ("a: " + "{a: " * 3000 + "1" + "}" * 3000, "is nested too deeply"),
        (BOMB, "refers to itself so often that it would have more than 100,000 values"),
        ("a: &a [*a]", "a value contains itself"),
        ("# " + "x" * 5_000_000, "is too long for an analysis"),
    ],
)
def test_what_yaml_itself_stumbles_over_is_one_sentence_at_once(write, text, words):
    with at_once(), pytest.raises(AnalysisError, match=words) as caught:
        load(write(text))
    assert "\n" not in caught.value.what
    assert len(caught.value.what) < 500
    if not text.startswith("#"):
        with pytest.raises(AnalysisError, match=r"cannot read the value in --set") as caught:
            parse_settings([f"a={text}"])
        assert len(caught.value.what) < 500


@pytest.mark.parametrize("text", ["a: {x0:4}", "[{b:1.5}]", "{ports: {front_ME2:1, zone: 3}}"])
def test_a_colon_without_a_blank_is_no_silent_loss(text):
    with pytest.raises(BadText, match=r"write a blank after the colon, \w+: [\d.]+"):
        read(text)
    with pytest.raises(AnalysisError, match="write a blank after the colon"):
        parse_settings(["firmware.ports={x0:4}"])


@pytest.mark.parametrize("text", ["{a: null, 'b:4': }", "a:\nb: 1", "{file.root:tree: 4}", "[a:b]", "{x: {}}"])
def test_other_empty_values_are_left_alone(text):
    read(text)


def test_a_name_longer_than_any_file_has_is_one_sentence(tmp_path):
    (tmp_path / "a.yaml").write_text(f"extends: {'n' * 5000}\n")
    with pytest.raises(AnalysisError, match="neither a file nor built in"):
        load(tmp_path / "a.yaml")


def test_a_setting_of_a_whole_section_leaves_the_keys_that_it_does_not_name():
    plain = load("muon-pt")
    nested = load("muon-pt", {"train": {"epochs": 3}, "model": {"layers": [8]}})
    assert nested == load("muon-pt", {"train.epochs": 3, "model.layers": [8]})
    assert (nested.train.loss, nested.model.activation) == (plain.train.loss, plain.model.activation)
    quantised = load("muon-pt", {"train.patience": None, "model": {"layers": [8], "kind": "quantised"}})
    assert (quantised.model.kind, quantised.model.layers) == ("quantised", [8])
    assert load("muon-pt", {"evaluate": {}}).evaluate == load("muon-pt", {"evaluate": None}).evaluate


def test_files_of_a_mapping_may_be_paths(tmp_path):
    tree = {"features": ["x"], "labels": "y", "samples": {"train": {"files": [tmp_path / "a.csv", "b.csv"]}}}
    assert load(tree).samples["train"].files == [str(tmp_path / "a.csv"), str(Path.cwd() / "b.csv")]
    assert load(tree, {"samples.train.files": [tmp_path / "c.csv"]}).samples["train"].files == [str(tmp_path / "c.csv")]


def test_a_key_that_is_there_twice_is_refused_with_both_lines(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "name: a\nfeatures: [x]\nlabels: y\nselection: m > 0.5\ntrain:\n  epochs: 1\nselection: x > 0\n"
    )
    with pytest.raises(AnalysisError, match=r"line 7 has the key 'selection' again, which is in line 4 already"):
        load(tmp_path / "a.yaml")


def test_names_of_files_in_settings_are_relative_to_the_present_folder(tmp_path, monkeypatch):
    (tmp_path / "an").mkdir()
    (tmp_path / "an" / "a.yaml").write_text("{name: a, features: [x], labels: y}")
    (tmp_path / "an" / "b.yaml").write_text("{name: b, features: [x], labels: y}")
    monkeypatch.chdir(tmp_path)
    found = load(
        "an/a.yaml",
        {
            "samples.s.files": "data/d.parquet",
            "samples.t": {"files": ["data/*.root:Events"]},
            "baselines.other.kind": "network",
            "baselines.other.analysis": "an/b.yaml",
            "systematics.up.up.samples": {"s": "data/e.parquet"},
        },
    )
    assert found.samples["s"].files == [f"{tmp_path}/data/d.parquet"]
    assert found.samples["t"].files == [f"{tmp_path}/data/*.root:Events"]
    assert found.baselines["other"].analysis == f"{tmp_path}/an/b.yaml"
    assert found.systematics["up"].up.samples["s"] == [f"{tmp_path}/data/e.parquet"]


def test_the_short_form_of_labels_can_be_added_to(tmp_path):
    (tmp_path / "a.yaml").write_text("{name: a, features: [x], labels: y}")
    (tmp_path / "b.yaml").write_text("{extends: a.yaml, labels: {names: [noise, tau]}}")
    for found in (load(tmp_path / "b.yaml"), load(tmp_path / "a.yaml", {"labels.names": ["noise", "tau"]})):
        assert (found.labels.variable, found.labels.names) == ("y", ["noise", "tau"])


def test_braces_that_count_down_are_refused_and_leading_zeros_are_kept():
    tree = {"name": "a", "labels": "y"}
    with pytest.raises(AnalysisError, match=r"m\{4\.\.1\}' stands for no name: the numbers in braces count down"):
        load({**tree, "features": ["x", "m{4..1}"]})
    assert load({**tree, "features": ["f{08..11}", "g{8..11}"]}).features == [
        *("f08", "f09", "f10", "f11", "g8", "g9", "g10", "g11")
    ]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("train.epochs=true", "train.epochs: a whole number"),
        ("train.learning_rate=.inf", "finite"),
        ("new_variables={z: where(x1>0,1,0)}", "needs quotes"),
    ],
)
def test_what_is_no_number_or_no_value_is_a_sentence(toy, setting, words):
    with pytest.raises(AnalysisError) as caught:
        load(toy, parse_settings([setting]))
    assert words in f"{caught.value.what} {caught.value.hint}"
