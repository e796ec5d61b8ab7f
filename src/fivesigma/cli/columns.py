"""`fivesigma columns`."""

from typing import Annotated

import typer

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import Columns, Format, Json, Treename, parse_columns


def columns(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Data file, or file.root:treename.")],
    treename: Treename = None,
    kind: Format = None,
    names: Columns = None,
    as_json: Json = False,
) -> None:
    """List the columns of a data file with their types, and whether each has one value or a list per event."""
    from fivesigma.data.readers.base import per_event
    from fivesigma.names import number_of
    from fivesigma.verbs import columns

    reader = columns.columns(file, treename, format=kind, names=parse_columns(names))
    types, length = reader.types(), reader.length()
    rows = [[name, kind, per_event(kind)] for name, kind in types.items()]
    terminal = Terminal(as_json=as_json)
    if as_json:
        listed = [dict(zip(("name", "type", "holds"), row, strict=True)) for row in rows]
        terminal.document({"table": reader.where, "rows": length, "columns": listed})
        return
    counted = f", {length:,} rows" if length is not None else ""
    terminal.table(f"{reader.where}: {number_of(len(rows), 'column')}{counted}", ["column", "type", "for each event"], rows)
