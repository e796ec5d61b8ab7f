"""`evaluate.search` in whole journeys: yields, systematic uncertainties, limits, workspaces."""

import json

import numpy as np
import pytest
import yaml

import fivesigma as fs
from fivesigma import extras
from fivesigma.analysis.file import load
from fivesigma.assessment import search
from fivesigma.cluster.executor import Workers
from fivesigma.cluster.serial import InThisProcess
from fivesigma.errors import MissingExtra
from fivesigma.events import concatenate
from fivesigma.hashing import uniform
from fivesigma.metrics.search.significance import asimov
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.source import load_source
from fivesigma.training.network import scores_by

from ..conftest import Heard

EVENTS = {"x500": 2000, "x1000": 1500, "top": 4000, "jets": 2500, "top_up": 3000}
LUMI = 10.0
XSEC = {"x500": 0.02, "x1000": 0.01, "top": 0.5, "jets": 0.3}
MASS = {"x500": 500.0, "x1000": 1000.0}


def write_sample(folder, name, seed, negative=0.03):
    """Events with a mass, two features, a weight of either sign and a varied one."""
    generator, count = np.random.default_rng(seed), EVENTS[name]
    separation = {"x500": 1.0, "x1000": 2.0, "top_up": 0.3}.get(name, 0.0)
    x = generator.normal(separation, 1, (count, 2))
    w = np.where(generator.random(count) < negative, -1.0, 1.0) * generator.uniform(0.5, 1.5, count)
    mass = np.full(count, MASS.get(name, 0.0))
    rows = np.column_stack([np.arange(count) + 100_000 * seed, x, mass, w, w * (1 + 0.1 * np.tanh(x[:, 0]))])
    np.savetxt(
        folder / f"{name}.csv", rows, delimiter=",", header="event,x0,x1,mass,w,w_up", comments="", fmt=["%d"] + ["%.9g"] * 5
    )
    return rows


TREE = {
    "name": "search",
    "samples": {
        **{name: {"files": [f"{name}.csv"], "label": "X", "xsec": XSEC[name]} for name in MASS},
        **{name: {"files": [f"{name}.csv"], "label": "bkg", "xsec": XSEC[name]} for name in ("top", "jets")},
    },
    "selection": "x0 > -2",
    "features": ["x0", "x1"],
    "labels": {"names": ["bkg", "X"]},
    "weights": "w",
    "parameters": {"mass": {"background": "signal"}},
    "event_number": "event",
    "model": {"layers": [8]},
    "train": {"epochs": 2, "batch_size": 128},
    "prepare": {"class_weights": "balanced"},
    "split": {"test": 0.4, "val": 0.5},
    "evaluate": {"search": {"lumi": LUMI, "systematic": 0.05, "bins": 3}, "bootstrap": 20},
    "systematics": {
        "reweighting": {"up": {"weights": "w_up"}},
        "generator": {"up": {"samples": {"top": "top_up.csv"}}},
        "top_rate": {"relative": 0.06, "samples": ["top"]},
        "acceptance": {"relative": 0.02, "classes": ["X"]},
    },
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    rows = {name: write_sample(folder, name, seed) for seed, name in enumerate(EVENTS, start=1)}
    (folder / "search.yaml").write_text(yaml.safe_dump(TREE, sort_keys=False))
    return folder, rows


@pytest.fixture(scope="module")
def run(place):
    listener = Heard()
    made = fs.train(place[0] / "search.yaml", output=place[0] / "runs", listener=listener)
    fs.evaluate(made, listener=listener)
    fs.report(made)
    return made, listener


def in_test(rows):
    """By hand: which rows are selected and in the test part."""
    return (rows[:, 1] > -2) & (uniform(rows[:, 0].astype(np.uint64), 0) < 0.4)


def by_hand(rows, name, column=4):
    """Expected events of a sample in all, from its test events."""
    chosen = in_test(rows[name])
    return rows[name][chosen, column].sum() * XSEC[name.removesuffix("_up")] * 1000 * LUMI / rows[name][:, 4].sum() / 0.4


def workspace(made, name="mass=500"):
    return json.loads((made.path / "search" / f"workspace-{name}.json").read_text())


def test_results_of_searches_are_compared(run):
    rows = {row["name"]: row for row in fs.compare(run[0], run[0])["metrics"] if row["part"] == "test"}
    at = run[0].metrics["test"]["search"]["at"]["mass=500"]
    assert rows["search: significance of the best cut at mass=500"]["first"] == at["best_cut"]
    assert rows["search: discovery significance of the fit at mass=500"]["second"] == at["discovery"]
    limit = rows["search: expected limit at mass=500"]
    assert limit["first"] == {"value": at["limit"]["0"], "error": at["limit_error"]["0"]}
    assert limit["difference"]["value"] == 0
    assert limit["difference"]["error"] == pytest.approx(2**0.5 * at["limit_error"]["0"])


def test_the_report_says_which_numbers_contain_which_uncertainties(run):
    page = " ".join((run[0].path / "report.html").read_text(encoding="utf-8").split())
    names = "(reweighting, generator, top_rate, acceptance)"
    assert (
        f"Neither Z contains the uncertainties in <code>systematics</code> {names}; limits and the Z of the fit do." in page
    )
    assert f"± 5 % on the background, common to all bins, and the uncertainties in <code>systematics</code> {names}" in page


def test_the_sizes_of_the_uncertainties_are_kept_and_shown(place, run):
    rows, at = place[1], run[0].metrics["test"]["search"]["at"]["mass=500"]["shifts"]
    assert list(at) == ["reweighting", "generator", "top_rate", "acceptance"]
    none = {"total": 0, "least": 0, "most": 0}
    assert at["acceptance"]["background"] == [none, none]
    assert at["acceptance"]["signal"] == [dict.fromkeys(none, pytest.approx(sign * 0.02)) for sign in (1, -1)]
    # The bins hold all events, so this is the share of the tops times their uncertainty.
    top = by_hand(rows, "top") / (by_hand(rows, "top") + by_hand(rows, "jets"))
    assert [side["total"] for side in at["top_rate"]["background"]] == pytest.approx([0.06 * top, -0.06 * top], rel=1e-6)
    assert at["top_rate"]["signal"] == [none, none]
    up, down = at["generator"]["background"]
    assert up["least"] < up["total"] < up["most"]
    assert down is None
    page = (run[0].path / "report.html").read_text(encoding="utf-8")
    assert "<td>acceptance</td><td>+0.00 %</td><td>+0.00 %</td><td>+2.00 %</td><td>−2.00 %</td>" in page
    assert "<td>mirrored</td>" in page


def test_yields_are_cross_section_times_luminosity_times_efficiency(place, run):
    rows, tree = place[1], run[0].metrics["test"]["search"]
    assert (tree["chosen_on"], tree["share"], tree["origin"]) == ("val", 0.4, {"bkg": "lumi", "X": "lumi"})
    at = tree["at"]
    assert list(at) == ["mass=500", "mass=1000"]
    for name, mass in MASS.items():
        row = at[f"mass={mass:g}"]
        assert row["total_signal"]["value"] == pytest.approx(by_hand(rows, name), rel=1e-6)
        assert row["total_background"]["value"] == pytest.approx(by_hand(rows, "top") + by_hand(rows, "jets"), rel=1e-6)
    # Of the simulated number of test events this is σ·L·ε only on average.
    assert at["mass=500"]["total_signal"]["value"] == pytest.approx(0.02 * 1000 * LUMI, rel=0.1)


def test_the_significance_of_the_cut_is_that_of_the_predictions(run):
    made = run[0]
    columns, row = made.predictions("test"), made.metrics["test"]["search"]["at"]["mass=1000"]
    passed = columns["score_mass_1000"] >= row["cut"]
    signal = passed & (columns["target"] == 1) & (columns["mass"] == 1000)
    background = passed & (columns["target"] == 0)
    s, b = (columns["weight"][chosen].sum() * LUMI / 0.4 for chosen in (signal, background))
    error = np.sqrt((columns["weight"][background] ** 2).sum()) * LUMI / 0.4
    assert row["signal"]["value"] == pytest.approx(s)
    assert row["best_cut"]["value"] == pytest.approx(float(asimov(s, b, np.hypot(error, 0.05 * b))))
    assert row["best_cut_known"]["value"] == pytest.approx(float(asimov(s, b)))


def test_every_uncertainty_is_in_the_workspace(place, run):
    rows = place[1]
    signal, background = workspace(run[0])["channels"][0]["samples"]
    found = {m["name"]: m for m in background["modifiers"]}
    assert list(found) == ["staterror_score", "bkg_norm", "reweighting", "generator", "top_rate"]
    assert [m["name"] for m in signal["modifiers"]] == ["mu", "reweighting", "acceptance"]
    assert signal["modifiers"][-1]["data"] == pytest.approx({"hi": 1.02, "lo": 0.98})
    top, jets = by_hand(rows, "top"), by_hand(rows, "jets")
    assert sum(background["data"]) == pytest.approx(top + jets, rel=1e-6)
    for name, total in (
        ("reweighting", by_hand(rows, "top", 5) + by_hand(rows, "jets", 5)),
        ("generator", by_hand(rows, "top_up") + jets),
        ("top_rate", 1.06 * top + jets),
    ):
        assert sum(found[name]["data"]["hi_data"]) == pytest.approx(total, rel=1e-5), name
        mirrored = 2 * np.array(background["data"]) - found[name]["data"]["hi_data"]
        np.testing.assert_allclose(found[name]["data"]["lo_data"], mirrored, atol=1e-3 * total)


class OfTheFirstFeature:
    def score(self, features, parameters=None):
        return 1 / (1 + np.exp(-features[:, 0]))


def test_a_random_sample_of_prepared_events_stands_for_all_of_them(place, tmp_path):
    prepared = fs.prepare(place[0] / "search.yaml", {"systematics": {}}, destination=tmp_path / "prepared", shards=4)
    settings = {"systematics": {}, "shards": str(prepared)}
    analysis = load(place[0] / "search.yaml", {**settings, "train.window": 300})
    source = load_source(analysis, Heard())
    assert len(source.parts["test"]) < 0.5 * source.shards.length("test")
    totals = {}
    for name in ("sample", "all"):
        if name == "all":
            pieces = [list(source.shards.pieces(part)) for part in ("val", "test")]
            parts = dict(zip(("val", "test"), map(concatenate, pieces), strict=True))
        else:
            parts = source.parts
        assessment = search.SearchAssessment(RunFolder(tmp_path / name), analysis, source, None, Heard())
        for part in ("val", "test"):
            found = assessment.add(part, scores_by(OfTheFirstFeature(), parts[part], [(500.0,), (1000.0,)]))
        totals[name] = found.metrics["search"]["at"]
    for mass in ("mass=500", "mass=1000"):
        few, many = (totals[name][mass] for name in ("sample", "all"))
        assert few["total_background"].value == pytest.approx(many["total_background"].value, rel=1e-6)
        assert few["total_signal"].value == pytest.approx(many["total_signal"].value, rel=0.2)
        assert few["total_background"].error > 1.3 * many["total_background"].error


@pytest.mark.parametrize("use", ["train", "test"])
def test_the_cross_section_of_a_limit_is_that_of_the_samples_that_are_judged(place, use):
    rows = place[1]["x500"] + [1e7, 0.01, 0, 0, 0, 0]  # other events
    np.savetxt(
        place[0] / "more.csv", rows, delimiter=",", header="event,x0,x1,mass,w,w_up", comments="", fmt=["%d"] + ["%.9g"] * 5
    )
    samples = {"more": {"files": [str(place[0] / "more.csv")], "label": "X", "xsec": 0.07, "use": use}}
    own = {f"samples.{key}": value for key, value in samples.items()}
    analysis = load(place[0] / "search.yaml", {**own, **({"split.test": None} if use == "test" else {}), "systematics": {}})
    source = load_source(analysis, Heard())
    expected = {"mass=500": 0.07} if use == "test" else {"mass=500": 0.02, "mass=1000": 0.01}
    assert search.signal_cross_sections(analysis, source, "test") == pytest.approx(expected)
    fixed = load(place[0] / "search.yaml", {"evaluate.search.yields": {"X": 10.0}})
    assert search.signal_cross_sections(fixed, source, "test") == {}


def test_the_limit_is_also_told_as_a_cross_section(run):
    pytest.importorskip("pyhf", reason="the extra `limits` is not installed")
    at = run[0].metrics["test"]["search"]["at"]
    for name, xsec in (("mass=500", 0.02), ("mass=1000", 0.01)):
        assert at[name]["limit_pb"]["0"] == pytest.approx(at[name]["limit"]["0"] * xsec)
        assert at[name]["discovery"]["value"] > 3 * at[name]["discovery"]["error"] > 0
        assert 0 < at[name]["limit_error"]["0"] < at[name]["limit"]["0"]
    table = next(rows for title, rows in run[1].tables.items() if "CLs limit" in title)
    assert table[0] == ["", "limit", "± 1 σ", "discovery", "cross section"]


def test_what_is_counted_is_said_and_shown(run):
    made, listener = run
    assert any(line.startswith("expected events in all:") and "at 10 fb⁻¹" in line for line in listener.lines)
    assert any("of the training events have negative weights, which are kept" in line for line in listener.lines)
    assert any("negative weights" in title for title in listener.tables)
    assert 0.02 < made.metrics["test"]["negative_weights"]["share"] < 0.04
    page = made.report.read_text()
    assert "cross sections at 10 fb⁻¹" in page
    for name in ("search-cut", "search-bins"):
        assert f'id="{name}"' in page
        assert (made.path / "plots" / f"{name}.pdf").is_file()
    assert page.count("<!-- 10 fb⁻¹ -->") == 3  # the text of a figure, on those of the search only


def evaluated(command, place, *settings):
    """A run without figures: what is said, and the run."""
    code, before, err = command("train", place[0] / "search.yaml", *settings)
    assert code == 0, err
    code, out, err = command("evaluate", "search")
    assert code == 0, err
    return before + out, fs.Run(out.splitlines()[-1])


PLAIN = ("--set", "systematics={}")


@pytest.mark.usefixtures("undrawn")
def test_with_yields_the_weights_decide_only_the_shape(place, command):
    yields = "evaluate.search={yields: {bkg: 500, X: 7}, systematic: 0, bins: 3}"
    out, made = evaluated(command, place, *PLAIN, "--set", yields, "--set", "prepare.class_weights=null")
    assert "times as much as X in training; prepare.class_weights: balanced gives" in out
    assert "expected events in all: 500 bkg, 7 X at each hypothesis, as evaluate.search.yields says" in out
    signal, background = workspace(made)["channels"][0]["samples"]
    assert sum(background["data"]) == pytest.approx(500)
    assert sum(signal["data"]) == pytest.approx(7)
    assert [m["type"] for m in background["modifiers"]] == ["staterror"]


@pytest.mark.usefixtures("undrawn")
def test_with_folds_every_event_counts_out_of_its_fold(place, command, monkeypatch):
    monkeypatch.setattr(Workers, "executor", lambda *_, **__: InThisProcess())
    _, made = evaluated(command, place, "--set", "split={folds: 2}", "--set", "evaluate.search.bins=2")
    rows, metrics = place[1], made.metrics["folds"]["search"]
    assert (metrics["chosen_on"], metrics["crossed"], metrics["share"]) == ("folds", True, 1.0)
    assert len(metrics["at"]["mass=500"]["cuts"]) == 2
    chosen = rows["x500"][:, 1] > -2
    total = rows["x500"][chosen, 4].sum() * 0.02 * 1000 * LUMI / rows["x500"][:, 4].sum()
    assert metrics["at"]["mass=500"]["total_signal"]["value"] == pytest.approx(total, rel=1e-6)
    names = [m["name"] for m in workspace(made)["channels"][0]["samples"][1]["modifiers"]]
    assert names == ["staterror_score", "bkg_norm", "reweighting", "generator", "top_rate"]


@pytest.mark.usefixtures("undrawn")
def test_prepared_events_have_the_same_yields_and_a_fit_that_fails_stops_nothing(place, run, command, monkeypatch):
    def failing(*_):
        raise ValueError("the fit of the binned score does not converge")

    pytest.importorskip("pyhf", reason="the extra `limits` is not installed")
    monkeypatch.setattr(search, "limits", failing)
    code, _, err = command("prepare", place[0] / "search.yaml", *PLAIN, "-o", "shards")
    assert code == 0, err
    out, made = evaluated(command, place, *PLAIN, "--set", "shards=shards", "--set", "evaluate.search.bins=2")
    assert "warning: search, mass=500: the fit of the binned score does not converge" in out
    one, other = (each.metrics["test"]["search"]["at"] for each in (run[0], made))
    for name in one:
        for key in ("total_signal", "total_background"):
            assert other[name][key]["value"] == pytest.approx(one[name][key]["value"], rel=1e-6)


@pytest.mark.usefixtures("undrawn")
def test_too_little_background_is_a_sentence(place, command):
    out, made = evaluated(command, place, *PLAIN, "--set", "evaluate.search.min_background=1.0e+9")
    assert "warning: search, mass=500: no cut leaves 1e+09 background events" in out
    assert "no hypothesis could be searched for" in out
    assert made.metrics["test"]["search"]["at"]["mass=500"] == {
        "problem": "no cut leaves 1e+09 background events known to 30% (evaluate.search.min_background and max_mc_error)"
    }


def test_check_finds_what_a_variation_needs(place, command):
    assert command("check", place[0] / "search.yaml")[0] == 0
    code, _, err = command("check", place[0] / "search.yaml", "--set", "systematics.reweighting.up.weights=w_upp")
    assert code == 2
    assert "no column 'w_upp'" in err


def test_without_pyhf_everything_but_the_limits_is_there(place, run, command, monkeypatch):
    def missing():
        raise MissingExtra(
            "an expected limit needs 'pyhf', which cannot be imported", hint="pip install 'fivesigma[limits]'"
        )

    monkeypatch.setattr(extras, "pyhf", missing)
    code, out, _ = command("evaluate", run[0].path)
    assert code == 0
    assert out.count("pip install 'fivesigma[limits]'") == 1
    row = run[0].metrics["test"]["search"]["at"]["mass=500"]
    assert "limit" not in row
    assert row["binned"]["value"] > 0


BAD = {
    "give all or none": {"samples.jets.xsec": None},
    "did you mean 'bkg'?": {"evaluate.search.yields": {"bkgd": 5.0}},
    "give evaluate.search.lumi too": {"evaluate.search.lumi": None},
    "evaluate.search.lumi needs the cross section": {f"samples.{name}.xsec": None for name in XSEC},
    "evaluate.search needs two classes": {"labels.names": ["bkg", "X", "Y"]},
    "`down` needs `up`": {"systematics.top_rate.down": {"weights": "w"}},
    "give either `weights` or `samples`": {"systematics.generator.up.weights": "w"},
    "`classes` and `samples` go with `relative`": {"systematics.reweighting.samples": ["top"]},
    "in the workspace this name stands for the signal strength": {"systematics.mu": {"relative": 0.1}},
    "in the workspace this name stands for the Monte Carlo errors": {"systematics.staterror_score": {"relative": 0.1}},
    "no class 'Xs'; did you mean 'X'?": {"systematics.acceptance.classes": ["Xs"]},
    "leave out `shards`": {"shards": "somewhere"},
    "no sample 'tops'; did you mean 'top'?": {"systematics.top_rate.samples": ["tops"]},
    "give either `relative` or `up`": {"systematics.top_rate.relative": None},
    "no column 'w_upp'": {"systematics.reweighting": {"up": {"weights": "w_upp"}}},
    "is not finite in": {"systematics.reweighting": {"up": {"weights": "w / (mass - mass)"}}},
    "add sum_weights": {"samples.top.sum_weights": 4000.0},
    "no files match": {"systematics.generator": {"up": {"samples": {"top": "nowhere*.csv"}}}},
}


@pytest.mark.parametrize("words", BAD)
@pytest.mark.usefixtures("undrawn")
def test_bad_input_is_one_sentence(place, words):
    folder = place[0] / "bad"
    with pytest.raises(fs.FivesigmaError) as raised:
        fs.run(place[0] / "search.yaml", {"train.epochs": 1, **BAD[words]}, output=folder)
    assert words in str(raised.value) or (words == "no files match" and "nowhere" in str(raised.value))


def test_simulated_events_have_a_search_too():
    pytest.importorskip("pythia8mc")
    settings = {"simulate.events": 3000, "evaluate.search": {"yields": {"background": 1e4}}}
    analysis = load("hepmass", settings)
    source = load_source(analysis, Heard())
    assert search.signal_cross_sections(analysis, source, "test") == {}
