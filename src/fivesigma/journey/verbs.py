"""What the command line and a notebook call: one function per verb."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from fivesigma.analysis import Analysis
from fivesigma.analysis_file import load
from fivesigma.cluster import together
from fivesigma.data.formats import expand
from fivesigma.data.load import plan_for, read_events, reader_for
from fivesigma.data.plan import Plan
from fivesigma.errors import RunError
from fivesigma.evaluate.leakage import suspicions
from fivesigma.evaluate.metric import is_metric
from fivesigma.evaluate.summary import as_json
from fivesigma.events import Events, concatenate
from fivesigma.journey.baselines import check as check_baselines
from fivesigma.journey.steps import Journey, key_numbers
from fivesigma.progress import Listener
from fivesigma.run_folder import TRAINED, RunFolder
from fivesigma.train.folds import Folds, load_trained
from fivesigma.train.network import Network

AnalysisLike = str | Path | Analysis | Mapping[str, Any]
RUNS = Path("runs")
FIRST_EVENTS = 20_000
"""`check` looks at so many events of every file: for lists and text where numbers are meant, and for leakage."""


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
    def scan(self) -> dict[str, Any]:
        """`scan/scan.json`, what `fivesigma scan` found: network → hypothesis → AUC, significance and limit."""
        return dict(self.folder.read_json("scan/scan.json"))

    @property
    def history(self) -> list[dict[str, float]]:
        """One row per epoch; with folds, those of all of them, each row with its `fold`."""
        if not self.folder.has("folds.json"):
            return self.folder.history()
        numbers = [row["fold"] for row in self.folder.read_json("folds.json")["folds"]]
        return [{"fold": number, **row} for number in numbers for row in self.folder.fold(number).history()]

    @property
    def report(self) -> Path:
        """The report's path."""
        return self.path / "report.html"

    def network(self) -> Network | Folds:
        """The trained network with its recipe, or those of all folds."""
        return load_trained(self.folder)

    def predictions(self, part: str = "test") -> dict[str, Any]:
        """Scores of the `val` or `test` events, or of all events out of `folds`, column by column."""
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
    check_baselines(resolved)
    plans = []
    seen: dict[str, list[Events]] = {}
    for name, sample in resolved.samples.items():
        files = expand(sample.files)
        for file in files:
            reader = reader_for(resolved, file, sample)
            plan = plan_for(resolved, reader)
            allowed = plan.check_no_truth()
            check_names(plan)
            for first, _ in islice(read_events(resolved, plan, reader, sample, size=FIRST_EVENTS), 1):
                seen.setdefault("test" if resolved.use_of(name) == "test" else "train", []).append(first)
            plans.append(plan)
            if listener and allowed:
                listener.say(f"warning: truth among the inputs, as `allow_truth` asks: {', '.join(allowed)}")
        if listener and files:
            listener.say(f"sample {name}: {len(plans[-1].features)} features, all names found in {', '.join(files)}")
    if listener and "train" in seen:
        parts = {part: concatenate(found) for part, found in seen.items()}
        for sentence in suspicions(parts, numbered=resolved.event_number is not None):
            listener.say(f"warning: {sentence}")
    return plans


def check_names(plan: Plan) -> None:
    """Resolve every formula of the analysis against the columns of one table."""
    analysis = plan.analysis
    answer = analysis.labels or analysis.target
    texts = [*plan.features, *analysis.observers, *(p.variable or n for n, p in analysis.parameters.items())]
    texts += [p.background_variable for p in analysis.parameters.values() if p.background_variable]
    sides = [side for systematic in analysis.systematics.values() for side in (systematic.up, systematic.down) if side]
    texts += [side.weights for side in sides if side.weights]
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
    workers: int | None = None,
    cluster: str | None = None,
) -> Run:
    """Describe an analysis's events: columns, missing entries, classes, distributions; with figures."""
    journey = Journey.start(
        load(analysis, settings, data), Path(output), listener or Listener(),
        needs="explore", new=new, workers=workers, cluster=cluster,
    )  # fmt: skip
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
    workers: int | None = None,
    cluster: str | None = None,
    resume: bool = False,
) -> Run:
    """Fit recipe and network; goes on with an interrupted run of the same analysis."""
    journey = Journey.start(
        load(analysis, settings, data), Path(output), listener or Listener(),
        needs="train", new=new, resume=resume, workers=workers, cluster=cluster,
    )  # fmt: skip
    if together.rank():
        journey.help()
        return Run(journey.folder.path)
    journey.trained()
    journey.train_baselines()
    journey.folder.finish()
    return Run(journey.folder.path)


def evaluate(run: str | Path | Run, output: str | Path = RUNS, listener: Listener | None = None) -> Run:
    """Score the run's events with its network and write metrics with uncertainties; baselines that lack are trained."""
    journey = _journey_of(run, output, listener, TRAINED)
    network = load_trained(journey.folder)
    journey.train_baselines()
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
    workers: int | None = None,
    cluster: str | None = None,
    resume: bool = False,
) -> Run:
    """Explore, train, evaluate and report, in one folder.

    Args:
        analysis: a path, the name of a built-in analysis, or a mapping.
        settings: overrides by dotted key.
        data: files by sample name.
        output: folder of all runs.
        listener: hears what happens.
        new: begin a new run even if one of the same analysis is unfinished.
        resume: insist on an unfinished run of the same analysis to go on with.
        workers: processes that train folds, and simulate events if there is no file of them; by default one per core.
        cluster: address of a Dask scheduler whose workers do that instead; for folds they must see `output`.
    """
    journey = Journey.start(
        load(analysis, settings, data), Path(output), listener or Listener(),
        needs="run", new=new, resume=resume, workers=workers, cluster=cluster,
    )  # fmt: skip
    if together.rank():
        journey.help()
        return Run(journey.folder.path)
    folder = journey.folder
    if not folder.has("explore.json"):
        journey.say_classes(as_json(journey.explore()))
    network = journey.trained()
    journey.train_baselines()
    journey.evaluate(network)
    journey.report()
    folder.finish()
    journey.say_key_numbers()
    return Run(folder.path)


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


def _journey_of(run: str | Path | Run, output: str | Path, listener: Listener | None, needs: str | Sequence[str]) -> Journey:
    folder = RunFolder.open(run.path if isinstance(run, Run) else run, Path(output), needs)
    if folder.busy:
        raise RunError(f"the run {folder} is being worked on ({folder.unfinished})", hint="wait until it is finished")
    return Journey(folder, folder.analysis(), listener or Listener())
