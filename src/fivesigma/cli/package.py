"""`fivesigma package`."""

from pathlib import Path
from typing import Annotated

import typer

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Json, Quiet, RunName


def package(
    run: RunName,
    destination: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="File to write, ending in .zip.")],
    runs: Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder that contains the run folders.")] = RUNS,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write a run, a model card and BibTeX into one file."""
    from fivesigma.verbs import package

    terminal = Terminal(quiet, as_json)
    written = package.package(run, destination, runs, terminal)
    terminal.result(written, lambda: {"package": written, "bytes": written.stat().st_size})
