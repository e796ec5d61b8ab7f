"""The verb `evaluate`: scores and metrics of a run."""

from pathlib import Path

import numpy as np
import pytest

import fivesigma as fs
from fivesigma.data.readers.parquet import ParquetReader
from fivesigma.errors import RunError


@pytest.mark.usefixtures("undrawn")
def test_predict_gives_the_scores_of_evaluate(toy, command):
    folder = Path(command("run", toy)[1].splitlines()[-1])
    command("predict", folder, "test.csv", "-o", "scored.parquet")
    expected = ParquetReader(str(folder / "predictions/test.parquet")).read()
    np.testing.assert_array_equal(ParquetReader("scored.parquet").read()["score"], expected["score"])


@pytest.mark.usefixtures("undrawn")
def test_an_observer_never_takes_the_place_of_a_column_of_ours(toy, command):
    text = toy.read_text().replace("sum: x0 + x1", "sum: x0 + x1\n  weight: 7 * w\n  score: x0 * 0\n  prediction: x1")
    toy.write_text(text.replace("- sum", "- sum\n- weight\n- score\n- prediction"))
    folder = Path(command("run", toy, "--set", "train.epochs=1")[1].splitlines()[-1])
    found = ParquetReader(str(folder / "predictions/test.parquet")).read()
    np.testing.assert_allclose(found["observer_weight"], 7 * found["weight"])
    assert set(found["observer_score"]) == {0.0}
    assert found["score"].std() > 0
    assert found["prediction"].std() > 0


def test_a_test_file_of_one_class_has_dashes(toy, command):
    header, *rows = Path("test.csv").read_text().splitlines()
    Path("test.csv").write_text("\n".join([header, *(row for row in rows if row.split(",")[1] == "0")]) + "\n")
    more = ["--set", "train.epochs=1", "--set", "evaluate.search={}", "--set", "evaluate.recalibrate=isotonic"]
    code, out, err = command("run", toy, *more)
    assert code == 0, err
    (row,) = [line for line in out.splitlines() if line.startswith("auc ")]
    assert row.split()[-1] == "–"
    assert "class 'signal' has no event in the test part" in out


def test_predictions_of_a_run_that_is_not_evaluated_are_one_sentence(toy, tmp_path):
    run = fs.train(toy, {"train.epochs": 1}, output=tmp_path / "runs")
    with pytest.raises(RunError, match=r"has no predictions yet[\s\S]*fivesigma evaluate"):
        run.predictions("test")


def test_an_observer_that_a_run_of_before_names_in_vain_is_one_sentence(toy, tmp_path, command):
    """A training did not always look whether the evaluation has its observers."""
    run = fs.train(toy, {"train.epochs": 1}, output=tmp_path / "runs")
    path = run.path / "analysis.yaml"
    path.write_text(path.read_text().replace("sculpting: []", "sculpting: [summ]"))
    code, _, err = command("evaluate", run.path)
    assert (code, "evaluate.sculpting: 'summ' is not an observer" in err) == (2, True), err


@pytest.mark.usefixtures("undrawn")
def test_events_that_are_not_there_leave_a_finished_run_as_it_was(toy, command):
    folder = Path(command("run", toy, "--set", "train.epochs=1")[1].splitlines()[-1])
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    Path("train.csv").rename("elsewhere.csv")
    code, _, err = command("evaluate", folder)
    assert (code, "no file" in err) == (2, True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
