"""The results of an evaluation, typed and versioned, as `metrics.json` holds them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from fivesigma.errors import RunError
from fivesigma.metrics.metric import Metric, is_metric

VERSION = 2
"""Version of `metrics.json`. A file without one has version 1, which is read in the same way."""

NETWORK = "network"
"""Name of the run's own network among those of its baselines."""

Tree = Mapping[str, Any]


def judged_part(parts: Collection[str]) -> str:
    """The part whose numbers count: test events if there are any, else events scored out of fold, else validation events.

    >>> judged_part(["train", "val", "test"]), judged_part(["train", "folds"])
    ('test', 'folds')
    """
    return next(part for part in ("test", "folds", "val", *parts) if part in parts)


@dataclass(frozen=True)
class PartResults:
    """Results for one part of the data.

    Attributes:
        metrics: name → value with its error; its `MetricSpec` gives the meaning.
        per_class: class → `precision`, `recall`, `f1` and `support`.
        confusion: `counts`, `errors` and `classes` of the confusion matrix.
        per_parameter: hypothesis → `auc`, `accuracy` and `signal_events`.
        against: observer → a row of metrics for each of its bins.
        training_balance: class fractions of the training, and the log-loss at these fractions.
        negative_weights: fraction of events that have one (`share`), and `effective_events`; empty if there are none.
        baselines: name → metrics of the baseline.
        trigger: efficiencies, rates and resolution of the network in a trigger.
        search: significance and limits.
        overtraining: class → Kolmogorov–Smirnov distance to the training events.
        sculpting: observer → how a cut on the score changes its distribution in the background.
        importance: input → permutation importance.
        one_network: metric → its value for the network of a single fold.
        front: `points`, the cost and metrics of the network of every step of a training in steps, and the `reference` that
            the differences are taken from.
    """

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    per_class: Tree = field(default_factory=dict)
    confusion: Tree = field(default_factory=dict)
    per_parameter: Tree = field(default_factory=dict)
    against: Tree = field(default_factory=dict)
    training_balance: Tree = field(default_factory=dict)
    negative_weights: Tree = field(default_factory=dict)
    baselines: Tree = field(default_factory=dict)
    trigger: Tree = field(default_factory=dict)
    search: Tree = field(default_factory=dict)
    overtraining: Tree = field(default_factory=dict)
    sculpting: Tree = field(default_factory=dict)
    importance: Tree = field(default_factory=dict)
    one_network: Tree = field(default_factory=dict)
    front: Tree = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A metric with its error as text; a dash if it is undefined."""
        metric = self.metrics.get(name)
        return "–" if metric is None or not np.isfinite(metric.value) else str(metric)

    def to_json(self) -> dict[str, Any]:
        """Return what `metrics.json` holds of this part."""
        sections = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "metrics"}
        return {name: metric.to_dict() for name, metric in self.metrics.items()} | {
            name: tree for name, tree in sections.items() if tree
        }

    @classmethod
    def from_json(cls, tree: Tree) -> "PartResults":
        """The inverse of `to_json`; entries that are neither metrics nor known sections are ignored."""
        known = {each.name for each in fields(cls)} - {"metrics"}
        metrics = {name: _metric(value) for name, value in tree.items() if is_metric(value)}
        return cls(metrics, **{name: value for name, value in tree.items() if name in known})


@dataclass(frozen=True)
class Results:
    """Results of an evaluation.

    Attributes:
        parts: `train`, `val` (or `folds`, out of fold), `test` → results of this part.
    """

    parts: Mapping[str, PartResults]

    @property
    def judged(self) -> str:
        """The part whose numbers count."""
        return judged_part(self.parts)

    def to_json(self) -> dict[str, Any]:
        """Part → its results, as `metrics.json` holds them."""
        return {name: part.to_json() for name, part in self.parts.items()}

    @classmethod
    def from_json(cls, tree: Tree) -> "Results":
        """The inverse of `to_json`, for any version of `metrics.json`.

        Raises:
            RunError: if a later version of fivesigma wrote it.
        """
        return cls({name: PartResults.from_json(part) for name, part in parts_of(tree).items()})


def versioned(parts: Tree) -> dict[str, Any]:
    """Add the version, as in `metrics.json`."""
    return {"version": VERSION, **parts}


def parts_of(tree: Tree) -> dict[str, Any]:
    """Part → metrics from the content of a `metrics.json` of this version or an older one.

    Raises:
        RunError: if a later version of fivesigma wrote it.
    """
    version = tree.get("version", 1)
    if not isinstance(version, int) or version > VERSION:
        raise RunError(
            f"metrics.json has version {version}, and this fivesigma reads up to {VERSION}",
            hint="update fivesigma, or evaluate the run again: fivesigma evaluate RUN",
        )
    return {part: value for part, value in tree.items() if part != "version"}


def _metric(tree: Tree) -> Metric:
    return Metric(*(np.nan if tree[key] is None else float(tree[key]) for key in ("value", "error")))
