"""`fivesigma report`."""

from typing import Annotated

import typer

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Json, Output, Quiet, RunName

Pdf = Annotated[bool, typer.Option("--pdf", help="Also print the page to report.pdf, with Chromium, Chrome or Edge.")]


def report(run: RunName, pdf: Pdf = False, output: Output = RUNS, quiet: Quiet = False, as_json: Json = False) -> None:
    """Draw the figures of a run and write its report.html."""
    from fivesigma.verbs import report

    terminal = Terminal(quiet, as_json)
    path = report.report(run, output, terminal, pdf)
    terminal.result(path, {"run": str(path.parent), "report": str(path)})
