"""`fivesigma explore`."""

from fivesigma.analysis_file import parse_data, parse_settings
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, AnalysisName, Data, New, Output, Quiet, Set


def explore(
    analysis: AnalysisName,
    settings: Set = None,
    data: Data = None,
    output: Output = RUNS,
    quiet: Quiet = False,
    new: New = False,
) -> None:
    """Describe the events: columns, missing entries, classes, distributions."""
    from fivesigma.journey import verbs

    terminal = Terminal(quiet)
    result = verbs.explore(analysis, parse_settings(settings or []), parse_data(data or []), output, terminal, new)
    terminal.say(f"report: {result.report}")
    terminal.result(result)
