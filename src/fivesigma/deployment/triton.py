"""Triton Inference Server: the ONNX file in a model repository, with its configuration."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from fivesigma.deployment import onnx
from fivesigma.deployment.base import Deliverable, Exporter
from fivesigma.deployment.columns import SINGLE
from fivesigma.deployment.onnx import Onnx


class Triton(Onnx):
    """A folder that a Triton server serves."""

    kind: Literal["triton"] = "triton"  # type: ignore[assignment]
    name: str = Field("", pattern=r"^[0-9A-Za-z_.-]*$", description="of the model on the server; the analysis's by default")
    version: int = Field(1, ge=1, description="of the model on the server")
    max_batch_size: int = Field(65536, ge=1, description="most events of one request")
    delay: int = Field(100, ge=0, description="microseconds that a request waits for others to be scored with; 0 for none")


def config(settings: Triton, what: Deliverable, name: str) -> str:
    """The text of `config.pbtxt`."""
    inputs = [
        f"  {{ name: {json.dumps(given.name)}, data_type: {'TYPE_FP32' if given.dtype == SINGLE else 'TYPE_FP64'}, "
        f"dims: [ {given.width} ] }}"
        for given in what.inputs
    ]
    output = f"  {{ name: {json.dumps(what.output)}, data_type: TYPE_FP32, dims: [ {what.outputs} ] }}"
    lines = [
        f"name: {json.dumps(name)}",
        'platform: "onnxruntime_onnx"',
        f"max_batch_size: {settings.max_batch_size}",
        "input [",
        ",\n".join(inputs),
        "]",
        f"output [\n{output}\n]",
    ]
    if settings.delay:
        lines.append(f"dynamic_batching {{ max_queue_delay_microseconds: {settings.delay} }}")
    return "\n".join(lines) + "\n"


def _name(settings: Triton, analysis: str) -> str:
    return settings.name or analysis


def _place(settings: Triton, analysis: str) -> str:
    return f"{_name(settings, analysis)}/{settings.version}/model.onnx"


def _companions(settings: Triton, what: Deliverable, written: Path, path: Path, found: Mapping[str, Any]) -> dict[Path, str]:
    folder = path.parents[1]
    return {folder / "config.pbtxt": config(settings, what, folder.name)}


def _notes(settings: Triton, path: Path) -> list[str]:
    return [f"to serve it: tritonserver --model-repository {path.parents[2]}"]


def _write(settings: Any, what: Deliverable, path: Path) -> None:
    onnx.write(settings, what, path)


TRITON = Exporter("triton", Triton, ".onnx", _write, onnx.load, onnx.ONNX.needs, _notes, _place, _companions)
