"""`--json`: one document on standard output, whatever happens, and nothing else there."""

import inspect
import json
from pathlib import Path

import pytest

from fivesigma.cli import main

WITHOUT = {"init", "schema"}
"""Those that print a file."""


@pytest.fixture
def document(command):
    """Run a command with --json: arguments → (exit code, document, standard error)."""

    def call(*arguments):
        code, out, err = command(*arguments, "--json")
        return code, json.loads(out), err

    return call


def test_every_verb_that_prints_results_has_the_option():
    for verb in main.app.registered_commands:
        if verb.name not in WITHOUT:
            assert "as_json" in inspect.signature(verb.callback).parameters, verb.name
    for group in main.app.registered_groups:
        for verb in group.typer_instance.registered_commands:
            assert "as_json" in inspect.signature(verb.callback).parameters, verb.callback


@pytest.mark.usefixtures("undrawn")
def test_the_life_of_a_run(toy, document):
    code, found, err = document("train", toy)
    assert code == 0, err
    assert "epoch 1/3" in err  # what people read goes to standard error
    assert found["epochs"] == 3
    assert found["weights"] > 50
    assert set(found["last_epochs"][0]) >= {"epoch", "loss", "val_loss"}
    run = found["run"]
    _, found, _ = document("evaluate", run)
    assert found["run"] == run
    assert set(found["metrics"]["test"]["auc"]) == {"value", "error"}
    _, again, _ = document("run", toy, "--new", "--set", "train.epochs=1")
    assert set(again) == {"run", "report", "weights", "epochs", "training_seconds", "last_epochs", "metrics"}
    _, found, _ = document("verify", run)
    assert (found["ok"], found["problems"], found["numbers"] > 20) == (True, [], True)
    _, found, _ = document("predict", run, "test.csv", "-o", "scored.npz", "-j", 1)
    assert found == {"output": "scored.npz", "events": 500}
    _, found, _ = document("package", run, "-o", "toy.zip")
    assert found == {"package": "toy.zip", "bytes": Path("toy.zip").stat().st_size}
    _, found, _ = document("cite", run)
    assert found["citations"][0]["key"] == "fivesigma"
    metrics = Path(run, "metrics.json")
    metrics.write_text(metrics.read_text().replace('"value": 0.', '"value": 1.'))
    code, found, err = document("verify", run)
    assert (code, found["ok"]) == (2, False)
    assert found["problems"][0] in err


def test_what_files_and_analyses_are(toy, document):
    _, found, _ = document("check", toy)
    assert (found["ok"], found["features"], len(found["files"])) == (True, ["x0", "x1", "x2"], 2)
    assert found["settings"]["model"]["layers"] == [16]
    _, found, _ = document("columns", "train.csv")
    assert found["table"] == "train.csv"
    assert found["columns"][0] == {"name": "event", "type": "number", "holds": "one number"}
    _, found, _ = document("analyses")
    assert found["analyses"][0].keys() == {"name", "task", "network"}
    _, found, err = document("explore", "train.csv", "test.csv")
    assert (found["events"], found["sampled"], err) == (2000, False, "")
    assert found["columns"][0]["name"] == "event"
    _, found, err = document("explore", toy)
    assert found["explore"]["columns"][0]["name"] == "x0"


def test_an_error_is_a_sentence_and_the_document(document, toy):
    for arguments in (("evaluate", "nothing"), ("check", toy, "--set", "train.epoch=3"), ("train", toy, "--wrong")):
        code, found, err = document(*arguments)
        assert code == 2
        assert set(found) == {"error", "hint"}
        assert err.startswith(f"error: {found['error'][:40]}")


def test_quiet_leaves_the_document_alone(toy, document, command):
    code, out, err = command("train", toy, "--json", "--quiet")
    assert (code, err) == (0, "")
    assert json.loads(out)["epochs"] == 3


@pytest.mark.usefixtures("undrawn")
def test_searches_exports_and_what_is_written(toy, document, tmp_path):
    space = ["tune.space={train.learning_rate: {choice: [0.001, 0.01]}}", "tune.method=grid", "tune.max_epochs=1"]
    settings = [word for setting in (*space, "train.epochs=1") for word in ("--set", setting)]
    code, found, err = document("tune", toy, *settings, "-j", 1)
    assert code == 0, err
    assert found["best"]["train"]["learning_rate"] in (0.001, 0.01)
    assert set(found) == {"run", "report", "best", "metrics"}
    code, found, err = document("export", found["run"], "--format", "cpp")
    assert code == 0, err
    assert (found["format"], found["check"]["difference"]["largest"] < 1e-5) == ("cpp", True)
    code, found, err = document("prepare", toy, "-o", "shards", "--shards", 2)
    assert (code, found["folder"]) == (0, "shards"), err
    assert sum(found["events"].values()) == 2000
    code, found, err = document("simulate", "muons", "-o", "muons.npz", "-n", 100, "-j", 1)
    assert (code, found["file"], found["settings"]["events"]) == (0, "muons.npz", 100), err


def test_a_validation_in_numbers():
    from fivesigma.cli.validate import _numbers
    from fivesigma.validation import Comparison

    tree = _numbers([Comparison("group", "quantity", 1.0, 1.0, 0.1)])
    assert set(tree) == {"passed", "failed", "not_judged", "comparisons"}
    assert tree["passed"] + tree["failed"] + tree["not_judged"] == 1
