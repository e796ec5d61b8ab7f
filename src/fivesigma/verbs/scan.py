"""The verb `scan`: AUC, significance and limit at each hypothesis, beside comparison networks."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.assessment.search import SearchAssessment
from fivesigma.cluster.base import Executor, tell
from fivesigma.cluster.executor import executor
from fivesigma.data.mapped import Handed, handed_over, read
from fivesigma.deployment.citations import bibtex
from fivesigma.errors import AnalysisError, FivesigmaError, RunError, did_you_mean
from fivesigma.events import Events, carries
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.parameter_checks import Carried, parameter_sentences
from fivesigma.metrics.roc import MeanAuc, auc, auc_difference
from fivesigma.metrics.summary import as_json, hypothesis_name, per_parameter
from fivesigma.preparation.hypotheses import ComparisonNetwork, Hypothesis
from fivesigma.preparation.parameters import drawn_from_signal
from fivesigma.progress import Listener
from fivesigma.reporting.page import write_report
from fivesigma.reporting.search import tables
from fivesigma.runs.context import RUNS, RunContext
from fivesigma.runs.folder import TRAINED, RunFolder
from fivesigma.runs.inputs import changed_inputs, inputs_of
from fivesigma.runs.moved import Places, keep, located, places_of
from fivesigma.runs.run import Run
from fivesigma.runs.source import Source, load_source
from fivesigma.scores import Scores
from fivesigma.training.fit import FitOptions
from fivesigma.training.fold_training import MODEL, fold_scores, score_judged
from fivesigma.training.folds import Folds, load_trained
from fivesigma.training.network import MOST_HYPOTHESES, Network, scores_by
from fivesigma.training.training import train
from fivesigma.verbs.base import check_cluster

OWN = "parameterised"
"""The run's own network."""


def scan(
    run: str | Path | Run,
    *,
    leave_out: Sequence[str | float | Mapping[str, float]] = (),
    extremes: bool = False,
    compare: bool = False,
    output: str | Path = RUNS,
    listener: Listener | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    moved: Places | None = None,
) -> Run:
    """AUC, significance and expected limit at every hypothesis, beside networks trained to compare.

    Without `leave_out`, `extremes` or `compare`, nothing is trained. Trained networks are kept in `scan/` of the
    run's folder: a scan that was stopped continues, and a later one shows them again. Each of them learns from the run's
    own training events (or a part of them), with the run's settings and seed, and is judged on the run's own test events.

    Args:
        run: a run folder, or an analysis's name for its latest run.
        leave_out: hypotheses to leave out: for each, one network is trained without it and tested on it, beside one that
            is dedicated to it: 1000, or "mass=1000" if there are several parameters.
        extremes: train on the signal of the smallest and the largest value only; needs a single parameter.
        compare: train one dedicated network per hypothesis, and one for all hypotheses without the parameters.
        output: folder of all runs.
        listener: receives messages and progress.
        workers: number of networks that train at the same time; by default one per core. The result does not depend on it.
        cluster: address of a Dask scheduler whose workers train; they need access to the run's folder.
        moved: folders or files from which the events were read → where they are now; the run keeps it.

    Returns:
        The run; its `scan` holds the numbers, its report a section with them.

    Raises:
        RunError: if the run has no network with parameters, or another process is working on it.
        AnalysisError: for a hypothesis that the run does not have.
    """
    context = RunContext.of(output, listener, workers, cluster)
    listener = context.listener
    folder = RunFolder.open(run.path if isinstance(run, Run) else run, context.output, TRAINED)
    place = RunFolder(folder / "scan")
    place.path.mkdir(exist_ok=True)
    for busy in (folder, place):
        if busy.busy:
            raise RunError(
                f"another process is working on the run {folder} ({busy.unfinished})", hint="wait until it is finished"
            )
    places = places_of(folder, moved)
    analysis, network = located(folder, places), load_trained(folder)
    known = _hypotheses(folder, analysis)
    wanted = _studies(analysis, known, leave_out, extremes, compare)
    check_cluster(context, shares=bool(wanted))
    place.begin("scan")
    source = load_source(analysis, listener, context.workers, place.path)
    keep(folder, places)
    _check_inputs(source, wanted)
    if changed := changed_inputs(folder, inputs_of(source), places):
        if wanted:
            raise RunError(
                f"{changed}, so networks to compare would learn from other events",
                hint="put the files back as they were, or begin a new run with --new",
            )
        listener.say(f"warning: {changed}; all numbers are of the files as they are now")
    if source.shards is not None:
        counts = ", ".join(f"{len(events):,} {part}" for part, events in source.parts.items())
        listener.say(f"a random sample of the prepared events is used: {counts} events")
    _train(place, wanted, known, analysis, source, context)
    kinds = ("dedicated", "no parameter", "left out", "extremes")
    studies = {study.name: study for study in sorted(_trained(place), key=lambda study: kinds.index(study.kind))}
    with executor(workers, tasks=len(known)) as pool:
        tree = as_json(_Judge(place, analysis, source, known, listener, pool).all(network, list(studies.values())))
    place.write_json("scan.json", tree)
    say(tree, analysis, listener)
    write_report(folder, listener.progress, citation=bibtex(folder))
    place.finish()
    listener.done("report written")
    return Run(folder.path)


def _hypotheses(folder: RunFolder, analysis: Analysis) -> list[Hypothesis]:
    """The values of the parameters of the run's signal."""
    if not analysis.parameters or analysis.task != "binary":
        raise RunError(
            f"the run {folder} has no parameters to scan", hint="name them in `parameters`; `fivesigma evaluate` needs none"
        )
    found = folder.hypotheses()
    if not found:
        raise RunError(f"the signal of the run {folder} has more than {MOST_HYPOTHESES} different values of its parameters")
    return found


def _studies(
    analysis: Analysis, known: Sequence[Hypothesis], leave_out: Sequence[Any], extremes: bool, compare: bool
) -> list[ComparisonNetwork]:
    """The comparison networks that the options ask for."""
    names = tuple(analysis.parameters)
    left_out = [_hypothesis(one, names, known) for one in leave_out]
    dedicated = list(known) if compare else left_out
    found = [ComparisonNetwork(f"dedicated-{hypothesis_name(names, one)}", "dedicated", (one,)) for one in dedicated]
    if compare:
        found.append(ComparisonNetwork("no-parameter", "no parameter", tuple(known)))
    for one in left_out:
        rest = tuple(values for values in known if values != one)
        if len(rest) == 0:
            raise AnalysisError("there is only one hypothesis, so none can be left out")
        found.append(ComparisonNetwork(f"without-{hypothesis_name(names, one)}", "left out", rest))
    if extremes:
        if len(names) > 1:
            raise AnalysisError(f"--extremes needs one parameter; the run has {', '.join(names)}", hint="use --leave-out")
        if len(known) < 3:
            raise AnalysisError("--extremes needs at least three hypotheses: between two there is no other to test on")
        found.append(ComparisonNetwork("extremes", "extremes", (min(known), max(known))))
    return list({study.name: study for study in found}.values())


def _hypothesis(text: Any, names: tuple[str, ...], known: Sequence[Hypothesis]) -> Hypothesis:
    """Find the hypothesis that is named by `1000`, `mass=1000`, `mass=1000,width=2` or a mapping."""
    shown_as = {hypothesis_name(names, values): values for values in known}
    pairs = [f"{key}={value!r}" for key, value in text.items()] if isinstance(text, Mapping) else str(text).split(",")
    try:
        given = {key.strip() or names[0]: float(value) for key, _, value in (pair.rpartition("=") for pair in pairs)}
        values = tuple(float(np.float32(given.pop(name))) for name in names)
    except (ValueError, KeyError):
        example = next(iter(shown_as))
        raise AnalysisError(f"cannot read the hypothesis {text!r}", hint=f"write, for example, {example}") from None
    if given or values not in known:
        name = ",".join(pairs) if "=" in pairs[0] else hypothesis_name(names, values)
        raise AnalysisError(f"the run has no hypothesis {name!r}; {did_you_mean(name, shown_as)}", hint=", ".join(shown_as))
    return values


def _check_inputs(source: Source, wanted: Sequence[ComparisonNetwork]) -> None:
    if wanted and source.division is not None:
        raise AnalysisError(
            "comparison networks cannot be trained for a run with split.folds",
            hint="`fivesigma scan` without options shows its own network; compare in a run without folds",
        )


def _trained(place: RunFolder) -> Iterator[ComparisonNetwork]:
    """Comparison networks that earlier scans have trained."""
    for path in sorted(place.path.glob(f"*/{MODEL}")):
        if (path.parent / "study.json").is_file():
            row = RunFolder(path.parent).read_json("study.json")
            yield ComparisonNetwork(row["name"], row["kind"], tuple(tuple(values) for values in row["hypotheses"]))


def _of(place: RunFolder, study: ComparisonNetwork) -> RunFolder:
    return RunFolder(place / study.name)


def _train(
    place: RunFolder,
    studies: Sequence[ComparisonNetwork],
    known: Sequence[Hypothesis],
    analysis: Analysis,
    source: Source,
    context: RunContext,
) -> None:
    """Train the networks that are not trained yet, in parallel, each on one core."""
    listener = context.listener
    missing = {study.name: study for study in studies if not _of(place, study).has(MODEL)}
    if not missing:
        return
    parts: dict[str, Events] = {part: source.parts[part] for part in ("train", "val") if part in source.parts}
    epochs = dict.fromkeys(missing, 0)
    total = analysis.train.epochs * len(missing)

    def on_message(name: str, epoch: int) -> None:
        place.alive()
        epochs[name] = epoch
        listener.progress(sum(epochs.values()), total, f"training {len(missing)} networks to compare")

    listener.progress(0, total, f"training {len(missing)} networks to compare")
    with (
        context.workers.executor(tasks=len(missing), single_core=True) as pool,
        handed_over(parts, (place / "events").absolute(), pool.shares_memory) as events,
    ):
        for name, study in missing.items():
            pool.submit(name, train_one, study, analysis, list(known), events, _of(place, study).path.absolute())
        for name, row in pool.results(on_message):
            epochs[name] = analysis.train.epochs
            listener.say(f"trained {name}: {row['events']:,} events, {row['epochs']} epochs in {row['seconds']:.0f} s")


def train_one(
    study: ComparisonNetwork, analysis: Analysis, known: Sequence[Hypothesis], events: Handed, place: Path
) -> dict[str, Any]:
    """In a worker: train one comparison network, continuing from its checkpoint, and report each epoch.

    Args:
        study: the comparison network.
        analysis: of the run.
        known: all hypotheses.
        events: the run's training and validation events, or the folder that they were written to.
        place: folder of the network.
    """
    folder = RunFolder(place)

    def on_epoch(row: dict[str, float], epochs: int) -> None:
        tell(int(row["epoch"]))

    try:
        parts = study.parts(read(events), known, analysis)
        options = FitOptions(folder.checkpoint, resume=True, on_epoch=on_epoch)
        network, history = train(study.analysis(analysis), parts, options=options)
    except FivesigmaError as error:
        raise type(error)(f"{study.name}: {error.what}", hint=error.hint) from None
    row = {
        **asdict(study),
        "events": len(parts["train"]),
        "epochs": len(history),
        "seconds": sum(epoch["seconds"] for epoch in history),
    }
    folder.write_json("study.json", row)
    folder.write_history(history)
    network.save(folder)  # last: it marks the network as trained
    return row


class _Judge:
    """Judges every network on the same events.

    Args:
        place: folder of the scan.
        analysis: analysis of the run.
        source: events of the run.
        known: all hypotheses.
        listener: receives messages and progress.
        pool: computes limits in parallel.
    """

    def __init__(
        self,
        place: RunFolder,
        analysis: Analysis,
        source: Source,
        known: Sequence[Hypothesis],
        listener: Listener,
        pool: Executor,
    ) -> None:
        self._place, self._analysis, self._source, self._known = place, analysis, source, known
        self._listener, self._pool = listener, pool
        self._own_scores: Scores | None = None
        self._names = [hypothesis_name(tuple(analysis.parameters), values) for values in known]

    def all(self, network: Network | Folds, studies: Sequence[ComparisonNetwork]) -> dict[str, Any]:
        """What `scan.json` holds."""
        means: defaultdict[str, MeanAuc] = defaultdict(MeanAuc)
        rows: dict[str, Any] = {OWN: {**self._own(network, means[OWN]), "trained_on": self._names, "kind": "parameterised"}}
        dedicated: dict[str, Any] = {}
        for i, study in enumerate(studies):
            self._listener.progress(i, len(studies), f"judging {study.name}")
            row = self._study(study, means["dedicated" if study.kind == "dedicated" else study.name])
            if study.kind == "dedicated":
                dedicated |= row["at"]
            else:
                rows[study.name] = row
        if dedicated:
            ordered = {name: dedicated[name] for name in self._names if name in dedicated}
            first = {"kind": "dedicated", "trained_on": list(ordered), "at": ordered}
            rows = {OWN: rows.pop(OWN), "dedicated": first, **rows}
        for name, row in rows.items():
            if len(row["at"]) == len(self._names):
                row["mean_auc"] = means[name].result()
        return {
            "parameters": {name: p.unit for name, p in self._analysis.parameters.items()},
            "hypotheses": {name: list(values) for name, values in zip(self._names, self._known, strict=True)},
            "networks": rows,
        }

    def _own(self, network: Network | Folds, mean: MeanAuc) -> dict[str, Any]:
        """The run's own network, as it was evaluated, with a check of the background's parameters."""
        scoring: dict[str, Any] = {}
        if isinstance(network, Folds):
            assert self._source.division is not None  # a run with folds divides its events into folds
            scoring = dict(fold_scores(network, self._source.division, self._source.parts.get("test"), self._known))
        else:
            scoring = {part: partial(network.scores, events, self._known) for part, events in self._source.parts.items()}
        scored = {part: one() for part, one in scoring.items()}
        carried = {part: Carried(scores) for part, scores in scored.items()}
        for sentence in parameter_sentences(carried, drawn_from_signal(self._analysis.parameters)):
            self._listener.say(f"warning: {sentence}")

        def varied(events: Events) -> Scores:
            return score_judged(network, events, self._source.parts, self._analysis.split, self._known)

        row = self._judged(scored, self._place, varied, mean)
        self._own_scores = scored[row["part"]]
        return row

    def _study(self, study: ComparisonNetwork, mean: MeanAuc) -> dict[str, Any]:
        folder = _of(self._place, study)
        network = Network.load(folder)
        tested = self._known if study.kind != "dedicated" else study.hypotheses
        scoring = partial(_scores, network, tested)
        scored = {part: scoring(events) for part, events in self._source.parts.items() if part != "train"}
        row = self._judged(scored, folder, scoring, mean)
        for values, name in zip(self._known, self._names, strict=True):
            if name in row["at"] and self._own_scores is not None:
                row["at"][name]["auc_difference"] = _difference(scored[row["part"]], self._own_scores, values)
        history = folder.history()
        names = [hypothesis_name(tuple(self._analysis.parameters), values) for values in study.hypotheses]
        more = {"kind": study.kind, "trained_on": names, "events": folder.read_json("study.json")["events"]}
        return {**row, **more, "epochs": len(history)}

    def _judged(self, scored: Mapping[str, Scores], folder: RunFolder, scoring: Any, mean: MeanAuc) -> dict[str, Any]:
        """AUC, significance and limit at each hypothesis, in the part that the run is judged on; adds each AUC to `mean`."""
        searching = SearchAssessment(folder, self._analysis, self._source, scoring, self._listener, self._pool)
        last = searching.judged_on
        found: Mapping[str, Any] = {}
        for part in dict.fromkeys((searching.chosen_on, last)):
            found = searching.add(part, scored[part]).metrics
        for sentence in searching.sentences():
            self._listener.say(f"warning: {folder.path.name}: {sentence}")
        scores = scored[last]
        for values, score in scores.at_hypothesis.items():
            tested = (scores.target == 0) | carries(scores.parameters, values)
            mean.add(score[tested], scores.target[tested], scores.weight[tested])
        at = {
            name: {"auc": row["auc"], "search": found.get("search", {}).get("at", {}).get(name)}
            for name, row in per_parameter(scores, self._analysis.evaluate.threshold).items()
        }
        return {"part": last, "auc": auc(scores.score, scores.target, scores.weight), "at": at}


def _difference(scores: Scores, own: Scores, values: Hypothesis) -> Metric:
    """Difference of the AUC from that of the run's own network, on the same events."""
    member = (scores.target == 0) | carries(scores.parameters, values)
    pair = [one.at_hypothesis[values][member] for one in (scores, own)]
    return auc_difference(pair[0], pair[1], scores.target[member], scores.weight[member])


def _scores(network: Network, tested: Sequence[Hypothesis], events: Events) -> Scores:
    """Scores at some hypotheses; those of a network without parameters are the same at each of them."""
    if network.recipe.parameters:
        return scores_by(network, events, tested)
    score = network.score(events.features)
    return Scores(
        score=score,
        target=events.target,
        weight=events.weight,
        classes=events.classes,
        parameters=events.parameters,
        parameter_names=events.parameter_names,
        at_hypothesis=dict.fromkeys(tested, score),
        event_number=events.event_number,
    )


def say(tree: Mapping[str, Any], analysis: Analysis, listener: Listener) -> None:
    """Show the scan as tables: a row for each hypothesis, a column for each network."""
    for title, header, rows in tables(tree):
        listener.table(title, header, rows)
    if analysis.evaluate.search is None:
        listener.say("for significance and limits set evaluate.search (luminosity or yields) in the analysis")
