"""`fivesigma train`."""

from fivesigma.analysis.file import parse_data, parse_settings
from fivesigma.cli.console import Terminal
from fivesigma.cli.options import (
    RUNS,
    AnalysisName,
    Cluster,
    Coordinator,
    Data,
    New,
    Output,
    Processes,
    ProcessId,
    Quiet,
    Resume,
    Set,
    Workers,
)


def train(
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
) -> None:
    """Fit the recipe and the network; goes on with an interrupted run of the same analysis."""
    from fivesigma.cluster import multiprocess
    from fivesigma.verbs import train

    multiprocess.join(coordinator, processes, process_id)
    terminal = Terminal(quiet or multiprocess.rank() > 0)
    overrides, files = parse_settings(settings or []), parse_data(data or [])
    result = train.train(analysis, overrides, files, output, terminal, new, workers, cluster, resume)
    terminal.result(result)
