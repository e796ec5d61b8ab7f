"""`fivesigma train`."""

from fivesigma.analysis_file import parse_data, parse_settings
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, AnalysisName, Data, New, Output, Quiet, Set


def train(
    analysis: AnalysisName,
    settings: Set = None,
    data: Data = None,
    output: Output = RUNS,
    quiet: Quiet = False,
    new: New = False,
) -> None:
    """Fit the recipe and the network; goes on with an interrupted run of the same analysis."""
    from fivesigma.journey import verbs

    terminal = Terminal(quiet)
    result = verbs.train(analysis, parse_settings(settings or []), parse_data(data or []), output, terminal, new)
    terminal.result(result)
