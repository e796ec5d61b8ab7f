"""Trigger performance of a model, and its rate relative to other models."""

from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.trigger import Trigger
from fivesigma.cluster.cores import cores
from fivesigma.errors import EventsError
from fivesigma.hashing import uniform
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.trigger import charge, turn_on
from fivesigma.metrics.trigger.calibration import Calibration
from fivesigma.metrics.trigger.muons import class_centres, muons_of
from fivesigma.metrics.trigger.rate import Rates, both_rates, grid
from fivesigma.metrics.trigger.resolution import in_bins, resolution
from fivesigma.prefetch import side_by_side
from fivesigma.scores import Scores

MOST_AT_A_TIME = 4
"""Models that are judged at a time; each needs some copies of its muons."""
HALVES = 57_721
"""Seed of the halves that calibrate each other if there are no other events."""


@dataclass(frozen=True)
class Judgement:
    """Trigger performance of one model.

    Attributes:
        metrics: name → `Metric` or `Share`, also for each threshold.
        curves: the numbers behind the figures.
        rates: rates against the threshold on the scale of the trigger, with replicas.
        measured: rates at every threshold of the settings at equal measured efficiency, with replicas.
    """

    metrics: dict[str, Any]
    curves: dict[str, Any]
    rates: Rates
    measured: Rates


def calibration_of(parts: Mapping[str, Scores], judged: str, settings: Trigger) -> Calibration:
    """Muons of one part on a scale that was set with other muons.

    The scale is set with the validation events, or with those scored out of fold. If these are judged themselves, each
    fold is judged on the scale of the other folds, and each half of the validation events on that of the other half.

    Args:
        parts: scores of `val`, `folds` and `test`, of those that exist.
        judged: the part that is judged.
        settings: section `evaluate.trigger`.
    """
    setting = next(part for part in ("val", "folds", judged) if part in parts)
    centres = class_centres(parts[setting], settings)
    momenta = partial(muons_of, settings=settings, centres=centres)
    muons, own = momenta(parts[setting]), momenta(parts[judged])
    _check_range(own.pt, settings)
    if setting != judged:
        return Calibration(muons, own, settings.efficiency)
    group = parts[judged].observers.get("fold") if judged == "folds" else None
    if group is None:
        group = uniform(own.number, HALVES) < 0.5
    index = np.asarray(group, np.intp)
    return Calibration(muons, own, settings.efficiency, (index, index))


def check(scores: Scores, settings: Trigger) -> None:
    """Refuse events that a trigger cannot judge, before anything is trained.

    Args:
        scores: any scores of the events.
        settings: section `evaluate.trigger`.

    Raises:
        EventsError: for momenta that are not positive, a target that is not the momentum, or a threshold outside the
            range of momenta.
    """
    _check_range(muons_of(scores, settings, class_centres(scores, settings)).pt, settings)


def _check_range(pt: NDArray[np.float64], settings: Trigger) -> None:
    for threshold in settings.all_thresholds:
        if not pt.min(initial=np.inf) <= threshold < pt.max(initial=-np.inf):
            raise EventsError(
                f"evaluate.trigger: the threshold {threshold:g} GeV is outside the muons' true momenta, "
                + (f"{pt.min():.3g} … {pt.max():.3g} GeV" if len(pt) else "as there are no muons"),
                hint="set `evaluate.trigger.thresholds` and `threshold`",
            )


def judge(calibration: Calibration, settings: Trigger, replicas: int = 200) -> Judgement:
    """Turn-on curves, rates, resolution and charge of one model.

    Args:
        calibration: its muons.
        settings: section `evaluate.trigger`.
        replicas: of the bootstrap, for the errors of rates.
    """
    thresholds = grid(settings.all_thresholds)
    how = (settings.generated, settings.spectrum, settings.total_rate or 1.0, replicas)
    found, measured = both_rates(calibration, thresholds, np.array(settings.all_thresholds), *how)
    muons = calibration.judged
    relative = muons.estimate / muons.pt - 1
    metrics: dict[str, Any] = {
        "at": {"threshold": settings.threshold, "efficiency": settings.efficiency},
        "rate": found.at(settings.threshold),
        "rate_measured": measured.at(settings.threshold),
        "thresholds": {f"{t:g}": _at(calibration, settings, t, found, measured) for t in settings.all_thresholds},
        "resolution": resolution(relative, muons.weight),
    }
    curves: dict[str, Any] = {
        "scale": {"pt": calibration.scale.pt.tolist(), "cut": calibration.scale.cut.tolist()},
        "turn_on": {f"{t:g}": _turn_on(calibration, settings, t) for t in settings.all_thresholds},
        "rate": _rate_curve(found),
        "resolution_pt": in_bins(relative, muons.weight, muons.pt, settings.pt_bins),
    }
    if muons.eta is not None:
        curves["efficiency_eta"] = {f"{t:g}": _against_eta(calibration, settings, t) for t in settings.all_thresholds}
        curves["resolution_eta"] = in_bins(relative, muons.weight, muons.eta, settings.eta_bins)
    if muons.curvature is not None and muons.true_curvature is not None:
        difference = muons.curvature - muons.true_curvature
        metrics["resolution_q_over_pt"] = resolution(difference, muons.weight)
        metrics["wrong_charge"] = charge.misassigned(muons.curvature, muons.true_curvature, muons.weight)
        own = charge.misassigned_in_bins(muons.curvature, muons.true_curvature, muons.weight, muons.pt, settings.pt_bins)
        curves["wrong_charge"] = turn_on.rows(settings.pt_bins, own)
        curves["resolution_q_over_pt"] = in_bins(difference, muons.weight, muons.pt, settings.pt_bins)
    return Judgement(metrics, curves, found, measured)


def judged_side_by_side(
    models: Collection[Mapping[str, Scores]], part: str, settings: Trigger, replicas: int = 200
) -> Generator[Judgement, None, None]:
    """`judge` for several models in their order, on as many cores as there are.

    Args:
        models: for each model, its scores of the parts.
        part: the part that is judged.
        settings, replicas: as for `judge`.

    Raises:
        EventsError: as `calibration_of`, in place of the judgement of the model.
    """

    def judgement(parts: Mapping[str, Scores]) -> Judgement:
        return judge(calibration_of(parts, part, settings), settings, replicas)

    yield from side_by_side(judgement, iter(models), workers=max(1, min(cores(), MOST_AT_A_TIME, len(models))))


def _at(calibration: Calibration, settings: Trigger, threshold: float, found: Rates, measured: Rates) -> dict[str, Any]:
    muons, momentum = calibration.judged, calibration.momentum
    in_steps = calibration.in_steps(threshold)
    return {
        "rate": found.at(threshold),
        "rate_measured": measured.at(threshold),
        "efficiency": turn_on.at_threshold(momentum, muons.pt, muons.weight, threshold, in_steps=in_steps),
        "plateau": turn_on.plateau(momentum, muons.pt, muons.weight, threshold, settings.plateau),
    }


def _turn_on(calibration: Calibration, settings: Trigger, threshold: float) -> list[dict[str, Any]]:
    muons = calibration.judged
    found = turn_on.turn_on(calibration.momentum, muons.pt, muons.weight, threshold, settings.pt_bins)
    return turn_on.rows(settings.pt_bins, found)


def _against_eta(calibration: Calibration, settings: Trigger, threshold: float) -> list[dict[str, Any]]:
    muons = calibration.judged
    assert muons.eta is not None  # whoever asks has looked
    found = turn_on.against_eta(calibration.momentum, muons.pt, muons.eta, muons.weight, threshold, settings.eta_bins)
    return turn_on.rows(settings.eta_bins, found)


def _rate_curve(found: Rates) -> dict[str, list[float]]:
    errors = found.replicas.std(axis=0)
    return {"threshold": found.thresholds.tolist(), "rate": found.value.tolist(), "error": errors.tolist()}


def reductions(ours: Judgement, others: Mapping[str, Judgement], settings: Trigger) -> dict[str, dict[str, Any]]:
    """Rates of other models divided by that of one model, at equal efficiency.

    Returns:
        Name of the other model → `rate_reduction` at the threshold of the comparison and `rate_reductions` at every
        threshold, on the scales of the models; the same with `_measured` at equal measured efficiency; and the `curve` of
        the former, for JSON.
    """
    result = {}
    at = settings.all_thresholds
    for name, other in others.items():
        each = ours.rates.below(other.rates)
        promised = {t: each[int(np.argmin(np.abs(ours.rates.thresholds - t)))] for t in at}
        measured = dict(zip(at, ours.measured.below(other.measured), strict=True))
        result[name] = {
            "rate_reduction": promised[settings.threshold],
            "rate_reductions": {f"{t:g}": ratio for t, ratio in promised.items()},
            "rate_reduction_measured": measured[settings.threshold],
            "rate_reductions_measured": {f"{t:g}": ratio for t, ratio in measured.items()},
            "curve": _ratio_curve(ours.rates, each),
        }
    return result


def _ratio_curve(ours: Rates, each: list[Metric]) -> dict[str, list[float]]:
    return {
        "threshold": ours.thresholds.tolist(),
        "ratio": [metric.value for metric in each],
        "error": [metric.error for metric in each],
    }
