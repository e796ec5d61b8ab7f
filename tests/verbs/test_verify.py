"""The verb `verify`; what it finds in changed runs is in tests/runs/test_manifest.py."""

import json
from pathlib import Path

import pytest
import yaml

import fivesigma
from fivesigma.analysis.file import load
from fivesigma.runs.folder import RunFolder


@pytest.mark.usefixtures("undrawn")
def test_a_run_is_verified_from_python_and_the_command_line(toy, command):
    folder = Path(command("run", toy, "--set", "train.epochs=1")[1].splitlines()[-1])
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    code, out, err = command("verify", "toy")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == str(folder)
    assert command("verify", folder, "--quiet")[1].strip() == str(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    RunFolder.create(Path("runs"), load(toy), "a run that failed before its training")
    assert command("verify", "toy", "--quiet")[1].strip() == str(folder)
    found = fivesigma.verify(folder)
    assert found.files > 8
    assert found.numbers > 20
    assert found.problems == ()
    tree = json.loads((folder / "metrics.json").read_text())
    tree["val"]["accuracy"]["error"] *= 2
    (folder / "metrics.json").write_text(json.dumps(tree))
    assert [problem.split(" is ")[0] for problem in fivesigma.verify(folder).problems] == [
        "metrics.json",
        "val accuracy error",
    ]
    (folder / "folds.json").write_text("{}")
    found = fivesigma.verify(folder).problems
    assert "folds.json is not among the files that this run wrote" in found
    assert "folds.json is no list of folds" in found


def test_what_is_no_run_is_a_sentence(command, tmp_path):
    assert command("verify", "nothing")[0] == 2
    code, _, err = command("verify", tmp_path)
    assert (code, "is not a run folder" in err) == (2, True)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("unit", [1e-12, 1e6])
def test_changed_numbers_are_found_in_any_unit(toy, command, unit):
    tree = yaml.safe_load(toy.read_text())
    del tree["labels"]
    toy.write_text(yaml.safe_dump({**tree, "features": ["x0", "x1"], "target": f"x2 * {unit}"}))
    folder = Path(command("run", toy, "--set", "train.epochs=1")[1].splitlines()[-1])
    assert fivesigma.verify(folder).problems == ()
    found = json.loads((folder / "metrics.json").read_text())
    assert 0.5 * unit < found["test"]["rmse"]["value"] < 2 * unit
    found["test"]["r_squared"]["value"] += 1e-4
    found["test"]["rmse"]["value"] *= 1.001
    found["test"]["mae"]["error"] *= 1.001
    (folder / "metrics.json").write_text(json.dumps(found))
    said = " ".join(fivesigma.verify(folder).problems)
    assert "test rmse is" in said
    assert "test mae error is" in said
    assert "test r_squared is" in said
