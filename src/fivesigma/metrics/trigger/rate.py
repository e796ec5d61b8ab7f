"""Trigger rate against threshold for the momentum spectrum of collisions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Metric
from fivesigma.metrics.trigger.calibration import Calibration, Replica

Column = NDArray[np.float64]


def spectrum_weight(pt: Column, weight: Column, generated: float, spectrum: float) -> Column:
    """Weights that change the spectrum of a sample from dN/dpT ∝ pT^−generated to dN/dpT ∝ pT^−spectrum, [event].

    >>> spectrum_weight(np.array([1.0, 4.0]), np.ones(2), 2.0, 3.5)
    array([1.   , 0.125])
    """
    return np.asarray(weight * pt ** (generated - spectrum), np.float64)


@dataclass(frozen=True)
class Rates:
    """Rates above thresholds, with replicas for a comparison with another model on the same muons.

    Attributes:
        thresholds: GeV, [threshold].
        value: rate above each threshold: a fraction of all muons, or in the unit of the total rate, [threshold].
        replicas: rates of bootstrap replicas of the muons, [replica, threshold].
    """

    thresholds: Column
    value: Column
    replicas: NDArray[np.float64]

    def __getitem__(self, i: int) -> Metric:
        known = self.replicas[np.isfinite(self.replicas[:, i]), i]
        return Metric(float(self.value[i]), float(known.std()) if len(known) > len(self.replicas) / 2 else np.nan)

    def at(self, threshold: float) -> Metric:
        """The rate above one of the thresholds."""
        return self[int(np.argmin(np.abs(self.thresholds - threshold)))]

    def minus(self, other: "Rates") -> "Rates":
        """These rates minus those of another model on the same muons, whose common fluctuations cancel."""
        return Rates(self.thresholds, self.value - other.value, self.replicas - other.replicas)

    def below(self, other: "Rates") -> list[Metric]:
        """Rate reduction: rates of another model divided by these, [threshold].

        The error is the spread of the ratio over replicas in which both models are calibrated and judged with the same
        muons. Common fluctuations cancel; the errors of both scales are included.
        """
        with np.errstate(all="ignore"):
            value, each = other.value / self.value, other.replicas / self.replicas
        found = []
        for i in range(len(value)):
            known = each[np.isfinite(each[:, i]), i]
            error = float(known.std()) if len(known) > len(each) / 2 else np.nan
            found.append(Metric(float(value[i]) if np.isfinite(value[i]) else np.nan, error))
        return found


def rates(
    calibration: Calibration, thresholds: Column, generated: float, spectrum: float, total: float = 1.0, replicas: int = 200
) -> Rates:
    """Weighted fraction of muons at or above each threshold on the scale of the trigger.

    Errors come from a bootstrap of both the judged muons and those that set the scale; for a fixed scale they would be
    those of a weighted Poisson sum, √Σw² / Σw.

    Args:
        calibration: the muons.
        thresholds: GeV, [threshold].
        generated, spectrum: exponents, as for `spectrum_weight`.
        total: rate of all muons; 1 for fractions.
        replicas: number of replicas.
    """
    return both_rates(calibration, thresholds, np.zeros(0), generated, spectrum, total, replicas)[0]


def measured_rates(
    calibration: Calibration, thresholds: Column, generated: float, spectrum: float, total: float = 1.0, replicas: int = 200
) -> Rates:
    """As `rates`, but at cuts that the wanted fraction of the judged muons at each threshold passes.

    All models then have the same measured efficiency on the judged muons, even if their scales are off. The cut is chosen
    again in every replica, so the error of the rate includes its own.

    Args:
        calibration, thresholds, generated, spectrum, total, replicas: as for `rates`.
    """
    return both_rates(calibration, np.zeros(0), thresholds, generated, spectrum, total, replicas)[1]


def both_rates(
    calibration: Calibration,
    thresholds: Column,
    at: Column,
    generated: float,
    spectrum: float,
    total: float = 1.0,
    replicas: int = 200,
) -> tuple[Rates, Rates]:
    """`rates` above `thresholds` and `measured_rates` above those of `at`, for which each replica is made once."""
    judged = calibration.judged
    weight = spectrum_weight(judged.pt, judged.weight, generated, spectrum)
    value = _fractions(calibration, thresholds, at, weight)
    each = np.empty((replicas, len(value)))
    for i in range(replicas):
        each[i] = _fractions(calibration, thresholds, at, weight, calibration.replica(i))
    first = len(thresholds)
    return (
        Rates(thresholds, total * value[:first], total * each[:, :first]),
        Rates(at, total * value[first:], total * each[:, first:]),
    )


def _fractions(
    calibration: Calibration, thresholds: Column, at: Column, weight: Column, replica: Replica | None = None
) -> Column:
    """Fractions above the thresholds, then those above the cuts of equal measured efficiency at the thresholds of `at`."""
    weight = weight if replica is None else weight * replica.own
    factors = np.concatenate([np.ones(len(thresholds)), calibration.measured(at, replica)])
    known = np.isfinite(factors)
    passed = np.full(len(factors), np.nan)
    passed[known] = calibration.passing(np.concatenate([thresholds, at])[known], weight, replica, factors[known])
    return _ratio(passed, weight)


def _ratio(passed: Column, weight: Column) -> Column:
    """Fractions of all muons; NaN without muons."""
    total = weight.sum()
    return passed / total if total > 0 else np.full(len(passed), np.nan)


def grid(thresholds: list[float], points: int = 60) -> Column:
    """Thresholds of a rate curve, GeV: logarithmic from half the lowest to twice the highest, and the given ones."""
    even = np.geomspace(thresholds[0] / 2, thresholds[-1] * 2, points)
    return np.unique(np.concatenate([even, thresholds]))
