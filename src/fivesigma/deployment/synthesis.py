"""What Yosys makes of the Verilog for an FPGA of the UltraScale+ family: an estimate, as no vendor's tool has seen it"""

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fivesigma import extras
from fivesigma.errors import RunError

_CARRY = {"CARRY4": 4, "CARRY8": 8}
"""Cells of fast carry → bits in each."""


def estimate(sources: Mapping[str, str], module: str) -> dict[str, int]:
    """Synthesise a module.

    Args:
        sources: file → Verilog.
        module: the top level.

    Returns:
        `lut`, `ff`, `carry` in bits, `dsp`, `bram`; and `depth`, cells in a row from register to register.

    Raises:
        MissingExtra: if there is no Yosys.
        RunError: if it does not take the Verilog, or gives no numbers.
    """
    with tempfile.TemporaryDirectory(prefix="fivesigma-yosys-") as name:
        folder = Path(name)
        files = []
        for path, text in sources.items():
            files.append(path.replace("/", "-"))
            (folder / files[-1]).write_text(text, encoding="utf-8")
        script = (
            f"read_verilog {' '.join(files)}; synth_xilinx -family xcup -flatten -top {module} -noiopad -noclkbuf -nodsp "
            "-nobram; tee -q -o statistics.json stat -json; tee -q -o path.txt ltp -noff"
        )
        found = subprocess.run([extras.yosys(), "-q", "-p", script], cwd=folder, capture_output=True, text=True, check=False)
        # Some versions stop half way, silently and with exit code 0.
        if found.returncode or not (folder / "statistics.json").is_file():
            raise RunError(f"Yosys gives no estimate: {' '.join(found.stderr.split())[:300] or 'it stopped silently'}")
        longest = (folder / "path.txt").read_text(encoding="utf-8") if (folder / "path.txt").is_file() else ""
        return counted((folder / "statistics.json").read_text(encoding="utf-8"), longest)


def counted(statistics: str, longest: str) -> dict[str, int]:
    """The numbers in what Yosys printed.

    Raises:
        RunError: if they are not there.

    >>> counted('{"design": {"num_cells_by_type": {"LUT6": 3, "LUT2": 1, "FDRE": 5, "CARRY4": 2}}}', "path (length=7)")
    {'lut': 4, 'ff': 5, 'carry': 8, 'dsp': 0, 'bram': 0, 'depth': 7}
    """
    try:
        cells = json.loads(statistics)["design"]["num_cells_by_type"]
    except (ValueError, KeyError, TypeError):
        raise RunError("Yosys gives no estimate: its statistics cannot be read") from None

    def count(pattern: str) -> int:
        return sum(int(number) for cell, number in cells.items() if re.fullmatch(pattern, cell))

    depth = re.search(r"length=(\d+)", longest)
    found = {
        "lut": count(r"LUT\d"),
        "ff": count(r"FD\w+"),
        "carry": sum(bits * count(cell) for cell, bits in _CARRY.items()),
        "dsp": count(r"DSP\w+"),
        "bram": count(r"RAMB\w+"),
    }
    if not found["ff"] and not found["lut"]:
        raise RunError("Yosys gives no estimate: it found no cells")
    return {**found, "depth": int(depth[1])} if depth else found
