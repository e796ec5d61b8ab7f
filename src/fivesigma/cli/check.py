"""`fivesigma check`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import AnalysisName, Data, Json, Quiet, Set, parse_data, parse_settings


def check(
    analysis: AnalysisName, settings: Set = None, data: Data = None, quiet: Quiet = False, as_json: Json = False
) -> None:
    """Check an analysis and every name in it against its files, and print it with all defaults."""
    from fivesigma.analysis.file import dump, load
    from fivesigma.verbs import check

    terminal = Terminal(quiet, as_json)
    resolved = load(analysis, parse_settings(settings or []), parse_data(data or []))
    plans = check.check(resolved, listener=terminal)
    warnings = [text.removeprefix("warning: ") for text in terminal.messages if text.startswith("warning: ")]
    if not as_json:
        terminal.say(dump(resolved).rstrip())
    if not plans:
        source = "it simulates its own events" if resolved.simulate else "it names no files yet: use --data train=FILE"
        terminal.say(f"no data files to check against: {source}")
    terminal.result(
        f"{analysis}: ok",
        lambda: {
            "analysis": resolved.name,
            "ok": True,
            "files": [plan.where for plan in plans],
            "features": list(plans[0].features if plans else resolved.features),
            "warnings": warnings,
            "settings": resolved.model_dump(mode="json"),
        },
    )
