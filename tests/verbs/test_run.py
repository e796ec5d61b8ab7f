"""The verb `run`: explore, train, evaluate and report in one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import fivesigma as fs
from fivesigma.errors import RunError

COMPLETE = [
    "analysis.yaml",
    "metadata.json",
    "explore.json",
    "recipe.json",
    "model.keras",
    "history.jsonl",
    "metrics.json",
    "curves.json",
    "report.html",
    "predictions/val.parquet",
    "predictions/test.parquet",
    "checkpoints/last.npz",
    "plots/roc.pdf",
    "plots/roc.png",
    "plots/roc.json",
    "plots/features-1.pdf",
]


def test_run_leaves_a_complete_folder_and_prints_it_last(toy, command):
    code, out, _ = command("run", toy)
    folder = Path(out.splitlines()[-1])
    assert code == 0
    assert folder.parent == Path("runs/toy")
    assert [name for name in COMPLETE if not (folder / name).is_file()] == []
    assert not (folder / "UNFINISHED").exists()
    metrics = json.loads((folder / "metrics.json").read_text())
    for name in ("auc", "accuracy", "log_loss", "balanced_accuracy", "f1_weighted", "f1_macro"):
        assert set(metrics["test"][name]) == {"value", "error"}
    assert metrics["test"]["auc"]["value"] > 0.8
    assert set(metrics) == {"version", "train", "val", "test"}


@pytest.mark.usefixtures("undrawn")
def test_quiet_prints_the_folder_and_nothing_else(toy, command):
    code, out, err = command("run", toy, "--quiet", "--output", "elsewhere")
    assert code == 0
    assert out.startswith("elsewhere/toy/")
    assert len(out.splitlines()) == 1
    assert err == ""


@pytest.mark.usefixtures("undrawn")
def test_run_is_explore_train_evaluate_and_report(toy, command):
    whole = Path(command("run", toy)[1].splitlines()[-1])
    for verb in ("explore", "train"):
        steps = command(verb, toy, "--output", "steps")[1].splitlines()[-1]
    command("evaluate", steps)
    assert (whole / "metrics.json").read_text() == (Path(steps) / "metrics.json").read_text()


@pytest.mark.usefixtures("undrawn")
def test_the_resolved_analysis_runs_again_to_the_same_numbers(toy, command):
    first = Path(command("run", toy, "--set", "train.epochs=2")[1].splitlines()[-1])
    assert yaml.safe_load((first / "analysis.yaml").read_text())["train"]["epochs"] == 2
    second = Path(command("run", first / "analysis.yaml", "--output", "again")[1].splitlines()[-1])
    assert (first / "metrics.json").read_text() == (second / "metrics.json").read_text()


def test_python_and_command_line_agree(toy, command):
    first = Path(command("run", toy)[1].splitlines()[-1])
    run = fs.run(toy, output="python")
    assert {"version": 2, **run.metrics} == json.loads((first / "metrics.json").read_text())
    assert "<table>" in run._repr_html_()
    assert len(run.history) == 3
    assert len(run.predictions()["score"]) == 500
    with pytest.raises(RunError, match=r"no predictions of 'tst'; did you mean 'test'\?"):
        run.predictions("tst")
    assert run.report.is_file()
    roc = run.figure("roc")
    assert roc._repr_png_().startswith(b"\x89PNG")
    assert "roc" in run.figures
    assert roc.numbers == json.loads((run.path / "plots" / "roc.json").read_text())
    with pytest.raises(fs.FivesigmaError, match=r"no figure 'rok'.*'roc'"):
        run.figure("rok")


def test_the_program_runs_as_a_module():
    run = subprocess.run([sys.executable, "-m", "fivesigma", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("fivesigma ")
