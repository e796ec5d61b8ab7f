"""Quantised networks from the analysis file to the report: steps, budget, folds, tuning, and the built-in analyses."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

import fivesigma as fs
from fivesigma.errors import OverBudget

from ..conftest import TREE, Heard

pytest.importorskip("hgq", reason="HGQ2 is not installed")

MODEL = {"kind": "quantised", "layers": [4], "beta": [1e-8, 1e-2]}
TRAIN = {"epochs": 2, "batch_size": 64, "learning_rate": 0.1}


def analysis_in(path, **changes):
    path.write_text(yaml.safe_dump({**TREE, "model": MODEL, "train": TRAIN, **changes}))
    return path


def test_a_run_keeps_and_judges_every_step(toy, tmp_path):
    heard = Heard()
    network = {"kind": "network", "analysis": str(toy.with_name("float.yaml"))}
    toy.with_name("float.yaml").write_text(yaml.safe_dump({**TREE, "model": {"layers": [4]}}))
    run = fs.train(analysis_in(toy, baselines={"float": network}), output=tmp_path / "runs", listener=heard)
    front = run.folder.read_json("front.json")
    first, last = front["points"]
    assert front["chosen"] == 2
    assert first["ebops"] > last["ebops"] > 0
    assert any("step 2 is kept" in line for line in heard.lines)
    assert [row["beta"] for row in run.folder.history()] == [1e-8, 1e-2]
    files = json.loads((run.folder / "manifest.json").read_text())["files"]
    assert {"front.json", "front/step-1.keras", "front/step-2.keras"} <= set(files)
    found = fs.evaluate(run).results
    for part in ("val", "test"):
        tree = found.parts[part].front
        assert tree["reference"] == "float"
        assert [point["kept"] for point in tree["points"]] == [False, True]
        assert tree["points"][1]["auc"] == found.parts[part].metrics["auc"].to_dict()
        assert set(tree["points"][0]["difference"]) == {"auc", "accuracy"}
    gap = found.parts["test"].front["points"][0]
    assert gap["difference"]["auc"]["value"] == pytest.approx(
        gap["auc"]["value"] - found.parts["test"].baselines["float"]["auc"]["value"], abs=1e-9
    )
    assert not {"front"} & set(found.parts["train"].to_json())
    (cost,) = (row for row in fs.compare(run, run)["metrics"] if row["name"] == "ebops")
    assert [value["value"] for value in cost["values"]] == [last["ebops"]] * 2
    page = fs.report(run)
    assert "Physics against cost (test)" in page.read_text(encoding="utf-8")
    assert (run.folder / "plots" / "front.png").is_file()


def test_a_run_over_its_budget_keeps_its_steps(toy, tmp_path):
    path = analysis_in(toy, model={**MODEL, "budget": {"ebops": 2}})
    with pytest.raises(OverBudget, match=r"within model.budget of 2 EBOPs"):
        fs.train(path, output=tmp_path / "runs")
    (folder,) = (tmp_path / "runs" / "toy").iterdir()
    assert json.loads((folder / "front.json").read_text())["chosen"] is None
    assert (folder / "front" / "step-2.keras").is_file()
    assert not (folder / "model.keras").is_file()


@pytest.mark.parametrize("folds", [None, 2])
def test_events_whose_values_wrap_around_are_counted(toy, tmp_path, monkeypatch, folds):
    monkeypatch.chdir(tmp_path)
    lines = toy.with_name("test.csv").read_text().splitlines()
    far = [f"{line.split(',')[0]},1,9000,-9000,9000,1" for line in lines[1:4]]
    toy.with_name("test.csv").write_text("\n".join([lines[0], *far, *lines[4:]]) + "\n")
    heard = Heard()
    run = fs.train(analysis_in(toy, **({"split": {"folds": folds}} if folds else {})), listener=heard, workers=1)
    fs.evaluate(run, listener=heard)
    # A network of a fold has seen other events than that of another.
    said = "[3-9] of 500 test events have a value outside the ranges of the training, which wraps around"
    assert any(re.search(said, line) for line in heard.lines)
    fs.predict(run, "test.csv", "scores.parquet", listener=heard)
    assert any(re.search("[3-9] of 500 events have a value outside", line) for line in heard.lines)
    heard.lines.clear()
    fs.predict(run, "train.csv", "seen.parquet", listener=heard)
    # With folds an event is scored by a network that has not seen it.
    assert folds or not any("outside" in line for line in heard.lines)


def test_events_out_of_fold_are_counted_by_the_network_that_scores_them(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = toy.with_name("train.csv").read_text().splitlines()
    far = [f"{line.split(',')[0]},1,{900 * i},-9000,9000,1" for i, line in enumerate(lines[1:8])]
    toy.with_name("train.csv").write_text("\n".join([lines[0], *far, *lines[8:]]) + "\n")
    heard = Heard()
    path = analysis_in(toy, split={"folds": 3}, samples={"train": {"files": ["train.csv"]}})
    run = fs.evaluate(fs.train(path, workers=1), listener=heard)
    events, fold = fs.read(path), np.asarray(run.predictions("folds")["fold"])
    place = {number: i for i, number in enumerate(events.event_number.tolist())}
    rows = [place[number] for number in run.predictions("folds")["event_number"].tolist()]
    each = [network.wraps_around(events.features[rows]) for network in run.network().networks]
    expected = sum(int(each[number - 1][fold == number].sum()) for number in (1, 2, 3))
    assert expected not in {int(found.sum()) for found in each}
    assert any(f"{expected} of 1,500 folds events have a value outside" in line for line in heard.lines), heard.lines


def test_folds_have_a_front_each(toy, tmp_path):
    path = analysis_in(toy, split={"folds": 2}, samples={"train": {"files": ["train.csv"]}})
    run = fs.evaluate(fs.train(path, output=tmp_path / "runs", workers=1))
    for number in (1, 2):
        assert run.folder.fold(number).read_json("front.json")["chosen"] == 2
    assert 0.5 < run.metrics["folds"]["auc"]["value"] <= 1


@pytest.mark.usefixtures("undrawn")
def test_tune_searches_among_quantised_networks(toy, command):
    tune = {"space": {"train.learning_rate": {"choice": [1e-1, 1e-5]}}, "max_epochs": 2, "factor": 2, "objective": "auc"}
    code, out, err = command("tune", analysis_in(toy, tune=tune), "--workers", 1)
    assert code == 0, err
    run = Path(out.splitlines()[-1])
    assert yaml.safe_load((run / "analysis.yaml").read_text())["train"]["learning_rate"] == 0.1
    assert (run / "front.json").is_file()


def test_parameters_are_inputs_of_a_quantised_network(toy, tmp_path):
    changes = {"parameters": {"mass": {"values": [1, 2], "background": "signal", "redraw": True, "variable": "w"}}}
    changes |= {"prepare": {"scale": "power_of_two", "scale_parameters": "power_of_two"}}
    rows = np.loadtxt(toy.with_name("train.csv"), delimiter=",", skiprows=1)
    rows[:, 5] = 1 + (rows[:, 0] % 2)
    np.savetxt(toy.with_name("train.csv"), rows, delimiter=",", header="event,label,x0,x1,x2,mass", comments="", fmt="%.9g")
    del changes["parameters"]["mass"]["variable"]
    path = analysis_in(toy, **changes, weights=None, samples={"train": {"files": ["train.csv"]}})
    run = fs.train(path, output=tmp_path / "runs")
    network = run.network()
    assert network.model.input_shape == (None, 4)
    x = np.zeros((5, 3), np.float32)
    one, two = (network.score(x, np.full((5, 1), mass, np.float32)) for mass in (1, 2))
    assert one.shape == two.shape == (5,)


@pytest.mark.usefixtures("undrawn")
def test_the_built_in_analysis_of_muons_compares_rates_with_the_same_layers_in_floating_point(tmp_path):
    settings = {
        "simulate.events": 4000,
        "train.epochs": 5,
        "train.batch_size": 128,
        "model.budget": None,
        "evaluate.bootstrap": 20,
        "evaluate.importance": None,
        "baselines.float.settings": {"model.layers": [64, 64, 32], "train.epochs": 2},
    }
    run = fs.evaluate(fs.train("muon-pt-firmware", settings, output=tmp_path))
    recipe = run.network().recipe
    assert all(float(value).is_integer() for value in recipe.shift)
    assert all(np.frexp(value)[0] == 0.5 for value in recipe.scale)
    tree = run.results.parts["test"].front
    assert tree["reference"] == "float"
    assert len(tree["points"]) == len(fs.load("muon-pt-firmware").model.beta)
    for point in tree["points"]:
        assert point["rate_to_reference"]["error"] > 0
        assert point["rmse"]["error"] > 0


def test_the_built_in_analysis_of_collisions_is_two_classes_without_a_mass():
    analysis = fs.load("hepmass-firmware")
    assert (analysis.task, analysis.parameters, analysis.model.kind) == ("binary", {}, "quantised")
    assert analysis.prepare.scale == "power_of_two"
