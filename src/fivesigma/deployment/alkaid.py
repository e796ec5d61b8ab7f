"""alkaid, which turns fixed-point arithmetic into logic: the version that was tried, without a fault of it"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma import extras
from fivesigma.deployment.fixed import Fixed
from fivesigma.errors import MissingExtra

VERSION = "0.8.2"
"""The only version that is used: what others make of a design was not compared with it."""

_OPTIONS = {"hard_dc": 2, "binary_lut": False}
"""For matrices: few adders in a row; tables of single bits fail on signed ones."""


def needs() -> None:
    """Refuse another version of alkaid.

    Raises:
        MissingExtra: with the command that installs the right one.
    """
    found = extras.alkaid()._version.__version__
    if found != VERSION:
        raise MissingExtra(
            f"firmware is written by alkaid {VERSION}, and {found} is installed: designs of other versions are untried",
            hint=f"pip install alkaid=={VERSION}",
        )


@contextmanager
def mended() -> Iterator[None]:
    """Keep alkaid 0.8.2 from giving wrong designs, in two places.

    Its pass `canonicalize_msb_wraps` takes the highest bit of a number for that of the shifted number, where a quantiser
    keeps one bit: it is left out. And it learns late that a square is never negative, when other logic has already taken the
    highest bit of the product for its sign: products have the same range from the beginning.
    `tests/deployment/test_alkaid.py` tells when a version has it right.
    """
    needs()
    import alkaid.trace.passes.canon as canon
    from alkaid.trace import FVariable

    passed, product = canon.canonicalize_msb_wraps, FVariable._var_mul
    canon.canonicalize_msb_wraps = lambda comb: comb
    FVariable._var_mul = lambda self, other: product(self, other._with(_factor=other._factor, renew_id=False))
    try:
        yield
    finally:
        canon.canonicalize_msb_wraps, FVariable._var_mul = passed, product


def inputs(formats: list[tuple[bool, int]]) -> Any:
    """Variables for whole numbers at ports, [port].

    Args:
        formats: whether each is signed, and its bits with the sign.
    """
    from alkaid.trace import FVArray, HWConfig

    signed = np.array([sign for sign, _ in formats], int)
    bits = np.array([count for _, count in formats], int)
    return FVArray.from_kif(signed, bits - signed, np.zeros(len(bits), int), HWConfig(1, 1, -1), 0.0, dict(_OPTIONS))


def logic_of(given: Any, outputs: list[Any]) -> Any:
    """The logic between ports and results.

    Args:
        given: as `inputs` made them.
        outputs: variables or numbers.
    """
    from alkaid.trace import FVArray, trace

    first = np.asarray(given).ravel()[0]
    found = [
        value if hasattr(value, "hwconf") else type(first).from_const(float(value), hwconf=first.hwconf) for value in outputs
    ]
    return trace(given, FVArray(np.array(found, dtype=object), dict(_OPTIONS), hwconf=first.hwconf))


def network_of(model: Any, values: list[Fixed]) -> list[Any]:
    """The outputs of a quantised Keras model.

    Args:
        model: [event, input] → [event, output], without the activation of its output.
        values: its inputs.
    """
    from alkaid.converter import trace_model
    from alkaid.trace import FVArray

    first = values[0].value
    row = FVArray(np.array([[each.value for each in values]], dtype=object), dict(_OPTIONS), hwconf=first.hwconf)
    _, found = trace_model(model, first.hwconf, dict(_OPTIONS), inputs=(row,), framework="keras")
    return list(np.asarray(found).ravel())


def run(logic: Any, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """The results of a design by alkaid's emulator, [event, output].

    Args:
        logic: the design.
        numbers: at the ports, [event, port].
    """
    if not len(numbers):
        return np.zeros((0, logic.shape[1]))
    return np.asarray(logic.predict(np.ascontiguousarray(numbers, np.float64)))


def to_tree(logic: Any) -> Any:
    """A design as plain lists."""
    from alkaid.types import ALIR_SPEC_VERSION, JSONEncoder

    dump = {"model": logic, "meta": "ALIRModel", "spec_version": ALIR_SPEC_VERSION}
    return json.loads(json.dumps(dump, cls=JSONEncoder))


def from_tree(tree: Any) -> Any:
    """The inverse of `to_tree`."""
    from alkaid.types import CombLogic

    return CombLogic.from_dict(tree)
