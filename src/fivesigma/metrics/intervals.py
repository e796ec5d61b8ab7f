"""Efficiencies with Clopper–Pearson intervals, also for weighted events."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.metric import Metric, Weight, shown, weighted_mean

ONE_SIGMA = 0.682689492137086
"""Probability within one standard deviation of a Gaussian."""


@dataclass(frozen=True)
class Share:
    """A fraction of events with the limits of its interval; NaN if there are no events.

    >>> str(Share(0.9512, 0.9461, 0.9559))
    '0.9512 +0.0047 −0.0051'
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        up, down = self.high - self.value, self.value - self.low
        smallest = min((error for error in (up, down) if error > 0), default=0.0)
        digits = int(np.clip(1 - np.floor(np.log10(smallest)), 0, 8)) if smallest > 0 else 4
        return f"{self.value:.{digits}f} +{up:.{digits}f} −{down:.{digits}f}"

    def to_dict(self) -> dict[str, float | None]:
        """For JSON, where NaN does not exist: an undefined number is null."""
        return {name: float(x) if np.isfinite(x) else None for name, x in vars(self).items()}


def is_share(tree: Any) -> bool:
    """Whether a JSON value has the form that `Share.to_dict` returns."""
    return isinstance(tree, dict) and set(tree) == {"value", "low", "high"}


@dataclass(frozen=True)
class Shares:
    """Fractions of events in bins.

    Attributes:
        value, low, high: [bin]; NaN for a bin without events.
        events: effective number of events, [bin].
    """

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    events: NDArray[np.float64]

    def __getitem__(self, i: int) -> Share:
        return Share(float(self.value[i]), float(self.low[i]), float(self.high[i]))

    def to_dict(self) -> dict[str, list[float | None]]:
        """Plain lists, for JSON."""
        return {name: [float(x) if np.isfinite(x) else None for x in values] for name, values in vars(self).items()}


def clopper_pearson(passed: Any, total: Any, level: float = ONE_SIGMA) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Limits of the exact central interval of a binomial probability.

    With α = 1 − level they are the quantiles B(α/2; k, n − k + 1) and B(1 − α/2; k + 1, n − k) of beta distributions;
    0 for k = 0 and 1 for k = n. k and n need not be integers.

    Args:
        passed: successes k, [...].
        total: trials n, [...]; the limits are NaN where n = 0.
        level: confidence level.

    Source: Clopper, Pearson, Biometrika 26 (1934) 404; as beta quantiles in the Particle Data Group's review of
    statistics, section "Frequentist confidence intervals".

    >>> [round(float(limit), 4) for limit in clopper_pearson(9, 10)]
    [0.7059, 0.9829]
    """
    # Loads slowly, and most commands need no interval.
    from scipy.special import betaincinv

    k, n = np.broadcast_arrays(np.asarray(passed, np.float64), np.asarray(total, np.float64))
    tail = (1 - level) / 2
    some = n > 0
    k, n = np.where(some, np.clip(k, 0, n), 0.0), np.where(some, n, 1.0)
    low = np.where(k > 0, betaincinv(np.maximum(k, 1e-300), n - k + 1, tail), 0.0)
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1e-300), 1 - tail), 1.0)
    return np.where(some, low, np.nan), np.where(some, high, np.nan)


def certain(metric: Metric) -> bool:
    """Whether a fraction is zero or one without an error, as sums of rounded weights tell it.

    >>> certain(Metric(1 - 1e-15, 1e-17)), certain(Metric(0.5, 0.0)), certain(Metric(1.0, 0.1))
    (True, False, False)
    """
    return bool(metric.error < _ROUNDING and min(abs(metric.value), abs(1 - metric.value)) < _ROUNDING)


_ROUNDING = 1e-9


def fraction(passed: NDArray[np.bool_], weight: Weight) -> Metric:
    """Weighted fraction of events that pass; if all or none do, its error is the length of the Clopper–Pearson interval.

    >>> found = fraction(np.zeros(30, bool), np.ones(30))
    >>> found.value, round(found.error, 4)
    (0.0, 0.0595)
    """
    found = weighted_mean(passed.astype(np.float64), weight)
    return Metric(found.value, float(without_failure(weight.sum(), (weight**2).sum()))) if certain(found) else found


def without_failure(weight: Any, squares: Any) -> NDArray[np.float64]:
    """Length of the Clopper–Pearson interval of a fraction that is exactly one (or zero), […].

    It is the error where spread and replicas give none: in them no event fails, though the next event might.

    Args:
        weight: Σw of the events, […].
        squares: Σw², […].

    >>> without_failure(np.array([100.0]), np.array([100.0])).round(4).tolist()
    [0.0182]
    """
    weight, squares = np.asarray(weight, np.float64), np.asarray(squares, np.float64)
    events = np.divide(weight**2, squares, out=np.zeros(np.shape(weight)), where=squares > 0)
    return 1 - clopper_pearson(events, events)[0]


def shares(
    passed: NDArray[np.bool_], weight: Weight, index: NDArray[np.intp], bins: int, level: float = ONE_SIGMA
) -> Shares:
    """Weighted fraction of events that pass, in bins.

    The interval is that of n = (Σw)²/Σw² unweighted events of which k = n·Σ(w of those that pass)/Σw pass: exact for
    equal weights. n is Kish's effective number of events (L. Kish, Survey Sampling, Wiley 1965, section 11.7), used in
    the same way by ROOT's TEfficiency. With negative weights, n still measures the precision of the sum.

    Args:
        passed: [event].
        weight: [event].
        index: bin of each event, [event]; events outside 0 … bins − 1 are ignored.
        bins: number of bins.
        level: confidence level.

    >>> shares(np.array([True, True, False]), np.ones(3), np.zeros(3, int), 1)[0].value.__round__(4)
    0.6667
    """
    inside = (index >= 0) & (index < bins)
    place, w = index[inside], np.asarray(weight, np.float64)[inside]
    total = np.bincount(place, w, bins)
    squares = np.bincount(place, w**2, bins)
    with np.errstate(all="ignore"):
        value = np.bincount(place, w * passed[inside], bins) / total
        effective = np.where(total != 0, total**2 / squares, 0.0)
    value = np.where(total != 0, value, np.nan)
    low, high = clopper_pearson(np.nan_to_num(value) * effective, effective, level)
    return Shares(value, np.minimum(low, value), np.maximum(high, value), effective)


def share(passed: NDArray[np.bool_], weight: Weight, level: float = ONE_SIGMA) -> Share:
    """Weighted fraction of all events that pass; see `shares`."""
    return shares(passed, weight, np.zeros(len(passed), np.intp), 1, level)[0]


def share_difference(first: NDArray[np.bool_], second: NDArray[np.bool_], weight: Weight) -> Metric:
    """Weighted fraction of events that pass a first time minus that of the same events a second time.

    The error is that of the weighted mean of the differences: √Σw²(d − d̄)²/|Σw|. Events that pass both times cancel.

    Args:
        first, second: [event].
        weight: [event].

    >>> share_difference(np.array([True, True]), np.array([True, True]), np.ones(2))
    Metric(value=0.0, error=0.0)
    """
    w = np.asarray(weight, np.float64)
    apart, total = first.astype(np.float64) - second, w.sum()
    if total == 0:
        return Metric(np.nan, np.nan)
    value = float((w * apart).sum() / total)
    return Metric(value, float(np.sqrt((w**2 * (apart - value) ** 2).sum()) / abs(total)))


def text_of(tree: Any) -> str:
    """A metric or a fraction from JSON as text; a dash if it is undefined.

    >>> text_of({"value": 0.5, "low": 0.4, "high": 0.61}), text_of({"value": 1.0, "error": 0.1}), text_of(None)
    ('0.50 +0.11 −0.10', '1.00 ± 0.10', '–')
    """
    if is_share(tree) and None not in tree.values():
        return str(Share(**tree))
    return shown(tree)
