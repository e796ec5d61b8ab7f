"""A model repository for Triton: where the file is, and what the configuration says."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from fivesigma.deployment.base import Deliverable, Input
from fivesigma.deployment.columns import DOUBLE, SINGLE
from fivesigma.deployment.triton import Triton, config

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


class Outputs:
    """What the configuration asks of a network."""

    class model:
        output_shape = (None, 3)

    class recipe:
        parameters = ("mass",)


def test_the_configuration_has_names_types_and_shapes():
    inputs = (Input("x/y", DOUBLE), Input("z", SINGLE), Input("mass", SINGLE))
    what = Deliverable("multiclass", (Outputs,), inputs, {}, ("x/y", "z"), (), {}, {})
    text = config(Triton(max_batch_size=128, delay=0), what, "mine")
    assert re.findall(r'name: "(.*?)", data_type: (\w+), dims: \[ (\d+) \]', text) == [
        ("x/y", "TYPE_FP64", "1"),
        ("z", "TYPE_FP32", "1"),
        ("mass", "TYPE_FP32", "1"),
        ("probabilities", "TYPE_FP32", "3"),
    ]
    assert text.startswith('name: "mine"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 128\n')
    assert "dynamic_batching" not in text
    assert "max_queue_delay_microseconds: 100" in config(Triton(), what, "mine")
    assert (text.count("{"), text.count("[")) == (text.count("}"), text.count("]"))


@pytest.mark.usefixtures("undrawn")
def test_a_repository_with_versions_side_by_side(toy, command):
    toy.write_text(yaml.safe_dump({**yaml.safe_load(toy.read_text()), "features": ["x0", "sum"]}))
    run = Path(command("train", toy, "--set", "train.epochs=1")[1].splitlines()[-1])
    for version in (1, 2):
        code, out, err = command("export", run, "--format", "triton", "-o", "served", "--set", f"version={version}")
        assert (code, err) == (0, "")
        assert "tritonserver --model-repository served" in out
    files = sorted(path.relative_to("served").as_posix() for path in Path("served").rglob("*") if path.is_file())
    assert files == ["toy/1/model.onnx", "toy/2/model.onnx", "toy/config.pbtxt"]
    assert Path("served/toy/1/model.onnx").read_bytes() == Path("served/toy/2/model.onnx").read_bytes()
    Path("served/toy/config.pbtxt").write_text("mine")
    code, _, err = command("export", run, "--format", "triton", "-o", "served", "--set", "version=3")
    assert (code, "config.pbtxt exists, and is not what this run has exported" in err) == (2, True)
    assert not Path("served/toy/3/model.onnx").exists()
    assert command("export", run, "--format", "triton")[0] == 0
    assert (run / "export" / "triton" / "toy" / "1" / "model.onnx").is_file()
    code, _, err = command("predict", run, "test.csv", "-o", "a.npz", "--with", "triton", "-j", 1)
    assert (code, err) == (0, "")
    assert np.load("a.npz")["score"].shape == (500,)
