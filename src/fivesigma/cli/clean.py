"""`fivesigma clean`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fivesigma.cli import completion
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import Json, Quiet


def clean(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CACHE]...",
            help="Caches to empty: events, programs, layouts or leftovers; all by default.",
            autocompletion=completion.caches,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="DIR",
            help="Also look in this folder and its subfolders for unfinished files of killed commands.",
        ),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option("--older-than", min=0, metavar="DAYS", help="Remove only files that were not used for this many days."),
    ] = None,
    only_list: Annotated[bool, typer.Option("--list", help="List the caches and remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """List the caches of fivesigma with their sizes, and empty them after asking."""
    from fivesigma.cache import cache_place, in_words
    from fivesigma.errors import OutputError
    from fivesigma.verbs import clean

    terminal = Terminal(quiet, as_json)
    found = clean.found(names or (), folder, older_than)
    rows = [[c.name, c.what, f"{len(c.files):,}", in_words(c.bytes), str(c.place)] for c in found]
    tree: dict[str, Any] = {
        "place": cache_place(),
        "caches": [
            {"name": c.name, "what": c.what, "files": len(c.files), "bytes": c.bytes, "place": c.place} for c in found
        ],
        "freed_bytes": 0,
    }
    if rows:
        terminal.table("what can be removed", ["cache", "what", "files", "size", "place"], rows, words=("what", "place"))
    if not rows or only_list:
        terminal.say("" if rows else "there is nothing to remove")
        terminal.result(in_words(sum(c.bytes for c in found)), tree)
        return
    if not yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise OutputError(
                f"{in_words(sum(c.bytes for c in found))} can be removed, but there is no terminal on which to ask",
                hint="add --yes to remove it, or --list only to list it",
            )
        if not typer.confirm("Remove all of it?", err=True):
            terminal.say("nothing is removed")
            terminal.result(in_words(0), tree)
            return
    freed = clean.clean(found)
    terminal.say(f"freed {in_words(freed)}")
    terminal.result(in_words(freed), {**tree, "freed_bytes": freed})
