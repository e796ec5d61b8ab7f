"""Run the Verilog of a design in Verilator: a new event with every edge of the clock, as in the detector"""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fivesigma import extras
from fivesigma.deployment.cpp import compiler
from fivesigma.deployment.design import Design
from fivesigma.deployment.verilog import Project
from fivesigma.errors import RunError

SAFE = (5, 48)
"""The oldest version of Verilator that alkaid's authors trust with what it writes."""


@dataclass(frozen=True)
class Simulator:
    """Verilator.

    Attributes:
        command: the program.
        root: its folder with the folder `include`.
        version: such as `5.048`.
    """

    command: str
    root: Path
    version: str

    @property
    def is_old(self) -> bool:
        """Whether it may miscompile the Verilog.

        >>> Simulator("verilator", Path(), "5.006").is_old, Simulator("verilator", Path(), "5.048").is_old
        (True, False)
        """
        numbers = [int(piece) for piece in self.version.split(".")[:2] if piece.isdigit()]
        return tuple(numbers) < SAFE


def simulated(design: Design, project: Project, numbers: NDArray[np.int64], simulator: Simulator) -> NDArray[np.float64]:
    """The results of a design by its Verilog, [event, output].

    Args:
        design: the design.
        project: its source text.
        numbers: at the ports, [event, port].
        simulator: Verilator.

    Raises:
        RunError: if it does not compile.
    """
    with tempfile.TemporaryDirectory(prefix="fivesigma-verilator-") as name:
        folder = Path(name)
        sources = []
        for path, text in project.sources.items():
            place = folder / path.replace("/", "-")
            place.write_text(text, encoding="utf-8")
            sources.append(str(place))
        (folder / "main.cc").write_text(_program(design, project), encoding="utf-8")
        program = _compiled(folder, sources, project.top, simulator)
        numbers.astype("<i8").tofile(folder / "in.bin")
        _run([str(program), "in.bin", "out.bin"], folder, "the simulation of the Verilog fails")
        raw = np.fromfile(folder / "out.bin", "<i8").reshape(-1, len(design.outputs))
    if len(raw) != len(numbers):
        raise RunError(f"the simulation of the Verilog gave {len(raw):,} results for {len(numbers):,} events")
    return np.stack([_number(raw[:, i], o.signed, o.bits, o.fractional) for i, o in enumerate(design.outputs)], axis=1)


def find() -> Simulator:
    """Verilator on this machine.

    Raises:
        MissingExtra: if there is none.
    """
    command, root, version = extras.verilator()
    return Simulator(command, Path(root), version)


def _number(raw: NDArray[np.int64], signed: bool, bits: int, fractional: int) -> NDArray[np.float64]:
    value = raw.astype(np.float64)
    if signed:
        value = np.where(raw >= 1 << (bits - 1), value - 2.0**bits, value)
    return value * 2.0**-fractional


def _compiled(folder: Path, sources: Sequence[str], top: str, simulator: Simulator) -> Path:
    environment = {**os.environ, "VERILATOR_ROOT": str(simulator.root)}
    command = [simulator.command, "--cc", "--top-module", top, "--prefix", "Vdesign", "-Wno-fatal", "-Wno-lint"]
    _run([*command, "--Mdir", "made", *sources], folder, "Verilator does not take the Verilog", environment)
    include = simulator.root / "include"
    # One piece: the headers, which take most of the time, are read once.
    made = "".join(f'#include "{path}"\n' for path in sorted((folder / "made").glob("*.cpp")))
    (folder / "design.cc").write_text(f'{made}#include "main.cc"\n', encoding="utf-8")
    flags = ["-std=c++17", "-pthread", "-DVL_TIME_CONTEXT", f"-I{include}", f"-I{include / 'vltstd'}", "-Imade", "-w"]
    # The runtime is large and hardly used: without optimisation it compiles in a third of the time.
    pieces = {"design.o": ["-O1", "design.cc"]}
    pieces |= {f"{name}.o": ["-O0", str(include / f"{name}.cpp")] for name in ("verilated", "verilated_threads")}
    with ThreadPoolExecutor(max_workers=2) as pool:
        jobs = [[compiler(), *flags, *how, "-c", "-o", piece] for piece, how in pieces.items()]
        list(pool.map(lambda job: _run(job, folder, "the simulation does not compile"), jobs))
    _run([compiler(), "-pthread", *pieces, "-o", "simulate"], folder, "the simulation does not compile")
    return folder / "simulate"


def _run(command: Sequence[str], folder: Path, what: str, environment: dict[str, str] | None = None) -> None:
    found = subprocess.run(list(command), cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if found.returncode:
        raise RunError(f"{what}: {' '.join((found.stderr or found.stdout).split())[:300]}")


def _program(design: Design, project: Project) -> str:
    """A program that gives one event to the design with each edge and writes each result when its time has come."""
    given = "\n".join(
        f"            top->{port.signal} = static_cast<uint64_t>(row[{i}]) & {(1 << port.bits) - 1}ull;"
        for i, port in enumerate(design.ports)
    )
    taken = "\n".join(
        f"            result[{i}] = static_cast<int64_t>(top->{output.signal});" for i, output in enumerate(design.outputs)
    )
    return f"""#include <cstdint>
#include <fstream>
#include <vector>
#include "Vdesign.h"
#include "verilated.h"

double sc_time_stamp() {{ return 0; }}

int main(int, char** argv) {{
    std::ifstream in(argv[1], std::ios::binary);
    std::ofstream out(argv[2], std::ios::binary);
    VerilatedContext context;
    Vdesign* top = new Vdesign(&context);
    std::vector<int64_t> row({len(design.ports)}), result({len(design.outputs)});
    int64_t given = 0, taken = 0;
    top->clk = 0;
    top->eval();
    for (int64_t edge = 1; !in.eof() || taken < given; ++edge) {{
        if (in.read(reinterpret_cast<char*>(row.data()), 8 * row.size())) {{
            ++given;
{given}
        }}
        top->clk = 0;
        top->eval();
        top->clk = 1;
        top->eval();
        if (edge >= {project.edges} && taken < given) {{
            ++taken;
{taken}
            out.write(reinterpret_cast<char*>(result.data()), 8 * result.size());
        }}
    }}
    top->final();
    delete top;
    return 0;
}}
"""
