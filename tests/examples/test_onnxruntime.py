"""The C++ example for ONNX Runtime, compiled: it scores events as the network does."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

import fivesigma as fs

from ..conftest import write_csv

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.usefixtures("undrawn")

SOURCE = Path(__file__).parents[2] / "examples" / "onnxruntime" / "score.cpp"
HEADER = "onnxruntime_cxx_api.h"
EVENTS = 2500
"""More than two batches of the program, and a rest."""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The example, compiled with ONNX Runtime's headers and linked to the library of its Python package."""
    places = (os.environ.get("ONNXRUNTIME_INCLUDE", ""), "/usr/include/onnxruntime", "/usr/local/include/onnxruntime")
    headers = next((place for place in places if place and (Path(place) / HEADER).exists()), None)
    if headers is None:
        pytest.skip(f"no {HEADER}: `.ci/onnxruntime-headers DIR` gets it, or name its folder in $ONNXRUNTIME_INCLUDE")
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    package = Path(importlib.util.find_spec("onnxruntime").origin).parent / "capi"
    library = next(iter(sorted(package.glob("libonnxruntime.so.*"))), None)
    if library is None:
        pytest.skip("the Python package of ONNX Runtime has its library under another name on this system")
    folder = tmp_path_factory.mktemp("score")
    # Programs look for the library by its name without minor version, which the package does not have.
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (folder / name).symlink_to(library)
    options = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-isystem", headers]
    link = [f"-L{folder}", "-lonnxruntime", f"-Wl,-rpath,{folder}", "-o", str(folder / "score")]
    subprocess.run([compiler, *options, str(SOURCE), *link], check=True)
    return folder / "score"


def scored(program, model, text):
    return subprocess.run([program, model], input=text, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def run(toy, command):
    """A parameterised network with a feature that is computed."""
    parameters = {"mass": {"variable": "500 + 500 * (w > 1)", "background": "given"}}
    tree = yaml.safe_load(toy.read_text())
    toy.write_text(yaml.safe_dump({**tree, "features": ["x0", "sum"], "parameters": parameters}))
    code, out, err = command("train", toy, "--set", "train.epochs=1")
    assert code == 0, err
    return Path(out.splitlines()[-1])


@pytest.mark.parametrize("inputs", ["columns", "features"])
def test_the_example_gives_the_scores_of_the_network(program, run, command, inputs):
    code, out, err = command("export", run, "--inputs", inputs)
    assert code == 0, err
    columns = fs.open_table(str(write_csv(Path("new.csv"), EVENTS, seed=7))).read()
    columns["x1"][5] = np.nan
    total = columns["x0"] + columns["x1"]
    masses = np.where(np.arange(EVENTS) % 2, 500.0, 1000.0)
    known = {**columns, "mass": masses, "features": np.stack([columns["x0"], total], 1), "parameters": masses[:, None]}
    names = re.findall(r"(\w+) \((\d+)\)", scored(program, out.splitlines()[-1], "").stderr)
    assert set(names) == (
        {("x0", "1"), ("x1", "1"), ("mass", "1")} if inputs == "columns" else {("features", "2"), ("parameters", "1")}
    )
    rows = np.column_stack([known[name] for name, _ in names])
    found = scored(program, out.splitlines()[-1], "\n".join(" ".join(map(repr, row)) for row in rows.tolist()))
    assert found.returncode == 0, found.stderr
    assert "toy" in found.stderr
    wanted = fs.Run(run).network().score(known["features"].astype(np.float32), masses[:, None].astype(np.float32))
    given = np.array(found.stdout.split(), float)
    assert given.shape == (EVENTS,)
    assert np.ptp(given) > 0.1
    assert np.abs(given - wanted).max() < 5e-7


@pytest.mark.parametrize(
    ("text", "said"),
    [("1 2", "line 1: too few numbers"), ("1 2 3\n1 2 3 4", "line 2: too many"), ("1 b 3", "not a number: b")],
)
def test_a_wrong_line_is_named(program, run, command, text, said):
    out = command("export", run, "--inputs", "features")[1]
    found = scored(program, out.splitlines()[-1], text)
    assert (found.returncode, found.stdout) == (2, "")
    assert said in found.stderr
    assert scored(program, "none.onnx", "").returncode == 2
