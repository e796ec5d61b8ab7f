"""Compare an exported model with the network that it came from: every score, and the physics numbers of both."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.deployment.base import FEATURES, PARAMETERS, Deliverable, Score
from fivesigma.deployment.events import DRAWN, CheckEvents
from fivesigma.deployment.physics import Scorer, search_rows, trigger_rows
from fivesigma.events import Events
from fivesigma.metrics.difference import differences
from fivesigma.metrics.spec import MetricOptions, functions_of
from fivesigma.preparation.split import OUT_OF_FOLD
from fivesigma.scores import Scores
from fivesigma.training.folds import Folds
from fivesigma.training.network import Network

TOLERANCE = 1e-5
"""Largest difference of a score, in units of the scores' scale."""


class Disagreement(RuntimeError):
    """An exported model that scores otherwise than its network: a defect of fivesigma, not of the user's input."""


def arrays_of(what: Deliverable, given: CheckEvents, parameters: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """The inputs of an exported model, name → [event, value]."""
    arrays: dict[str, NDArray[Any]] = {}
    free = [i for i, name in enumerate(what.parameters) if name not in what.fixed]
    for each in what.inputs:
        if what.formulas is None and each.name == FEATURES:
            arrays[each.name] = given.events.features
        elif what.formulas is None and each.name == PARAMETERS:
            arrays[each.name] = np.ascontiguousarray(parameters[:, free])
        elif each.name in what.parameters:
            arrays[each.name] = parameters[:, [what.parameters.index(each.name)]].astype(each.dtype)
        else:
            arrays[each.name] = given.columns[each.name].astype(each.dtype)[:, None]
    return arrays


def compare(
    what: Deliverable, scorer: Network | Folds, score: Score, given: CheckEvents, analysis: Analysis
) -> dict[str, Any]:
    """Score events with both; give differences and physics numbers for `check.json`.

    Args:
        what: was exported.
        scorer: the network, or those of all folds.
        score: scores arrays with the exported model.
        given: the events.
        analysis: of the run.
    """
    parameters = given.events.parameters.copy()
    for name, value in what.fixed.items():
        parameters[:, what.parameters.index(name)] = value
    ours = scorer.score(given.events.features, parameters)
    arrays = arrays_of(what, given, parameters)
    theirs = score(arrays)
    scale, rounding = _scale(ours, what.task)
    found: dict[str, Any] = {"part": given.part, "events": len(ours), "difference": _difference(ours, theirs, scale)}
    if rounding > TOLERANCE / 10:
        found["difference"]["rounding"] = rounding
    if given.part == OUT_OF_FOLD:
        found["learned_from"] = True  # the mean of all networks contains those that have not left out the event
    alone = score({name: values[:1] for name, values in arrays.items()})
    found["difference"]["alone"] = _largest(theirs[:1], alone) / scale
    found["difference"]["all_missing"] = _missing(what, scorer, score, arrays, parameters) / scale
    if given.part != DRAWN and np.isfinite(found["difference"]["largest"]):
        both = {"network": ours, "exported": theirs}
        found["metrics"] = _metrics(what, given, both, analysis) | trigger_rows(given.events, analysis, both)
        if not what.fixed:
            scorers: dict[str, Scorer] = {
                "network": lambda values: scorer.score(given.events.features, values),
                "exported": lambda values: score(arrays_of(what, given, values)),
            }
            found["metrics"] |= search_rows(given.events, analysis, parameters, scorers)
        if 0 < found["difference"]["largest"] <= TOLERANCE + found["difference"].get("rounding", 0.0):
            for row in found["metrics"].values():  # what single precision rounds away does not fluctuate with the events
                row.pop("paired", None)
    return found


def require(found: Mapping[str, Any], tolerance: float) -> None:
    """Refuse a model that differs too much.

    Raises:
        Disagreement: naming the largest difference.
    """
    numbers = found["difference"]
    worst = max(numbers["largest"], numbers["alone"], numbers["all_missing"])
    allowed = tolerance + numbers.get("rounding", 0.0)
    if not worst <= allowed:
        raise Disagreement(
            f"the exported model differs from the network by {worst:.2g} of the scores' scale, more than {allowed:.3g}; "
            "nothing was written"
        )


NARROW = 0.01
"""Probabilities that spread less than this are compared in units of their spread: those of a very rare signal."""


def _scale(ours: NDArray[Any], task: str) -> tuple[float, float]:
    """In what scores are compared, and four steps of single precision at their size, in units of it.

    That is the spread of a regression's predictions, and 1 for probabilities, unless these hardly differ.
    Single precision holds a prediction near 123,456 only in steps of 0.008, however narrow the spread is.

    >>> [round(value, 3) for value in _scale(np.float32([100000.0, 100002.0]), "regression")]
    [1.0, 0.031]
    >>> [round(value, 6) for value in _scale(np.float32([1e-6, 3e-6]), "binary")]
    [0.0001, 0.0]
    """
    size, spread = float(np.abs(ours).max()), float(np.std(ours, dtype=np.float64))
    if task != "regression":
        if spread >= NARROW or spread == 0:
            return 1.0, 0.0
        spread /= NARROW
    spread = spread or size or 1.0
    return spread, 4 * float(np.spacing(np.float32(size))) / spread


def _difference(ours: NDArray[Any], theirs: NDArray[Any], scale: float) -> dict[str, float]:
    if ours.shape != theirs.shape or not np.isfinite(theirs).all():
        return {"largest": float("inf"), "mean": float("inf"), "scale": scale}
    distance = np.abs(ours.astype(np.float64) - theirs)
    return {"largest": float(distance.max()) / scale, "mean": float(distance.mean()) / scale, "scale": scale}


def _largest(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    same = ours.shape == theirs.shape and bool(np.isfinite(theirs).all())
    return float(np.abs(ours.astype(np.float64) - theirs).max()) if same else float("inf")


def _missing(
    what: Deliverable, scorer: Network | Folds, score: Score, arrays: Mapping[str, Any], parameters: NDArray[np.float32]
) -> float:
    """The difference for an event in which everything is missing that can be."""
    event: dict[str, NDArray[Any]] = {}
    masks = {} if what.firmware is None else {each.name: what.firmware.mask_of(each.name) for each in what.columns}
    for each in what.inputs:
        is_parameter = each.name in what.parameters or (what.formulas is None and each.name == PARAMETERS)
        always_there = what.firmware is not None and masks.get(each.name) is None
        kept = is_parameter or always_there
        event[each.name] = arrays[each.name][:1] if kept else np.full((1, each.width), np.nan, each.dtype)
        if each.name in masks.values():
            event[each.name] = np.ones((1, each.width), each.dtype)
    if what.formulas is None:
        features = event[FEATURES]
    else:
        values = what.feature_values({each.name: event[each.name][:, 0].astype(np.float64) for each in what.columns})
        features = np.stack([np.broadcast_to(np.asarray(v, np.float32), (1,)) for v in values], axis=1)
        features = np.where(np.isfinite(features), features, np.float32(np.nan))
    return _largest(scorer.score(features, parameters[:1]), score(event))


def _metrics(
    what: Deliverable, given: CheckEvents, scores: Mapping[str, NDArray[Any]], analysis: Analysis
) -> dict[str, dict[str, Any]]:
    """Every standard metric of both; at fixed parameters, with the signal that has them."""
    events, chosen = given.events, np.ones(len(given.events), bool)
    for name, value in what.fixed.items():
        there = events.parameters[:, what.parameters.index(name)] == np.float32(value)
        chosen &= there | (events.target == 0) if what.task == "binary" else True
    if what.task != "regression" and len(np.unique(events.target[chosen])) < 2:
        chosen[:] = True  # no such signal
    options = MetricOptions(analysis.evaluate.threshold, 20)
    own = {whose: _of(events, analysis, values, chosen) for whose, values in scores.items()}
    equal = np.array_equal(own["network"].score, own["exported"].score)
    apart = {} if equal else differences(own["network"], own["exported"], options)
    found: dict[str, dict[str, Any]] = {}
    for name, function in functions_of(what.task).items():
        row: dict[str, Any] = {}
        for whose, each in own.items():
            metric = function(each.score, each.target, each.weight, options)
            row.setdefault("error", _number(metric.error))
            row[whose] = _number(metric.value)
        paired = 0.0 if equal else apart[name].error if name in apart else None
        found[name] = row | ({} if paired is None else {"paired": _number(paired)})
    return found


def _of(events: Events, analysis: Analysis, values: NDArray[Any], chosen: NDArray[np.bool_]) -> Scores:
    return Scores(
        score=values[chosen],
        target=events.target[chosen],
        weight=events.weight[chosen],
        classes=analysis.classes,
        observers={},
        event_number=events.event_number[chosen] if len(events.event_number) else events.event_number,
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
