"""Scores → numbers with uncertainties, in pure NumPy: every metric takes event weights and carries an error.

    import fivesigma as fs
    fs.metrics.auc(score, target, weight)                     # Metric(value=0.95…, error=0.002…)

Nothing here reads files, draws, or knows JAX.
"""

from fivesigma.metrics.calibration import calibration_error
from fivesigma.metrics.classes import accuracy, balanced_accuracy, confusion, f1_macro, f1_weighted, log_loss
from fivesigma.metrics.metric import Metric, weighted_mean
from fivesigma.metrics.regression import bias, half_width_68, mae, r_squared, rmse
from fivesigma.metrics.roc import auc, auc_difference
from fivesigma.metrics.spec import MetricOptions, MetricSpec

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
