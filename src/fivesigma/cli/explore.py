"""`fivesigma explore`."""

from fivesigma.analysis.file import parse_data, parse_settings
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, AnalysisName, Cluster, Data, New, Output, Quiet, Set, Workers


def explore(
    analysis: AnalysisName,
    settings: Set = None,
    data: Data = None,
    output: Output = RUNS,
    quiet: Quiet = False,
    new: New = False,
    workers: Workers = None,
    cluster: Cluster = None,
) -> None:
    """Describe the events: columns, missing entries, classes, distributions."""
    from fivesigma.verbs import explore

    terminal = Terminal(quiet)
    overrides, files = parse_settings(settings or []), parse_data(data or [])
    result = explore.explore(analysis, overrides, files, output, terminal, new, workers, cluster)
    terminal.say(f"report: {result.report}")
    terminal.result(result)
