"""Judge the network of every step of a training in steps: physics against cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fivesigma.analysis.analysis import Analysis
from fivesigma.assessment.base import NOTHING, Assessment, Findings
from fivesigma.assessment.comparison import Comparison
from fivesigma.baselines.of_run import analysis_of
from fivesigma.errors import EventsError
from fivesigma.metrics.difference import differences
from fivesigma.metrics.result import judged_part
from fivesigma.metrics.spec import MetricOptions, functions_of
from fivesigma.metrics.trigger.summary import Judgement, reductions
from fivesigma.scores import Scores
from fivesigma.training.network import Network

PHYSICS = {"binary": ("auc", "accuracy"), "multiclass": ("accuracy", "log_loss"), "regression": ("rmse", "width_68")}
"""Metrics that every step is judged by, besides the monitored one."""


@dataclass
class FrontAssessment(Assessment):
    """Metrics of the network of every step, on validation and on test events.

    Attributes:
        analysis: of the run.
        tree: `front.json`.
        networks: number of the step, from 1 → its network.
        scoring: (network, part) → scores.
        comparison: of the baselines, which is finished before this assessment.
    """

    analysis: Analysis
    tree: Mapping[str, Any]
    networks: Mapping[int, Network]
    scoring: Callable[[Network, str], Scores]
    comparison: Comparison
    _parts: dict[int, dict[str, Scores]] = field(default_factory=dict)

    def add(self, part: str, scores: Scores) -> Findings:
        """Score a part with the network of every step; training events are not."""
        if part != "train" and len(scores):
            for step, network in self.networks.items():
                own = scores if step == self.tree["chosen"] else self.scoring(network, part)
                self._parts.setdefault(step, {})[part] = own
        return NOTHING

    def finish(self) -> Mapping[str, Findings]:
        """Part → `front`: for every step its cost, its metrics and, with a trigger, its rate; and what baselines cost."""
        found: dict[str, Findings] = {}
        reference = reference_of(self.analysis)
        judged = self._judged()
        parts = next(iter(self._parts.values()), {})
        for part in parts:
            points = []
            for point in self.tree["points"]:
                row = self._metrics(self._parts[point["step"]][part], self.comparison.scores_of(reference, part))
                if part == judged_part(parts):
                    row |= self._rates(judged, point["step"], reference)
                kept = point["step"] == self.tree["chosen"]
                points.append({**{key: point[key] for key in ("step", "beta", "ebops", "last_epoch")}, "kept": kept, **row})
            known = reference if self.comparison.scores_of(reference, part) is not None else None
            front: dict[str, Any] = {"reference": known, "points": points}
            if part == judged_part(parts):
                front["costs"] = self.comparison.baselines.costs()
            found[part] = Findings({"front": front})
        return found

    def _metrics(self, scores: Scores, reference: Scores | None) -> dict[str, Any]:
        """Metrics with their errors, and their differences from the network of floating-point numbers on the same events."""
        settings, functions = self.analysis.evaluate, functions_of(scores.task)
        options = MetricOptions(settings.threshold, settings.bootstrap)
        names = [name for name in (*PHYSICS[scores.task], self.analysis.train.monitor) if name in functions]
        found: dict[str, Any] = {
            name: functions[name](scores.score, scores.target, scores.weight, options) for name in dict.fromkeys(names)
        }
        if reference is not None:
            found["difference"] = differences(reference, scores, options, tuple(found))
        return found

    def _judged(self) -> dict[int, Judgement]:
        """Trigger performance of every step; nothing without a trigger, or if there are too few events for it."""
        settings = self.analysis.evaluate.trigger
        if settings is None or not self.comparison.judgements:
            return {}
        part = judged_part(next(iter(self._parts.values())))
        try:
            return self.comparison.judged(self._parts, part, settings)
        except EventsError:  # said by the comparison already
            return {}

    def _rates(self, judged: Mapping[int, Judgement], step: int, reference: str | None) -> dict[str, Any]:
        """The rate at equal measured efficiency, and its ratio to that of the reference on the same muons."""
        settings = self.analysis.evaluate.trigger
        if settings is None or step not in judged:
            return {}
        found: dict[str, Any] = {"rate": judged[step].metrics["rate_measured"]}
        if reference in self.comparison.judgements:
            ratios = reductions(self.comparison.judgements[reference], {"step": judged[step]}, settings)
            found["rate_to_reference"] = ratios["step"]["rate_reduction_measured"]
        return found


def reference_of(analysis: Analysis) -> str | None:
    """The baseline that is a network of floating-point numbers with the same layers; None if there is none.

    Args:
        analysis: of the run.
    """
    layers = getattr(analysis.model, "layers", None)
    for name, settings in analysis.baselines.items():
        if settings.kind == "network" and layers is not None:
            model = analysis_of(settings, analysis).model
            if getattr(model, "layers", None) == layers and model.kind != analysis.model.kind:
                return name
    return None
