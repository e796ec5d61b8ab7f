"""The analyses of collisions end to end, on files as they are published and on events simulated here."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

import fivesigma as fs


def uci_file(path, rows, seed):
    """Text as the Machine Learning Repository serves it, traps included."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 2, rows)
    mass = generator.choice([499.99997, 750.0, 1000.0, 1250.0, 1500.0], rows)
    features = generator.normal(0, 1, (rows, 27))
    features[:, 26] += label * (mass - 1000) / 250
    with gzip.open(path, "wt") as file:
        file.write("# label," + ",".join(f"f{i}" for i in range(27)) + ",mass\n")
        np.savetxt(file, np.column_stack([label, features, mass]), delimiter=",", fmt="%.18e")


@pytest.mark.parametrize("name", ["hepmass", "hepmass-article"])
@pytest.mark.usefixtures("undrawn")
def test_hepmass_on_the_published_layout(name, command):
    uci_file("all_train.csv.gz", 4000, 1)
    uci_file("all_test.csv.gz", 1500, 2)
    data = ["--data", "train=all_train.csv.gz", "--data", "test=all_test.csv.gz"]
    # Many bins and replicas make fits and errors slow that are tested elsewhere.
    fast = {"train.epochs": 2, "evaluate.search.bins": 4, "evaluate.bootstrap": 20}
    settings = [word for key, value in fast.items() for word in ("--set", f"{key}={value}")]
    code, out, err = command("run", name, *data, *settings)
    assert code == 0, err
    folder = Path(out.splitlines()[-1])
    metrics = json.loads((folder / "metrics.json").read_text())
    assert list(metrics["test"]["per_parameter"]) == [f"mass={m}" for m in (500, 750, 1000, 1250, 1500)]
    events = json.loads((folder / "metadata.json").read_text())["events"]
    assert events["test"] == 1500
    assert events["val"] / 4000 == pytest.approx(0.3, abs=0.03)
    recipe = json.loads((folder / "recipe.json").read_text())
    assert recipe["parameter_shift"][0] == pytest.approx(1000, abs=30)


def test_the_background_at_a_mass_is_all_background(command):  # `command` gives the test a folder of its own
    uci_file("all.csv.gz", 4000, 3)
    run = fs.evaluate(fs.train("hepmass", {"train.epochs": 1, "evaluate.search": None}, {"train": "all.csv.gz"}))
    columns = run.predictions("test")
    chosen = (columns["target"] == 0) | (columns["mass"] == 500)
    from sklearn.metrics import roc_auc_score

    expected = roc_auc_score(columns["target"][chosen], columns["score_mass_500"][chosen])
    assert run.metrics["test"]["per_parameter"]["mass=500"]["auc"]["value"] == pytest.approx(expected, abs=1e-6)


def test_simulated_collisions_train_with_and_without_the_mass(tmp_path):
    settings = {"simulate.events": 4000, "train.epochs": 4, "evaluate.search": None}
    runs = [fs.evaluate(fs.train("hepmass", {**settings, **more}, output=tmp_path)) for more in ({}, {"parameters": None})]
    with_mass, without = (run.metrics["test"] for run in runs)
    assert with_mass["auc"]["value"] > 0.8
    assert without["auc"]["value"] > 0.7
    assert "per_parameter" not in without
