"""A design as Verilog and VHDL, with registers after so much delay, and a top level that has a port for each column"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivesigma.deployment import alkaid
from fivesigma.deployment.design import Design
from fivesigma.errors import RunError

_WRITTEN = ("*.v", "*.vhd", "*.xdc", "*.sdc", "*.tcl", "*.mem")
"""Files of alkaid's project that are delivered; its simulation is replaced by ours."""


@dataclass(frozen=True)
class Project:
    """A design as source text.

    Attributes:
        files: path below the project's folder → text.
        top: the Verilog module with a port for each column.
        edges: rising edges of the clock from a value at the ports to its result at the output; a new event may come with
            each of them.
        cycles: of these, between the registers of input and output.
        estimate: alkaid's: `lut`, `register_bits`, `logic_delay`.
    """

    files: dict[str, str]
    top: str
    edges: int
    cycles: int
    estimate: dict[str, float]

    @property
    def sources(self) -> dict[str, str]:
        """The Verilog files."""
        return {name: text for name, text in self.files.items() if name.endswith(".v")}


def project_of(design: Design, module: str, part: str) -> Project:
    """Write a design as Verilog and VHDL.

    Args:
        design: the design.
        module: name of the module.
        part: the device, for the build scripts.
    """
    files: dict[str, str] = {}
    with alkaid.mended():
        for flavor in ("verilog", "vhdl"):
            with tempfile.TemporaryDirectory(prefix="fivesigma-rtl-") as folder:
                model = _model(design, Path(folder) / module, module, flavor, part)
                model.write()
                for pattern in _WRITTEN:
                    for path in sorted((Path(folder) / module).rglob(pattern)):
                        inside = path.relative_to(Path(folder) / module).as_posix()
                        files[f"{flavor}/{inside}"] = path.read_text(encoding="utf-8")
    top = f"{module}_ports"
    files = {name: _cleaned(text) for name, text in files.items() if not name.endswith("_wrapper.v")}
    files[f"verilog/src/{top}.v"] = _top(design, module, model.fsm.inp_signals[0], top)
    output = model.fsm.out_signals[0]
    metadata = {
        "lut": float(model._comb.cost),
        "register_bits": float(model.reg_bits),
        "logic_delay": float(max(each.latency[1] for each in model.fsm.logic.values())),
    }
    return Project(dict(sorted(files.items())), top, int(output.schedule.bias), int(model.latency), metadata)


def _model(design: Design, folder: Path, module: str, flavor: str, part: str) -> Any:
    from alkaid.codegen import RTLModel

    return RTLModel(
        design.logic,
        folder,
        module,
        flavor=flavor,
        latency_cutoff=design.latency_cutoff,
        print_latency=False,
        part_name=part,
        clock_period=1000 / design.clock_mhz,
    )


def _cleaned(text: str) -> str:
    """Verilog without alkaid's remarks for one simulator, which others do not understand."""
    return "\n".join(line for line in text.splitlines() if "verilator lint_o" not in line) + "\n"


def _top(design: Design, module: str, packed: Any, top: str) -> str:
    """A module with a port for each column, around the one with a single packed port."""
    pieces, place = [], 0
    for port, precision in zip(design.ports, packed.precisions, strict=True):
        width = sum(precision)
        if width and (bool(precision.signed), width) != (port.signed, port.bits):
            raise RunError(f"alkaid changed the port {port.column!r} from {port.bits} to {width} bits")  # pragma: no cover
        if width:
            pieces.append(f"    assign packed_in[{place + width - 1}:{place}] = {port.signal};")
            place += width
    lines = [f"    input wire {_range(p.bits, p.signed)} {p.signal},  // {_shown(p.column)}" for p in design.ports]
    offsets, results = 0, []
    for output in design.outputs:
        width = max(output.bits, 0)
        value = f"packed_out[{offsets + width - 1}:{offsets}]" if width else "1'b0"
        results.append(f"    assign {output.signal} = {value};")
        offsets += width
    outs = [f"    output wire {_range(max(each.bits, 1), each.signed)} {each.signal}" for each in design.outputs]
    return "\n".join(
        [
            "`timescale 1 ns / 1 ps",
            "",
            f"// {module} with a port for each column; ports.json says what they mean.",
            f"module {top} (",
            "    input wire clk,",
            *lines,
            ",\n".join(outs),
            ");",
            f"    wire [{max(place, 1) - 1}:0] packed_in;",
            f"    wire [{max(offsets, 1) - 1}:0] packed_out;",
            *pieces,
            f"    {module} logic_inst (.clk(clk), .model_inp(packed_in), .model_out(packed_out));",
            *results,
            "endmodule",
            "",
        ]
    )


def _range(bits: int, signed: bool) -> str:
    return f"{'signed ' if signed else ''}[{bits - 1}:0]"


def _shown(column: str) -> str:
    return json.dumps(column, ensure_ascii=True).strip('"').replace("\\", "/")
