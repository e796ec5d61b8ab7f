"""What a search or a trigger makes of the scores of a network and of its exported model, on the same events."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.search import Search
from fivesigma.analysis.trigger import Trigger
from fivesigma.errors import EventsError
from fivesigma.events import Events
from fivesigma.hashing import uniform
from fivesigma.metrics.intervals import share, share_difference
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.search.expected import Scale, expected
from fivesigma.metrics.search.search import choose, results
from fivesigma.metrics.summary import hypothesis_name
from fivesigma.metrics.trigger.calibration import Calibration
from fivesigma.metrics.trigger.charge import wrong_sign
from fivesigma.metrics.trigger.rate import Rates, measured_rates
from fivesigma.metrics.trigger.summary import calibration_of
from fivesigma.metrics.trigger.turn_on import is_far, is_near
from fivesigma.scores import Scores
from fivesigma.training.network import different_parameters

Scorer = Callable[[NDArray[np.float32]], NDArray[Any]]
"""Values of the parameters, [event, parameter] → scores of the events."""

MOST_HYPOTHESES = 10
REPLICAS = 50
HALVES = 271_828
"""Seed of the halves of the events that choose the cut for each other."""

Row = dict[str, Any]


def trigger_rows(events: Events, analysis: Analysis, scores: Mapping[str, NDArray[Any]]) -> dict[str, Row]:
    """What a trigger makes of the scores: name → value of each model, error of the first, error of the difference.

    The rows are the rate at the threshold of the analysis, at equal measured efficiency; the efficiency at the threshold and
    on the plateau of the turn-on curve; and, if the network estimates the charge, the share of muons with the wrong one.

    Args:
        events: the events; none of them was trained on.
        analysis: of the run; without `evaluate.trigger` there are no rows.
        scores: model → its scores, [event]; the first is the network's, the second that of the other model.
    """
    settings = analysis.evaluate.trigger
    if settings is None:
        return {}
    try:
        judged = {
            whose: calibration_of({"test": _scores(events, analysis, values)}, "test", settings)
            for whose, values in scores.items()
        }
        rates = {whose: _rate(each, settings) for whose, each in judged.items()}
    except EventsError:  # too few muons for a scale
        return {}
    threshold, muons = settings.threshold, next(iter(judged.values())).judged
    found = {f"trigger rate above {threshold:g} GeV": _rate_row(rates)}
    chosen = {
        "efficiency at": (is_near(muons.pt, threshold), muons.pt),
        "plateau above": (is_far(muons.pt, threshold, settings.plateau), np.full(len(muons), threshold)),
    }
    for name, (own, least) in chosen.items():
        passed = {whose: each.momentum[own] >= least[own] for whose, each in judged.items()}
        found[f"{name} {threshold:g} GeV"] = _share_row(passed, muons.weight[own])
    curvature = {whose: each.judged.curvature for whose, each in judged.items() if each.judged.curvature is not None}
    if muons.true_curvature is not None and len(curvature) == len(judged):
        wrong = {whose: wrong_sign(values, muons.true_curvature) for whose, values in curvature.items()}
        found["wrong charge"] = _share_row(wrong, muons.weight)
    return found


def _rate_row(rates: Mapping[str, Rates]) -> Row:
    first, last = (list(rates.values())[i] for i in (0, -1))
    return _row({whose: each[0] for whose, each in rates.items()}, last.minus(first)[0].error)


def _rate(calibration: Calibration, settings: Trigger) -> Rates:
    threshold = np.array([settings.threshold])
    total = settings.total_rate or 1.0
    return measured_rates(calibration, threshold, settings.generated, settings.spectrum, total, REPLICAS)


def _share_row(passed: Mapping[str, NDArray[np.bool_]], weight: NDArray[np.float64]) -> Row:
    """The share of muons that pass with each model; its error is half of its interval."""
    found = {}
    for whose, each in passed.items():
        one = share(each, weight)
        found[whose] = Metric(one.value, (one.high - one.low) / 2)
    first, last = (list(passed.values())[i] for i in (0, -1))
    return _row(found, share_difference(last, first, weight).error)


def search_rows(
    events: Events, analysis: Analysis, free: NDArray[np.float32], scorers: Mapping[str, Scorer]
) -> dict[str, Row]:
    """Significance of the best cut at each hypothesis: name → value of each model, error.

    Half of the events choose the cut for the other half, with the scores of the first model; all models are judged with it.
    Without luminosity or yields, weights count as expected events.

    Args:
        events: the events; none of them was trained on.
        analysis: of the run; without `evaluate.search` there are no rows.
        free: parameter values at which the events are scored if they are no hypothesis, [event, parameter].
        scorers: model → its scores for given values of the parameters.
    """
    settings = analysis.evaluate.search
    if settings is None:
        return {}
    group = (uniform(events.event_number, HALVES) < 0.5).astype(np.intp) if len(events.event_number) else None
    scale = Scale(settings.lumi or 1.0, _yields(settings, analysis))
    found: dict[str, Row] = {}
    for name, values in _hypotheses(events, analysis):
        at = free if values is None else np.broadcast_to(np.asarray(values, np.float32), free.shape).copy()
        chosen = np.ones(len(events), bool)
        if values is not None:
            chosen = (events.target != 1) | (events.parameters == at).all(axis=1)
        own = events.take(np.flatnonzero(chosen))
        groups = None if group is None else group[chosen]
        each: dict[str, Metric] = {}
        choice = None
        try:
            for whose, score in scorers.items():
                scores = replace(_scores(own, analysis, score(at)[chosen]), at_hypothesis={})
                counted = expected(scores, scale, group=groups)["all"]
                choice = choice or choose(counted, settings)
                each[whose] = results(counted, choice, settings)[0]["best_cut"]
        except ValueError:  # no cut leaves enough background
            continue
        found[f"significance{name}"] = _row(each)
    return found


def _yields(settings: Search, analysis: Analysis) -> tuple[float | None, float | None]:
    background, signal = (settings.yields.get(name) for name in analysis.classes)
    return background, signal


def _hypotheses(events: Events, analysis: Analysis) -> Iterator[tuple[str, tuple[float, ...] | None]]:
    """Name and values of each hypothesis in the signal; one without values if there are no parameters."""
    if not analysis.parameters:
        yield "", None
        return
    values = different_parameters(events)
    if len(values) <= MOST_HYPOTHESES:
        for row in values:
            yield f", {hypothesis_name(tuple(analysis.parameters), tuple(row.tolist()))}", tuple(row.tolist())


def _scores(events: Events, analysis: Analysis, values: NDArray[Any]) -> Scores:
    return Scores(
        score=values,
        target=events.target,
        weight=events.weight,
        classes=analysis.classes,
        observers=events.observers,
        event_number=events.event_number,
    )


def _row(found: Mapping[str, Metric], paired: float | None = None) -> Row:
    """The value of each model, the error of the first, and that of the difference on the same events, if it is known."""
    first = next(iter(found.values()))
    values = {whose: _number(metric.value) for whose, metric in found.items()}
    return {**values, "error": _number(first.error)} | ({} if paired is None else {"paired": _number(paired)})


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
