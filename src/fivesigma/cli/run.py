"""`fivesigma run`: explore, train, evaluate and report."""

from fivesigma.analysis_file import parse_data, parse_settings
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, AnalysisName, Data, New, Output, Quiet, Set


def run(
    analysis: AnalysisName,
    settings: Set = None,
    data: Data = None,
    output: Output = RUNS,
    quiet: Quiet = False,
    new: New = False,
) -> None:
    """Explore, train, evaluate and report, in one run folder."""
    from fivesigma.journey import verbs

    terminal = Terminal(quiet)
    result = verbs.run(analysis, parse_settings(settings or []), parse_data(data or []), output, terminal, new)
    terminal.say(f"report: {result.report}")
    terminal.result(result)
