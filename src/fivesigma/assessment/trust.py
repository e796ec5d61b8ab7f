"""Check whether the scores can be trusted: overtraining, calibration, sculpting of the background."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.analysis import Analysis
from fivesigma.assessment.base import Assessment, Findings
from fivesigma.cluster.cores import cores
from fivesigma.errors import AnalysisError
from fivesigma.events import carries
from fivesigma.metrics import classes
from fivesigma.metrics.calibration import Isotonic, calibration_error, calibration_error_by_chance, isotonic
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.overtraining import overtraining
from fivesigma.metrics.result import judged_part
from fivesigma.metrics.sculpting import BackgroundShape, Sculpting, sculpting
from fivesigma.metrics.summary import hypothesis_name
from fivesigma.metrics.verdicts import SIGNIFICANT
from fivesigma.prefetch import side_by_side
from fivesigma.runs.folder import RunFolder
from fivesigma.scores import Scores

CALIBRATION = "calibration.json"
SCULPTED = 0.05
"""Divergence in bits above which a change of shape is reported as sculpting."""


class Trust(Assessment):
    """Overtraining, calibration and sculpting of the background.

    Args:
        folder: folder of the run; the recalibration is kept in it.
        analysis: the resolved analysis.
        means: parts whose scores are means over the networks of all folds, which are not compared with training scores.
    """

    def __init__(self, folder: RunFolder, analysis: Analysis, means: Collection[str] = ()) -> None:
        self.folder, self.analysis, self._means = folder, analysis, means
        self._sculpted: dict[str, dict[str, dict[str, Sculpting]]] = {}
        self.training: Scores | None = None
        self.recalibrated: Isotonic | None = None
        self._validated = False

    def add(self, part: str, scores: Scores) -> Findings:
        """Assess one part.

        Raises:
            AnalysisError: if a quantity of `evaluate.sculpting` is no observer, or there are no validation events to
                recalibrate with.
        """
        metrics: dict[str, Any] = {}
        curves: dict[str, Any] = {}
        if part == "train":
            nothing = np.zeros(0, np.uint64)
            self.training = replace(scores, at_hypothesis={}, observers={}, event_number=nothing)  # the rest may go
        elif self.training is not None and part not in self._means:
            metrics["overtraining"] = {name: d.to_dict() for name, d in overtraining(self.training, scores).items()}
        if self.analysis.task != "binary":
            return Findings(metrics, curves)
        metrics["calibration_error"] = calibration_error(scores.score, scores.target, scores.weight)
        metrics["calibration_error_by_chance"] = calibration_error_by_chance(scores.score, scores.target, scores.weight)
        metrics |= self._recalibrate(part, scores)
        for name in self.analysis.evaluate.sculpting:
            found = self._sculpting(name, scores)
            if not found:
                continue
            self._sculpted.setdefault(part, {})[name] = found
            metrics.setdefault("sculpting", {})[name] = {at: _brief(one) for at, one in found.items()}
            slices = {at: {text: one.to_dict() for text, one in found[at].slices.items()} for at in found}
            curves.setdefault("sculpting", {})[name] = slices
        columns = {} if self.recalibrated is None else {"probability": self.recalibrated(scores.score)}
        return Findings(metrics, curves, columns)

    def sentences(self) -> list[str]:
        """Sentences on observers whose distribution in the background a cut on the score changes significantly."""
        if not self._sculpted:
            return []
        part = judged_part(self._sculpted)
        found = []
        for name, every in self._sculpted[part].items():
            # Where no background passes a cut, there is nothing to compare.
            at = {text: one for text, one in every.items() if np.isfinite([one.divergence.value, one.by_chance.value]).all()}
            if not at:
                continue
            worst, where = max(((one, text) for text, one in at.items()), key=lambda pair: pair[0].divergence.value)
            excess = worst.divergence.value - worst.by_chance.value
            if worst.divergence.value < SCULPTED or excess < SIGNIFICANT * worst.by_chance.error:
                continue
            title = self.analysis.titles.get(name, name)
            place = "" if where == "score" else f" (at {where})"
            found.append(
                f"a cut on the score sculpts the background: its distribution of {title} above the cut differs from that "
                f"below by {worst.divergence} bit{place}, where fluctuations give {worst.by_chance}; a search for a bump in "
                "it must use the shape after the cut, or leave out the inputs that are correlated with it"
            )
        return found

    def _recalibrate(self, part: str, scores: Scores) -> dict[str, Metric]:
        """Fit the recalibration to validation (or out-of-fold) events and apply it to test events."""
        if self.analysis.evaluate.recalibrate is None:
            return {}
        if part in ("val", "folds"):
            self._validated = True
            if not scores.weight.sum() > 0:
                return {}
            self.recalibrated = isotonic(scores.score, scores.target, scores.weight)
            self.folder.write_json(CALIBRATION, self.recalibrated.to_dict())
            return {}
        if part != "test":
            return {}
        if self.recalibrated is None and self._validated:
            return {}
        if self.recalibrated is None:
            raise AnalysisError("evaluate.recalibrate needs validation events", hint="set split.val above 0")
        probability = self.recalibrated(scores.score)
        return {
            "recalibrated_calibration_error": calibration_error(probability, scores.target, scores.weight),
            "recalibrated_log_loss": classes.log_loss(probability, scores.target, scores.weight),
        }

    def _sculpting(self, name: str, scores: Scores) -> dict[str, Sculpting]:
        """`score`, or each hypothesis → sculpting of an observer, for its signal; empty without signal or background."""
        observer = np.asarray(scores.observers[name], np.float64)
        background = (scores.target != 1) & np.isfinite(observer)
        if any(not chosen.any() or scores.weight[chosen].sum() <= 0 for chosen in (background, scores.target == 1)):
            return {}
        if not scores.at_hypothesis:
            return {"score": sculpting(scores.score, scores.target, scores.weight, observer)}
        shape = BackgroundShape(scores.target, scores.weight, observer)

        def tested(pair: tuple[tuple[float, ...], NDArray[Any]]) -> tuple[str, Sculpting | None]:
            values, score = pair
            own = np.flatnonzero((scores.target == 1) & carries(scores.parameters, values))
            name, weight = hypothesis_name(scores.parameter_names, values), scores.weight[own]
            return name, shape.below_and_above(score, score[own], weight) if weight.sum() > 0 else None

        found = side_by_side(tested, iter(scores.at_hypothesis.items()), workers=min(cores(), 2))
        return {name: one for name, one in found if one is not None}


def _brief(found: Sculpting) -> dict[str, Any]:
    """Sculpting without its histograms."""
    return {"divergence": found.divergence, "by_chance": found.by_chance, "cut": found.cut, "efficiency": found.efficiency}


def read_calibration(folder: RunFolder) -> Isotonic | None:
    """The recalibration of an evaluated run, if it has one."""
    if not folder.has(CALIBRATION):
        return None
    tree = folder.read_json(CALIBRATION)
    return Isotonic(tuple(tree["score"]), tuple(tree["probability"]))
