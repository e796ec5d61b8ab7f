"""`fivesigma analyses`."""

from fivesigma.cli.console import Terminal
from fivesigma.plugins import models


def analyses() -> None:
    """List the built-in analyses."""
    from fivesigma.verbs import analyses

    rows = [
        [name, analysis.task, models.get(analysis.model.kind).label(analysis.model)]
        for name, analysis in analyses.analyses().items()
    ]
    terminal = Terminal()
    terminal.table("built-in analyses", ["name", "task", "network"], rows)
    terminal.say("`fivesigma init NAME` prints one; `fivesigma run NAME` runs it")
