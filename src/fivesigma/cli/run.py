"""`fivesigma run`: explore, train, evaluate and report."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import (
    RUNS,
    AnalysisName,
    Cluster,
    Coordinator,
    Data,
    Json,
    New,
    Output,
    Processes,
    ProcessId,
    Quiet,
    Resume,
    Set,
    Workers,
    parse_data,
    parse_settings,
)
from fivesigma.cli.train import trained


def run(
    analysis: AnalysisName,
    settings: Set = None,
    data: Data = None,
    output: Output = RUNS,
    quiet: Quiet = False,
    new: New = False,
    resume: Resume = False,
    workers: Workers = None,
    cluster: Cluster = None,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process_id: ProcessId = None,
    as_json: Json = False,
) -> None:
    """Explore, train, evaluate and report, in one run folder."""
    from fivesigma.cluster import multiprocess
    from fivesigma.verbs import run

    multiprocess.join(coordinator, processes, process_id)
    terminal = Terminal(quiet or multiprocess.rank() > 0, as_json)
    overrides, files = parse_settings(settings or []), parse_data(data or [])
    result = run.run(analysis, overrides, files, output, terminal, new, workers, cluster, resume)
    terminal.say(f"report: {result.report}")
    if as_json and multiprocess.rank() > 0:
        return
    terminal.result(
        result, lambda: {"run": result.path, "report": result.report, **trained(result), "metrics": result.metrics}
    )
