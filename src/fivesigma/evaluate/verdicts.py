"""What a reader of the metrics should be told in words: useless, overtrained, too few events."""

from collections.abc import Mapping
from typing import Any

from fivesigma.evaluate.metric import Metric

SIGNIFICANT = 3.0
"""Standard deviations from which a difference is called one."""

FEW = 100
"""A class with less weight than so many events in the test part gets a warning."""


_WORDS = {"folds": "out-of-fold"}


def verdicts(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Sentences on the metrics of a run, most serious first; empty if there is nothing to say.

    Args:
        metrics: part → name → Metric, as `summarise` gives them for `train` and `test` (or `folds`, or `val`).
    """
    last = next((part for part in ("test", "folds", "val") if part in metrics), None)
    if last is None:
        return []
    # With folds, `train` holds scores of single networks, to be compared with the like: not with the mean of all.
    unseen = "folds" if "folds" in metrics else last
    found = [_useless(metrics[last], last), _overtrained(metrics, unseen), *_few(metrics[last], last)]
    return [sentence for sentence in found if sentence]


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
    for name, sign in (("auc", 1), ("rmse", -1), ("log_loss", -1)):
        if name in metrics["train"]:
            one, other = metrics["train"][name], metrics[part][name]
            gap = Metric(sign * (one.value - other.value), (one.error**2 + other.error**2) ** 0.5)
            if not gap.value > SIGNIFICANT * gap.error:
                return ""
            return (
                f"training events are scored better than {words} events: {name} {one} against {other}, "
                f"{gap.value / gap.error:.1f} standard deviations; the {words} value is the honest one, "
                "more events or regularisation would close the gap"
            )
    return ""


def _few(metrics: Mapping[str, Any], part: str) -> list[str]:
    rows = metrics.get("per_class", {})
    small = {name: row["support"] for name, row in rows.items() if _effective(row["support"]) < FEW}
    return [f"class {name!r} has only {_effective(n):.0f} effective events in the {part} part" for name, n in small.items()]


def _effective(support: Metric) -> float:
    """Number of unweighted events with the same relative error: (Σw)² / Σw²."""
    return (support.value / support.error) ** 2 if support.error > 0 else 0.0
