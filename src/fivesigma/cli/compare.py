"""`fivesigma compare`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Output, RunName


def compare(first: RunName, second: RunName, output: Output = RUNS) -> None:
    """Two runs side by side: where their settings differ, and their metrics."""
    from fivesigma.metrics.metric import shown
    from fivesigma.verbs import compare

    terminal = Terminal()
    result = compare.compare(first, second, output)
    differing = [[key, str(first), str(second)] for key, (first, second) in result["settings"].items()]
    if differing:
        terminal.table("settings that differ", ["key", "first", "second"], differing)
    else:
        terminal.say("the settings are the same")
    rows = [
        [f"{row['part']} {row['name']}", *(shown(row[key]) for key in ("first", "second", "difference"))]
        for row in result["metrics"]
    ]
    terminal.table("metrics", ["metric", "first", "second", "second − first"], rows)
    terminal.say(
        "The error of a difference assumes independent test samples; it is too large if both runs used the same events."
    )
