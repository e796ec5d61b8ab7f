"""Momentum estimates of a model, with true momentum, charge and pseudorapidity."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.trigger import Trigger
from fivesigma.errors import EventsError
from fivesigma.scores import Scores

SMALLEST = 1e-6
"""Smallest |q/pT| in 1/GeV and smallest pT in GeV, which keep the inverse of a prediction of zero finite."""
AGREE = 0.01
"""Largest relative difference of a target and the true momentum that count as the same quantity."""

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Muons:
    """Columns of equal length, one row per muon.

    Attributes:
        estimate: transverse momentum estimated by the model, GeV; positive, [event]. Only its order matters to the
            trigger, as the scale maps it.
        pt: the true transverse momentum, GeV, [event].
        weight: event weight, [event].
        number: event number, uint64 [event].
        eta: the true pseudorapidity, [event], or None.
        curvature, true_curvature: predicted and true q/pT, 1/GeV, [event]; None if the model predicts no charge.
    """

    estimate: Column
    pt: Column
    weight: Column
    number: NDArray[np.uint64]
    eta: Column | None = None
    curvature: Column | None = None
    true_curvature: Column | None = None

    def __len__(self) -> int:
        return len(self.pt)

    def take(self, index: NDArray[Any]) -> "Muons":
        """The muons at `index` (positions or a boolean mask)."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        taken: dict[str, Any] = {name: None if column is None else column[index] for name, column in columns.items()}
        return replace(self, **taken)


def muons_of(scores: Scores, settings: Trigger, centres: Column | None = None) -> Muons:
    """Convert scores to momenta.

    The estimate of a regression of q/pT is 1/|q/pT|. That of a classifier with class probabilities p_c is
    1/Σ_c p_c·⟨1/pT⟩_c, the inverse of the expected 1/pT: the least-squares estimate of 1/pT if the true momentum within
    a class does not depend on the inputs. The threshold need not be an edge of a class, as the probabilities change
    smoothly with the momentum.

    Args:
        scores: scores with the observers named in the settings.
        settings: section `evaluate.trigger`.
        centres: for a classifier, ⟨1/pT⟩ of each class in 1/GeV from `class_centres`, [class].

    Raises:
        EventsError: if a momentum is not positive, or the target is not what `predicts` says.
    """
    pt = _observer(scores, settings.pt)
    bad = int((~(pt > 0)).sum())
    if bad:
        raise EventsError(f"evaluate.trigger.pt: {settings.pt!r} is not positive for {bad:,} of {len(pt):,} muons")
    eta = None if settings.eta is None else _observer(scores, settings.eta)
    weight = scores.weight.astype(np.float64)
    number = scores.event_number if len(scores.event_number) == len(pt) else np.arange(len(pt), dtype=np.uint64)
    if scores.task != "regression":
        assert centres is not None  # whoever judges a classifier has looked at its classes
        inverse = probabilities(scores.score) @ centres
        return Muons(1 / np.maximum(inverse, SMALLEST), pt, weight, number, eta)
    predicted, target = scores.score.astype(np.float64), scores.target.astype(np.float64)
    if settings.predicts == "pt":
        _check_target(target, pt, "pt", settings)
        return Muons(_positive(predicted), pt, weight, number, eta)
    _check_target(1 / np.maximum(np.abs(target), SMALLEST), pt, "q_over_pt", settings)
    return Muons(1 / np.maximum(np.abs(predicted), SMALLEST), pt, weight, number, eta, predicted, target)


def _positive(predicted: Column) -> Column:
    """Predicted momenta of which those below zero become tiny, in the same order: a cut between them stays a cut.

    >>> _positive(np.array([-3.0, -1.0, 0.5])).round(9)
    array([2.5e-07, 5.0e-07, 5.0e-01])
    """
    return np.where(predicted >= SMALLEST, predicted, SMALLEST / (1 + np.maximum(SMALLEST - predicted, 0)))


def class_centres(scores: Scores, settings: Trigger) -> Column | None:
    """Weighted mean of 1/pT of each true class, 1/GeV [class]; None for a regression.

    Args:
        scores: scores of calibration events, not of judged ones.
        settings: section `evaluate.trigger`, which names the observer of the true momentum.

    Raises:
        EventsError: if a class has no events.
    """
    if scores.task == "regression":
        return None
    inverse = 1 / _observer(scores, settings.pt)
    member = scores.target.astype(np.intp)
    sums = np.bincount(member, scores.weight, len(scores.classes))
    with np.errstate(all="ignore"):
        centres = np.bincount(member, scores.weight * inverse, len(scores.classes)) / sums
    known = (sums > 0) & (centres > 0)
    if not known.all():
        name = scores.classes[int(np.flatnonzero(~known)[0])]
        raise EventsError(f"class {name!r} has no event that tells its momentum", hint="add validation events")
    return centres


def probabilities(score: NDArray[Any]) -> Column:
    """Probabilities of every class, [event, class], also for two classes."""
    score = score.astype(np.float64)
    return np.column_stack([1 - score, score]) if score.ndim == 1 else score


def _observer(scores: Scores, name: str) -> Column:
    return np.asarray(scores.observers[name], np.float64)


def _check_target(of_target: Column, pt: Column, what: str, settings: Trigger) -> None:
    """Refuse a target that is not the momentum of the observer."""
    if len(pt) and np.median(np.abs(of_target / pt - 1)) > AGREE:
        raise EventsError(
            f"evaluate.trigger.predicts: {what}, but the target does not agree with the true momentum {settings.pt!r}",
            hint="name the observer of the true pT in `evaluate.trigger.pt`, and set `predicts` to q_over_pt or pt",
        )


Momenta = Callable[[Scores], Muons]
"""Scores → momenta, with the class centres of the calibration events."""
