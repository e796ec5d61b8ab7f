"""Libraries that only the benchmarks need; a missing one is a sentence with the install command."""

import importlib.util
from collections.abc import Iterable

INSTALL = "python -m pip install --constraint constraints.txt --editable '.[bench,simulate]'"
PACKAGES = {
    "torch": "PyTorch",
    "keras_tuner": "Keras Tuner",
    "pandas": "pandas",
    "duckdb": "DuckDB",
    "ROOT": "ROOT",
    "onnx": "ONNX",
    "onnxruntime": "ONNX Runtime",
    "hgq": "HGQ2 (the extra `firmware`)",
    "pythia8mc": "Pythia 8",
    "fastjet": "FastJet",
}


def missing(modules: Iterable[str]) -> list[str]:
    """Names of the peers among `modules` that are not installed."""
    return [PACKAGES.get(name, name) for name in dict.fromkeys(modules) if importlib.util.find_spec(name) is None]


def sentence(names: list[str]) -> str:
    """What to do about missing peers."""
    return f"not installed: {', '.join(names)}. Install with\n  {INSTALL}"
