"""`fivesigma check`."""

from fivesigma.analysis.file import dump, load, parse_data, parse_settings
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import AnalysisName, Data, Quiet, Set


def check(analysis: AnalysisName, settings: Set = None, data: Data = None, quiet: Quiet = False) -> None:
    """Check an analysis and every name in it against its files, and print it with all defaults."""
    from fivesigma.verbs import check

    terminal = Terminal(quiet)
    resolved = load(analysis, parse_settings(settings or []), parse_data(data or []))
    plans = check.check(resolved, listener=terminal)
    terminal.say(dump(resolved).rstrip())
    if not plans:
        source = "it simulates its own events" if resolved.simulate else "it names no files yet: use --data train=FILE"
        terminal.say(f"no data files to check against: {source}")
    terminal.result(f"{analysis}: ok")
