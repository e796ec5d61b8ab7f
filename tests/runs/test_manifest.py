"""The manifest of a run: files that do not belong together are noticed."""

import json
import shutil
from pathlib import Path

import pytest

from fivesigma.atomic import MANIFEST, read_manifest
from fivesigma.errors import RunError
from fivesigma.runs.manifest import altered, blaming_altered_files

from ..conftest import TREE, write_csv


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two runs of different analyses, one of them with folds and a baseline; evaluated."""
    import fivesigma

    place = tmp_path_factory.mktemp("runs")
    for seed, name in ((1, "train.csv"), (2, "test.csv")):
        write_csv(place / name, 400, seed)
    files = {"train": {"files": [str(place / "train.csv")]}, "test": {"files": [str(place / "test.csv")]}}
    small = {**TREE, "samples": files, "train": {"epochs": 1, "batch_size": 64}, "model": {"layers": [4]}}
    found = {}
    for name, more in (
        ("one", {"evaluate": {"recalibrate": "isotonic"}}),
        ("other", {"selection": "x0 > -1"}),
        ("folds", {"split": {"folds": 2}, "baselines": {"trees": {"kind": "boosted_trees", "rounds": 3}}}),
    ):
        run = fivesigma.train({**small, "name": name, **more}, output=place)
        found[name] = fivesigma.evaluate(run, output=place).path
    return found


@pytest.fixture
def run(trained, tmp_path):
    """A function: name of a run → a copy of it that may be changed."""
    return lambda name: Path(shutil.copytree(trained[name], tmp_path / name))


def test_everything_that_belongs_together_is_entered_and_verified(run, command):
    for name in ("one", "folds"):
        files = set(read_manifest(run(name))["files"])
        assert {"analysis.yaml", "metadata.json", "trained_on.npz", "metrics.json", "predictions/test.parquet"} <= files
        code, out, err = command("verify", name)
        assert (code, err) == (0, "")
        assert "as they were written" in out
        assert "metrics" in out
    assert {"folds/fold-2/model.keras", "baselines/trees/folds/fold-1/trees.txt", "folds.json"} <= files


@pytest.mark.parametrize("content", ['{"keeps": [["a"]], "files": {}}', '{"keeps": [], "files": {"a": null}}', "[1]", "{"])
def test_a_manifest_of_another_kind_is_damaged(tmp_path, content):
    (tmp_path / MANIFEST).write_text(content)
    assert read_manifest(tmp_path) is None
    with pytest.raises(RunError, match="is damaged"):
        altered(tmp_path)


def test_what_cannot_be_read_is_blamed_on_the_file_that_was_changed(run, command):
    folder = run("one")
    tree = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps({**tree, "test": 3}))
    code, _, err = command("compare", folder, run("other"))
    assert (code, "metrics.json is not the file that this run wrote, and cannot be read" in err) == (2, True)
    (folder / MANIFEST).unlink()
    code, _, err = command("compare", folder, folder)
    assert (code, "without manifest.json nobody can tell" in err) == (2, True)
    with pytest.raises(KeyError), blaming_altered_files(run("folds")):
        {}["a defect of ours"]


@pytest.mark.parametrize("name", ["model.keras", "recipe.json", "trained_on.npz", "analysis.yaml"])
def test_a_file_of_another_run_is_refused_by_name(run, command, name):
    folder = run("one")
    shutil.copy(run("other") / name, folder / name)
    for verb in (("evaluate", folder), ("predict", folder, folder / "predictions/test.parquet", "-o", "out.parquet")):
        code, _, err = command(*verb)
        assert code == 2
        assert f"{name} is not the file that this run wrote" in err
    code, _, err = command("verify", folder)
    assert code == 2
    assert name in err


def test_a_fold_of_another_place_and_a_changed_baseline_are_refused(run, command):
    folder = run("folds")
    shutil.copy(folder / "folds/fold-1/model.keras", folder / "folds/fold-2/model.keras")
    code, _, err = command("evaluate", folder)
    assert (code, "folds/fold-2/model.keras is not the file" in err) == (2, True)
    shutil.rmtree(folder)
    folder = run("folds")
    trees = folder / "baselines/trees/folds/fold-1/trees.txt"
    trees.write_text(trees.read_text().replace("1", "7"))
    code, _, err = command("evaluate", folder)
    assert (code, "trees.txt is not the file" in err) == (2, True)


def test_edited_metrics_are_found_and_the_report_says_so(run, command):
    folder = run("one")
    tree = json.loads((folder / "metrics.json").read_text())
    tree["test"]["auc"]["value"] += 0.01
    (folder / "metrics.json").write_text(json.dumps(tree))
    code, _, err = command("report", folder)
    assert code == 0, err
    page = (folder / "report.html").read_text()
    assert "<b>Altered files.</b> metrics.json is not the file that this run wrote. The numbers below may not" in page
    # Nor do these numbers leave the run.
    for arguments in (("export", folder), ("package", folder, "-o", "p.zip")):
        code, _, err = command(*arguments)
        assert (code, "metrics.json is not the file that this run wrote" in " ".join(err.split())) == (2, True)
    assert not Path("p.zip").exists()
    code, out, err = command("compare", folder, folder)
    assert (code, "metrics.json is not the file that this run wrote" in " ".join((out + err).split())) == (0, True)
    code, out, err = command("verify", folder)
    assert code == 2
    assert "metrics.json is not the file that this run wrote" in out + err
    assert "test auc is" in out + err
    # Without a manifest the numbers themselves still tell.
    (folder / MANIFEST).unlink()
    code, out, err = command("verify", folder)
    assert code == 2
    assert "test auc is" in out + err


def test_the_report_says_which_files_are_not_those_of_the_run(run, command, undrawn):
    folder = run("one")
    (folder / "curves.json").write_text("{}")
    _, out, err = command("report", folder)
    assert "warning:" in out + err
    assert "curves.json is not the file that this run wrote" in out + err


def test_a_report_that_cannot_be_drawn_leaves_the_run_as_finished_as_it_was(run, command):
    folder = run("one")
    (folder / "metrics.json").write_text('{"test": 3')
    code, _, err = command("report", folder)
    assert (code, "metrics.json" in err) == (2, True)
    assert not (folder / "UNFINISHED").exists()


def test_a_file_that_is_missing_is_said_by_the_report_and_no_package_is_made(run, command, undrawn):
    folder = run("one")
    (folder / "predictions" / "test.parquet").unlink()
    code, out, err = command("report", folder)
    assert (code, "warning: predictions/test.parquet is missing" in out + err) == (0, True)
    code, _, err = command("package", folder, "-o", "p.zip")
    assert (code, "predictions/test.parquet is missing" in " ".join(err.split())) == (2, True)
    assert not Path("p.zip").exists()


def test_runs_of_older_versions_work_without_a_manifest(run, command):
    folder = run("one")
    (folder / MANIFEST).unlink()
    assert command("evaluate", folder)[0] == 0
    code, out, _ = command("verify", folder)
    assert code == 0
    assert "older version" in out


def test_missing_and_damaged_files_are_a_sentence(run, command):
    folder = run("one")
    (folder / "curves.json").unlink()
    recipe = json.loads((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(json.dumps({**recipe, "scale": [0.0] * 3}))
    code, out, err = command("verify", folder)
    assert code == 2
    assert "curves.json is missing" in out + err
    assert "scale has 0" in out + err
    (folder / MANIFEST).write_text("{")
    code, _, err = command("verify", folder)
    assert (code, "manifest.json is damaged" in err) == (2, True)
