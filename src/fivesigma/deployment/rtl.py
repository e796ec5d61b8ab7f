"""RTL: recipe, new variables and quantised network as Verilog and VHDL, proved equal to the network bit by bit"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.file import sentences
from fivesigma.analysis.firmware import Firmware
from fivesigma.analysis.section import Section
from fivesigma.deployment import alkaid, verilator
from fivesigma.deployment.base import Deliverable, Exporter
from fivesigma.deployment.design import Design, design_of
from fivesigma.deployment.events import CheckEvents
from fivesigma.deployment.ports import ports_of
from fivesigma.deployment.proof import proof_of, received
from fivesigma.deployment.rtl_readme import readme
from fivesigma.deployment.synthesis import estimate
from fivesigma.deployment.verilog import Project, project_of
from fivesigma.errors import AnalysisError, MissingExtra
from fivesigma.progress import Listener

EMULATOR = "emulator.json.gz"
"""The design as alkaid's emulator reads it; what `predict --with rtl` runs."""


class Rtl(Section):
    """A folder with Verilog and VHDL."""

    kind: Literal["rtl"] = "rtl"
    module: str = Field("network", pattern=r"^[a-z][0-9a-z_]*$", description="name of the module")
    part: str = Field("xcvu13p-flga2577-2-e", description="the device, for the build scripts")
    synthesis: Literal["none", "yosys"] = Field(
        "none", description="yosys: estimate LUT, registers, carry and depth with Yosys, which takes a minute or more"
    )
    licence: str = Field("", description="under which the firmware may be used, for its README")
    ports: dict[str, int | str] = Field(default={}, description="as in the section `firmware`, in place of its ports")
    missing: dict[str, str] = Field(default={}, description="as in the section `firmware`, in place of it")
    clock_mhz: float | None = Field(None, gt=0, description="in place of that of the section `firmware`")
    latency_cutoff: float | None = Field(None, gt=0, description="in place of that of the section `firmware`")


def write(settings: Rtl, what: Deliverable, path: Path) -> None:
    """Write the design for the emulator; the same network gives the same bytes."""
    design_of(what).save(path)


def load(path: Path) -> Any:
    """A function that scores arrays by alkaid's emulator."""
    return Design.load(path).score


def _firmware(settings: Rtl, analysis: Analysis) -> Firmware:
    """The section `firmware`, changed by the settings.

    Raises:
        AnalysisError: if neither names ports.
    """
    tree = {} if analysis.firmware is None else analysis.firmware.model_dump()
    given = settings.model_fields_set & {"ports", "missing", "clock_mhz", "latency_cutoff"}
    # An empty mapping, too, replaces that of the analysis.
    tree |= {key: value for key in given if (value := getattr(settings, key)) is not None}
    try:
        found = Firmware.model_validate(tree)
    except ValidationError as error:
        raise AnalysisError(f"firmware.{sentences(error)[0]}") from None
    if not found.ports:
        raise AnalysisError(
            "the analysis has no section `firmware`, which says how many bits each column has",
            hint="give them: --set 'ports={phi_*: 13, mask_*: 1}', or add firmware: {ports: {…}} to the analysis; see "
            "docs/firmware.md",
        )
    return found


def _receives(what: Deliverable, given: CheckEvents) -> CheckEvents:
    assert what.firmware is not None
    return received(what, ports_of(what.firmware, [each.name for each in what.columns]), given)


def _prove(settings: Rtl, what: Deliverable, path: Path, given: CheckEvents, listener: Listener) -> dict[str, Any]:
    design = Design.load(path)
    project = project_of(design, settings.module, settings.part)
    simulator: verilator.Simulator | str
    try:
        simulator = verilator.find()
    except MissingExtra as error:
        simulator = f"{error.what}; {error.hint}"
        listener.say(f"warning: the Verilog was not simulated: {simulator}")
    else:
        listener.progress(1, 3, f"simulating {len(given.events):,} events in Verilator {simulator.version}")
    found: dict[str, Any] = {"proof": proof_of(what, design, given, project, simulator)}
    found["estimates"] = _estimates(design, project)
    if settings.synthesis == "yosys":
        listener.progress(2, 3, "estimating the synthesis with Yosys")
        found["estimates"]["yosys"] = estimate(project.sources, settings.module)
    return found


def _estimates(design: Design, project: Project) -> dict[str, Any]:
    return {
        "clock_mhz": design.clock_mhz,
        "cycles": project.cycles,
        "edges": project.edges,
        "nanoseconds": project.cycles * 1000 / design.clock_mhz,
        "alkaid": project.estimate,
    }


def ports_text(design: Design) -> str:
    """`ports.json`: the meaning and the format of every port."""
    tree = {
        "inputs": [asdict(port) for port in design.ports],
        "outputs": [asdict(output) for output in design.outputs],
        "score": {"link": design.link, "scale": design.target_scale, "shift": design.target_shift},
        "clock_mhz": design.clock_mhz,
    }
    return json.dumps(tree, indent=1, ensure_ascii=False) + "\n"


def _companions(settings: Rtl, what: Deliverable, part: Path, place: Path, found: Mapping[str, Any]) -> dict[Path, str]:
    design = Design.load(part)
    project = project_of(design, settings.module, settings.part)
    texts = {**project.files, "ports.json": ports_text(design), "README.md": readme(settings, what, design, project, found)}
    return {place.parent / name: text for name, text in texts.items()}


def _notes(settings: Rtl, path: Path) -> list[str]:
    return [f"what the ports mean, and how to synthesise it: {path.parent / 'README.md'}"]


RTL = Exporter(
    "rtl",
    Rtl,
    ".json.gz",
    write,
    load,
    alkaid.needs,
    _notes,
    place=lambda settings, analysis: EMULATOR,
    companions=_companions,
    inputs="columns",
    folds=False,
    firmware=_firmware,
    receives=_receives,
    prove=_prove,
)
