"""Exported models in place of the network: `predict --with`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

import fivesigma as fs
from fivesigma.deployment.exported import load_exported, path_of
from fivesigma.errors import RunError

from ..conftest import write_csv

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.usefixtures("undrawn")

FORMATS = ["onnx"] + (["cpp"] if shutil.which("g++") else [])


def trained(toy, command, **changes):
    """A run with a computed feature."""
    tree = yaml.safe_load(toy.read_text())
    toy.write_text(yaml.safe_dump({**tree, "features": ["x0", "sum"], **changes}))
    code, out, err = command("train", toy, "--set", "train.epochs=1")
    assert code == 0, err
    return Path(out.splitlines()[-1])


def scored(command, run, *arguments):
    place = f"scored-{len(list(Path().glob('scored-*')))}.parquet"
    code, _, err = command("predict", run, *arguments, "-o", place, *(() if "-j" in arguments else ("-j", 1)))
    assert code == 0, err
    return fs.open_table(place).read()


@pytest.mark.parametrize("inputs", ["columns", "features"])
@pytest.mark.parametrize("format", FORMATS)
def test_a_new_file_gets_the_scores_of_the_network(toy, command, format, inputs):
    run = trained(toy, command)
    assert command("export", run, "--format", format, "--inputs", inputs)[0] == 0
    for i in range(2):
        write_csv(Path(f"new{i}.csv"), 200, seed=5 + i)
    own = scored(command, run, "new0.csv", "new1.csv")
    found = scored(command, run, "new0.csv", "new1.csv", "--with", format)
    assert list(found) == list(own)
    assert np.abs(found["score"] - own["score"]).max() < 5e-7
    np.testing.assert_array_equal(scored(command, run, "new0.csv", "--with", format)["score"], found["score"][:200])


def test_worker_processes_score_with_it_too(toy, command):
    run = trained(toy, command)
    assert command("export", run)[0] == 0
    one, two = (scored(command, run, "test.csv", "test.csv", "--with", "onnx", "-j", workers) for workers in (1, 2))
    np.testing.assert_array_equal(one["score"], two["score"])


def test_with_folds_every_event_gets_the_mean(toy, command):
    run = trained(toy, command, split={"folds": 2})
    assert command("export", run)[0] == 0
    found = scored(command, run, "train.csv", "--with", "onnx")
    assert (found["fold"] == 0).all()
    features = np.loadtxt("train.csv", delimiter=",", skiprows=1)[:, 2:4]
    features[:, 1] += features[:, 0]
    wanted = fs.Run(run).network().score(features.astype(np.float32))
    assert np.abs(found["score"] - wanted).max() < 5e-7


def test_a_fixed_parameter_is_that_of_the_scores(toy, command):
    parameters = {"mass": {"variable": "500 + 500 * (w > 1)", "background": "given"}}
    run = trained(toy, command, parameters=parameters)
    code, out, err = command("export", run, "--at", "mass=7", "-o", "seven.onnx")
    assert (code, "warning: mass=7 lies outside the training range" in " ".join((out + err).split())) == (0, True)
    code, out, err = command("export", run, "--at", "mass=500")
    assert (code, "outside" in out + err) == (0, False)
    own = scored(command, run, "test.csv", "--at", "mass=500")
    found = scored(command, run, "test.csv", "--with", "onnx")
    assert (found["mass"] == 500).all()
    assert np.abs(found["score"] - own["score"]).max() < 5e-7
    code, _, err = command("predict", run, "test.csv", "-o", "other.parquet", "--with", "onnx", "--at", "mass=700")
    assert (code, "is fixed at mass=500 and cannot score at 700" in err) == (2, True)
    model = load_exported(fs.Run(run).folder, "onnx")
    with pytest.raises(RunError, match="fixed at mass=500"):
        model.on({}, "here").score(np.zeros((2, 2), np.float32), np.full((2, 1), 700, np.float32))


def test_what_is_not_there_or_of_another_network_is_refused(toy, command):
    run = trained(toy, command)
    for arguments, message in (
        (("--with", "onnx"), "has exported no model in the format 'onnx'"),
        (("--with", "onxx"), "no export format 'onxx'; did you mean 'onnx'?"),
    ):
        code, _, err = command("predict", run, "test.csv", "-o", "other.parquet", *arguments)
        assert (code, message in " ".join(err.split())) == (2, True)
    assert command("export", run)[0] == 0
    checked = run / "export" / "check.json"
    tree = json.loads(checked.read_text())
    tree["onnx"]["network"]["model.keras"] = "0" * 64
    checked.write_text(json.dumps(tree))
    with pytest.raises(RunError, match="not of the present network"):
        path_of(fs.Run(run).folder, "onnx")
    (run / "export" / "model.onnx").write_bytes(b"")
    with pytest.raises(RunError, match="not the file that this run exported"):
        path_of(fs.Run(run).folder, "onnx")


@pytest.mark.parametrize("format", FORMATS)
def test_whole_numbers_that_an_exported_model_would_round_are_refused(toy, command, format):
    run = trained(toy, command, new_variables={"sum": "x1 // 4 % 2"})
    assert command("export", run, "--format", format, "--inputs", "columns")[0] == 0
    columns = {"x0": np.zeros(5), "x1": 2**60 + 4 * np.arange(5), "x2": np.zeros(5)}
    np.savez("large.npz", **columns)
    assert command("predict", run, "large.npz", "-o", "own.npz", "-j", 1)[0] == 0
    code, _, err = command("predict", run, "large.npz", "-o", "new.npz", "--with", format, "-j", 1)
    assert code == 2
    assert "large.npz: the column 'x1' holds whole numbers beyond 2⁵³" in err
    assert not Path("new.npz").exists()


@pytest.mark.parametrize("format", FORMATS)
def test_a_marker_of_missing_values_is_known_as_half_precision_rounds_it(toy, command, format):
    generator = np.random.default_rng(1)
    for name in ("train", "test"):
        x = generator.normal(0, 1, (800, 2)).astype(np.float16)
        x[::5, 0] = -99.9  # −99.875 in half precision
        np.savez(f"{name}.npz", x0=x[:, 0], x1=x[:, 1], label=generator.integers(0, 2, 800))
    tree = {
        "name": "toy",
        "samples": {name: {"files": [f"{name}.npz"], **more} for name, more in (("train", {}), ("test", {"use": "test"}))},
        "missing_values": [-99.9],
        "new_variables": {"sum": "x0 + x1"},
        "labels": "label",
        "prepare": {"impute": "mean"},
        "split": {"overlap": "keep"},
        "model": {"layers": [4]},
    }
    toy.write_text(yaml.safe_dump(tree))
    run = trained(toy, command)
    code, _, err = command("export", run, "--format", format, "--inputs", "columns")
    assert code == 0, err


@pytest.mark.skipif("cpp" not in FORMATS, reason="no C++ compiler")
def test_that_a_header_is_compiled_and_run_is_said_and_no_events_have_no_scores(toy, command):
    run = trained(toy, command)
    assert command("export", run, "--format", "cpp")[0] == 0
    Path("none.csv").write_text(Path("test.csv").read_text().splitlines()[0] + "\n")
    code, out, err = command("predict", run, "none.csv", "-o", "none.csv.npz", "--with", "cpp", "-j", 1)
    assert "model.hpp is compiled and run: do so only with runs that you trust" in out
    assert (code, "there are no events to write" in err) == (2, True)
