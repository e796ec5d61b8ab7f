"""`fivesigma compare`."""

from typing import Any

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Output, RunName


def compare(first: RunName, second: RunName, output: Output = RUNS) -> None:
    """Two runs side by side: where their settings differ, and their metrics."""
    from fivesigma.journey import verbs

    terminal = Terminal()
    result = verbs.compare(first, second, output)
    terminal.table(
        "settings that differ", ["key", "first", "second"], [[k, str(a), str(b)] for k, (a, b) in result["settings"].items()]
    )
    rows = [
        [f"{row['part']} {row['name']}", *(_shown(row[key]) for key in ("first", "second", "difference"))]
        for row in result["metrics"]
    ]
    terminal.table("metrics", ["metric", "first", "second", "second − first"], rows)
    terminal.say(
        "The error of a difference takes the two test samples as independent: too large if they are the same events."
    )


def _shown(metric: dict[str, Any]) -> str:
    return f"{metric['value']:.4f} ± {metric['error']:.4f}"
