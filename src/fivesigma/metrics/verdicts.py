"""Sentences on the metrics: useless, overtrained, beaten by a baseline, too few events."""

from collections.abc import Mapping
from typing import Any

from fivesigma.metrics.metric import Metric
from fivesigma.metrics.result import judged_part
from fivesigma.metrics.spec import spec_of

SIGNIFICANT = 3.0
"""Standard deviations from which a difference is called one."""

UNEQUAL = 4.0
"""Widths of its interval by which an efficiency may miss the wanted one; the scale has an error, too."""

FEW = 100
"""A class with less weight than so many events in the test part gets a warning."""

TOO_GOOD = 0.999
"""An area below the ROC curve beyond which an input is suspected of knowing the answer."""


_WORDS = {"folds": "out-of-fold"}
_COMPARED_BY = ("auc", "rmse", "log_loss")
"""What two sets of scores are compared by, the first that both have."""


def _sign(name: str) -> int:
    """+1 where more is better."""
    return 1 if spec_of(name).larger_is_better else -1


def verdicts(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Sentences on the metrics of a run, most serious first; empty if there is nothing to say.

    Args:
        metrics: part → name → Metric, as `summarise` gives them for `train` and `test` (or `folds`, or `val`).
    """
    if not metrics.keys() - {"train"}:
        return []
    last = judged_part(metrics)
    # With folds, `train` holds scores of single networks, to be compared with the like: not with the mean of all.
    unseen = "folds" if "folds" in metrics else last
    found = [
        _too_good(metrics[last], last),
        _useless(metrics[last], last),
        _overtrained(metrics, unseen),
        *_beaten(metrics[last], last),
        *_unequal(metrics[last]),
        *_few(metrics[last], last),
    ]
    return [sentence for sentence in found if sentence]


def _too_good(metrics: Mapping[str, Any], part: str) -> str:
    """Whether the network is better than collisions allow, at all or at one hypothesis."""
    rows = {f" at {name}": row["auc"] for name, row in metrics.get("per_parameter", {}).items()}
    areas = {"": metrics["auc"], **rows} if "auc" in metrics else rows
    good = {place: area for place, area in areas.items() if area.value > TOO_GOOD}
    if not good:
        return ""
    place, area = max(good.items(), key=lambda item: item[1].value)
    return (
        f"an AUC of {area}{place} on {_WORDS.get(part, part)} events is suspicious: does an input know the answer, or do "
        "the classes come from samples that differ otherwise"
    )


def _useless(metrics: Mapping[str, Any], part: str) -> str:
    """Whether a constant answer would have done as well."""
    if "rmse" in metrics:
        ours, constant = metrics["rmse"], metrics["rmse_of_constant"]
        better = constant.value - ours.value
    else:
        ours, constant = metrics["accuracy"], metrics["accuracy_of_constant"]
        better = ours.value - constant.value
    if better > ours.error:
        return ""
    name = "RMSE" if "rmse" in metrics else "accuracy"
    words = _WORDS.get(part, part)
    return (
        f"the network is no better than a constant answer on {words} events: {name} {ours} against {constant}; "
        "train longer, or look at the features"
    )


def _overtrained(metrics: Mapping[str, Mapping[str, Any]], part: str) -> str:
    """Whether training events are scored better than new ones, beyond the statistical errors."""
    if "train" not in metrics:
        return ""
    words = _WORDS.get(part, part)
    for name in _COMPARED_BY:
        if name in metrics["train"]:
            one, other = metrics["train"][name], metrics[part][name]
            gap = Metric(_sign(name) * (one.value - other.value), (one.error**2 + other.error**2) ** 0.5)
            if not gap.value > SIGNIFICANT * gap.error:
                return ""
            return (
                f"training events are scored better than {words} events: {name} {one} against {other}, "
                f"{gap.value / gap.error:.1f} standard deviations; the {words} value is the honest one, "
                "more events or regularisation would close the gap"
            )
    return ""


def _beaten(metrics: Mapping[str, Any], part: str) -> list[str]:
    """Baselines that are better than the network, beyond the statistical errors."""
    found, words = [], _WORDS.get(part, part)
    for name, other in metrics.get("baselines", {}).items():
        rate = other.get("trigger", {}).get("rate_reduction")
        if rate is not None and rate.value + SIGNIFICANT * rate.error < 1:
            found.append(f"the rate of the baseline {name!r} at the trigger's threshold is {rate} of the network's")
        key = next((key for key in _COMPARED_BY if key in metrics and key in other), "")
        if key:
            ours, theirs = metrics[key], other[key]
            gap = Metric(_sign(key) * (theirs.value - ours.value), (ours.error**2 + theirs.error**2) ** 0.5)
            if gap.value > SIGNIFICANT * gap.error:
                values = f"{key} {theirs} against {ours}"
                found.append(f"the baseline {name!r} is better than the network on {words} events: {values}")
    return found


def _unequal(metrics: Mapping[str, Any]) -> list[str]:
    """Models whose efficiency at the trigger's threshold is not the wanted one: their rates do not compare."""
    found = []
    for name, tree in {"network": metrics, **metrics.get("baselines", {})}.items():
        if "trigger" not in tree:
            continue
        at, wanted = tree["trigger"]["at"]["threshold"], tree["trigger"]["at"]["efficiency"]
        share = tree["trigger"]["thresholds"][f"{at:g}"]["efficiency"]
        error = share.value - share.low if share.value > wanted else share.high - share.value
        if abs(share.value - wanted) > UNEQUAL * error:
            found.append(
                f"at {at:g} GeV the trigger's scale of {name!r} accepts {share} of the muons instead of {wanted:g}: if its "
                "estimate does not rise with the momentum there, no scale makes its rate comparable"
            )
    return found


def _few(metrics: Mapping[str, Any], part: str) -> list[str]:
    rows = metrics.get("per_class", {})
    small = {name: row["support"] for name, row in rows.items() if _effective(row["support"]) < FEW}
    return [f"class {name!r} has only {_effective(n):.0f} effective events in the {part} part" for name, n in small.items()]


def _effective(support: Metric) -> float:
    """Number of unweighted events with the same relative error: (Σw)² / Σw²."""
    return (support.value / support.error) ** 2 if support.error > 0 else 0.0
