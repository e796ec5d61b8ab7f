"""`fivesigma predict`."""

from pathlib import Path
from typing import Annotated

import typer

from fivesigma.analysis.file import parse_settings
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Cluster, Columns, Format, Quiet, RunName, Treename, Workers, parse_columns
from fivesigma.errors import AnalysisError


def predict(
    run: RunName,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files to score; globs and file.root:treename too.")],
    destination: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="File to write: .parquet, .root, .csv, .npz or .h5.")
    ],
    at: Annotated[
        list[str] | None, typer.Option("--at", metavar="NAME=VALUE", help="Score at this parameter value: --at mass=1000.")
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="NAME", help="Baseline of the run that scores instead of the network.")
    ] = "network",
    kind: Format = None,
    treename: Treename = None,
    names: Columns = None,
    runs: Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where runs are kept.")] = RUNS,
    quiet: Quiet = False,
    workers: Workers = None,
    cluster: Cluster = None,
) -> None:
    """Score every event of some files, in order; write scores and observers."""
    from fivesigma.verbs import predict

    values = parse_settings(at or [])
    for name, value in values.items():
        if not isinstance(value, int | float):
            raise AnalysisError(f"cannot read --at {name}={value!r}", hint="write a number: --at mass=1000")
    terminal = Terminal(quiet)
    predict.predict(
        run,
        files,
        destination,
        at=values,
        model=model,
        format=kind,
        treename=treename,
        columns=parse_columns(names),
        output=runs,
        listener=terminal,
        workers=workers,
        cluster=cluster,
    )
    terminal.result(destination)
