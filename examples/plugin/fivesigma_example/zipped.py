"""ONNX files in a gzip archive, a tenth smaller: for a format of your own, write whatever `what` says."""

import gzip
import tempfile
from pathlib import Path
from typing import Any, Literal

from fivesigma.analysis.section import Section
from fivesigma.deployment import onnx
from fivesigma.deployment.base import Deliverable, Exporter


class Zipped(Section):
    """A gzipped ONNX file."""

    kind: Literal["zipped"] = "zipped"
    level: int = 9


def write(settings: Zipped, what: Deliverable, path: Path) -> None:
    model = onnx.build(onnx.Onnx(), what)
    path.write_bytes(gzip.compress(model.SerializeToString(deterministic=True), settings.level, mtime=0))


def load(path: Path) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "model.onnx"
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        return onnx.load(plain)


ZIPPED = Exporter("zipped", Zipped, ".onnx.gz", write, load, needs=onnx.ONNX.needs)
