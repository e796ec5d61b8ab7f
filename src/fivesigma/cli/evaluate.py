"""`fivesigma evaluate`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import RUNS, Json, Moved, Output, Quiet, RunName, parse_moved


def evaluate(run: RunName, moved: Moved = None, output: Output = RUNS, quiet: Quiet = False, as_json: Json = False) -> None:
    """Score the events of a run with its network, and write metrics with uncertainties."""
    from fivesigma.verbs import evaluate

    terminal = Terminal(quiet, as_json)
    result = evaluate.evaluate(run, output, terminal, moved=parse_moved(moved))
    terminal.result(result, lambda: {"run": result.path, "metrics": result.metrics})
