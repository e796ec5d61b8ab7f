"""Sentences on the metrics: useless, overtrained, beaten by a baseline, too few events."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fivesigma.metrics.metric import Metric
from fivesigma.metrics.result import judged_part
from fivesigma.metrics.spec import spec_of

SIGNIFICANT = 3.0
"""Significance, in standard deviations, from which a difference is reported."""

UNEQUAL = 4.0
"""Largest deviation of an efficiency from the wanted one, in units of its error; the scale has an error as well."""

FEW = 100
"""A class with fewer effective events than this gets a warning."""

HEAVY = 30
"""As few effective events of a class in training get one as well: fewer can hardly teach anything."""

TOO_GOOD = 0.999
"""AUC above which an input is suspected of containing the answer."""
SURELY_GOOD = 0.9
"""An AUC is suspicious only if it is above this after its error is subtracted: chance can separate a few events."""


_WORDS = {"folds": "out-of-fold"}
_COMPARED_BY = ("auc", "rmse", "log_loss")
"""Metrics that compare two sets of scores: the first that both have."""


_ROUNDING = 1e-9

UNDEFINED = Metric(np.nan, np.nan)

NOTHING_UNSEEN = (
    "the network has seen every event that it was judged on: there are no test, validation or out-of-fold events, so these "
    "numbers say nothing about new events; set split.test or split.val, or give files for test"
)


def _finite(error: float) -> float:
    """An error; zero if it is undefined."""
    return error if np.isfinite(error) else 0.0


def _sign(name: str) -> int:
    """+1 if larger is better, otherwise −1."""
    return 1 if spec_of(name).larger_is_better else -1


def verdicts(metrics: Mapping[str, Mapping[str, Any]], unit: str = "") -> list[str]:
    """Sentences on the metrics of a run, most serious first; empty if there is nothing to say.

    Args:
        metrics: part → name → Metric, as `summarise` gives them for `train` and `test` (or `folds`, or `val`).
        unit: unit of the target of a regression.
    """
    if not metrics.keys() - {"train"}:
        return [NOTHING_UNSEEN] if metrics else []
    last = judged_part(metrics)
    # With folds, `train` holds scores of single networks, to be compared with the like: not with the mean of all.
    unseen = "folds" if "folds" in metrics else last
    found = [
        _too_good(metrics[last], last),
        _no_probability(metrics[last], last),
        _useless(metrics[last], last, _advice(metrics, unseen)),
        _overtrained(metrics, unseen),
        *_beaten(metrics[last], last, unit),
        *_unequal(metrics[last]),
        *_few(metrics[last], last),
        *(sentence for part in _DECIDES if part != last for sentence in _heavy(metrics.get(part, {}), part)),
    ]
    return [sentence for sentence in found if sentence]


def _too_good(metrics: Mapping[str, Any], part: str) -> str:
    """A sentence if the AUC, overall or at a hypothesis, is suspiciously large."""
    areas = _areas(metrics)
    good = {
        place: area
        for place, area in areas.items()
        if TOO_GOOD < area.value < 1 + _ROUNDING and area.value - area.error > SURELY_GOOD
    }
    if not good:
        return ""
    place, area = max(good.items(), key=lambda item: item[1].value)
    return (
        f"an AUC of {area}{place} on {_WORDS.get(part, part)} events is suspicious: look for an input that contains the "
        "answer, or for a difference between the samples of the classes that is not physics"
    )


def _areas(metrics: Mapping[str, Any]) -> dict[str, Metric]:
    """Where it is measured, in words → AUC, overall and at each hypothesis."""
    rows = {f" at {name}": row["auc"] for name, row in metrics.get("per_parameter", {}).items()}
    return {"": metrics["auc"], **rows} if "auc" in metrics else rows


def _no_probability(metrics: Mapping[str, Any], part: str) -> str:
    """A sentence if an AUC is below zero or above one, as it can be with negative weights."""
    for place, area in _areas(metrics).items():
        if not -_ROUNDING <= area.value <= 1 + _ROUNDING and np.isfinite(area.value):
            return (
                f"an AUC of {area}{place} on {_WORDS.get(part, part)} events is no probability: negative weights outweigh "
                "the positive ones in a range of the score, so look at weights and significance instead"
            )
    return ""


def _advice(metrics: Mapping[str, Mapping[str, Any]], part: str) -> str:
    """What helps a network that is no better than a constant answer."""
    if _overtrained(metrics, part):
        return "train for fewer epochs or with regularisation, as it scores its training events better"
    return "train longer"


def _useless(metrics: Mapping[str, Any], part: str, advice: str) -> str:
    """A sentence if the network is no better than a constant answer."""
    words = _WORDS.get(part, part)
    if "rmse" in metrics:
        ours, constant = metrics["rmse"], metrics["rmse_of_constant"]
        if not np.isfinite(ours.value) or constant.value - ours.value > _finite(ours.error):
            return ""
        return (
            f"the network is no better than a constant answer on {words} events: RMSE {ours} against {constant}; "
            f"{advice}, or look at the features"
        )
    balance = metrics.get("training_balance", {})
    area, name = (metrics["auc"], "AUC") if "auc" in metrics else (balance.get("auc", UNDEFINED), "mean AUC")
    if not np.isfinite(area.value):
        return ""
    if _finite(area.error) < area.value - 0.5 <= SIGNIFICANT * _finite(area.error):
        return (
            f"it is not known whether the network separates the classes: {name} {area} on {words} events, less than "
            f"{SIGNIFICANT:g} standard deviations above a constant answer; judge it on more events, {advice}, or look at "
            "the features"
        )
    if area.value - 0.5 <= _finite(area.error):
        return (
            f"the network is no better than a constant answer on {words} events: {name} {area}; "
            f"{advice}, or look at the features"
        )
    gain = balance.get("gain", UNDEFINED)
    if not np.isfinite(gain.value) or gain.value >= -_finite(gain.error):
        return ""
    return (
        f"the score separates the classes ({name} {area}), but is not their probability: at the class fractions of the "
        f"training its log-loss on {words} events is {balance['log_loss']}, and that of a constant answer "
        f"{balance['log_loss_of_constant']}; {advice}" + (", or set evaluate.recalibrate" if "auc" in metrics else "")
    )


def _gap(metrics: Mapping[str, Mapping[str, Any]], name: str, part: str) -> Metric:
    """By how much a metric is better on training events."""
    one, other = metrics["train"][name], metrics[part][name]
    return Metric(_sign(name) * (one.value - other.value), (one.error**2 + other.error**2) ** 0.5)


def _overtrained(metrics: Mapping[str, Mapping[str, Any]], part: str) -> str:
    """A sentence if training events are scored better than unseen ones, beyond the statistical errors."""
    if "train" not in metrics:
        return ""
    words = _WORDS.get(part, part)
    for name in _COMPARED_BY:
        if name in metrics["train"]:
            one, other, gap = metrics["train"][name], metrics[part][name], _gap(metrics, name, part)
            if not gap.value > SIGNIFICANT * gap.error > 0:
                return ""
            return (
                f"training events are scored better than {words} events: {spec_of(name).label or name} {one} "
                f"against {other}, {gap.value / gap.error:.1f} standard deviations; the {words} value is the unbiased one, "
                "and more events or regularisation would reduce the difference"
            )
    return ""


def advantages(metrics: Mapping[str, Mapping[str, Any]], unit: str = "") -> list[str]:
    """Sentences on baselines that are significantly worse than the network, and on what its bits cost.

    Args:
        metrics, unit: as for `verdicts`.
    """
    if not metrics.keys() - {"train"}:
        return [NOTHING_UNSEEN] if metrics else []
    part = judged_part(metrics)
    found = []
    for name, gain, how_much in _differences(metrics[part], part, unit):
        if gain.value <= -SIGNIFICANT * gain.error:
            fewer = metrics[part]["baselines"][name].get("learnt")
            those = f"; the baseline learnt from {fewer['events']:,} of its {fewer['of']:,} training events" if fewer else ""
            found.append(f"the network beats the baseline {name!r} {how_much}{those}")
        elif gain.value >= SIGNIFICANT * gain.error and name == _in_floating_point(metrics[part]):
            found.append(
                f"the price of the network's bits: {name!r}, with the same layers in floating point, is better {how_much}"
            )
    return found


def _beaten(metrics: Mapping[str, Any], part: str, unit: str) -> list[str]:
    """Sentences on baselines that are significantly better than the network, other than itself in floating point."""
    found, itself = [], _in_floating_point(metrics)
    for name, other in metrics.get("baselines", {}).items():
        if name == itself:
            continue
        rate = other.get("trigger", {}).get("rate_reduction_measured")
        if rate is not None and rate.value + SIGNIFICANT * rate.error < 1:
            found.append(
                f"the rate of the baseline {name!r} at the trigger's threshold is {rate} times the network's, at equal "
                "measured efficiency"
            )
    for name, gain, how_much in _differences(metrics, part, unit):
        if gain.value >= SIGNIFICANT * gain.error and name != itself:
            found.append(
                f"the baseline {name!r} beats the network {how_much}; `fivesigma predict --model {name}` uses it instead"
            )
    return found


def _in_floating_point(metrics: Mapping[str, Any]) -> str | None:
    """Name of the baseline that is a quantised network without its bits; it is there to be better."""
    found: str | None = metrics.get("front", {}).get("reference")
    return found


def _differences(metrics: Mapping[str, Any], part: str, unit: str) -> Iterator[tuple[str, Metric, str]]:
    """Each baseline, by how much it is better than the network (negative if it is worse), and the same in words."""
    for name, other in metrics.get("baselines", {}).items():
        found = other.get("difference", {})
        key = next((key for key in _COMPARED_BY if key in found), "")
        if not key or not np.isfinite([found[key].value, found[key].error]).all() or found[key].value == 0:
            continue
        spec, size = spec_of(key), Metric(abs(found[key].value), found[key].error)
        unit_of = spec.unit_for(unit)
        words = (
            f"by {size}{f' {unit_of}' if unit_of else ''} in {spec.label or key} on the same {_WORDS.get(part, part)} events"
        )
        yield name, Metric(_sign(key) * found[key].value, found[key].error), words


def _unequal(metrics: Mapping[str, Any]) -> list[str]:
    """Sentences on models whose efficiency at the trigger's threshold is not the wanted one."""
    found = []
    for name, tree in {"network": metrics, **metrics.get("baselines", {})}.items():
        if "trigger" not in tree:
            continue
        at, wanted = tree["trigger"]["at"]["threshold"], tree["trigger"]["at"]["efficiency"]
        share = tree["trigger"]["thresholds"][f"{at:g}"]["efficiency"]
        error = share.value - share.low if share.value > wanted else share.high - share.value
        if abs(share.value - wanted) > UNEQUAL * error:
            found.append(
                f"at {at:g} GeV the trigger's scale of {name!r} accepts {share} of the muons instead of {wanted:g}: compare "
                "its rate at equal measured efficiency; if its estimate does not rise with the momentum there, no cut makes "
                "it comparable"
            )
    return found


def _few(metrics: Mapping[str, Any], part: str) -> list[str]:
    rows = metrics.get("per_class", {})
    small = {name: row["support"] for name, row in rows.items() if _effective(row["support"]) < FEW}
    return [f"class {name!r} has {_how_few(support)} in the {part} part" for name, support in small.items()]


def _heavy(metrics: Mapping[str, Any], part: str) -> list[str]:
    """A sentence for each class whose events, by their weights, count as a few."""
    rows = metrics.get("per_class", {})
    return [
        f"class {name!r} has {_how_few(row['support'])} in the {part} part: a few large weights decide {_DECIDES[part]}"
        for name, row in rows.items()
        if 0 < _effective(row["support"]) < HEAVY
    ]


_DECIDES = {"train": "what the network learns", "val": "which epoch is kept"}


def _how_few(support: Metric) -> str:
    number = f"{_effective(support):.0f}"
    return f"only {number} effective event{'' if number == '1' else 's'}" if support.value else "no event"


def _effective(support: Metric) -> float:
    """Effective number of events, (Σw)² / Σw²."""
    return (support.value / support.error) ** 2 if support.error > 0 else 0.0
