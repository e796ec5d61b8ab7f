"""`fivesigma compare`."""

from pathlib import Path
from typing import Annotated

import typer

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Json, Output, Quiet
from fivesigma.errors import RunError

Runs = Annotated[
    list[str], typer.Argument(metavar="RUN RUN...", help="Run folders; the name of an analysis stands for its latest run.")
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write a page, with the curves of all runs overlaid.")
]


def compare(runs: Runs, html: Html = None, output: Output = RUNS, quiet: Quiet = False, as_json: Json = False) -> None:
    """Compare runs: the settings that differ, and the differences of the metrics from those of the first run."""
    from fivesigma.metrics.metric import shown
    from fivesigma.reporting.overlay import difference_cells, errors_in_words
    from fivesigma.verbs import compare

    if len(runs) < 2:
        raise RunError("compare needs two or more runs", hint="fivesigma compare RUN RUN")
    terminal = Terminal(quiet, as_json)
    result = compare.compare(*runs, output=output, html=html, listener=terminal)
    ordinals = ["first", "second", "third", *(f"{n}th" for n in range(4, len(runs) + 1))][: len(runs)]
    differing = [[key, *(str(value) for value in values)] for key, values in result["settings"].items()]
    if differing:
        terminal.table("settings that differ", ["key", *ordinals], differing)
    else:
        terminal.say("the settings are the same")
    rows = [
        [
            f"{row['part']} {row['name']}",
            *(shown(value) for value in row["values"]),
            *(cell for each in row["differences"] for cell in difference_cells(each)),
        ]
        for row in result["metrics"]
    ]
    gaps = [text for name in ordinals[1:] for text in (f"{name} − first", "σ")]
    terminal.table("metrics", ["metric", *ordinals, *gaps], rows)
    for sentence in result["incomparable"]:
        terminal.say(f"warning: {sentence}")
    if any(each for row in result["metrics"] for each in row["differences"]):
        terminal.say(errors_in_words(result, ordinals))
    if result["not_compared"]:
        terminal.say(f"not compared, because not every run has them: {', '.join(result['not_compared'])}")
    if html is not None or as_json:
        terminal.result(html, result)
