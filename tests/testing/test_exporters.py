"""The rules of export formats: ours keep them, and a broken format is found out."""

from dataclasses import replace

import pytest

from fivesigma.deployment.onnx import ONNX
from fivesigma.testing import check_exporter

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def test_onnx_keeps_the_rules():
    check_exporter(ONNX)


def wrong(path):
    score = ONNX.load(path)
    return lambda arrays: score(arrays) * 1.001


def longer(settings, what, path):
    ONNX.write(settings, what, path)
    extra = path.with_suffix(".count")
    extra.write_bytes((extra.read_bytes() if extra.exists() else b"") + b"\x00")
    if len(extra.read_bytes()) > 1:
        path.write_bytes(path.read_bytes() + b"\x32\x00")


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"load": wrong}, "two classes differs from the network"),
        ({"ending": "onnx"}, "has no dot"),
        ({"write": longer}, "other bytes the second time"),
        ({"write": lambda settings, what, path: path.write_text("")}, "cannot be written and loaded"),
        ({"name": "other"}, "the default of the key `kind`"),
    ],
)
def test_a_broken_format_is_named(broken, rule):
    with pytest.raises(AssertionError, match=rule):
        check_exporter(replace(ONNX, **broken))
