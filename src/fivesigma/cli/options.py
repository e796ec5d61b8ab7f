"""Options that several verbs share."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from fivesigma.cli import completion
from fivesigma.errors import AnalysisError
from fivesigma.names import expand_braces

AnalysisName = Annotated[
    str,
    typer.Argument(
        metavar="ANALYSIS",
        help="Analysis file, or the name of a built-in one (`fivesigma analyses`).",
        autocompletion=completion.analyses,
    ),
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="Run folder, or the name of an analysis, which stands for its latest run.",
        autocompletion=completion.runs,
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Override a key: --set train.epochs=10. May be repeated."),
]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", "-d", metavar="SAMPLE=FILE", help="Files of a sample: --data train=a.csv.gz. May be repeated."),
]
Moved = Annotated[
    list[str] | None,
    typer.Option(
        "--moved",
        metavar="OLD=NEW",
        help="Where the events of the run are now, if a folder or a file has moved: --moved /old/folder=/new/folder. "
        "The run keeps it. May be repeated.",
    ),
]
Output = Annotated[
    Path, typer.Option("--runs", "--output", "-o", metavar="DIR", help="Folder that contains the run folders.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the path of the result.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document to standard output, and messages to standard error.")
]
New = Annotated[bool, typer.Option("--new", help="Begin a new run even if one of this analysis is unfinished.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Only resume an unfinished run of this analysis; never begin a new one.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        "-j",
        min=1,
        metavar="N",
        help="Number of parallel tasks on this machine; one per core by default. Does not change results.",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="ADDRESS", help="Use the workers of this Dask scheduler instead: --cluster tcp://host:8786."
    ),
]

Coordinator = Annotated[
    str | None,
    typer.Option(
        "--coordinator",
        metavar="HOST:PORT",
        help="Address at which the processes of one training connect; found automatically under Slurm and Open MPI.",
    ),
]
Processes = Annotated[int | None, typer.Option("--processes", min=1, metavar="N", help="Number of processes.")]
ProcessId = Annotated[
    int | None, typer.Option("--process-id", min=0, metavar="I", help="Number of this process, counted from 0.")
]

Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="File format, if name and content of the file do not show it: root, csv, …",
        autocompletion=completion.formats,
    ),
]
Treename = Annotated[str | None, typer.Option("--treename", "-t", help="Tree, table or group inside the file.")]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="NAMES",
        help="Column names for a file without a header: --columns label,f{0..27}; for an array: --columns ARRAY=a,b.",
    ),
]


def parse_settings(given: list[str]) -> dict[str, Any]:
    """The overrides that `--set` gives, by dotted key; imports what reads analysis files only if there are any."""
    from fivesigma.analysis.file import parse_settings

    return parse_settings(given)


def parse_data(given: list[str]) -> dict[str, list[str]]:
    """The files that `--data` gives, by sample."""
    from fivesigma.analysis.file import parse_data

    return parse_data(given)


def parse_moved(given: list[str] | None) -> dict[str, str]:
    """The places that `--moved` gives: as it was → as it is.

    Raises:
        AnalysisError: if one is not written so.

    >>> parse_moved(["/old/folder=/new/folder"])
    {'/old/folder': '/new/folder'}
    """
    places = {}
    for text in given or []:
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise AnalysisError(
                f"cannot read --moved {text!r}", hint="write --moved OLD=NEW: --moved /old/folder=/new/folder"
            )
        places[old] = new
    return places


def parse_values(given: list[str] | None) -> dict[str, float]:
    """The numbers that `--at` gives, by name.

    Raises:
        AnalysisError: if one is no number.

    >>> parse_values(["mass=1000"])
    {'mass': 1000}
    """
    for text in given or []:
        if "=" not in text:
            raise AnalysisError(f"cannot read --at {text!r}", hint=f"write its value: --at {text}=1000")
    values = parse_settings(given or [])
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise AnalysisError(f"cannot read --at {name}={value!r}", hint="write a number: --at mass=1000")
    return values


def parse_columns(given: list[str] | None) -> list[str] | dict[str, list[str]]:
    """The names that `--columns` gives: a list, or a list for each array.

    Raises:
        AnalysisError: if both forms are mixed.

    >>> parse_columns(["label,x{1..2}"]), parse_columns(["v=a,b", "w=c"])
    (['label', 'x1', 'x2'], {'v': ['a', 'b'], 'w': ['c']})
    """
    arrays = [text.partition("=") for text in given or []]
    if any(mark for _, mark, _ in arrays) and not all(mark for _, mark, _ in arrays):
        raise AnalysisError("--columns names arrays and columns at once", hint="give ARRAY=a,b each time, or names only")
    named = {array if mark else "": _names(rest if mark else array) for array, mark, rest in arrays}
    return named.get("", []) if "" in named or not named else named


def _names(text: str) -> list[str]:
    """Names between commas; a comma inside braces belongs to a list such as `{a,b}`."""
    return [name for part in re.split(r",(?![^{]*\})", text) for name in expand_braces(part.strip())]


RUNS = Path("runs")
