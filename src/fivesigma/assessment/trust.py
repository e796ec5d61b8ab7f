"""What tells whether a run's scores can be trusted: overtraining, calibration, sculpting, importance of the inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.errors import AnalysisError, did_you_mean
from fivesigma.events import Events
from fivesigma.metrics import classes
from fivesigma.metrics.calibration import Isotonic, calibration_error, isotonic
from fivesigma.metrics.importance import importance
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.overtraining import overtraining
from fivesigma.metrics.sculpting import Sculpting, sculpting
from fivesigma.metrics.summary import hypothesis_name
from fivesigma.preparation.folds import FoldAssignment
from fivesigma.runs.folder import RunFolder
from fivesigma.scores import Scores
from fivesigma.training.folds import Folds
from fivesigma.training.network import Network

CALIBRATION = "calibration.json"


@dataclass
class Trust:
    """Collects what the parts say of one another; give it the parts in the order train, validation, test.

    Args:
        folder: of the run; the recalibration is kept in it.
        analysis: resolved.
    """

    folder: RunFolder
    analysis: Analysis
    training: Scores | None = None
    recalibrated: Isotonic | None = None

    def add(self, part: str, scores: Scores, of_many: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """Metrics and curves of one part.

        Args:
            part: its name.
            scores: of its events.
            of_many: whether they are means over the networks of all folds, which nothing has been trained on alone.

        Raises:
            AnalysisError: if something to look at is no observer.
        """
        metrics: dict[str, Any] = {}
        curves: dict[str, Any] = {}
        if part == "train":
            self.training = scores
        elif self.training is not None and not of_many:
            metrics["overtraining"] = {name: d.to_dict() for name, d in overtraining(self.training, scores).items()}
        if self.analysis.task != "binary":
            return metrics, curves
        metrics["calibration_error"] = calibration_error(scores.score, scores.target, scores.weight)
        metrics |= self._recalibrate(part, scores)
        for name in self.analysis.evaluate.sculpting:
            found = self._sculpting(name, scores)
            metrics.setdefault("sculpting", {})[name] = {at: _brief(one) for at, one in found.items()}
            slices = {at: {text: one.to_dict() for text, one in found[at].slices.items()} for at in found}
            curves.setdefault("sculpting", {})[name] = slices
        return metrics, curves

    def _recalibrate(self, part: str, scores: Scores) -> dict[str, Metric]:
        """Fit on the validation (or out-of-fold) events, apply to those that come later."""
        if self.analysis.evaluate.recalibrate is None:
            return {}
        if part in ("val", "folds"):
            self.recalibrated = isotonic(scores.score, scores.target, scores.weight)
            self.folder.write_json(CALIBRATION, self.recalibrated.to_dict())
            return {}
        if part != "test":
            return {}
        if self.recalibrated is None:
            raise AnalysisError("evaluate.recalibrate needs validation events", hint="set split.val above 0")
        probability = self.recalibrated(scores.score)
        return {
            "recalibrated_calibration_error": calibration_error(probability, scores.target, scores.weight),
            "recalibrated_log_loss": classes.log_loss(probability, scores.target, scores.weight),
        }

    def columns(self, scores: Scores) -> dict[str, Any]:
        """What is written beside the score."""
        return {} if self.recalibrated is None else {"probability": self.recalibrated(scores.score)}

    def _sculpting(self, name: str, scores: Scores) -> dict[str, Sculpting]:
        """By the score at the events' own parameters, or under each hypothesis."""
        if name not in scores.observers:
            hint = f"add {name!r} to `observers`; {did_you_mean(name, scores.observers)}"
            raise AnalysisError(f"evaluate.sculpting: {name!r} is not an observer", hint=hint)
        observer = np.asarray(scores.observers[name], np.float64)
        at = {hypothesis_name(scores.parameter_names, values): score for values, score in scores.at_hypothesis.items()}
        return {
            text: sculpting(score, scores.target, scores.weight, observer)
            for text, score in (at or {"score": scores.score}).items()
        }


def _brief(found: Sculpting) -> dict[str, Any]:
    """A sculpting without its histograms."""
    return {"divergence": found.divergence, "by_chance": found.by_chance, "cut": found.cut, "efficiency": found.efficiency}


def read_calibration(folder: RunFolder) -> Isotonic | None:
    """The recalibration of an evaluated run, if it has one."""
    if not folder.has(CALIBRATION):
        return None
    tree = folder.read_json(CALIBRATION)
    return Isotonic(tuple(tree["score"]), tuple(tree["probability"]))


def importances(
    analysis: Analysis,
    network: Network | Folds,
    parts: Mapping[str, Events],
    division: FoldAssignment | None,
    heard: Callable[[int, int], None],
) -> dict[str, Metric]:
    """Importance of every input, the largest first, on events the network has not been trained on.

    Args:
        analysis: says on how many events.
        network: with folds, that of the first fold is looked at, on the events of this fold.
        parts: the run's events.
        division: the folds, if there are any.
        heard: called with inputs done and in all.

    Returns:
        Input → importance; empty without validation events, or if none is wanted.
    """
    most = analysis.evaluate.importance
    if isinstance(network, Folds):
        assert division is not None  # the analysis that has trained folds divides its events into folds
        events, network = division.events.take(np.flatnonzero(division.fold == 1)), network.networks[0]
    elif "val" in parts:
        events = parts["val"]
    else:
        return {}
    if not most or len(events) < 100:
        return {}
    events = events.take(np.linspace(0, len(events) - 1, min(most, len(events))).astype(np.intp))
    target = events.target
    found = importance(network.score, events.features, events.parameters, target, events.weight, analysis.task, heard=heard)
    by_name = dict(zip((*events.feature_names, *events.parameter_names), found, strict=True))
    return dict(sorted(by_name.items(), key=lambda item: -item[1].value if np.isfinite(item[1].value) else np.inf))
