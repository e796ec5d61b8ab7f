"""`fivesigma evaluate`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Output, Quiet, RunName


def evaluate(run: RunName, output: Output = RUNS, quiet: Quiet = False) -> None:
    """Score the run's events with its network and write metrics with uncertainties."""
    from fivesigma.verbs import evaluate

    terminal = Terminal(quiet)
    terminal.result(evaluate.evaluate(run, output, terminal))
