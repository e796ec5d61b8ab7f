"""What the command line and a notebook call: one function per verb."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis import Analysis
from fivesigma.analysis_file import load
from fivesigma.data.formats import expand
from fivesigma.data.load import plan_for, read_events, reader_for, without_missing
from fivesigma.data.plan import Plan, Variables
from fivesigma.data.write import writable_format, write_columns
from fivesigma.errors import AnalysisError, ColumnNotFound, OutputError, RunError
from fivesigma.evaluate.metric import is_metric
from fivesigma.evaluate.summary import as_json
from fivesigma.journey.steps import Journey, hypothesis_column, key_numbers
from fivesigma.progress import Listener
from fivesigma.run_folder import RunFolder
from fivesigma.scores import Scores
from fivesigma.train.network import Network, score_columns

AnalysisLike = str | Path | Analysis | Mapping[str, Any]
RUNS = Path("runs")
FIRST_EVENTS = 100
"""`check` looks at so many events of every file, to find lists and text where numbers are meant."""


@dataclass(frozen=True)
class Run:
    """A run: its folder and what is in it. In a notebook it displays its metrics as a table."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", RunFolder.open(self.path).path)

    @property
    def folder(self) -> RunFolder:
        """The folder, with its readers."""
        return RunFolder(self.path)

    @property
    def analysis(self) -> Analysis:
        """The resolved analysis."""
        return self.folder.analysis()

    @property
    def metrics(self) -> dict[str, Any]:
        """`metrics.json`: part → metric → `value` and `error`."""
        return dict(self.folder.read_json("metrics.json"))

    @property
    def history(self) -> list[dict[str, float]]:
        """One row per epoch."""
        import json

        text = (self.path / "history.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    @property
    def report(self) -> Path:
        """The report's path."""
        return self.path / "report.html"

    def network(self) -> Network:
        """The trained network with its recipe."""
        return Network.load(self.folder)

    def predictions(self, part: str = "test") -> dict[str, Any]:
        """Scores of the validation or test events, column by column."""
        from fivesigma.data.parquet import ParquetReader

        return ParquetReader(str(self.path / "predictions" / f"{part}.parquet")).read()

    def __str__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        from html import escape

        if not self.folder.has("metrics.json"):
            return f"<p>run <code>{escape(str(self.path))}</code>, not evaluated yet</p>"
        head = "".join(f"<th>{escape(part)}</th>" for part in ("", *self.metrics))
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in key_numbers(self.metrics)
        )
        return f"<p>run <code>{escape(str(self.path))}</code></p><table><tr>{head}</tr>{body}</table>"


def check(
    analysis: AnalysisLike,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    listener: Listener | None = None,
) -> list[Plan]:
    """Check an analysis and, if its files are there, every name in it and the first events.

    Raises:
        FivesigmaError: for the first thing that is wrong.
    """
    resolved = load(analysis, settings, data)
    plans = []
    for name, sample in resolved.samples.items():
        files = expand(sample.files)
        for file in files:
            reader = reader_for(resolved, file, sample)
            plan = plan_for(resolved, reader)
            allowed = plan.check_no_truth()
            check_names(plan)
            next(read_events(resolved, plan, reader, sample, size=FIRST_EVENTS), None)
            plans.append(plan)
            if listener and allowed:
                listener.say(f"warning: truth among the inputs, as `allow_truth` asks: {', '.join(allowed)}")
        if listener and files:
            listener.say(f"sample {name}: {len(plans[-1].features)} features, all names found in {', '.join(files)}")
    return plans


def check_names(plan: Plan) -> None:
    """Resolve every formula of the analysis against the columns of one table."""
    analysis = plan.analysis
    answer = analysis.labels or analysis.target
    texts = [*plan.features, *analysis.observers, *(p.variable or n for n, p in analysis.parameters.items())]
    optional = [analysis.selection, analysis.weights, answer.variable if answer else None, analysis.event_number]
    for text in [*texts, *(text for text in optional if text)]:
        plan.needs(text)


def explore(
    analysis: AnalysisLike,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    new: bool = False,
) -> Run:
    """Describe an analysis's events: columns, missing entries, classes, distributions; with figures."""
    journey = Journey.start(load(analysis, settings, data), Path(output), listener or Listener(), needs="explore", new=new)
    journey.explore()
    journey.report()
    journey.folder.finish()
    journey.say_data()
    return Run(journey.folder.path)


def train(
    analysis: AnalysisLike,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    new: bool = False,
) -> Run:
    """Fit recipe and network; goes on with an interrupted run of the same analysis."""
    journey = Journey.start(load(analysis, settings, data), Path(output), listener or Listener(), needs="train", new=new)
    journey.train()
    journey.folder.finish()
    return Run(journey.folder.path)


def evaluate(run: str | Path | Run, output: str | Path = RUNS, listener: Listener | None = None) -> Run:
    """Score the run's events with its network and write metrics with uncertainties."""
    journey = _journey_of(run, output, listener, "model.keras")
    network = Network.load(journey.folder)
    journey.evaluate(network)
    journey.folder.finish()
    journey.say_key_numbers()
    return Run(journey.folder.path)


def report(run: str | Path | Run, output: str | Path = RUNS, listener: Listener | None = None) -> Path:
    """Draw the run's figures and write its report; shows whatever the run has got to."""
    journey = _journey_of(run, output, listener, "explore.json")
    path = journey.report()
    journey.folder.finish()
    return path


def run(
    analysis: AnalysisLike,
    settings: Mapping[str, Any] | None = None,
    data: Mapping[str, Sequence[str] | str] | None = None,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    new: bool = False,
) -> Run:
    """Explore, train, evaluate and report, in one folder.

    Args:
        analysis: a path, the name of a built-in analysis, or a mapping.
        settings: overrides by dotted key.
        data: files by sample name.
        output: folder of all runs.
        listener: hears what happens.
        new: begin a new run even if one of the same analysis is unfinished.
    """
    journey = Journey.start(load(analysis, settings, data), Path(output), listener or Listener(), needs="run", new=new)
    folder = journey.folder
    if not folder.has("explore.json"):
        journey.say_classes(as_json(journey.explore()))
    network = Network.load(folder) if folder.has("model.keras") else journey.train()
    journey.evaluate(network)
    journey.report()
    folder.finish()
    journey.say_key_numbers()
    return Run(folder.path)


def predict(
    run: str | Path | Run,
    files: str | Sequence[str],
    destination: str | Path,
    *,
    at: Mapping[str, float] | None = None,
    output: str | Path = RUNS,
    listener: Listener | None = None,
) -> int:
    """Score every event of some files, in order, and write scores and observers.

    Args:
        run: a run folder, or an analysis's name for its latest run.
        files: one file or several, of any format that can be read.
        destination: the file to write; its ending gives the format. It must not exist.
        at: parameter values to score at, such as `{"mass": 1000}`.
        output: folder of all runs.
        listener: hears what happens.

    Returns:
        The number of events written.
    """
    listener = listener or Listener()
    folder = RunFolder.open(run.path if isinstance(run, Run) else run, Path(output), "model.keras")
    destination = Path(destination)
    if destination.exists():
        raise OutputError(f"{destination} exists already", hint="choose another name, or remove it first")
    writable_format(destination)
    network, analysis = Network.load(folder), folder.analysis()
    listed = expand([files] if isinstance(files, str) else list(files))
    hypotheses = [tuple(v) for v in folder.read_json("metadata.json").get("hypotheses", [])]
    chunks = _predicted(network, analysis, listed, dict(at or {}), hypotheses, listener)
    rows = write_columns(destination, chunks)
    listener.done(f"scored {rows:,} events: {destination}")
    return rows


def _predicted(
    network: Network,
    analysis: Analysis,
    files: Sequence[str],
    at: Mapping[str, float],
    hypotheses: Sequence[tuple[float, ...]],
    listener: Listener,
) -> Iterator[dict[str, Any]]:
    """Scored columns, chunk by chunk, of every event of every file."""
    for i, name in enumerate(analysis.parameters):
        known = [values[i] for values in hypotheses]
        if name in at and known and not min(known) <= at[name] <= max(known):
            listener.say(f"warning: {name}={at[name]:g} lies outside the training range {min(known):g} … {max(known):g}")
    unknown = [name for name in at if name not in analysis.parameters]
    if unknown:
        raise AnalysisError(f"the analysis has no parameter {unknown[0]!r}", hint=f"it has: {list(analysis.parameters)}")
    carried: list[str] | None = None
    for file in files:
        reader = reader_for(analysis, file)
        plan = plan_for(analysis, reader)
        observers = [name for name in analysis.observers if _available(plan, name)]
        if carried is None:
            carried = observers
            left_out = sorted(set(analysis.observers) - set(observers))
            if left_out:
                listener.say(f"not in {file}, so left out: {', '.join(left_out)}")
        elif carried != observers:
            raise RunError(f"{file} has other observers than {files[0]}: {observers}", hint="predict them one by one")
        total, done = reader.length(), 0
        for columns, length in _predict_file(network, plan, reader, observers, at, hypotheses):
            yield columns
            done += length
            listener.progress(done, total or done, f"scoring {file}: {done:,} events")


def _available(plan: Plan, text: str) -> bool:
    try:
        plan.needs(text)
    except ColumnNotFound:
        return False
    return True


def _predict_file(
    network: Network,
    plan: Plan,
    reader: Any,
    observers: Sequence[str],
    at: Mapping[str, float],
    hypotheses: Sequence[tuple[float, ...]],
) -> Iterator[tuple[dict[str, Any], int]]:
    analysis = plan.analysis
    given = {name: p.variable or name for name, p in analysis.parameters.items() if name not in at}
    has_parameters = all(_available(plan, text) for text in given.values())
    if not has_parameters and not hypotheses:
        plan.columns(list(given.values()))  # raises, naming the missing column and the nearest
    features = list(network.recipe.features)
    number = analysis.event_number if analysis.event_number and _available(plan, analysis.event_number) else None
    number = number or ("event_number" if "event_number" in plan.available else None)
    selection = analysis.selection if analysis.selection and _available(plan, analysis.selection) else None
    texts = [*features, *observers, *(given.values() if has_parameters else ())]
    texts += [text for text in (number, selection) if text]
    for chunk in reader.chunks(plan.columns(texts), integers={number} if number else ()):
        length = len(next(iter(chunk.values())))
        variables = Variables(without_missing(chunk, analysis.missing_values), plan.formulas)
        x = np.empty((length, len(features)), np.float32)
        for i, name in enumerate(features):
            x[:, i] = plan.evaluate(name, variables, length)
        x[~np.isfinite(x)] = np.nan
        columns: dict[str, Any] = {}
        if number:
            columns["event_number"] = plan.evaluate(number, variables, length)
        columns |= {column_name(name): plan.evaluate(name, variables, length) for name in observers}
        if selection:
            columns["selected"] = plan.evaluate(selection, variables, length).astype(bool)
        if has_parameters:
            values = [
                np.full(length, at[n]) if n in at else plan.evaluate(given[n], variables, length)
                for n in analysis.parameters
            ]
            rows = np.stack(values, axis=1).astype(np.float32) if values else np.zeros((length, 0), np.float32)
            columns |= {name: rows[:, i].copy() for i, name in enumerate(analysis.parameters)}
            columns |= score_columns(_as_scores(network.score(x, rows), analysis))
        else:
            for hypothesis in hypotheses:
                rows = np.broadcast_to(np.asarray(hypothesis, np.float32), (length, len(hypothesis)))
                columns[hypothesis_column(tuple(analysis.parameters), hypothesis)] = network.score(x, rows)
        yield columns, length


def _as_scores(score: Any, analysis: Analysis) -> Scores:
    nothing = np.zeros(len(score))
    return Scores(score=score, target=nothing, weight=nothing, classes=analysis.classes)


def column_name(text: str) -> str:
    """A formula as a column name that every format accepts.

    >>> column_name("Muon_pt[0]")
    'Muon_pt_0'
    """
    import re

    return re.sub(r"\W+", "_", text).strip("_")


def compare(first: str | Path | Run, second: str | Path | Run, output: str | Path = RUNS) -> dict[str, Any]:
    """Two runs side by side.

    Returns:
        `settings`: dotted key → the two values where they differ; `metrics`: rows of part, name,
        the two metrics, and the difference with its error. The errors are combined as if the
        samples were independent, which is too large where both were tested on the same events.
    """
    folders = [RunFolder.open(r.path if isinstance(r, Run) else r, Path(output), "metrics.json") for r in (first, second)]
    trees = [_flat(folder.analysis().model_dump(mode="json")) for folder in folders]
    keys = dict.fromkeys([*trees[0], *trees[1]])
    settings = {key: [tree.get(key) for tree in trees] for key in keys if trees[0].get(key) != trees[1].get(key)}
    metrics = [folder.read_json("metrics.json") for folder in folders]
    rows = []
    for part in metrics[0]:
        for name, one in metrics[0][part].items():
            other = metrics[1].get(part, {}).get(name)
            if is_metric(one) and is_metric(other) and None not in (*one.values(), *other.values()):
                difference = other["value"] - one["value"]
                error = (one["error"] ** 2 + other["error"] ** 2) ** 0.5
                rows.append({"part": part, "name": name, "first": one, "second": other,
                             "difference": {"value": difference, "error": error}})  # fmt: skip
    return {"runs": [str(folder) for folder in folders], "settings": settings, "metrics": rows}


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    return {k: v for key, inner in tree.items() for k, v in _flat(inner, f"{prefix}.{key}" if prefix else str(key)).items()}


def _journey_of(run: str | Path | Run, output: str | Path, listener: Listener | None, needs: str) -> Journey:
    folder = RunFolder.open(run.path if isinstance(run, Run) else run, Path(output), needs)
    if folder.busy:
        raise RunError(f"the run {folder} is being worked on ({folder.unfinished})", hint="wait until it is finished")
    return Journey(folder, folder.analysis(), listener or Listener())
