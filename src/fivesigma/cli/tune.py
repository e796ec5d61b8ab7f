"""`fivesigma tune`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import (
    RUNS,
    AnalysisName,
    Cluster,
    Data,
    Json,
    New,
    Output,
    Quiet,
    Set,
    Workers,
    parse_data,
    parse_settings,
)


def tune(
    analysis: AnalysisName,
    settings: Set = None,
    data: Data = None,
    output: Output = RUNS,
    quiet: Quiet = False,
    new: New = False,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: Json = False,
) -> None:
    """Search for the best settings (section `tune`), then run the analysis with them."""
    from yaml import safe_load

    from fivesigma.verbs import tune

    terminal = Terminal(quiet, as_json)
    overrides, files = parse_settings(settings or []), parse_data(data or [])
    result = tune.tune(analysis, overrides, files, output, terminal, new, workers, cluster)
    terminal.say(f"report: {result.report}")
    terminal.result(
        result,
        lambda: {
            "run": result.path,
            "report": result.report,
            "best": safe_load((result.path / "analysis.yaml").read_text(encoding="utf-8")),
            "metrics": result.metrics,
        },
    )
