"""`fivesigma scan`: networks compared at each mass, on the run's own events."""

import numpy as np
import pytest
import yaml

import fivesigma as fs
from fivesigma.cluster.executor import Workers
from fivesigma.cluster.serial import InThisProcess
from fivesigma.errors import RunError
from fivesigma.metrics.roc import auc
from fivesigma.preparation.hypotheses import ComparisonNetwork
from fivesigma.progress import Listener
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.source import load_source
from fivesigma.training import training
from fivesigma.verbs import scan

from ..conftest import Heard

MASSES = (500.0, 1000.0, 1500.0)
NAMES = [f"mass={mass:g}" for mass in MASSES]


def write_events(path, events=6000, seed=1):
    """A resonance at x = mass / 500 that is wider than it is far away from the next."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 2, events)
    mass = generator.choice(MASSES, events)
    x = np.where(label == 1, generator.normal(mass / 500, 0.5), generator.uniform(0, 4, events))
    rows = np.column_stack([np.arange(events), label, x, generator.normal(size=events), mass])
    np.savetxt(path, rows, delimiter=",", header="event,label,x,y,mass", comments="", fmt=["%d", "%d"] + ["%.9g"] * 3)


TREE = {
    "name": "bump",
    "samples": {"all": {"files": ["bump.csv"]}},
    "features": ["x", "y"],
    "labels": {"variable": "label", "names": ["background", "signal"]},
    "parameters": {"mass": {"values": list(MASSES), "unit": "GeV"}},
    "event_number": "event",
    "model": {"layers": [24], "activation": "tanh"},
    "train": {"epochs": 12, "batch_size": 64, "learning_rate": 0.01},
    "evaluate": {"search": {"yields": {"background": 900, "signal": 60}, "bins": 2}, "bootstrap": 20},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    write_events(folder / "bump.csv")
    (folder / "bump.yaml").write_text(yaml.safe_dump(TREE, sort_keys=False))
    return folder


@pytest.fixture(scope="module")
def trained(place):
    return fs.train(place / "bump.yaml", output=place / "runs")


@pytest.fixture(scope="module")
def compared(trained):
    listener = Heard()
    with pytest.MonkeyPatch.context() as patch:
        # In this process: that workers give the same is seen when one of the networks is trained again.
        patch.setattr(Workers, "executor", lambda *_, **__: InThisProcess())
        made = fs.scan(trained, leave_out=[1000], extremes=True, compare=True, listener=listener)
    return made, listener


def area(row, name):
    return row["at"][name]["auc"]["value"]


def test_every_network_is_put_to_the_same_test(compared):
    tree = compared[0].scan
    assert list(tree["hypotheses"]) == NAMES
    networks = tree["networks"]
    assert list(networks) == ["parameterised", "dedicated", "no-parameter", "without-mass=1000", "extremes"]
    assert networks["without-mass=1000"]["trained_on"] == ["mass=500", "mass=1500"]
    assert networks["extremes"]["trained_on"] == ["mass=500", "mass=1500"]
    for row in networks.values():
        assert list(row["at"]) == NAMES
        for at in row["at"].values():
            assert at["search"]["best_cut"]["value"] > 0
            assert at["search"]["total_signal"]["value"] == pytest.approx(60)
    for name in NAMES:
        # A parameterised network does as well as one of its own for each mass, and better than one for all of them.
        own = networks["parameterised"]
        assert area(own, name) == pytest.approx(area(networks["dedicated"], name), abs=0.03)
        assert area(own, name) > area(networks["no-parameter"], name)
        difference = networks["no-parameter"]["at"][name]["auc_difference"]
        assert difference["value"] == pytest.approx(area(networks["no-parameter"], name) - area(own, name), abs=1e-9)
        assert 0 < difference["error"] < 0.05
    means = {name: row["mean_auc"]["value"] for name, row in networks.items()}
    assert means["parameterised"] > means["no-parameter"] + 0.1
    assert networks["extremes"]["mean_auc"]["value"] < networks["parameterised"]["mean_auc"]["value"]


def test_the_numbers_are_those_of_a_loop_by_hand(compared, place):
    made = compared[0]
    source = load_source(made.analysis, Listener())
    test = source.parts["test"]
    study = ComparisonNetwork("dedicated-mass=1000", "dedicated", ((1000.0,),))
    network, _ = training.train(
        study.analysis(made.analysis), study.parts(source.parts, [(m,) for m in MASSES], made.analysis)
    )
    chosen = (test.target == 0) | (test.parameters[:, 0] == 1000)
    by_hand = auc(network.score(test.features[chosen]), test.target[chosen], test.weight[chosen])
    assert area(made.scan["networks"]["dedicated"], "mass=1000") == pytest.approx(by_hand.value, abs=1e-5)
    own = auc(
        made.network().score(test.features[chosen], np.full((chosen.sum(), 1), 1000, np.float32)),
        test.target[chosen],
        test.weight[chosen],
    )
    assert area(made.scan["networks"]["parameterised"], "mass=1000") == pytest.approx(own.value, abs=1e-6)


def test_tables_mark_what_was_not_trained_on_and_the_report_shows_them(compared):
    made, listener = compared
    table = listener.tables["AUC, signal of each hypothesis against all background"]
    column = table[0].index("without-mass=1000")
    marked = {row[0]: row[column].endswith("*") for row in table[1:4]}
    assert marked == {"mass=500": False, "mass=1000": True, "mass=1500": False}
    assert [row[0] for row in table[4:]] == ["mean", "all together"]
    page = made.report.read_text()
    assert 'id="scan-auc"' in page
    assert 'id="scan-search"' in page
    assert table[1][1] in page


@pytest.mark.usefixtures("undrawn")
def test_a_scan_goes_on_where_it_stopped_and_overwrites_nothing(compared):
    made = compared[0]
    before = {path: path.read_bytes() for path in made.path.glob("scan/*/model.keras")}
    assert len(before) == 6
    wanted = made.scan["networks"]["dedicated"]
    (made.path / "scan" / "dedicated-mass=500" / "model.keras").unlink()  # as if it had been stopped before its end
    listener = Heard()
    fs.scan(made, compare=True, listener=listener, workers=1)
    assert [line.split(":")[0] for line in listener.lines if line.startswith("trained")] == ["trained dedicated-mass=500"]
    assert set(made.path.glob("scan/*/model.keras")) == set(before)
    found = made.scan["networks"]["dedicated"]
    for name in NAMES:
        # One core adds up in another order than two.
        assert area(found, name) == pytest.approx(area(wanted, name), abs=1e-3 if name == "mass=500" else 0)
    assert list(made.scan["networks"])[-2:] == ["without-mass=1000", "extremes"]
    assert not (made.path / "scan" / "UNFINISHED").exists()
    assert not (made.path / "scan" / "events").exists()


@pytest.mark.usefixtures("undrawn")
def test_a_scan_without_wishes_trains_nothing_and_fits_no_scaler(place, command, monkeypatch):
    fs.train(place / "bump.yaml", {"evaluate.search": None, "train.epochs": 1}, output=place / "plain")

    def fits(*_):
        raise AssertionError("the recipe is the run's own")

    monkeypatch.setattr(training, "fit_recipe", fits)
    code, out, err = command("scan", "bump", "--output", place / "plain")
    assert code == 0, err
    assert "for significance and limits set evaluate.search" in out
    made = fs.Run(out.splitlines()[-1])
    assert list(made.scan["networks"]) == ["parameterised"]
    assert not list(made.path.glob("scan/*/model.keras"))


@pytest.mark.usefixtures("undrawn")
def test_background_of_another_mass_in_the_test_is_said(place):
    rows = np.loadtxt(place / "bump.csv", delimiter=",", skiprows=1)
    rows[:, 0] += 100_000
    rows[rows[:, 1] == 0, 4] = 1500
    form = ["%d", "%d"] + ["%.9g"] * 3
    np.savetxt(place / "wrong.csv", rows[:2000], delimiter=",", header="event,label,x,y,mass", comments="", fmt=form)
    data = {"train": [str(place / "bump.csv")], "test": [str(place / "wrong.csv")]}
    settings = {"train.epochs": 1, "samples": {}, "split.overlap": "drop", "evaluate.search": None}
    made = fs.train(place / "bump.yaml", settings, data=data, output=place / "wrong")
    listener = Heard()
    fs.scan(made, listener=listener)
    assert any("the background has another distribution of mass in test than in" in line for line in listener.lines)
    assert any("mass alone separates signal from background in test events" in line for line in listener.lines)


BAD = {
    "the run has no hypothesis 'mass=1250'; did you mean 'mass=1": ["--leave-out", "1250"],
    "the run has no hypothesis 'mas=1000'; did you mean 'mass=1000'?": ["--leave-out", "mas=1000,mass=500"],
    "cannot read the hypothesis 'heavy'": ["--leave-out", "heavy"],
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input_is_one_sentence(words, trained, command):
    code, _, err = command("scan", trained.path, *BAD[words])
    assert code == 2
    assert words.split("'mas=")[0] in err


def test_a_run_without_parameters_cannot_be_scanned(place, command):
    settings = {"parameters": {}, "train.epochs": 1, "evaluate.search": {"min_background": 2.0}}
    made = fs.train(place / "bump.yaml", settings, output=place / "none")
    code, _, err = command("scan", made.path)
    assert code == 2
    assert "has no parameters to scan" in err
    # It can be searched with all the same; without luminosity and yields, weights are yields of the part's share.
    search = fs.evaluate(made).metrics["test"]["search"]
    test = made.predictions("test")
    assert search["origin"] == {"background": "weights", "signal": "weights"}
    assert list(search["at"]) == ["all"]
    for name, label in (("background", 0), ("signal", 1)):
        assert search["at"]["all"][f"total_{name}"]["value"] == pytest.approx((test["target"] == label).sum() / 0.2)


def test_two_scans_do_not_get_into_each_other(trained, command):
    other = RunFolder(trained.path / "scan")
    other.path.mkdir(exist_ok=True)
    other.write_json("UNFINISHED", {"step": "scan", "pid": 1, "host": __import__("platform").node()})
    try:
        code, _, err = command("scan", trained.path)
    finally:
        other.finish()
    assert code == 2
    assert "another process is working on the run" in err
    assert "(scan)" in err


def test_a_hypothesis_may_be_given_as_a_number_a_text_or_a_mapping():
    known = [(500.0, 1.0), (500.0, 2.0)]
    for given in ("mass=500,width=2", "width=2,mass=500", {"mass": 500, "width": 2}):
        assert scan._hypothesis(given, ("mass", "width"), known) == (500.0, 2.0)
    assert scan._hypothesis(1000, ("mass",), [(1000.0,)]) == (1000.0,)


@pytest.mark.usefixtures("undrawn")
def test_with_folds_varied_events_are_scored_by_the_network_of_their_fold_too(place):
    write_events(place / "other.csv", seed=3)
    tree = {
        **TREE,
        "name": "folded",
        "split": {"folds": 2},
        "train": {**TREE["train"], "epochs": 2},
        "systematics": {"generator": {"up": {"samples": {"all": [str(place / "other.csv")]}}}},
        "samples": {"all": {"files": [str(place / "bump.csv")]}},
    }
    run = fs.evaluate(fs.train(tree, output=place / "runs"), output=place / "runs")
    own = run.metrics["folds"]["search"]["at"]
    at = fs.scan(run, output=place / "runs").scan["networks"]["parameterised"]["at"]
    assert set(at) == set(own)
    for name in own:
        assert at[name]["search"]["limit"] == pytest.approx(own[name]["limit"], rel=1e-6)


def test_networks_to_compare_learn_from_the_files_of_the_run_alone(place, trained):
    events, heard = (place / "bump.csv").read_text(), Heard()
    write_events(place / "bump.csv", seed=2)
    try:
        with pytest.raises(RunError, match=r"bump.csv has changed since the run"):
            scan.scan(trained, compare=True, output=place / "runs")
        scan.scan(trained, output=place / "runs", listener=heard)
        assert any("bump.csv has changed since the run" in line for line in heard.lines)
    finally:
        (place / "bump.csv").write_text(events)
