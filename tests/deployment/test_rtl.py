"""The format rtl: a folder that is proved, or nothing; from the columns of a detector to the numbers at the output."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

import fivesigma as fs
from fivesigma import extras
from fivesigma.analysis.file import validate
from fivesigma.deployment import alkaid, proof, rtl
from fivesigma.deployment.card import model_card
from fivesigma.deployment.check import Disagreement
from fivesigma.deployment.exported import path_of
from fivesigma.errors import AnalysisError, DataError, MissingExtra, OutputError, RunError
from fivesigma.expressions import Expression

from .conftest import FORMULAS, columns_at_ports, quantised

pytest.importorskip("alkaid")
pytest.importorskip("hgq")

TREE = {
    "name": "small",
    "samples": {"train": {"files": ["train.npz"]}, "test": {"files": ["test.npz"]}},
    "new_variables": FORMULAS,
    "features": ["dphi", "bend", "zone", "hits"],
    "target": {"variable": "truth", "scale": 4},
    "missing_values": [-99],
    "prepare": {"impute": "constant", "fill": 0, "scale": "none"},
    "split": {"overlap": "keep"},
    "train": {"epochs": 1, "batch_size": 128},
    "firmware": {
        "ports": {"phi_*": 6, "bend_a": "s5", "mask_*": 1, "zone": 2},
        "missing": {"*_a": "mask_a", "phi_b": "mask_b"},
        "latency_cutoff": 6,
    },
}


def build(inputs):
    """A quantised network."""
    return quantised(int(inputs), inputs.outputs, inputs.link)


def write_files(folder, change=lambda columns: None):
    """Files of columns, with something to learn."""
    for name, count, seed in (("train", 600, 1), ("test", 300, 2)):
        columns = columns_at_ports(count, seed)
        change(columns)
        known = {key: np.where(np.isin(value, -99), np.nan, value) for key, value in columns.items()}
        steps = Expression("phi_a - phi_b")(known)
        columns["truth"] = np.where(np.isnan(steps), 0, steps) / 64
        np.savez(folder / f"{name}.npz", **columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An analysis file with its data."""
    folder = tmp_path_factory.mktemp("rtl")
    write_files(folder)
    (folder / "small.yaml").write_text(yaml.safe_dump(TREE, sort_keys=False))
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    return fs.train(folder / "small.yaml", model=build, output=folder / "runs").path


@pytest.fixture
def run(trained, tmp_path):
    """A run of its own for each test."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def unsimulated(monkeypatch):
    """No Verilator, which takes ten seconds."""

    def missing():
        raise MissingExtra("there is no Verilator", hint="install it")

    monkeypatch.setattr(extras, "verilator", missing)


def contents(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_folder_has_everything_and_the_verilog_gives_every_bit_of_the_network(run):
    try:
        extras.verilator()
    except MissingExtra as error:
        pytest.skip(error.what)
    if not any(map(shutil.which, ("g++", "clang++", "c++"))):
        pytest.skip("no C++ compiler: the Verilog cannot be simulated")
    found = fs.export(run, "rtl")
    tree = json.loads((run / "export" / "check.json").read_text())["rtl"]
    assert tree["proof"]["emulator"]["mismatches"] == tree["proof"]["verilog"]["mismatches"] == 0
    assert tree["proof"]["events"] == 300
    assert tree["proof"]["garbage"] > 100
    assert tree["difference"]["largest"] == tree["difference"]["all_missing"] == tree["difference"]["alone"] == 0
    assert tree["metrics"]["rmse"]["exported"] == tree["metrics"]["rmse"]["network"]
    assert tree["estimates"]["alkaid"]["lut"] > 50
    files = contents(found.path.parent)
    assert {"README.md", "ports.json", "emulator.json.gz", "verilog/src/network_ports.v", "vhdl/src/network.vhd"} <= set(
        files
    )
    assert not fs.verify(run).problems


@pytest.mark.usefixtures("unsimulated")
def test_without_verilator_it_says_so_everywhere(run, command):
    code, out, _ = command("export", run, "--format", "rtl")
    assert code == 0
    assert "the Verilog was not simulated" in out
    assert "alkaid 0.8.2: 0 of 300 events differ" in " ".join(out.split())
    text = (run / "export" / "rtl" / "README.md").read_text()
    assert "- The Verilog was not run: there is no Verilator; install it." in text
    assert "; every bit of the quantised network by alkaid 0.8.2" in model_card(fs.Run(run).folder)
    tree = json.loads((run / "export" / "check.json").read_text())["rtl"]
    assert tree["proof"]["verilog"] == {"not_run": "there is no Verilator; install it"}


@pytest.mark.usefixtures("unsimulated")
def test_the_readme_says_what_every_port_means_and_its_example_runs(run, monkeypatch):
    path = fs.export(run, "rtl", settings={"licence": "CC0", "module": "muons"}).path
    text = (path.parent / "README.md").read_text()
    assert "| `bend_a` | `in_bend_a` | -16 … 15 | 5 |" in text
    assert "anything where `mask_b` is 1" in text
    assert "the prediction is output / 4" in text
    assert "Licence of the model: CC0." in text
    assert "@" not in re.sub(r"-@|@ME", "", text)
    assert "module muons_ports (" in (path.parent / "verilog" / "src" / "muons_ports.v").read_text()
    monkeypatch.chdir(path.parent)
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(example, names)
    assert names["outputs"].shape == (1, 1)
    ports = json.loads((path.parent / "ports.json").read_text())
    assert [port["column"] for port in ports["inputs"]] == ["mask_a", "mask_b", "phi_a", "phi_b", "bend_a", "zone"]


@pytest.mark.usefixtures("unsimulated")
def test_the_same_network_gives_the_same_files_and_files_of_others_are_kept(run):
    path = fs.export(run, "rtl").path
    first = {name: (path.parent / name).read_bytes() for name in contents(path.parent)}
    fs.export(run, "rtl")
    assert {name: (path.parent / name).read_bytes() for name in contents(path.parent)} == first
    fs.export(run, "rtl", settings={"module": "other"})
    assert not list(path.parent.rglob("network*"))  # what is of no use any more is gone
    assert fs.verify(run).problems == ()
    (path.parent / "verilog" / "src" / "static" / "mux.v").write_text("mine")
    with pytest.raises(OutputError, match=r"mux\.v exists, and is not what this run has exported"):
        fs.export(run, "rtl")


@pytest.mark.usefixtures("unsimulated")
def test_a_design_that_differs_in_one_event_leaves_nothing(run, monkeypatch):
    real = alkaid.run
    monkeypatch.setattr(
        proof.alkaid, "run", lambda logic, numbers: real(logic, numbers) + (np.arange(len(numbers)) == 7)[:, None]
    )
    with pytest.raises(Disagreement):
        fs.export(run, "rtl")
    assert not (run / "export" / "check.json").exists()
    assert not contents(run / "export")


@pytest.mark.usefixtures("unsimulated")
def test_files_are_scored_by_the_emulator(run, folder, tmp_path):
    fs.export(run, "rtl")
    new = columns_at_ports(400, seed=5)
    np.savez(tmp_path / "new.npz", **new)
    fs.predict(run, str(tmp_path / "new.npz"), tmp_path / "own.parquet")
    fs.predict(run, str(tmp_path / "new.npz"), tmp_path / "found.parquet", exported="emulation")
    own, found = (fs.open_table(str(tmp_path / f"{name}.parquet")).read() for name in ("own", "found"))
    np.testing.assert_array_equal(own["prediction"], found["prediction"])
    assert np.ptp(own["prediction"]) > 0
    new["zone"][3] = 4
    np.savez(tmp_path / "wide.npz", **new)
    with pytest.raises(DataError, match="the column 'zone' has the value 4, and its port 2 takes 0 to 3"):
        fs.predict(run, str(tmp_path / "wide.npz"), tmp_path / "wide.parquet", exported="rtl")
    assert path_of(fs.Run(run).folder, "rtl").name == "emulator.json.gz"


def changed(run, **changes):
    (run / "manifest.json").unlink()  # it would notice
    tree = yaml.safe_load((run / "analysis.yaml").read_text())
    for key, value in changes.items():
        if value is None:
            del tree[key]
        else:
            tree[key] = {**tree.get(key, {}), **value}
    (run / "analysis.yaml").write_text(yaml.safe_dump(tree))


@pytest.mark.usefixtures("unsimulated")
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"firmware": None}, AnalysisError, "no section `firmware`"),
        ({"firmware": {"ports": {"phi_*": 6, "bend_a": "s5", "mask_*": 1}}}, AnalysisError, "the column 'zone'.*no port"),
        ({"firmware": {"ports": {"*": 5}}}, DataError, "has the value .*, and its port 5 takes 0 to 31"),
        ({"firmware": {"missing": {"*_a": "mask_a"}}}, DataError, "'phi_b' is missing in .* no missing values"),
        ({"firmware": {"missing": {"*_a": "mask_b", "phi_b": "mask_b"}}}, DataError, "in which mask_b is 1"),
        ({"firmware": {"missing": {"phy_*": "mask_a"}}}, AnalysisError, "'phy_\\*' matches no column"),
        ({"firmware": {"missing": {"*_a": "mask_c"}}}, AnalysisError, "'mask_c' is no column"),
        ({"new_variables": {"dphi": "phi_a / (zone + 1)"}}, fs.FivesigmaError, "cannot divide by a column"),
    ],
)
def test_mistakes_are_sentences_with_a_remedy(run, changes, error, message):
    changed(run, **changes)
    with pytest.raises(error, match=message) as caught:
        fs.export(run, "rtl")
    assert caught.value.hint or "matches no column" in caught.value.what or "is no column" in caught.value.what
    assert not (run / "export" / "check.json").exists()


@pytest.mark.usefixtures("unsimulated")
def test_a_recipe_that_divides_is_refused(run):
    (run / "manifest.json").unlink()
    tree = json.loads((run / "recipe.json").read_text())
    tree["scale"][1] = 3.0
    (run / "recipe.json").write_text(json.dumps(tree))
    with pytest.raises(RunError, match="cannot divide 'bend' by 3") as caught:
        fs.export(run, "rtl")
    assert "power_of_two" in caught.value.hint


def test_features_cannot_be_inputs(run):
    with pytest.raises(AnalysisError, match="this format takes columns, not features"):
        fs.export(run, "rtl", inputs="features")


@pytest.mark.usefixtures("unsimulated")
def test_columns_that_are_no_whole_numbers_are_rounded_and_it_is_said(folder, run, tmp_path):
    def between(columns):
        there = columns["mask_a"] == 0
        columns["bend_a"][there] = np.clip(columns["bend_a"][there] + 0.3, -16, 15)

    write_files(tmp_path, between)
    changed(run, samples={name: {"files": [str(tmp_path / f"{name}.npz")]} for name in ("train", "test")})
    found = fs.export(run, "rtl")
    assert found.check["difference"]["largest"] == 0
    assert found.check["proof"]["rounded"]["columns"]["bend_a"] > 0.9
    assert found.check["proof"]["rounded"]["largest"] > 0
    assert "are rounded before it: bend_a (" in (found.path.parent / "README.md").read_text()


def test_an_empty_setting_replaces_that_of_the_analysis():
    analysis = validate({**TREE, "samples": {"a": {"files": ["a.npz"]}}}, "test")
    found = rtl._firmware(rtl.Rtl(missing={}, latency_cutoff=None), analysis)
    assert found.missing == {}
    assert (found.ports, found.latency_cutoff) == (analysis.firmware.ports, 6)
    with pytest.raises(AnalysisError, match="no section `firmware`"):
        rtl._firmware(rtl.Rtl(ports={}), analysis)
