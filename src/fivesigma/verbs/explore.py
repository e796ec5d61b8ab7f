"""The verb `explore`: the events of an analysis; what is in files without one is `exploration.description`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fivesigma.analysis.file import load
from fivesigma.exploration import summary
from fivesigma.memory import give_back
from fivesigma.metrics.leakage import strong_features, suspicions
from fivesigma.metrics.summary import as_json
from fivesigma.names import number_of
from fivesigma.progress import Listener, size
from fivesigma.reporting.terminal import data_tables
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.run import Run
from fivesigma.runs.session import RunSession
from fivesigma.verbs.base import AnalysisLike, check_cluster
from fivesigma.verbs.report import write


def explore(
    analysis: AnalysisLike,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    new: bool = False,
    workers: int | None = None,
    cluster: str | None = None,
) -> Run:
    """Describe an analysis's events: columns, missing entries, classes, distributions; with figures.

    The arguments are those of `run`.
    """
    context = RunContext.of(output, listener, workers, cluster)
    resolved = load(analysis, settings, data)
    check_cluster(context, shares=resolved.simulates)
    session = RunSession.start(resolved, context, needs="explore", new=new)
    tree = as_json(describe_events(session))
    write(session)
    session.folder.finish()
    for table in data_tables(tree, session.analysis):
        session.listener.table(table.title, ["", *table.header[1:]], table.rows)
    return Run(session.folder.path)


def describe_events(session: RunSession) -> dict[str, Any]:
    """Describe the events of a run in `explore.json`."""
    folder, source, listener, analysis = session.folder, session.source, session.listener, session.analysis
    folder.begin("explore")
    listener.progress(0, 1, "exploring")
    result = summary.summarise(analysis, source.parts, source.kinds)
    result["suspicions"] = suspicions(source.parts, analysis.event_number is not None, analysis.expected)
    result["expected"] = strong_features(source.parts, analysis.expected)
    folder.write_json("explore.json", as_json(result))
    for sentence in result["suspicions"]:
        listener.say(f"warning: {sentence}")
    for sentence in result["expected"]:
        listener.say(f"strong, expected: {sentence}")
    for sentence in summary.doubts(source.parts, analysis.missing_values, analysis.prepare.log):
        listener.say(f"warning: {sentence}")
    sampled = {part: len(events) for part, events in source.parts.items()}
    if sampled != source.lengths():
        counts = ", ".join(f"{count:,} of {source.lengths()[part]:,} {part}" for part, count in sampled.items())
        listener.say(f"the data are described by a random sample of the prepared events: {counts} events")
    missing = sum(1 for row in result["columns"] if row["missing"] > 0)
    listener.done(
        f"explored {number_of(len(result['columns']), 'column')} ({missing} with missing entries), "
        f"{size(result['memory_bytes'])} of events"
    )
    give_back()
    return result
