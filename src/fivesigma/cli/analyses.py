"""`fivesigma analyses`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import Json, Quiet
from fivesigma.plugins import models


def analyses(quiet: Quiet = False, as_json: Json = False) -> None:
    """List the built-in analyses."""
    from fivesigma.verbs import analyses

    rows = [
        [name, analysis.task, models.get(analysis.model.kind).label(analysis.model)]
        for name, analysis in analyses.analyses().items()
    ]
    header = ["name", "task", "network"]
    terminal = Terminal(as_json=as_json)
    if as_json:
        terminal.document({"analyses": [dict(zip(header, row, strict=True)) for row in rows]})
    elif quiet:
        terminal.result("\n".join(row[0] for row in rows))
    else:
        terminal.table("built-in analyses", header, rows)
        terminal.say("`fivesigma init NAME` prints one; `fivesigma run NAME` runs it")
