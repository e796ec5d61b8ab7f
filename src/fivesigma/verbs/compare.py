"""The verb `compare`: runs side by side."""

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.atomic import write_text
from fivesigma.data.readers.parquet import ParquetReader
from fivesigma.errors import FivesigmaError, RunError
from fivesigma.metrics.difference import differences
from fivesigma.metrics.metric import is_metric
from fivesigma.metrics.result import judged_part, parts_of
from fivesigma.metrics.spec import MetricOptions
from fivesigma.progress import Listener
from fivesigma.runs import manifest
from fivesigma.runs.context import RUNS
from fivesigma.runs.folder import RunFolder
from fivesigma.runs.run import Run
from fivesigma.scores import Scores, reordered
from fivesigma.templates import check_page
from fivesigma.training.front import FRONT
from fivesigma.training.network import score_columns


def compare(
    first: str | Path | Run,
    second: str | Path | Run,
    *others: str | Path | Run,
    output: str | Path = RUNS,
    html: str | Path | None = None,
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Compare two runs or more with the first of them.

    Args:
        first, second, others: folders of runs, or names of analyses for their latest evaluated runs.
        output: folder of all runs.
        html: a file for a page of the comparison, with curves overlaid. An earlier page is replaced, any other file is not.
        listener: receives progress.

    Raises:
        RunError: if a run has not been evaluated, or its files are damaged.
        OutputError: if the page does not end in .html, or would replace another file.

    Returns:
        `runs`: folders; `settings`: dotted key → the values where they differ; `judged`: the part that counts, or
        `test / folds` if runs were judged on different parts; `metrics`: rows of part, name, the `values` of all runs,
        and `differences` of the others to the first, each with `value`, `error`, `significance` in standard deviations, and
        `same_events`: whether both runs kept predictions of the same events, so that fluctuations common to both cancel in
        the error. Otherwise errors are combined as if the samples were independent. `first`, `second` and `difference` are
        those of the first two runs. `not_compared`: parts that some runs do not have, such as `val`. `incomparable`: a
        sentence on each run that predicts something else than the first, whose metrics have no differences. `page`: the
        page, if wanted.
    """
    listener = listener or Listener()
    if html is not None:
        check_page(html)
    places = [run.path if isinstance(run, Run) else run for run in (first, second, *others)]
    folders = [RunFolder.open(place, Path(output), "metrics.json") for place in places]
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(manifest.blaming_altered_files(folder.path))
            for problem in manifest.problems(folder.path, ("metrics.json", "curves.json", "predictions/*")):
                listener.say(f"warning: {folder}: {problem}; `fivesigma verify RUN` tells more")
        compared = _compared(folders, listener)
        if html is not None:
            from fivesigma.reporting import overlay

            listener.progress(1, 2, "drawing")
            write_text(Path(html), overlay.page(folders, compared, str(html)))
            compared["page"] = str(html)
    return compared


def _compared(folders: Sequence[RunFolder], listener: Listener) -> dict[str, Any]:
    trees = [_flat(folder.analysis().model_dump(mode="json")) for folder in folders]
    keys = dict.fromkeys(key for tree in trees for key in tree)
    values = {key: [tree.get(key) for tree in trees] for key in keys}
    settings = {key: each for key, each in values.items() if any(value != each[0] for value in each)}
    metrics = [_with_searches(parts_of(folder.read_json("metrics.json"))) for folder in folders]
    results = [judged_part(tree) for tree in metrics]
    judged = _with_results(metrics, results)
    shared = [part for part in metrics[0] if part != judged or part in results]
    pairs = {part: [_paired(folders[0], other, part, listener) for other in folders[1:]] for part in shared}
    # Runs that were judged on the part of the first may have been so on the same events.
    pairs.setdefault(judged, [pairs[results[0]][i] if part == results[0] else {} for i, part in enumerate(results[1:])])
    answers = [_answer(folder.analysis()) for folder in folders]
    # Runs that were judged on the same events and true values predict the same, however their analyses write it.
    strange = [i for i, other in enumerate(answers[1:]) if other != answers[0] and not any(own[i] for own in pairs.values())]
    scales = [_scale(folder.analysis()) for folder in folders]
    scaled = [next((key for key, size in other.items() if size != scales[0][key]), None) for other in scales[1:]]
    rows = []
    for part in metrics[0]:
        for name, one in metrics[0][part].items():
            every = [tree.get(part, {}).get(name) for tree in metrics]
            if not is_metric(one) or not any(is_metric(other) for other in every[1:]):
                continue
            gaps = [
                None
                if i in strange or (scaled[i] and name.startswith(_SEARCH))
                else _difference(one, other, pairs[part][i].get(name))
                for i, other in enumerate(every[1:])
            ]
            if all(gap is None for gap in gaps) and not (strange or (any(scaled) and name.startswith(_SEARCH))):
                continue
            rows.append(_row(part, name, every, gaps))
    if any(costs := [_cost(folder) for folder in folders]):
        rows.append(_row("network", "ebops", costs, [None] * len(folders[1:])))
    compared = {judged, *results}  # the results stand side by side, whatever their parts are called
    alone = [
        part for tree in metrics for part in tree if part not in compared and any(part not in other for other in metrics)
    ]
    return {
        "runs": [str(folder) for folder in folders],
        "settings": settings,
        "judged": judged,
        "metrics": rows,
        "not_compared": list(dict.fromkeys(alone)),
        "incomparable": [
            f"{folders[i + 1]} predicts {', '.join(answers[i + 1])} and {folders[0]} predicts "
            f"{', '.join(answers[0])}: differences of their metrics have no meaning and are left out"
            for i in strange
        ]
        + [
            f"{folders[i + 1]} expects other numbers of events than {folders[0]} ({key}): differences of the results of "
            "their searches are left out"
            for i, key in enumerate(scaled)
            if key is not None and any(row["name"].startswith(_SEARCH) for row in rows)
        ],
    }


_SEARCH = "search: "
"""How the names of the results of a search begin."""

_OF_SEARCH = {
    "best_cut": "significance of the best cut",
    "binned": "significance of the binned score",
    "discovery": "discovery significance of the fit",
}


def _with_searches(parts: dict[str, Any]) -> dict[str, Any]:
    """The same parts, each with the results of its search among the metrics."""
    found = {}
    for part, tree in parts.items():
        search = tree.get("search") if isinstance(tree, Mapping) else None
        found[part] = {**tree, **_of_search(search)} if isinstance(search, Mapping) else tree
    return found


def _of_search(search: Mapping[str, Any]) -> dict[str, Any]:
    """Name → significance or expected limit, as metrics; at each hypothesis if there are several."""
    found: dict[str, Any] = {}
    rows = search.get("at")
    for at, tree in rows.items() if isinstance(rows, Mapping) else ():
        if not isinstance(tree, Mapping):
            continue
        where = "" if at == "all" else f" at {at}"
        found |= {f"{_SEARCH}{title}{where}": tree[key] for key, title in _OF_SEARCH.items() if is_metric(tree.get(key))}
        limits = [tree.get(key) for key in ("limit", "limit_error")]
        value, error = (each.get("0") if isinstance(each, Mapping) else None for each in limits)
        if value is not None and error is not None:
            found[f"{_SEARCH}expected limit{where}"] = {"value": value, "error": error}
    return found


def _with_results(metrics: Sequence[dict[str, Any]], results: Sequence[str]) -> str:
    """The name of the part that counts, given that of each run.

    If runs are judged on different parts, such as `test` and `folds`, the metrics of these parts are added under a common
    name, `test / folds`, so that the results stand side by side.
    """
    name = " / ".join(dict.fromkeys(results))
    if len(set(results)) > 1:
        for tree, part in zip(metrics, results, strict=True):
            tree[name] = tree[part]
    return name


def _answer(analysis: Analysis) -> tuple[str, ...]:
    """What the network of an analysis predicts: its classes, or its target."""
    return analysis.classes or ((analysis.target.variable,) if analysis.target else ())


def _scale(analysis: Analysis) -> dict[str, Any]:
    """What the numbers of expected events are multiples of, by key: where it differs, a limit is one on another signal."""
    search = analysis.evaluate.search
    return {
        "evaluate.search.lumi": search and search.lumi,
        "evaluate.search.yields": search and search.yields,
        "xsec of the samples": {name: sample.xsec for name, sample in analysis.samples.items() if sample.xsec is not None},
    }


def _cost(folder: RunFolder) -> dict[str, float] | None:
    """The effective bit operations of a quantised network, which have no error."""
    front = folder.read_json(FRONT) if folder.has(FRONT) else {"points": []}
    return next(
        ({"value": point["ebops"], "error": 0.0} for point in front["points"] if point["step"] == front["chosen"]), None
    )


def _row(part: str, name: str, values: Sequence[Any], gaps: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    known = [value if is_metric(value) else None for value in values]
    simple = None if gaps[0] is None else {key: gaps[0][key] for key in ("value", "error")}
    row = {"part": part, "name": name, "first": known[0], "second": known[1], "difference": simple}
    return {**row, "values": known, "differences": list(gaps)}


def _difference(one: Mapping[str, Any], other: Any, paired: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Other − one, with the paired error if there is one."""
    if not is_metric(other) or None in (*one.values(), *other.values()):
        return None
    error = math.hypot(one["error"], other["error"])
    same = paired is not None and paired["error"] is not None
    if paired is not None and same:
        error = paired["error"]
    value = other["value"] - one["value"]
    significance = value / error if error > 0 else None
    return {"value": value, "error": error, "significance": significance, "same_events": same}


def _paired(first: RunFolder, other: RunFolder, part: str, listener: Listener) -> dict[str, dict[str, float | None]]:
    """Metric → difference on the same events; empty if the runs did not keep predictions of the same events."""
    if not all(folder.has(f"predictions/{part}.parquet") for folder in (first, other)):
        return {}
    listener.progress(0, 1, f"comparing {part} events one by one")
    try:
        one, two = (_scores(folder, part) for folder in (first, other))
    except (FivesigmaError, KeyError, ValueError):
        return {}  # what cannot be read is no reason to keep the metrics back
    if not np.array_equal(one.event_number, two.event_number) or not np.array_equal(one.weight, two.weight):
        return {}
    if not _same_events(one, two, _inputs(first, part), _inputs(other, part)):
        return {}
    if len(one.classes) == len(two.classes):
        two = replace(two, classes=one.classes)  # other names of the same classes; the true ones of all events are compared
    settings = first.analysis().evaluate
    found = differences(one, two, MetricOptions(settings.threshold, settings.bootstrap), complete=True)
    return {name: metric.to_dict() for name, metric in found.items()}


def _same_events(one: Scores, two: Scores, inputs: set[str], others: set[str]) -> bool:
    """Whether events of the same numbers and weights are the same, and not those of two files that both count from 0.

    Observers tell them apart, and parameters of the signal, which are not drawn; where there are none, the input files.

    Args:
        one, two: in the order of the event numbers.
        inputs, others: SHA-256 of the files of both runs, as far as they are known.
    """
    if not np.array_equal(one.target, two.target):
        return False
    columns = [(one.observers[name], two.observers[name]) for name in {*one.observers} & {*two.observers}]
    for name in {*one.parameter_names} & {*two.parameter_names}:
        signal = one.target == 1
        own, its = (each.parameters[signal, each.parameter_names.index(name)] for each in (one, two))
        columns.append((own, its))
    if columns:
        return all(np.array_equal(own, its, equal_nan=own.dtype.kind == "f" == its.dtype.kind) for own, its in columns)
    return not inputs or not others or inputs == others


def _inputs(folder: RunFolder, part: str) -> set[str]:
    """SHA-256 of the files that hold the events of a part, or all files if none is of that part alone."""
    analysis, rows = folder.analysis(), folder.read_json("metadata.json").get("inputs", [])
    every = [(row.get("sample"), row["sha256"]) for row in rows if row.get("sha256")]
    own = {digest for name, digest in every if name in analysis.samples and analysis.use_of(name) == part}
    return own or {digest for _, digest in every}


def _scores(folder: RunFolder, part: str) -> Scores:
    """The scores that a run kept of a part, in the order of the event numbers, and of what else tells events apart."""
    columns = ParquetReader(str(folder / "predictions" / f"{part}.parquet")).read()
    analysis = folder.analysis()
    classes, names = analysis.classes, tuple(name for name in analysis.parameters if name in columns)
    like = Scores(np.zeros((0, max(len(classes), 1)), np.float32), np.zeros(0), np.zeros(0), classes)
    wanted = [name for name in score_columns(like) if name != "predicted_class"]
    score = [np.asarray(columns[name], np.float32) for name in wanted]
    if not np.isfinite(np.stack(score)).all():
        raise RunError("there are scores that are not finite")
    scores = Scores(
        score=score[0] if len(score) == 1 else np.stack(score, axis=1),
        target=np.asarray(columns["target"]),
        weight=np.asarray(columns["weight"], np.float64),
        classes=classes,
        parameters=np.array([columns[name] for name in names], np.float32).T.reshape(len(score[0]), len(names)),
        parameter_names=names,
        observers={name: columns[name] for name in analysis.observers if name in columns},
        event_number=np.asarray(columns["event_number"], np.uint64),
    )
    return reordered(scores, np.lexsort((scores.weight, scores.target, scores.event_number)))


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    return {k: v for key, inner in tree.items() for k, v in _flat(inner, f"{prefix}.{key}" if prefix else str(key)).items()}
