"""`fivesigma evaluate`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Output, Quiet, RunName


def evaluate(run: RunName, output: Output = RUNS, quiet: Quiet = False) -> None:
    """Score the run's events with its network and write metrics with uncertainties."""
    from fivesigma.journey import verbs

    terminal = Terminal(quiet)
    terminal.result(verbs.evaluate(run, output, terminal))
