"""Signal efficiency of the cut that one percent of the background passes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics import Metric, MetricOptions, MetricSpec
from fivesigma.metrics.intervals import clopper_pearson
from fivesigma.metrics.metric import Weight
from fivesigma.metrics.roc import roc
from fivesigma.metrics.spec import undefined

WANTED = 0.01


def signal_efficiency(score: NDArray[Any], target: NDArray[Any], weight: Weight, options: MetricOptions) -> Metric:
    """The efficiency with its error, which is that of two shares of effective numbers of events.

    One is the share of the signal that passes a known cut; the other is that of the background, which moves the cut.
    """
    sides = [weight[target == 0].astype(np.float64), weight[target == 1].astype(np.float64)]
    if any(side.sum() <= 0 for side in sides):
        return undefined()
    background, signal = (side.sum() ** 2 / (side**2).sum() for side in sides)
    curve = roc(score, target, weight)
    share, first = np.unique(curve.background, return_index=True)
    spread = np.sqrt(WANTED * (1 - WANTED) / background)
    low, value, high = np.interp([WANTED - spread, WANTED, WANTED + spread], share, curve.signal[first])
    passing = np.diff(clopper_pearson(value * signal, signal), axis=0)[0]
    return Metric(float(value), float(np.hypot(passing, high - low) / 2))


SIGNAL_EFFICIENCY = MetricSpec(
    name="signal_efficiency_at_1_percent",
    tasks=("binary",),
    larger_is_better=True,
    meaning="share of the signal that passes the cut which 1 % of the background passes",
    function=signal_efficiency,
)
