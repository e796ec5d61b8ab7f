"""The verb `export`: a file that has been compared with the network, or none."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

import fivesigma as fs
from fivesigma.deployment import onnx
from fivesigma.deployment.base import FEATURES
from fivesigma.deployment.check import Disagreement
from fivesigma.errors import MissingExtra, OutputError
from fivesigma.reporting.deployment import exports
from fivesigma.runs.folder import RunFolder

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def run(toy, command):
    """A run with a computed feature."""
    tree = yaml.safe_load(toy.read_text())
    toy.write_text(yaml.safe_dump({**tree, "features": ["x0", "sum", "x1 - x2"], "units": {"x0": "GeV"}}))
    return Path(command("run", toy, "--set", "train.epochs=1")[1].splitlines()[-1])


def test_the_file_takes_the_columns_of_the_users_files(run, command):
    code, out, err = command("export", run)
    assert (code, err) == (0, "")
    path = run / "export" / "model.onnx"
    assert out.splitlines()[-1] == str(path)
    assert "500 test events" in out
    tree = json.loads((run / "export" / "check.json").read_text())["onnx"]
    assert tree["inputs"] == ["x0", "x1", "x2"]
    assert tree["difference"]["largest"] < 5e-7
    assert abs(tree["metrics"]["auc"]["exported"] - tree["metrics"]["auc"]["network"]) < 1e-4
    assert tree["metrics"]["auc"]["network"] == pytest.approx(fs.Run(run).metrics["test"]["auc"]["value"], abs=1e-6)
    score = onnx.load(path)
    predicted = fs.Run(run).predictions("test")["score"]
    rows = np.loadtxt(run.parents[2] / "test.csv", delimiter=",", skiprows=1)
    found = score({name: rows[:, [2 + i]] for i, name in enumerate(("x0", "x1", "x2"))})
    np.testing.assert_allclose(found, predicted, atol=1e-6)
    assert fs.verify(run).problems == ()
    path.write_bytes(path.read_bytes() + b"x")
    assert fs.verify(run).problems == ("export/model.onnx is not the file that this run wrote",)


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++: headers cannot be compiled")
def test_a_header_stands_beside_the_file(run, command):
    assert command("export", run)[0] == 0
    code, _, err = command("export", run, "--format", "cpp", "--set", "namespace=toy")
    assert (code, err) == (0, "")
    assert "namespace toy" in (run / "export" / "model.hpp").read_text()
    tree = json.loads((run / "export" / "check.json").read_text())
    assert list(tree) == ["onnx", "cpp"]
    assert tree["cpp"]["difference"]["largest"] < 5e-7
    assert tree["cpp"]["inputs"] == ["x0", "x1", "x2"]


def test_metadata_say_what_goes_in_and_what_comes_out(run):
    import onnx as library

    found = fs.export(run, inputs="features", settings={"opset": 17, "licence": "CC0"})
    model = library.load(found.path)
    entries = {entry.key: entry.value for entry in model.metadata_props}
    assert [given.name for given in model.graph.input] == [FEATURES]
    assert json.loads(entries["features"])[0] == {"name": "x0", "title": "", "unit": "GeV"}
    assert json.loads(entries["classes"]) == ["background", "signal"]
    assert entries["output"].startswith("probability of the second class")
    assert set(json.loads(entries["sha256"])) == {"model.keras", "recipe.json"}
    assert "auc" in json.loads(entries["metrics"])
    assert (entries["licence"], entries["analysis"], model.opset_import[0].version) == ("CC0", "toy", 17)


def test_it_replaces_its_own_files_and_no_others(run, command, tmp_path):
    mine = tmp_path / "mine.onnx"
    mine.write_text("mine")
    code, _, err = command("export", run, "-o", mine)
    assert (code, mine.read_text()) == (2, "mine")
    assert "is not what this run has exported" in err
    mine.unlink()
    assert command("export", run, "-o", mine)[0] == 0
    first = mine.read_bytes()
    assert command("export", run, "-o", mine, "--quiet")[0] == 0
    assert mine.read_bytes() == first
    (run / "export" / "check.json").unlink()  # as after a kill between the two files
    assert command("export", run, "-o", mine)[0] == 0
    (run / "export" / "check.json").unlink()
    assert command("export", run, "-o", mine, "--inputs", "features")[0] == 2


def test_it_knows_all_files_that_it_has_exported(run, command, tmp_path):
    assert command("export", run)[0] == 0
    assert command("export", run, "--set", "opset=17", "-o", tmp_path / "other.onnx")[0] == 0
    assert command("export", run, "--set", "opset=15")[0] == 0
    assert command("export", run, "--set", "opset=16", "-o", tmp_path / "other.onnx")[0] == 0
    (run / "export" / "model.onnx").write_bytes(b"somebody else's")
    code, _, err = command("export", run)
    assert code == 2
    assert "is not what this run has exported" in err


def test_a_file_that_differs_from_the_network_is_not_kept(run, command, monkeypatch):
    real = onnx._activation
    monkeypatch.setattr(onnx, "_activation", lambda graph, step, x: graph.node("Neg", real(graph, step, x)))
    code, _, err = command("export", run)
    assert code == 1
    assert "differs from the network" in err
    assert not list((run / "export").iterdir())
    with pytest.raises(Disagreement, match="more than 1e-05"):
        fs.export(run, inputs="features")


def test_columns_that_double_precision_would_round_are_refused(toy, command):
    tree = yaml.safe_load(toy.read_text())
    tree["new_variables"]["dt"] = "time - 1700000000000000000"
    toy.write_text(yaml.safe_dump({**tree, "features": ["x0", "dt"]}))
    for name in ("train.csv", "test.csv"):
        header, *rows = Path(name).read_text().splitlines()
        longer = [f"{row},{1_700_000_000_000_000_000 + i * i % 1000}" for i, row in enumerate(rows)]
        Path(name).write_text("\n".join([f"{header},time", *longer, ""]))
    assert command("train", toy, "--set", "train.epochs=1")[0] == 0
    code, out, _ = command("export", "toy")
    assert code == 0
    assert "the model takes the features: the column 'time' holds whole numbers beyond 2⁵³" in out
    assert "500 test events" in out
    code, _, err = command("export", "toy", "--inputs", "columns")
    assert code == 2
    assert "the column 'time' holds whole numbers beyond 2⁵³" in err


def test_the_run_of_somebody_else_is_exported_to_a_place_of_ones_own(run, command, tmp_path, monkeypatch):
    write_json = RunFolder.write_json

    def refuse(folder, name, tree):
        if name == "export/check.json":
            raise OutputError(f"cannot write {folder / name}: Permission denied")
        write_json(folder, name, tree)

    monkeypatch.setattr(RunFolder, "write_json", refuse)
    code, out, _ = command("export", run, "-o", tmp_path / "mine.onnx")
    assert code == 0
    assert "check.json: Permission denied: the run, its report and `verify` will not know of this export" in out
    assert "500 test events" in out
    code, _, err = command("export", run)
    assert code == 2
    assert "check.json: Permission denied" in err


def test_without_the_files_of_the_run_random_numbers_are_scored(run, command, tmp_path):
    (tmp_path / "test.csv").rename(tmp_path / "hidden.csv")
    code, out, _ = command("export", run)
    assert code == 0
    assert "random numbers, without physics numbers" in out
    tree = json.loads((run / "export" / "check.json").read_text())["onnx"]
    assert (tree["part"], "metrics" in tree, tree["inputs"]) == ("drawn", False, [FEATURES])
    code, _, err = command("export", run, "--inputs", "columns")
    assert (code, "test.csv" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "onxx"), "no export format 'onxx'; did you mean 'onnx'?"),
        (("--inputs", "column"), "no inputs 'column'; did you mean 'columns'?"),
        (("--set", "opset=12"), "opset: 12 is not allowed: input should be greater than or equal to 13"),
        (("--set", "opsett=13"), "unknown key 'opsett'; did you mean 'opset'?"),
        (("--at", "mass=500"), "the network has no parameter 'mass'; it has none"),
    ],
)
def test_mistakes_are_sentences(run, command, arguments, message):
    code, _, err = command("export", run, *arguments)
    assert code == 2
    assert message in " ".join(err.split())


def test_a_missing_library_is_a_sentence_with_the_command_that_installs_it(monkeypatch):
    from fivesigma import extras

    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match="an ONNX file needs 'onnxruntime'") as caught:
        extras.onnxruntime()
    assert caught.value.hint == "pip install 'fivesigma[onnx]'"


def test_the_report_shows_what_was_exported(run):
    from fivesigma.reporting.deployment import exports

    folder = fs.Run(run).folder
    assert exports(folder) == []
    fs.export(run)
    (found,) = exports(folder)
    assert "model.onnx (onnx" in found.sentence
    assert "auc" in [row[0] for row in found.table.rows]
    assert not found.outdated
    (run / "model.keras").write_bytes(b"another")
    assert exports(folder)[0].outdated


def test_with_folds_alone_the_comparison_says_that_the_networks_know_its_events(toy, command):
    tree = yaml.safe_load(toy.read_text())
    tree["samples"].pop("test")
    toy.write_text(yaml.safe_dump({**tree, "split": {"folds": 2}}))
    run = Path(command("run", toy, "--set", "train.epochs=1")[1].splitlines()[-1])
    code, out, err = command("export", run)
    assert (code, err) == (0, "")
    assert "training events" in out
    assert "the networks of the folds have learned from these events" in out
    assert json.loads((run / "export" / "check.json").read_text())["onnx"]["learned_from"] is True
    assert "The networks of the folds have learned from these events" in exports(RunFolder(run))[0].sentence


def test_firmware_of_folds_is_refused_before_anything_is_read(toy, command, monkeypatch):
    pytest.importorskip("alkaid")
    run = Path(command("run", toy, "--set", "train.epochs=1", "--set", "split={folds: 2}")[1].splitlines()[-1])
    monkeypatch.setattr("fivesigma.runs.session.load_trained", lambda folder: pytest.fail("a network was read"))
    code, _, err = command("export", run, "--format", "rtl")
    assert code == 2
    assert "the format holds one network, and this run has 2, one for each fold" in err
