"""`fivesigma columns`."""

from typing import Annotated

import typer

from fivesigma.cli.console import Terminal


def columns(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Data file, or file.root:treename.")],
    treename: Annotated[str | None, typer.Option("--treename", "-t", help="Tree, table or group inside the file.")] = None,
) -> None:
    """List the columns of a data file with their types."""
    from fivesigma.verbs import columns

    reader = columns.columns(file, treename)
    types, length = reader.types(), reader.length()
    rows = [[name, kind] for name, kind in types.items()]
    counted = f", {length:,} rows" if length is not None else ""
    Terminal().table(f"{reader.where}: {len(rows)} columns{counted}", ["column", "type"], rows)
