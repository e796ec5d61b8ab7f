"""`fivesigma report`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Output, Quiet, RunName


def report(run: RunName, output: Output = RUNS, quiet: Quiet = False) -> None:
    """Draw the run's figures and write its report.html."""
    from fivesigma.journey import verbs

    terminal = Terminal(quiet)
    terminal.result(verbs.report(run, output, terminal))
