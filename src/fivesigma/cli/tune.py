"""`fivesigma tune`."""

from fivesigma.analysis_file import parse_data, parse_settings
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, AnalysisName, Data, New, Output, Quiet, Set


def tune(
    analysis: AnalysisName,
    settings: Set = None,
    data: Data = None,
    output: Output = RUNS,
    quiet: Quiet = False,
    new: New = False,
) -> None:
    """Search for the best settings (section `tune`), then run the analysis with them."""
    from fivesigma.journey import tuning

    terminal = Terminal(quiet)
    result = tuning.tune(analysis, parse_settings(settings or []), parse_data(data or []), output, terminal, new)
    terminal.say(f"report: {result.report}")
    terminal.result(result)
