"""`fivesigma scan`."""

from typing import Annotated

import typer

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Cluster, Json, Moved, Output, Quiet, RunName, Workers, parse_moved


def scan(
    run: RunName,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            "--leave-out",
            metavar="VALUE",
            help="Also train without the signal of this hypothesis, test on it, and compare with a network dedicated to it: "
            "--leave-out 1000, or mass=1000 (several parameters: mass=1000,width=2). May be repeated.",
        ),
    ] = None,
    extremes: Annotated[
        bool,
        typer.Option("--extremes", help="Also train on the smallest and the largest value only, and test on all values."),
    ] = False,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Also train a network dedicated to each hypothesis, and one without the parameter."),
    ] = False,
    moved: Moved = None,
    output: Output = RUNS,
    quiet: Quiet = False,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: Json = False,
) -> None:
    """Compute AUC, significance and expected limit at each hypothesis, such as a mass; compare with dedicated networks."""
    from fivesigma.verbs import scan

    terminal = Terminal(quiet, as_json)
    result = scan.scan(
        run,
        leave_out=leave_out or (),
        extremes=extremes,
        compare=compare,
        output=output,
        listener=terminal,
        workers=workers,
        cluster=cluster,
        moved=parse_moved(moved),
    )
    terminal.say(f"report: {result.report}")
    terminal.result(result, lambda: {"run": result.path, "report": result.report, "scan": result.scan})
