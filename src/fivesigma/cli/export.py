"""`fivesigma export`."""

from pathlib import Path
from typing import Annotated

import typer

from fivesigma.cli.completion import exporters
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Json, Moved, Quiet, RunName, parse_moved, parse_settings, parse_values


def export(
    run: RunName,
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="NAME",
            help="Format to write: onnx, cpp, triton, rtl or hls.",
            autocompletion=exporters,
        ),
    ] = "onnx",
    destination: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="File to write, by default export/model.… in the run folder; a folder for triton, rtl and hls.",
        ),
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option(
            "--inputs",
            metavar="columns|features",
            help="Inputs of the model: the columns of the files (the model computes the new variables), or the features.",
        ),
    ] = None,
    at: Annotated[
        list[str] | None, typer.Option("--at", metavar="NAME=VALUE", help="Fix a parameter at this value: --at mass=1000.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="Setting of the format: --set opset=17.")
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance",
            metavar="X",
            help="Largest allowed difference from the network, relative to the scale of its scores.",
        ),
    ] = 1e-5,
    moved: Moved = None,
    runs: Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder that contains the run folders.")] = RUNS,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write the network of a run in a format for other software, and compare its scores with the network's."""
    from fivesigma.verbs import export

    terminal = Terminal(quiet, as_json)
    found = export.export(
        run,
        format,
        destination,
        inputs=inputs,
        at=parse_values(at),
        settings=parse_settings(settings or []),
        tolerance=tolerance,
        output=runs,
        listener=terminal,
        moved=parse_moved(moved),
    )
    terminal.result(found.path, {"file": found.path, "format": format, "check": found.check})
