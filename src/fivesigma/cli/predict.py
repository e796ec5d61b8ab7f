"""`fivesigma predict`."""

from pathlib import Path
from typing import Annotated

import typer

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import (
    RUNS,
    Cluster,
    Columns,
    Format,
    Json,
    Quiet,
    RunName,
    Treename,
    Workers,
    parse_columns,
    parse_values,
)


def predict(
    run: RunName,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Files to score: paths, globs or file.root:treename.")
    ],
    destination: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="File to write: .parquet, .root, .csv, .npz or .h5; a folder with --friend.",
        ),
    ],
    at: Annotated[
        list[str] | None, typer.Option("--at", metavar="NAME=VALUE", help="Score at this parameter value: --at mass=1000.")
    ] = None,
    model: Annotated[
        str,
        typer.Option("--model", "-m", metavar="NAME", help="Score with this baseline of the run instead of the network."),
    ] = "network",
    exported: Annotated[
        str | None,
        typer.Option(
            "--with", metavar="FORMAT", help="Score with the exported model in this format: --with onnx, cpp, rtl or hls."
        ),
    ] = None,
    kind: Format = None,
    treename: Treename = None,
    names: Columns = None,
    friend: Annotated[
        bool,
        typer.Option(
            "--friend",
            help="Write one file of scores per input file, with the same rows; files that are scored already are skipped.",
        ),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Also write all columns of the files that hold one number per event.")
    ] = False,
    runs: Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder that contains the run folders.")] = RUNS,
    quiet: Quiet = False,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: Json = False,
) -> None:
    """Score every event of data files, in order, and write scores and observers."""
    from fivesigma.verbs import predict

    terminal = Terminal(quiet, as_json)
    scored = predict.predict(
        run,
        files,
        destination,
        at=parse_values(at),
        model=model,
        exported=exported,
        format=kind,
        treename=treename,
        columns=parse_columns(names),
        friend=friend,
        keep=keep,
        output=runs,
        listener=terminal,
        workers=workers,
        cluster=cluster,
    )
    terminal.result(destination, {"output": destination, "events": scored})
