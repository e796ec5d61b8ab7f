"""`fivesigma explore`: describes the events of an analysis, or the columns of data files."""

import glob
from pathlib import Path
from typing import Annotated, Any

import typer

from fivesigma.cli.completion import analyses_and_files
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import (
    RUNS,
    Cluster,
    Columns,
    Data,
    Format,
    Json,
    New,
    Output,
    Quiet,
    Set,
    Treename,
    Workers,
    parse_columns,
    parse_data,
    parse_settings,
)
from fivesigma.errors import AnalysisError
from fivesigma.templates import check_page

_ANALYSIS_FILES = (".yaml", ".yml")


def explore(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="ANALYSIS|FILE...",
            help="Analysis file or name of a built-in analysis; or data files, as paths, globs or file.root:treename.",
            autocompletion=analyses_and_files,
        ),
    ],
    settings: Set = None,
    data: Data = None,
    output: Output = RUNS,
    quiet: Quiet = False,
    new: New = False,
    workers: Workers = None,
    cluster: Cluster = None,
    treename: Treename = None,
    kind: Format = None,
    names: Columns = None,
    events: Annotated[
        int | None,
        typer.Option(
            "--events", "-n", min=1, metavar="N", help="Number of events to read from data files; by default a sample."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="PAGE", help="Also write the description of data files as an HTML page.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Describe the events of an analysis; or the columns of data files, without an analysis."""
    of_files = {"--treename": treename, "--format": kind, "--columns": names, "--events": events, "--html": html}
    of_analyses = {"--set": settings, "--data": data, "--new": new or None, "--workers": workers, "--cluster": cluster}
    terminal = Terminal(quiet, as_json)
    if len(what) > 1 or kind or is_data(what[0]):
        _refuse(of_analyses, "an analysis", f"{what[0]} is taken as a data file")
        layout = {"treename": treename, "format": kind, "columns": parse_columns(names)}
        _files(what, {**layout, "events": events}, html, terminal)
        return
    _refuse(of_files, "data files", f"{what[0]} is taken as an analysis")
    from fivesigma.verbs import explore

    overrides, files = parse_settings(settings or []), parse_data(data or [])
    result = explore.explore(what[0], overrides, files, output, terminal, new, workers, cluster)
    terminal.say(f"report: {result.report}")
    terminal.result(
        result, lambda: {"run": result.path, "report": result.report, "explore": result.folder.read_json("explore.json")}
    )


def is_data(what: str) -> bool:
    """Whether an argument names data files rather than an analysis."""
    from fivesigma.analysis.file import builtin_names
    from fivesigma.data.formats import format_of_name, guess_format, split_treename
    from fivesigma.errors import DataError

    path = split_treename(what)[0]
    if path.endswith(_ANALYSIS_FILES):
        return False
    if format_of_name(path) is not None or (glob.has_magic(path) and glob.glob(path, recursive=True)):
        return True
    if Path(path).is_dir():
        return path not in builtin_names()  # it is no data file either, and the reader of data files says so
    if not Path(path).is_file():
        return False
    try:
        guess_format(path)
    except DataError:
        return False
    return True


def _refuse(given: dict[str, Any], whose: str, taken: str) -> None:
    """Refuse options that belong to the other use of the command."""
    for name, value in given.items():
        if value:
            raise AnalysisError(f"{name} belongs to {whose}, and {taken}", hint="fivesigma explore --help")


def _files(files: list[str], options: dict[str, Any], html: Path | None, terminal: Terminal) -> None:
    # `fivesigma.verbs.explore` imports the training libraries, which takes longer than describing a file.
    from fivesigma.exploration import rows
    from fivesigma.exploration.description import describe
    from fivesigma.names import number_of

    if html is not None:
        check_page(html)  # before the files are read
    found = describe(files, **options, listener=terminal)
    title = f"{found.title}: {number_of(len(found.columns), 'column')}, {found.how}"
    header = rows.header(terminal.width)
    terminal.table(title, header, rows.rows(found, terminal.width), words=("type", "distribution"))
    if not terminal.as_json:
        for sentence in rows.sentences(found):
            terminal.say(sentence)
    if html is not None:
        found.write_html(html)
    if terminal.as_json:
        terminal.document({**found.to_json(), **({"page": html} if html else {})})
    elif html is not None:
        terminal.result(html)
