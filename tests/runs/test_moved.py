"""Files of a run that are elsewhere now."""

import json
from pathlib import Path

import pytest
import yaml

import fivesigma as fs
from fivesigma.errors import AnalysisError, RunError
from fivesigma.runs.moved import new_name

from ..conftest import write_csv


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/old/a.root", "/new/a.root"),
        ("/old/sub/*.root:tree", "/new/sub/*.root:tree"),
        ("/old", "/new"),
        ("/old:tree", "/new:tree"),
        ("/older/a.root", "/older/a.root"),
        ("/x/old/a.root", "/x/old/a.root"),
    ],
)
def test_names_below_a_folder_that_has_moved_begin_with_its_new_name(name, expected):
    assert new_name(name, {"/old": "/new"}) == expected


def test_the_root_folder_is_a_place_too():
    assert new_name("/data/a.csv", {"/": "/mnt/disk"}) == "/mnt/disk/data/a.csv"


@pytest.fixture
def moved(toy, tmp_path):
    """A run of which all files, also those of a systematic uncertainty, have moved from `here` to `there`."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    for name in ("train.csv", "test.csv"):
        Path(tmp_path / name).rename(here / name)
    write_csv(here / "up.csv", 500, seed=2, shift=1.1)
    tree = yaml.safe_load(toy.read_text())
    tree["samples"] = {"train": {"files": ["here/train.csv"]}, "test": {"files": ["here/test.csv"]}}
    tree["evaluate"] = {"search": {}}
    tree["systematics"] = {"scale": {"up": {"samples": {"test": ["here/up.csv"]}}}}
    tree["train"]["epochs"] = 1
    toy.write_text(yaml.safe_dump(tree, sort_keys=False))
    run = fs.train(toy, output=tmp_path / "runs")
    here.rename(there)
    return run


def test_a_run_is_told_once_where_its_files_are(moved, command, tmp_path):
    code, _, err = command("evaluate", moved.path)
    assert code == 2
    assert "--moved OLD=NEW" in err
    code, out, err = command("evaluate", moved.path, "--moved", "here=there")
    assert code == 0, err
    assert "changed" not in out
    assert json.loads((moved.path / "metadata.json").read_text())["moved"] == {f"{tmp_path}/here": f"{tmp_path}/there"}
    before = (moved.path / "metrics.json").read_bytes()
    assert command("evaluate", moved.path)[0] == 0
    assert (moved.path / "metrics.json").read_bytes() == before
    assert command("verify", moved.path)[0] == 0
    assert json.loads(command("export", moved.path, "--json")[1])["check"]["part"] == "test"


def test_files_that_move_again_are_named_as_they_were_last(moved, command, tmp_path):
    assert command("evaluate", moved.path, "--moved", "here=there")[0] == 0
    (tmp_path / "there").rename(tmp_path / "elsewhere")
    assert command("evaluate", moved.path, "--moved", "there=elsewhere")[0] == 0
    (tmp_path / "elsewhere").rename(tmp_path / "here")
    assert command("evaluate", moved.path, "--moved", "elsewhere=here")[0] == 0


def test_a_place_is_kept_once_the_files_were_read(moved, tmp_path):
    with pytest.raises(fs.FivesigmaError):
        fs.evaluate(moved, moved={tmp_path / "here": tmp_path / "nowhere"})
    assert "moved" not in json.loads((moved.path / "metadata.json").read_text())


def test_other_files_in_the_new_place_are_said(moved, command, tmp_path):
    write_csv(tmp_path / "there" / "test.csv", 400, seed=5)
    assert command("evaluate", moved.path, "--moved", "here=there")[0] == 0
    assert any(
        "there/test.csv has changed since the run" in each for each in json.loads((moved.path / "verdicts.json").read_text())
    )


def test_a_place_where_no_file_was_names_those_there_are(moved):
    with pytest.raises(RunError, match=r"no file of the run .* was in /olt") as error:
        fs.evaluate(moved, moved={"/olt": "/new"})
    assert "here/train.csv" in error.value.hint


def test_what_is_no_mapping_is_refused(moved, command):
    with pytest.raises(AnalysisError, match="moved is '/old=/new', which is no mapping"):
        fs.evaluate(moved, moved="/old=/new")
    code, _, err = command("evaluate", moved.path, "--moved", "here")
    assert code == 2
    assert "write --moved OLD=NEW" in err


def test_prepared_events_that_have_moved_are_found(toy, tmp_path, command):
    assert command("prepare", toy, "-o", "prepared")[0] == 0
    code, out, err = command("train", toy, "--set", f"shards={tmp_path}/prepared", "--set", "train.epochs=1")
    assert code == 0, err
    run = out.splitlines()[-1]
    (tmp_path / "prepared").rename(tmp_path / "shards")
    assert command("evaluate", run)[0] == 2
    code, _, err = command("evaluate", run, "--moved", "prepared=shards")
    assert code == 0, err
