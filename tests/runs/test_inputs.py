"""A run whose input files are other ones now than when it was made."""

import json
from pathlib import Path

import pytest

from fivesigma.errors import RunError
from fivesigma.reporting.results import sampled_parts
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.inputs import changed_inputs
from fivesigma.verbs.tune import tune


def test_it_says_which_files_are_other_ones(tmp_path):
    folder = RunFolder(tmp_path)

    def rows(**files):
        return [{"path": path, "sha256": text} for path, text in files.items()]

    folder.write_json("metadata.json", {})
    assert changed_inputs(folder, rows(a="1")) is None
    folder.write_json("metadata.json", {"inputs": rows(a="1", b="2")})
    assert changed_inputs(folder, rows(moved="1", b="2")) is None
    assert changed_inputs(folder, rows(a="1", b="3")) == f"b has changed since the run {folder} was made"
    assert changed_inputs(folder, rows(a="1")) == f"b has changed since the run {folder} was made"
    assert changed_inputs(folder, rows(a="4", c="5")) == f"a and 2 more have changed since the run {folder} was made"
    assert "in another order" in changed_inputs(folder, rows(b="2", a="1"))
    assert changed_inputs(folder, rows(a="1", b="2", c="1")).startswith("a and 1 more have changed")


def changed(path):
    """Leave out the last event of a file."""
    text = path.read_text()
    path.write_text(text[: text.rstrip().rfind("\n") + 1])
    return text


def test_a_run_that_has_begun_with_other_files_does_not_go_on(toy, command):
    command("explore", toy)
    changed(Path("train.csv"))
    code, _, err = command("train", toy)
    assert code == 2
    assert "train.csv has changed since the run" in err
    assert "--new" in err
    assert command("train", toy, "--new")[0] == 0


def test_evaluating_other_files_is_said_each_time_and_in_the_report(toy, command, undrawn):
    command("run", toy)
    (run,) = Path().glob("runs/toy/*")
    recorded = json.loads((run / "metadata.json").read_text())["inputs"]
    before = changed(Path("test.csv"))
    for _ in range(2):
        code, out, _ = command("evaluate", "toy")
        assert code == 0
        assert "test.csv has changed since the run" in out
        metadata = json.loads((run / "metadata.json").read_text())
        assert metadata["inputs"] == recorded
        assert sampled_parts(metadata) == {}  # fewer events than at the training are no sample
    assert any("test.csv has changed" in sentence for sentence in json.loads((run / "verdicts.json").read_text()))
    Path("test.csv").write_text(before)
    assert "changed since" not in command("evaluate", "toy")[1]
    assert not any("changed since" in sentence for sentence in json.loads((run / "verdicts.json").read_text()))


@pytest.mark.usefixtures("command")
def test_a_search_does_not_compare_trials_of_different_files(toy, monkeypatch):
    settings = {"tune.space": {"train.batch_size": {"choice": [32, 64]}}, "tune.method": "grid", "train.epochs": 1}

    class Stopped(Exception):
        pass

    def stop(*arguments, **named):
        for run in Path().glob("runs/toy/*"):
            (run / "tune" / "trial-1").mkdir(parents=True, exist_ok=True)
        raise Stopped

    monkeypatch.setattr("fivesigma.verbs.tune.Search.run", stop)
    with pytest.raises(Stopped):
        tune(str(toy), settings)
    changed(Path("train.csv"))
    with pytest.raises(RunError, match=r"train.csv has changed since the run"):
        tune(str(toy), settings)
    with pytest.raises(Stopped):
        tune(str(toy), settings, new=True)
