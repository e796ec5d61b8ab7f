import json
import os
import subprocess
import sys

import pytest

from fivesigma.analysis.file import load
from fivesigma.errors import OutputError, RunError
from fivesigma.runs.folder import MARKER, RunFolder, all_runs, matching_runs
from fivesigma.runs.inputs import describe_inputs


@pytest.fixture
def analysis():
    return load({"name": "toy", "features": ["x"], "target": "y", "samples": {"train": {"files": ["a.csv"]}}})


@pytest.fixture
def run(tmp_path, analysis):
    return RunFolder.create(tmp_path / "runs", analysis, "fivesigma train toy")


def test_a_new_run_is_unfinished_until_it_says_so(run):
    assert run.unfinished == "created"
    run.begin("train")
    assert run.unfinished == "train"
    run.finish()
    assert run.unfinished is None
    assert not run.busy


def test_a_run_keeps_its_analysis_exactly(run, analysis):
    assert run.analysis() == analysis


def test_metadata_name_the_command_the_versions_and_the_seed(run):
    run.update_metadata(extra=1)
    metadata = run.read_json("metadata.json")
    assert metadata["command"] == "fivesigma train toy"
    assert {"python", "numpy", "jax"} <= metadata["versions"].keys()
    assert metadata["extra"] == metadata["seed"] == 1


def test_runs_made_in_one_second_get_different_folders_in_order(tmp_path, analysis):
    made = [RunFolder.create(tmp_path, analysis, "").path for _ in range(3)]
    assert len(set(made)) == 3
    assert all_runs(tmp_path, "toy") == made


def test_a_run_opens_by_its_folder_and_the_latest_by_its_name(tmp_path, analysis):
    first, last = (RunFolder.create(tmp_path, analysis, "") for _ in range(2))
    assert RunFolder.open(first.path).path == first.path
    assert RunFolder.open("toy", tmp_path).path == last.path


def test_a_run_that_could_not_be_made_leaves_nothing(tmp_path, analysis, monkeypatch):
    def full(self, name, tree):
        raise OutputError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_json", full)
        with pytest.raises(OutputError, match="the disk is full"):
            RunFolder.create(tmp_path, analysis, "test")
    assert list((tmp_path / analysis.name).iterdir()) == []


def test_a_folder_whose_making_was_killed_is_no_run(tmp_path, analysis, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(self, name, tree):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_json", killed)
        patch.setattr("fivesigma.runs.folder.shutil.rmtree", lambda *arguments, **more: None)
        with pytest.raises(Killed):
            RunFolder.create(tmp_path, analysis, "test")
    assert len(list((tmp_path / analysis.name).iterdir())) == 1
    assert matching_runs(tmp_path, analysis) == []


def test_an_unknown_run_names_those_there_are(run, tmp_path):
    with pytest.raises(RunError, match="no run tow") as caught:
        RunFolder.open("tow", tmp_path / "runs")
    assert "toy" in caught.value.hint
    with pytest.raises(RunError, match="is not a run folder"):
        RunFolder.open(tmp_path)


def test_matching_runs_have_exactly_this_analysis(run, tmp_path, analysis):
    assert [found.path for found in matching_runs(tmp_path / "runs", analysis)] == [run.path]
    assert matching_runs(tmp_path / "runs", load(analysis, {"train.epochs": 99})) == []


def test_a_run_without_a_network_is_not_told_to_evaluate(run):
    with pytest.raises(RunError, match=r"has no metrics.json") as caught:
        run.read_json("metrics.json")
    assert caught.value.hint == "it failed or was stopped before it had a network: leave it out, or remove its folder"
    (run / "model.keras").touch()
    with pytest.raises(RunError) as caught:
        run.read_json("metrics.json")
    assert caught.value.hint == "make it with `fivesigma evaluate RUN`"


def test_a_missing_or_damaged_file_says_which_step_makes_it(run):
    (run / "model.keras").touch()
    with pytest.raises(RunError, match=r"has no metrics\.json") as caught:
        run.read_json("metrics.json")
    assert "fivesigma evaluate" in caught.value.hint
    (run / "recipe.json").write_text("{half")
    with pytest.raises(RunError, match="is damaged"):
        run.read_json("recipe.json")
    (run / "analysis.yaml").write_text("name: toy\nfeatures: 3\n")
    with pytest.raises(RunError, match="is damaged"):
        run.analysis()


def test_json_that_cannot_be_read_back_is_not_written(run):
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.write_json("metrics.json", {"auc": float("nan")})
    assert not run.has("metrics.json")


def test_a_run_is_busy_while_its_process_lives(run):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    marker = json.loads((run / MARKER).read_text())
    run.write_json(MARKER, marker | {"pid": child.pid})
    assert run.busy
    child.communicate(b"\n")
    assert not run.busy
    run.write_json(MARKER, marker | {"host": "another"})
    assert run.busy


def test_a_place_that_is_a_file_cannot_hold_runs(tmp_path, analysis):
    (tmp_path / "runs").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        RunFolder.create(tmp_path / "runs", analysis, "")


def test_inputs_are_known_by_size_and_checksum(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (row,) = describe_inputs({"train": [str(tmp_path / "a")]})
    assert (row["sample"], row["bytes"]) == ("train", 3)
    assert row["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_relative_files_still_mean_the_same_after_the_run_is_reopened(tmp_path, run):
    assert run.analysis().samples["train"].files == [os.path.join(os.getcwd(), "a.csv")]
