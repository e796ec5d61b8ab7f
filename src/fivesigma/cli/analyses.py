"""`fivesigma analyses`."""

from fivesigma.analysis.file import builtin_names, load
from fivesigma.cli.console import Terminal


def analyses() -> None:
    """List the built-in analyses."""
    rows = []
    for name in builtin_names():
        analysis = load(name)
        rows.append([name, analysis.task, analysis.model.kind + " " + "-".join(map(str, analysis.model.layers))])
    terminal = Terminal()
    terminal.table("built-in analyses", ["name", "task", "network"], rows)
    terminal.say("`fivesigma init NAME` prints one; `fivesigma run NAME` runs it")
