"""`fivesigma verify`."""

from typing import Annotated

import typer

from fivesigma.cli.completion import runs
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Json, Output, Quiet


def verify(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Run folder, the name of an analysis (its latest trained run), or a package of a run.",
            autocompletion=runs,
        ),
    ],
    output: Output = RUNS,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Check that the files of a run are those it wrote, and that its metrics follow from its predictions."""
    from fivesigma.errors import RunError
    from fivesigma.verbs import verify

    terminal = Terminal(quiet, as_json)
    found = verify.verify(run, output, terminal)
    for problem in found.problems:
        terminal.say(problem)
    files = f"{found.files} files" if found.files else "no files (the run is of an older version and has no hashes)"
    terminal.say(f"checked: {files}, {found.numbers} numbers in metrics.json")
    tree = {"run": found.run, "ok": not found.problems, "files": found.files, "numbers": found.numbers}
    tree["problems"] = list(found.problems)
    if found.problems:
        if as_json:
            terminal.document(tree)
        count = len(found.problems)
        first = found.problems[0] if count == 1 else f"{count} problems, the first: {found.problems[0]}"
        raise RunError(f"the run {found.run} is not as it was written: {first}", hint="copy its files again, or train again")
    terminal.say("all of them are as they were written")
    terminal.result(found.run, tree)
