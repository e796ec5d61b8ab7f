"""Optional libraries, one function each; a missing one is a sentence with the install command."""

import importlib
from typing import Any

from fivesigma.errors import MissingExtra


def _require(module: str, extra: str, purpose: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{purpose} needs {module!r}, which cannot be imported ({error})",
            hint=f"pip install 'fivesigma[{extra}]'",
        ) from error


def pythia8() -> Any:
    """The Pythia 8 event generator (package `pythia8mc`, extra `simulate`)."""
    return _require("pythia8mc", "simulate", "simulating collisions")


def fastjet() -> Any:
    """The FastJet jet finder (package `fastjet`, extra `simulate`)."""
    return _require("fastjet", "simulate", "simulating collisions")


def distributed() -> Any:
    """Dask's distributed scheduler (package `distributed`, extra `cluster`)."""
    return _require("distributed", "cluster", "a Dask cluster")


def optuna() -> Any:
    """The Optuna optimiser (package `optuna`, extra `tune`), without its log."""
    module = _require("optuna", "tune", "tune.method tpe")
    module.logging.set_verbosity(module.logging.WARNING)
    return module


def pyhf() -> Any:
    """HistFactory fits in Python (package `pyhf`, extra `limits`)."""
    return _require("pyhf", "limits", "an expected limit")


def onnx() -> Any:
    """The ONNX format (package `onnx`, extra `onnx`), with its helpers."""
    module = _require("onnx", "onnx", "an ONNX file")
    for part in ("helper", "numpy_helper", "checker"):
        importlib.import_module(f"onnx.{part}")
    return module


def onnxruntime() -> Any:
    """ONNX Runtime (package `onnxruntime`, extra `onnx`), which prints errors only."""
    module = _require("onnxruntime", "onnx", "an ONNX file")
    module.set_default_logger_severity(3)
    return module


def lightgbm() -> Any:
    """The LightGBM library of boosted trees (package `lightgbm`, extra `trees`)."""
    try:
        return _require("lightgbm", "trees", "a baseline of boosted trees")
    except OSError as error:
        raise MissingExtra(
            f"a baseline of boosted trees needs 'lightgbm', which cannot be loaded ({error})",
            hint="install the system's OpenMP library, such as libgomp1",
        ) from error
