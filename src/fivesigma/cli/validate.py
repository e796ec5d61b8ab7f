"""`fivesigma validate resonance` and `fivesigma validate muons`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import Json, Quiet, Workers
from fivesigma.errors import AnalysisError

if TYPE_CHECKING:
    from fivesigma.validation import Comparison

app = typer.Typer(
    help="Compare a simulation with published numbers; writes a page with every target, value and verdict.",
    no_args_is_help=True,
)

Output = Annotated[
    Path, typer.Option("-o", "--output", metavar="DIR", help="Folder in which the folder of the page is made.")
]
Events = Annotated[
    int | None, typer.Option("--events", "-n", min=1, help="Events to simulate; with few, some comparisons are not judged.")
]
Data = Annotated[
    Path | None, typer.Option("--data", "-d", metavar="FILE", help="Compare this file instead of simulating one.")
]
Strict = Annotated[bool, typer.Option("--strict", help="End with exit code 1 if a comparison fails.")]

Speed = Annotated[
    bool,
    typer.Option(
        "--speed/--no-speed", help="Measure the speed of the simulation; it takes minutes, however few the events are."
    ),
]

FAILED = 1


@app.command()
def resonance(
    output: Output = Path("validation"),
    events: Events = None,
    data: Data = None,
    workers: Workers = None,
    strict: Strict = False,
    speed: Speed = True,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare pp → X → tt̄ with the published HEPMASS sample; a million events and two trainings by default."""
    given = {"events": events, "data": data, "workers": workers, "speed": speed}
    _validate(Terminal(quiet, as_json), output, strict, simulation="resonance", **given)


@app.command()
def muons(
    output: Output = Path("validation"),
    events: Events = None,
    data: Data = None,
    workers: Workers = None,
    strict: Strict = False,
    speed: Speed = True,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare muons with published figures of the CMS endcap track finder; 1,200,000 accepted muons by default."""
    given = {"events": events, "data": data, "workers": workers, "speed": speed}
    _validate(Terminal(quiet, as_json), output, strict, simulation="muons", **given)


def _validate(terminal: Terminal, output: Path, strict: bool, **arguments: Any) -> None:
    from fivesigma.verbs import validate

    if output.exists() and not output.is_dir():
        raise AnalysisError(f"{output} is a file, not a folder", hint="give a folder with --output")
    result = validate.validate(output=output, listener=terminal, **arguments)
    terminal.result(result.page, lambda: {"page": result.page, **_numbers(result.comparisons)})
    if strict and result.failed:
        raise typer.Exit(FAILED)


def _numbers(comparisons: "Sequence[Comparison]") -> dict[str, Any]:
    from fivesigma.validation import count_passes

    passed, failed, open_ = count_passes(list(comparisons))
    listed = [row.to_dict() for row in comparisons]
    return {"passed": passed, "failed": failed, "not_judged": open_, "comparisons": listed}
