"""What a run says of its own scores: overtraining, calibration, sculpting, importance, leakage."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from fivesigma.data.readers.parquet import ParquetReader
from fivesigma.metrics.classes import log_loss

from ..conftest import TREE, write_csv


def written(toy, **sections):
    toy.write_text(yaml.safe_dump({**TREE, **sections}, sort_keys=False))
    return toy


def run_of(toy, command, **sections):
    code, out, err = command("run", written(toy, **sections))
    assert code == 0, err
    return Path(out.splitlines()[-1]), out


def test_a_run_answers_what_was_asked_and_predicts_probabilities(toy, command, tmp_path):
    run, out = run_of(toy, command, evaluate={"sculpting": "sum", "recalibrate": "isotonic"})
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(metrics["test"]["overtraining"]) == {"background", "signal"}
    assert 0 < metrics["test"]["overtraining"]["signal"]["p_value"] <= 1
    assert "overtraining" not in metrics["train"]
    assert set(metrics["val"]["importance"]) == {"x0", "x1", "x2"}
    assert "most important inputs" in out
    # The score knows x0 + x1, so a cut on it shapes the sum.
    row = metrics["test"]["sculpting"]["sum"]["score"]
    assert row["divergence"]["value"] > row["by_chance"]["value"] + 5 * row["by_chance"]["error"]
    columns = ParquetReader(str(run / "predictions" / "test.parquet")).read()
    found = log_loss(columns["probability"], columns["target"], columns["weight"]).value
    assert metrics["test"]["recalibrated_log_loss"]["value"] == pytest.approx(found, rel=1e-6)
    page = (run / "report.html").read_text()
    for text in ("Training against unseen events", "Importance of the inputs", "Sculpting of"):
        assert text in page
    code, _, err = command("predict", "toy", "test.csv", "-o", tmp_path / "scored.parquet")
    assert code == 0, err
    scored = ParquetReader(str(tmp_path / "scored.parquet")).read()
    order = np.argsort(columns["event_number"])
    np.testing.assert_allclose(scored["probability"], columns["probability"][order], atol=1e-6)
    assert (np.diff(scored["probability"][np.argsort(scored["score"], kind="stable")]) >= 0).all()


@pytest.mark.usefixtures("undrawn")
def test_with_folds_the_out_of_fold_events_answer(toy, command):
    run, _ = run_of(toy, command, split={"folds": 2}, evaluate={"recalibrate": "isotonic"})
    metrics = json.loads((run / "metrics.json").read_text())
    assert "overtraining" in metrics["folds"]
    assert "overtraining" not in metrics["test"]
    assert metrics["test"]["recalibrated_log_loss"]["value"] > 0
    assert "importance" in metrics["folds"]


@pytest.mark.parametrize(
    ("sections", "text"),
    [
        ({"evaluate": {"sculpting": "summ"}}, "'summ' is not an observer"),
        ({"evaluate": {"recalibrate": "isotonic"}, "split": {"val": 0}}, "needs validation events"),
        ({"evaluate": {"recalibrate": "isotonic"}, "labels": None, "target": "x2", "features": ["x0"]}, "needs two classes"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_what_cannot_be_answered_is_one_sentence(toy, command, sections, text):
    code, _, err = command("run", written(toy, **sections))
    assert code == 2
    assert text in err


def test_check_names_an_input_that_knows_the_answer(toy, command, tmp_path):
    rows = np.genfromtxt(tmp_path / "train.csv", delimiter=",", skip_header=1)
    rows = np.column_stack([rows, 2 * rows[:, 1] + rows[:, 2] / 100])
    np.savetxt(tmp_path / "train.csv", rows, delimiter=",", header="event,label,x0,x1,x2,w,z", comments="", fmt="%.9g")
    code, out, err = command("check", written(toy, features=["x0", "z"], samples={"train": TREE["samples"]["train"]}))
    assert code == 0, err
    assert "z alone separates a class with an AUC of 1.0000: does it know the answer?" in out + err
    for name, events in (("train.csv", 1500), ("test.csv", 500)):
        write_csv(tmp_path / name, events, seed=1)
    code, out, err = command("check", written(toy, event_number=None))
    assert code == 0, err
    assert "test events have the same content as a training event" in out + err


@pytest.mark.usefixtures("undrawn")
def test_batches_can_be_balanced_from_the_analysis_file(toy, command):
    run, _ = run_of(toy, command, train={**TREE["train"], "balance": "class"})
    assert json.loads((run / "metrics.json").read_text())["test"]["auc"]["value"] > 0.7
    code, _, err = command("run", written(toy, train={"balance": "clas"}))
    assert code == 2
    assert "did you mean 'class'" in err
