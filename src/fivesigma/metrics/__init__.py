"""Scores → numbers with uncertainties, in pure NumPy: every metric takes event weights and carries an error.

    import fivesigma as fs
    fs.metrics.auc(score, target, weight)                     # Metric(value=0.95…, error=0.002…)

Arguments may be arrays, lists or columns of pandas; what has no meaning, such as a missing score, is an `EventsError`.
Nothing here reads files, draws, or knows JAX.
"""

import numpy as np  # noqa: F401  (the functions' examples, which are run, use it)

from fivesigma.metrics import calibration as _calibration
from fivesigma.metrics import classes as _classes
from fivesigma.metrics import regression as _regression
from fivesigma.metrics import roc as _roc
from fivesigma.metrics.checked import checked as _checked
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.metric import weighted_mean as _weighted_mean
from fivesigma.metrics.spec import MetricOptions, MetricSpec

accuracy = _checked(_classes.accuracy, "classes")
auc = _checked(_roc.auc, "two classes")
auc_difference = _checked(_roc.auc_difference, "two classes")
balanced_accuracy = _checked(_classes.balanced_accuracy, "classes")
bias = _checked(_regression.bias, "number")
calibration_error = _checked(_calibration.calibration_error, "two classes", probabilities=True)
confusion = _checked(_classes.confusion, "classes")
f1_macro = _checked(_classes.f1_macro, "classes")
f1_weighted = _checked(_classes.f1_weighted, "classes")
half_width_68 = _checked(_regression.half_width_68, "number")
log_loss = _checked(_classes.log_loss, "classes", probabilities=True)
mae = _checked(_regression.mae, "number")
r_squared = _checked(_regression.r_squared, "number")
rmse = _checked(_regression.rmse, "number")
weighted_mean = _checked(_weighted_mean, "number", of_none=True)

__all__ = [
    "Metric",
    "MetricOptions",
    "MetricSpec",
    "accuracy",
    "auc",
    "auc_difference",
    "balanced_accuracy",
    "bias",
    "calibration_error",
    "confusion",
    "f1_macro",
    "f1_weighted",
    "half_width_68",
    "log_loss",
    "mae",
    "r_squared",
    "rmse",
    "weighted_mean",
]
