"""`fivesigma report`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Output, Quiet, RunName


def report(run: RunName, output: Output = RUNS, quiet: Quiet = False) -> None:
    """Draw the run's figures and write its report.html."""
    from fivesigma.verbs import report

    terminal = Terminal(quiet)
    terminal.result(report.report(run, output, terminal))
