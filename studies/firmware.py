"""Train a quantised network, write it as firmware, prove it, and print what came out.

    python -m studies.firmware                     # simulated muons, 20,000 test events; under 20 minutes on two cores
    python -m studies.firmware my-analysis.yaml --set train.epochs=20
    python -m studies.firmware --run RUN           # of a run that is there
    python -m studies.firmware --run RUN --front   # the networks of all steps of its training, not only the chosen one

Of the built-in analysis, more muons are simulated; `--set` changes it.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fivesigma as fs
from fivesigma.analysis.file import parse_settings
from fivesigma.cli.console import Terminal
from fivesigma.errors import FivesigmaError, MissingExtra

ANALYSIS = "muon-pt-firmware"
SIMULATED = {"simulate.events": 1_500_000, "train.batch_size": 1024}
"""Settings for muons that are simulated here: with fewer of them the penalty has fewer steps to remove bits, and the
networks are worse at the same cost."""
FORMATS: Mapping[str, Mapping[str, Any]] = {"rtl": {"synthesis": "yosys"}, "hls": {}, "onnx": {}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, export and print; 2 if something is missing or wrong."""
    options = _options(arguments)
    terminal = Terminal()
    try:
        run, seconds = _trained(options, terminal)
        checks, times = {}, {"train and evaluate": seconds}
        for name, settings in FORMATS.items():
            start = time.perf_counter()
            checks[name] = _exported(run, name, settings, terminal)
            times[f"export {name}"] = time.perf_counter() - start
        points = _front(run, terminal) if options.front else []
    except FivesigmaError as error:
        terminal.error(error.what, error.hint)
        return 2
    terminal.result("\n".join([*lines(checks, times), *front_lines(points)]))
    return 0


def lines(checks: Mapping[str, Mapping[str, Any]], times: Mapping[str, float]) -> list[str]:
    """The tables as Markdown.

    Args:
        checks: format → what `export/check.json` says.
        times: step → seconds.
    """
    found = ["", "| what ran | events | events that differ in any bit |", "|---|---|---|"]
    for check in checks.values():
        proof = check.get("proof", {})
        for row in (proof.get(key) for key in ("emulator", "verilog", "hls")):
            if row is not None:
                shown = str(row["mismatches"]) if "mismatches" in row else f"not run: {row['not_run']}"
                found.append(f"| {row.get('name', 'Verilator')} | {proof['events']:,} | {shown} |")
    if "onnx" in checks:
        largest = checks["onnx"]["difference"]["largest"]
        found.append(f"| ONNX Runtime | {checks['onnx']['events']:,} | largest difference {largest:.1e} |")
    estimates = checks.get("rtl", {}).get("estimates")
    if estimates:
        found += ["", "| estimate by | LUT | registers | carry, bits | depth |", "|---|---|---|---|---|"]
        found.append(f"| alkaid | {estimates['alkaid']['lut']:,.0f} | {estimates['alkaid']['register_bits']:,.0f} | – | – |")
        if "yosys" in estimates:
            cells = [f"{estimates['yosys'].get(key, 0):,}" for key in ("lut", "ff", "carry", "depth")]
            found.append(f"| Yosys | {' | '.join(cells)} |")
        found.append(f"\n{estimates['cycles']} cycles, {estimates['nanoseconds']:g} ns at {estimates['clock_mhz']:g} MHz.")
    metrics = checks.get("rtl", {}).get("metrics", {})
    if metrics:
        found += ["", "| metric | quantised network | emulated firmware | error | error of the difference |"]
        found += ["|---|---|---|---|---|"]
        found += [
            f"| {name} | {_n(row['network'])} | {_n(row['exported'])} | {_n(row['error'])} | {_n(row.get('paired'))} |"
            for name, row in metrics.items()
        ]
    found += ["", "| step | seconds |", "|---|---|", *(f"| {name} | {value:.0f} |" for name, value in times.items())]
    return found


def front_lines(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table of the networks of all steps.

    Args:
        points: each with `ebops`, `rtl` and `hls`, which are what `export/check.json` says.
    """
    if not points:
        return []
    found = [
        "",
        "| EBOPs | LUT by alkaid | cycles | events | emulator | Verilog | hls4ml |",
        "|---|---|---|---|---|---|---|",
    ]
    for point in points:
        proof, estimates = point["rtl"]["proof"], point["rtl"]["estimates"]
        rows = [proof["emulator"], proof["verilog"], point["hls"]["proof"]["hls"]]
        cells = [str(row.get("mismatches", "not run")) for row in rows]
        found.append(
            f"| {point['ebops']:,.0f} | {estimates['alkaid']['lut']:,.0f} | {estimates['cycles']} | {proof['events']:,} | "
            f"{' | '.join(cells)} |"
        )
    return found


def _front(run: fs.Run, terminal: Terminal) -> list[dict[str, Any]]:
    """Export the network of every step of a training, in a copy of the run."""
    found = []
    for point in json.loads((run.path / "front.json").read_text(encoding="utf-8"))["points"]:
        with tempfile.TemporaryDirectory(prefix="fivesigma-front-") as folder:
            copy = at_point(run.path, point["file"], Path(folder) / "run")
            terminal.say(f"step {point['step']}: {point['ebops']:,.0f} EBOPs")
            checks = {name: fs.export(copy, name, listener=terminal).check for name in ("rtl", "hls")}
        found.append({"ebops": point["ebops"], **checks})
    return found


def at_point(run: Path, file: str, copy: Path) -> Path:
    """Copy a run, with the network of another step of its training.

    Args:
        run: its folder.
        file: of the network, as `front.json` names it.
        copy: the folder to make.
    """
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("export", "plots", "checkpoints", "manifest.json", "front"))
    shutil.copyfile(run / file, copy / "model.keras")
    return copy


def _n(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _trained(options: argparse.Namespace, terminal: Terminal) -> tuple[fs.Run, float]:
    if options.run is not None:
        return fs.Run(options.run), 0.0
    start = time.perf_counter()
    settings = parse_settings(options.set)
    if options.analysis == ANALYSIS:
        settings = {**SIMULATED, **settings}
    run = fs.run(options.analysis, settings, output=options.output, listener=terminal)
    return run, time.perf_counter() - start


def _exported(run: fs.Run, name: str, settings: Mapping[str, Any], terminal: Terminal) -> Mapping[str, Any]:
    try:
        return fs.export(run, name, settings=settings, listener=terminal).check
    except MissingExtra as error:
        if not settings:
            raise
        terminal.say(f"warning: {error.what}; without the estimate")
        return fs.export(run, name, listener=terminal).check


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m studies.firmware", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("analysis", nargs="?", default=ANALYSIS, help="an analysis with a section `firmware`")
    parser.add_argument("--run", help="a run that is there, to export it only")
    parser.add_argument("--front", action="store_true", help="the networks of all steps of the training, too")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the analysis")
    parser.add_argument("--output", default="runs/firmware", help="folder of the runs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
