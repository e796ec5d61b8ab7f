"""Compare the network with its baselines: standard metrics and, for a momentum, trigger performance."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.trigger import Trigger
from fivesigma.assessment.base import NOTHING, Assessment, Findings
from fivesigma.baselines.of_run import Baselines, Hypotheses
from fivesigma.errors import EventsError
from fivesigma.events import Events
from fivesigma.metrics.curves import thinned_roc
from fivesigma.metrics.difference import differences
from fivesigma.metrics.result import NETWORK, judged_part
from fivesigma.metrics.spec import MetricOptions
from fivesigma.metrics.summary import by_score, per_parameter, summarise
from fivesigma.metrics.trigger.summary import Judgement, check, judged_side_by_side, reductions
from fivesigma.progress import Listener
from fivesigma.scores import Scores
from fivesigma.training.network import score_columns

MARGIN = 1.1
"""Factor beyond the outermost momenta of a scale within which it is not called extrapolated."""

K = TypeVar("K", bound=str | int)


def check_trigger(analysis: Analysis, events: Events) -> None:
    """Refuse a trigger that cannot judge these events, before anything is trained.

    Args:
        analysis: of the run.
        events: some of its events.

    Raises:
        EventsError: if the trigger cannot judge them.
    """
    if analysis.evaluate.trigger is not None:
        score = np.zeros((len(events), len(events.classes))) if len(events.classes) > 2 else np.zeros(len(events))
        unknown = Scores(score.astype(np.float32), events.target, events.weight, events.classes, observers=events.observers)
        check(unknown, analysis.evaluate.trigger)


@dataclass
class Comparison(Assessment):
    """Collects the scores of the network and of its baselines for every part and compares them at the end.

    Attributes:
        analysis: of the run.
        baselines: the baselines, of which the trained ones are compared.
        hypotheses: parameter values to score under.
        listener: receives progress.
        judgements: model → its trigger performance, once it is finished.
    """

    analysis: Analysis
    baselines: Baselines
    hypotheses: Hypotheses
    listener: Listener
    judgements: dict[str, Judgement] = field(default_factory=dict)
    _parts: dict[str, dict[str, Scores]] = field(default_factory=lambda: {NETWORK: {}})
    _problem: str = ""
    _beyond: str = ""

    def add(self, part: str, scores: Scores) -> Findings:
        """Score a part with every baseline; training events are not compared.

        Returns:
            Scores of the baselines as columns such as `score_trees`, for the file of predictions.
        """
        if part == "train" or not (self.analysis.baselines or self.analysis.evaluate.trigger):
            return NOTHING
        rivals = self.baselines.scores(part, scores, self.hypotheses)
        for name, each in {NETWORK: scores, **rivals}.items():
            self._parts.setdefault(name, {})[part] = each
        columns = {f"{column}_{name}": v for name, own in rivals.items() for column, v in score_columns(own).items()}
        return Findings(columns=columns)

    def finish(self) -> Mapping[str, Findings]:
        """Part → metrics of the baselines and, for the judged part, `trigger_rate` and `trigger`."""
        metrics: dict[str, dict[str, Any]] = {}
        curves: dict[str, dict[str, Any]] = {}
        for name, parts in self._parts.items():
            for part, scores in parts.items() if name != NETWORK else ():
                ours = self._parts[NETWORK][part]
                self._add_baseline(name, scores, ours, metrics.setdefault(part, {}), curves.setdefault(part, {}))
        if self.analysis.evaluate.trigger is not None:
            try:
                self._add_trigger(self.analysis.evaluate.trigger, metrics, curves)
            except EventsError as error:  # the settings were checked before the training: the events are too few
                self._problem = f"there are no numbers of the trigger: {error.what}"
        return {part: Findings(metrics[part], curves.get(part, {})) for part in metrics}

    def judged(self, models: Mapping[K, Mapping[str, Scores]], part: str, settings: Trigger) -> dict[K, Judgement]:
        """Trigger performance of models on a part, with progress.

        Args:
            models: name → scores of its parts.
            part: the part that is judged.
            settings: section `evaluate.trigger`.

        Raises:
            EventsError: if there are too few events.
        """
        found: dict[K, Judgement] = {}
        with closing(judged_side_by_side(models.values(), part, settings, self.analysis.evaluate.bootstrap)) as judgements:
            for i, name in enumerate(models):
                self.listener.progress(i, len(models), f"trigger: {f'step {name}' if isinstance(name, int) else name}")
                found[name] = next(judgements)
        return found

    def scores_of(self, name: str | None, part: str) -> Scores | None:
        """The scores of a model, if it was added."""
        return self._parts.get(name or "", {}).get(part)

    def sentences(self) -> list[str]:
        return [sentence for sentence in (self._problem, self._beyond) if sentence]

    def _add_baseline(
        self, name: str, scores: Scores, ours: Scores, metrics: dict[str, Any], curves: dict[str, Any]
    ) -> None:
        """The standard metrics of a baseline, their differences from the network's, and its ROC curve for two classes."""
        settings = self.analysis.evaluate
        ranked = by_score(scores)
        found = summarise(ranked, settings.threshold, settings.bootstrap)
        if scores.at_hypothesis:
            found["per_parameter"] = per_parameter(scores, settings.threshold)
        if gaps := differences(ours, scores, MetricOptions(settings.threshold, settings.bootstrap)):
            found["difference"] = gaps
        learnt = self.baselines.learnt(name)
        if learnt is not None and learnt[0] < learnt[1]:
            found["learnt"] = dict(zip(("events", "of"), learnt, strict=True))
        metrics.setdefault("baselines", {})[name] = found
        own = curves.setdefault("baselines", {}).setdefault(name, {})
        if scores.task == "binary":
            own["roc"] = thinned_roc(ranked.score, ranked.target, ranked.weight)

    def _add_trigger(self, settings: Trigger, metrics: dict[str, dict[str, Any]], curves: dict[str, dict[str, Any]]) -> None:
        """Trigger performance of every model on the judged part."""
        part = judged_part(self._parts[NETWORK])
        found = self.judged(self._parts, part, settings)
        self.judgements = dict(found)
        self._beyond = _beyond_scale(found[NETWORK].curves["scale"]["pt"], settings)
        network = found.pop(NETWORK)
        gains = reductions(network, found, settings)
        metrics.setdefault(part, {}).update({"trigger_rate": network.metrics["rate"], "trigger": network.metrics})
        curves.setdefault(part, {})["trigger"] = network.curves
        for name, other in found.items():
            gain = {key: value for key, value in gains[name].items() if key != "curve"}
            metrics[part]["baselines"][name]["trigger"] = {**other.metrics, **gain}
            curves[part]["baselines"][name]["trigger"] = {**other.curves, "rate_reduction": gains[name]["curve"]}


def _beyond_scale(nodes: Sequence[float], settings: Trigger) -> str:
    """A sentence on thresholds beyond the momenta that set the scale, where it is extrapolated."""
    # A node is the mean of a bin: what lies a little beyond the last one may be inside the bin.
    outside = [t for t in settings.all_thresholds if not nodes[0] / MARGIN <= t <= nodes[-1] * MARGIN]
    if not outside:
        return ""
    named = ", ".join(f"{t:g}" for t in outside)
    return (
        f"evaluate.trigger: the muons that set the scale reach from {nodes[0]:.3g} to {nodes[-1]:.3g} GeV; at {named} "
        "GeV the scale is extrapolated, and efficiency and rate there are not what it promises"
    )
