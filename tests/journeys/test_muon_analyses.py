"""The analyses of muons end to end, on an archive as it is published and on muons simulated here."""

import json
from pathlib import Path

import numpy as np
import pytest

import fivesigma as fs
from fivesigma.simulation.muons.simulation import MuonSettings, simulate


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The muon archive as published: two arrays, no event numbers."""
    made = simulate(MuonSettings(events=8000, seed=5), workers=1)
    path = tmp_path_factory.mktemp("muons") / "histos.npz"
    np.savez_compressed(path, variables=made["variables"], parameters=made["parameters"])
    return path


@pytest.mark.parametrize("name", ["muon-pt", "muon-class", "muon-pt-article", "muon-class-article"])
def test_muons_from_the_archive(name, archive, tmp_path):
    # The article's network takes minutes; trees are trained elsewhere, and errors tested there.
    settings = {"train.epochs": 6, "train.batch_size": 100, "evaluate.bootstrap": 20}
    if name in ("muon-pt", "muon-class"):
        settings |= {"baselines.trees": None, "baselines.article.settings": {"train.epochs": 2}}
    run = fs.evaluate(fs.train(name, settings, {"train": archive}, tmp_path))
    test = run.metrics["test"]
    if "pt" in name.split("-"):
        assert test["rmse"]["value"] < 0.7 * test["rmse_of_constant"]["value"]
    else:
        assert test["balanced_accuracy"]["value"] > 0.3
    dropped = run.folder.read_json("metadata.json")["dropped_features"]
    # The article's rule of 70 % drops every hit quantity of ME1/2; ours drops nothing.
    assert ("phi_ME12" in dropped) == name.endswith("article")
    assert test["against"]["gen_pt"][0]["low"] == 2
    if name in ("muon-pt", "muon-class"):
        assert list(test["baselines"]) == ["table", "article"]
        assert test["baselines"]["article"]["trigger"]["rate_reduction"]["value"] > 1


@pytest.mark.usefixtures("undrawn")
def test_class_shares_are_the_same_in_every_part(archive, command):
    code, out, err = command("explore", "muon-class-article", "--data", f"train={archive}")
    assert code == 0, err
    shares = json.loads((Path(out.splitlines()[-1]) / "explore.json").read_text())["shares"]
    for part in ("train", "val", "test"):
        assert shares[part] == pytest.approx(shares["all"], abs=2e-3)
    assert "missing" in out
    assert "mask_ME12" in out


@pytest.mark.usefixtures("undrawn")
def test_truth_of_the_muons_is_refused(archive, command):
    code, _, err = command("run", "muon-pt", "--data", f"train={archive}", "--set", "features=[gen_eta, phi_ME2]")
    assert code == 2
    assert "'gen_eta', which knows the answer" in err


def test_simulated_muons_come_from_the_cache_the_second_time(command):
    settings = ["--set", "simulate.events=3000", "--set", "train.epochs=1", "--set", "baselines=null"]
    first, second = (command("train", "muon-class", *settings, "--new") for _ in range(2))
    assert (first[0], second[0]) == (0, 0), first[2] + second[2]
    assert "simulated 3,000 events" in first[1]
    assert "from the cache" in second[1]
    recipes = [(Path(out.splitlines()[-1]) / "recipe.json").read_text() for _, out, _ in (first, second)]
    assert recipes[0] == recipes[1]
