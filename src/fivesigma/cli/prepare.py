"""`fivesigma prepare`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import AnalysisName, Cluster, Data, Json, Quiet, Set, Workers, parse_data, parse_settings


def prepare(
    analysis: AnalysisName,
    settings: Set = None,
    data: Data = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Folder to write; prepared/NAME by default.")
    ] = None,
    shards: Annotated[
        int | None,
        typer.Option(
            "--shards",
            min=1,
            max=100_000,
            metavar="N",
            help="Number of files per part of the data; by default files of 64 MB.",
        ),
    ] = None,
    quiet: Quiet = False,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: Json = False,
) -> None:
    """Write the events of an analysis as shuffled Parquet shards, for data larger than memory; resumes after a kill.

    Then: fivesigma run ANALYSIS --set shards=DIR
    """
    from fivesigma.data.shards import Shards
    from fivesigma.verbs import prepare

    terminal = Terminal(quiet, as_json)
    folder = prepare.prepare(
        analysis, parse_settings(settings or []), parse_data(data or []), output, shards, terminal, workers, cluster
    )
    terminal.say(f"train from it with: fivesigma run {analysis} --set shards={folder}")

    def counted() -> dict[str, Any]:
        shards = Shards(str(folder))
        return {"folder": folder, "events": {part: shards.length(part) for part in shards.rows}}

    terminal.result(folder, counted)
