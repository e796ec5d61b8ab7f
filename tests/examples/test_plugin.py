"""The example package, installed: everything it adds is known to the command line, to workers, and in the report."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import warm
from pyarrow import feather

from fivesigma.data.formats import open_table

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "examples" / "plugin"
PROJECT = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
METRIC = "signal_efficiency_at_1_percent"
FILES = ["--data", "train=train.arrow", "--data", "test=test.arrow"]


def install(site):
    """Install the package into a folder, without network; by hand where what builds packages is not there."""
    if importlib.util.find_spec("hatchling"):
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
        subprocess.run([sys.executable, "-m", "pip", "install", *options, str(PLUGIN)], check=True)
        return
    shutil.copytree(PLUGIN / "fivesigma_example", site / "fivesigma_example")
    facts = site / "fivesigma_example-1.0.dist-info"
    facts.mkdir()
    head = f"Metadata-Version: 2.1\nName: {PROJECT['name']}\nVersion: {PROJECT['version']}\n"
    (facts / "METADATA").write_text(head, encoding="utf-8")
    lines = [
        line
        for group, points in PROJECT["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {place}" for name, place in points.items()))
    ]
    (facts / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_arrow(path, events, seed):
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 2, events)
    x = generator.normal(size=(events, 4))
    x[:, 0] += 2 * label
    energy = 50 + 5 * x[:, 0] + generator.normal(size=events)
    x[generator.random(x.shape) < 0.05] = np.nan
    columns = {f"x{i}": column for i, column in enumerate(x.T)}
    columns |= {"label": label, "energy": energy, "weight": generator.uniform(0.5, 1.5, events)}
    feather.write_feather(pa.table({**columns, "event": np.arange(events) + 10_000 * seed}), path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the package installed in `site`, and two Arrow files."""
    place = tmp_path_factory.mktemp("plugin")
    (place / "site").mkdir()
    install(place / "site")
    write_arrow(place / "train.arrow", 2000, seed=1)
    write_arrow(place / "test.arrow", 1000, seed=2)
    return place


@pytest.fixture(scope="module")
def fivesigma(folder):
    """A function: arguments → the finished `fivesigma …`, with the package on its path."""

    def call(*arguments, installed=True):
        path = os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, **({"PYTHONPATH": path} if installed else {}), "COLUMNS": "200"}
        process = warm.command(*arguments, cwd=folder, env=environment)
        out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    return call


@pytest.fixture(scope="module")
def run(fivesigma):
    """The analysis of the package, run with two folds in two processes."""
    done = fivesigma("run", PLUGIN / "plugin.yaml", *FILES, "--set", "split.folds=2", "--workers", 2)
    assert done.returncode == 0, done.stderr
    return done


def path_of(done, folder):
    return folder / done.stdout.split()[-1]


def test_every_file_has_at_most_forty_lines():
    counts = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in PLUGIN.rglob("*.py")}
    assert len(counts) == 7
    assert max(counts.values()) <= 40, counts


def test_every_kind_is_declared_under_its_own_name():
    declared = {name: place for points in PROJECT["entry-points"].values() for name, place in points.items()}
    assert sorted(declared) == ["arrow", "fisher", "quantile", "residual", METRIC, "zipped"]


def test_the_metric_is_in_the_numbers_the_table_and_the_report(run, folder):
    metrics = json.loads((path_of(run, folder) / "metrics.json").read_text(encoding="utf-8"))
    found = metrics["test"][METRIC]
    assert 0.05 < found["value"] < 1
    assert 0 < found["error"] < 0.3
    assert any(line.startswith(METRIC) and "±" in line for line in run.stdout.splitlines())
    page = (path_of(run, folder) / "report.html").read_text(encoding="utf-8")
    assert METRIC in page
    assert "share of the signal that passes the cut which 1 % of the background passes" in page


def test_workers_know_the_model_the_reader_and_the_metric(run, folder):
    assert {path.parent.name for path in path_of(run, folder).glob("folds/*/model.keras")} == {"fold-1", "fold-2"}
    history = (path_of(run, folder) / "folds" / "fold-2" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(f"val_{METRIC}" in json.loads(line) for line in history)
    assert "kind: residual" in (path_of(run, folder) / "analysis.yaml").read_text(encoding="utf-8")


def test_the_baseline_is_compared_with_the_network(run, folder):
    title = "The network and its baselines (test)"
    assert "fisher" in run.stdout[run.stdout.index(title) :].splitlines()[1]
    folds = (path_of(run, folder) / "baselines" / "fisher").rglob("baseline.json")
    assert [json.loads(path.read_text(encoding="utf-8"))["kind"] for path in folds] == ["fisher", "fisher"]


def test_predict_reads_an_arrow_file_and_loads_the_network(run, fivesigma, folder):
    done = fivesigma("predict", path_of(run, folder), "test.arrow", "--output", "scored.parquet", "--workers", 1)
    assert done.returncode == 0, done.stderr
    score = open_table(str(folder / "scored.parquet")).read(["score"])["score"]
    assert len(score) == 1000
    assert 0 <= score.min() < score.max() <= 1


def test_a_search_is_judged_by_the_metric(fivesigma, folder):
    fast = ["--set", "train.epochs=1", "--set", "tune.max_epochs=1", "--set", "baselines=null"]
    done = fivesigma("tune", PLUGIN / "plugin.yaml", *FILES, *fast, "--workers", 1)
    assert done.returncode == 0, done.stderr
    header = next(line for line in done.stdout.splitlines() if line.startswith("trial  "))
    assert METRIC in header
    assert "model.units=16" in done.stdout


def test_a_regression_learns_with_the_loss(fivesigma, folder):
    done = fivesigma("train", PLUGIN / "median.yaml", *FILES)
    assert done.returncode == 0, done.stderr
    written = (path_of(done, folder) / "analysis.yaml").read_text(encoding="utf-8")
    assert "kind: quantile" in written
    rows = [json.loads(line) for line in (path_of(done, folder) / "history.jsonl").read_text().splitlines()]
    assert rows[-1]["val_mae"] < rows[0]["val_mae"]


def test_a_discriminant_refuses_a_regression_in_one_sentence(fivesigma):
    done = fivesigma("check", PLUGIN / "median.yaml", *FILES, "--set", "baselines.fisher={kind: fisher}")
    assert done.returncode == 2
    first, hint = done.stderr.splitlines()
    assert first == "error: baselines.fisher: Fisher's discriminant separates two classes, no other number"
    assert hint == "  hint: leave it out"


def test_the_schema_lists_what_the_package_adds(fivesigma):
    tree = json.loads(fivesigma("schema").stdout)
    sections = tree["properties"]
    for place, name in (
        (sections["model"], "residual"),
        (tree["$defs"]["Train"], "quantile"),
        (sections["baselines"], "fisher"),
    ):
        assert f'"const": "{name}"' in json.dumps(place)
    assert METRIC in tree["$defs"]["Train"]["properties"]["monitor"]["enum"]
    assert METRIC in tree["$defs"]["Tune"]["properties"]["objective"]["enum"]
    assert "arrow" in json.dumps(tree["$defs"]["Sample"]["properties"]["format"])


def test_without_the_package_the_analysis_is_refused_in_one_sentence(fivesigma):
    done = fivesigma("run", PLUGIN / "plugin.yaml", *FILES, installed=False)
    assert done.returncode == 2
    first, hint = done.stderr.splitlines()
    assert "samples.train.format: no file format 'arrow'; known: 'csv'" in first
    assert "entry point of `fivesigma.readers`" in hint


def test_the_nearest_name_is_told_with_the_package_and_without(fivesigma):
    mistyped = ["check", PLUGIN / "plugin.yaml", *FILES, "--set", "model.kind=residuals"]
    assert "model.kind" not in fivesigma(*mistyped).stdout
    assert "did you mean 'residual'?" in fivesigma(*mistyped).stderr
    without = fivesigma("check", "hepmass", "--set", "train.loss=cross_entropi", installed=False)
    assert without.returncode == 2
    assert "did you mean 'cross_entropy'?" in without.stderr
