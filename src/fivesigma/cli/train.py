"""`fivesigma train`."""

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from fivesigma.runs.run import Run


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
    as_json: Json = False,
) -> None:
    """Fit the preprocessing and train the network; resumes an interrupted run of the same analysis."""
    from fivesigma.cluster import multiprocess
    from fivesigma.verbs import train

    multiprocess.join(coordinator, processes, process_id)
    terminal = Terminal(quiet or multiprocess.rank() > 0, as_json)
    overrides, files = parse_settings(settings or []), parse_data(data or [])
    result = train.train(analysis, overrides, files, output, terminal, new, workers, cluster, resume)
    if as_json and multiprocess.rank() > 0:
        return
    terminal.result(result, lambda: {"run": result.path, **trained(result)})


def trained(run: "Run") -> dict[str, Any]:
    """The numbers that `--json` prints about a training: weights, epochs, seconds, and the last epoch (of each fold)."""
    metadata, last = run.folder.read_json("metadata.json"), dict[Any, Any]()
    for row in run.history:
        last[row.get("fold")] = row
    known = {key: metadata.get(key) for key in ("weights", "epochs", "training_seconds")}
    return {**known, "last_epochs": list(last.values())}
