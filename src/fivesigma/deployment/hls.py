"""HLS: a quantised network as a project of hls4ml in C++, whose compiled emulation gives every bit of the network"""

import contextlib
import functools
import gzip
import io
import json
import re
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fivesigma import extras
from fivesigma.analysis.section import Section
from fivesigma.deployment.base import FEATURES, PARAMETERS, Deliverable, Exporter, refuse_folds
from fivesigma.deployment.cpp import compiler
from fivesigma.deployment.events import CheckEvents
from fivesigma.deployment.hls_readme import readme
from fivesigma.deployment.proof import compared, outputs_of
from fivesigma.deployment.quantised import refuse_unquantised
from fivesigma.errors import RunError
from fivesigma.preparation.recipe import Recipe
from fivesigma.progress import Listener
from fivesigma.training.apply import logits_of, probabilities
from fivesigma.version import __version__

EMULATOR = "emulator.json.gz"
"""The project's sources, recipe and scale in one file; what `predict --with hls` compiles and runs."""

_LEFT_OUT = (".keras", ".so", ".o", ".a")
_MAIN = """#include "@NAME@_bridge.cpp"
#include "firmware/@NAME@.cpp"
#include <fstream>
#include <vector>
int main(int, char** argv) {
    std::ifstream in(argv[1], std::ios::binary);
    std::ofstream out(argv[2], std::ios::binary);
    std::vector<double> row(@INPUTS@), found(@OUTPUTS@);
    while (in.read(reinterpret_cast<char*>(row.data()), 8 * row.size())) {
        @NAME@_double(row.data(), found.data());
        out.write(reinterpret_cast<char*>(found.data()), 8 * found.size());
    }
}
"""


class Hls(Section):
    """A project for high-level synthesis."""

    kind: Literal["hls"] = "hls"
    module: str = Field("network", pattern=r"^[a-z][0-9a-z_]*$", description="name of the function")
    part: str = Field("xcvu13p-flga2577-2-e", description="the device")
    clock_mhz: float = Field(200.0, gt=0, description="frequency of the clock, MHz")
    licence: str = Field("", description="under which the project may be used, for its README")


def write(settings: Hls, what: Deliverable, path: Path) -> None:
    """Write project, recipe and scale as one file; the same network gives the same bytes.

    Raises:
        RunError: if the network is not quantised, or hls4ml cannot translate it.
    """
    refuse_folds(len(what.networks))
    network = what.networks[0]
    model, link = logits_of(network.model)
    refuse_unquantised(model)
    tree = {
        "fivesigma": __version__,
        "hls4ml": extras.hls4ml().__version__,
        "module": settings.module,
        "recipe": network.recipe.to_dict(),
        "fixed": dict(what.fixed),
        "outputs": what.outputs,
        "link": link,
        "target_scale": network.target_scale,
        "target_shift": network.target_shift,
        "files": _sources(settings, model),
    }
    path.write_bytes(gzip.compress(json.dumps(tree).encode(), mtime=0))


def load(path: Path) -> Any:
    """A function that scores arrays with the compiled emulation of the project.

    Raises:
        RunError: if it does not compile.
    """
    tree = _read(path)
    recipe, emulation = Recipe.from_dict(tree["recipe"]), _emulation(path.read_bytes())

    def score(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        inputs = recipe.apply(np.asarray(arrays[FEATURES], np.float32), _parameters(recipe, tree["fixed"], arrays))
        found = probabilities(emulation.run(inputs).astype(np.float32), tree["link"])
        return np.asarray(found / np.float32(tree["target_scale"]) + np.float32(tree["target_shift"]), np.float32)

    return score


def _read(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def _parameters(recipe: Recipe, fixed: Mapping[str, float], arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    found = np.zeros((len(arrays[FEATURES]), len(recipe.parameters)), np.float32)
    free = [name for name in recipe.parameters if name not in fixed]
    for i, name in enumerate(recipe.parameters):
        found[:, i] = fixed[name] if name in fixed else arrays[PARAMETERS][:, free.index(name)]
    return found


def _sources(settings: Hls, model: Any) -> dict[str, str]:
    """The files of hls4ml's project, path → text."""
    library = extras.hls4ml()
    config = {"Model": {"Precision": "ap_fixed<16,6>", "ReuseFactor": 1, "Strategy": "latency"}}
    with tempfile.TemporaryDirectory(prefix="fivesigma-hls-") as folder, contextlib.redirect_stdout(io.StringIO()):
        place = Path(folder) / settings.module
        try:
            project = library.converters.convert_from_keras_model(
                model,
                hls_config=config,
                output_dir=str(place),
                project_name=settings.module,
                backend="Vitis",
                part=settings.part,
                clock_period=1000 / settings.clock_mhz,
                io_type="io_parallel",
            )
            project.write()
        except (KeyError, ValueError, AssertionError, NotImplementedError, TypeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise RunError(f"hls4ml cannot translate the network: {type(error).__name__}: {reason}") from error
        files = [path for path in sorted(place.rglob("*")) if path.is_file() and path.suffix not in _LEFT_OUT]
        texts = {path.relative_to(place).as_posix(): path.read_text(encoding="utf-8") for path in files}
    stamp = re.search(r"LIB_STAMP=(\w+)", texts.get("build_lib.sh", ""))
    return {name: _without_chance(text, stamp[1] if stamp else "").replace(folder, ".") for name, text in texts.items()}


def _without_chance(text: str, stamp: str) -> str:
    """A file without hls4ml's random stamp, which YAML puts in quotes if it looks like a number."""
    return re.sub(rf"(['\"]?){stamp}\1", "emulation", text) if stamp else text


class _Emulation:
    """The project, compiled into a program of its own.

    Args:
        tree: what `write` wrote.
    """

    def __init__(self, tree: Any) -> None:
        folder = Path(tempfile.mkdtemp(prefix="fivesigma-hls-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.folder, self.outputs = folder, int(tree["outputs"])
        for name, text in tree["files"].items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        inputs = len(Recipe.from_dict(tree["recipe"]).inputs)
        text = _MAIN.replace("@NAME@", tree["module"])
        (folder / "main.cc").write_text(text.replace("@INPUTS@", str(inputs)).replace("@OUTPUTS@", str(self.outputs)))
        weights = f'-DWEIGHTS_DIR="{folder / "firmware" / "weights"}"'
        flags = ["-std=c++17", "-O1", "-w", "-I.", "-Ifirmware", "-Ifirmware/ap_types", weights]
        self._run([compiler(), *flags, "main.cc", "-o", "emulation"], "the C++ of the project does not compile")

    def run(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """The network's outputs before its last activation, [event, output], from its inputs, [event, input]."""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            inputs.astype("<f8").tofile(Path(place) / "in")
            self._run(["./emulation", f"{place}/in", f"{place}/out"], "the C++ of the project fails")
            return np.fromfile(Path(place) / "out", "<f8").reshape(-1, self.outputs)

    def _run(self, command: list[str], what: str) -> None:
        found = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if found.returncode:
            raise RunError(f"{what}: {' '.join(found.stderr.split())[:300]}")


@functools.lru_cache(maxsize=1)
def _emulation(content: bytes) -> _Emulation:
    """Compile a project once, for the comparison and the proof."""
    return _Emulation(json.loads(gzip.decompress(content)))


def _prove(settings: Hls, what: Deliverable, path: Path, given: CheckEvents, listener: Listener) -> dict[str, Any]:
    network, parameters = what.networks[0], given.events.parameters.copy()
    for name, value in what.fixed.items():
        parameters[:, what.parameters.index(name)] = value
    wanted = outputs_of(network, given.events.features, parameters)
    inputs = network.recipe.apply(given.events.features, parameters)
    emulation, name = _emulation(path.read_bytes()), f"hls4ml {_read(path)['hls4ml']}"
    row = {"name": name, **compared(lambda: emulation.run(inputs), wanted, f"the C++ of {name}")}
    return {"proof": {"events": len(wanted), "numbers": int(wanted.size), "hls": row}}


def _companions(settings: Hls, what: Deliverable, part: Path, place: Path, found: Mapping[str, Any]) -> dict[Path, str]:
    tree = _read(part)
    texts = {**tree["files"], "README.md": readme(settings, what, tree, found)}
    return {place.parent / name: text for name, text in texts.items()}


def _needs() -> None:
    extras.hls4ml()
    compiler()


def _notes(settings: Hls, path: Path) -> list[str]:
    return [f"what goes in and out, and how to synthesise it: {path.parent / 'README.md'}"]


HLS = Exporter(
    "hls",
    Hls,
    ".json.gz",
    write,
    load,
    _needs,
    _notes,
    place=lambda settings, analysis: EMULATOR,
    companions=_companions,
    inputs="features",
    folds=False,
    runs_code=True,
    prove=_prove,
)
