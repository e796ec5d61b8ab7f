"""The metrics that every analysis gets, each with its direction, unit and meaning."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics import classes, regression, roc
from fivesigma.metrics.calibration import calibration_difference, calibration_error_by_chance
from fivesigma.metrics.metric import Metric, Weight, replicas, weighted_mean
from fivesigma.metrics.spec import TARGET, MetricOptions, MetricSpec

BINARY, CLASSES, REGRESSION = ("binary",), ("binary", "multiclass"), ("regression",)


def _of_events(metric: Callable[..., Metric]) -> Callable[..., Metric]:
    """A metric, or a difference, that depends on the events alone, as a specification calls it: with options."""
    return lambda *columns_and_options: metric(*columns_and_options[:-1])


def _accuracy(score: NDArray[Any], target: NDArray[Any], weight: Weight, options: MetricOptions) -> Metric:
    return classes.accuracy(score, target, weight, options.threshold)


def _of_confusion(
    score: NDArray[Any], target: NDArray[Any], weight: Weight, options: MetricOptions, statistic: classes.Statistic
) -> Metric:
    """A statistic of the confusion matrix."""
    return classes.of_all_classes(*classes.confusion(score, target, weight, options.threshold), statistic, options.bootstrap)


def _accuracy_of_constant(score: NDArray[Any], target: NDArray[Any], weight: Weight, options: MetricOptions) -> Metric:
    largest = np.bincount(target.astype(np.intp), weight).argmax() if len(target) else 0
    return weighted_mean((target == largest).astype(np.float64), weight)


def _width_68(score: NDArray[Any], target: NDArray[Any], weight: Weight, options: MetricOptions) -> Metric:
    return regression.half_width_68(score - target, weight)


def _rmse_of_constant(score: NDArray[Any], target: NDArray[Any], weight: Weight, options: MetricOptions) -> Metric:
    constant = np.full(len(score), np.average(target, weights=weight) if weight.sum() else 0.0)
    return regression.rmse(constant, target, weight)


def _accuracy_difference(
    first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight, options: MetricOptions
) -> Metric:
    right = [classes.predicted_class(score, options.threshold) == target for score in (first, second)]
    return weighted_mean(right[0].astype(np.float64) - right[1], weight)


def _chance_difference(
    first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight, options: MetricOptions
) -> Metric:
    """It follows from the scores of the events, without chance."""
    one, other = (calibration_error_by_chance(score, target, weight).value for score in (first, second))
    return Metric(one - other, 0.0)


def _log_loss_difference(
    first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight, options: MetricOptions
) -> Metric:
    return weighted_mean(classes.log_losses(first, target) - classes.log_losses(second, target), weight)


def _confusion_difference(
    first: NDArray[Any],
    second: NDArray[Any],
    target: NDArray[Any],
    weight: Weight,
    options: MetricOptions,
    statistic: classes.Statistic,
) -> Metric:
    """The difference of a statistic of two confusion matrices of the same events."""
    joint = classes.joint_confusion(first, second, target, weight, options.threshold)
    return replicas(*joint, lambda t: statistic(t.sum(axis=2)) - statistic(t.sum(axis=1)), options.bootstrap)


def _mae_difference(
    first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight, options: MetricOptions
) -> Metric:
    errors = [np.abs(prediction.astype(np.float64) - target) for prediction in (first, second)]
    return weighted_mean(errors[0] - errors[1], weight)


def _bias_difference(
    first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight, options: MetricOptions
) -> Metric:
    return weighted_mean(first.astype(np.float64) - second, weight)


AUC = MetricSpec(
    "auc",
    BINARY,
    True,
    "probability that a signal event scores above a background event",
    function=_of_events(roc.auc),
    label="AUC",
    difference=_of_events(roc.auc_difference),
)
ACCURACY = MetricSpec(
    "accuracy", CLASSES, True, "share of events put into the right class", "", _accuracy, difference=_accuracy_difference
)
LOG_LOSS = MetricSpec(
    "log_loss",
    CLASSES,
    False,
    "mean of −ln p(true class)",
    function=_of_events(classes.log_loss),
    in_bins=False,
    label="log-loss",
    difference=_log_loss_difference,
)
BALANCED_ACCURACY = MetricSpec(
    "balanced_accuracy",
    CLASSES,
    True,
    "mean recall of the classes",
    function=partial(_of_confusion, statistic=classes.mean_recall),
    in_bins=False,
    label="balanced accuracy",
    difference=partial(_confusion_difference, statistic=classes.mean_recall),
)
F1_MACRO = MetricSpec(
    "f1_macro",
    CLASSES,
    True,
    "mean F1 of the classes",
    function=partial(_of_confusion, statistic=classes.mean_f1),
    in_bins=False,
    label="F1, mean of the classes",
    difference=partial(_confusion_difference, statistic=classes.mean_f1),
)
F1_WEIGHTED = MetricSpec(
    "f1_weighted",
    CLASSES,
    True,
    "F1 of the classes weighted by their size",
    function=partial(_of_confusion, statistic=classes.weighted_f1),
    in_bins=False,
    label="F1, weighted by size",
    difference=partial(_confusion_difference, statistic=classes.weighted_f1),
)
ACCURACY_OF_CONSTANT = MetricSpec(
    "accuracy_of_constant",
    CLASSES,
    None,
    "accuracy of always answering the largest class",
    function=_accuracy_of_constant,
    in_bins=False,
)
RMSE = MetricSpec(
    "rmse",
    REGRESSION,
    False,
    "root mean squared error",
    TARGET,
    _of_events(regression.rmse),
    label="RMSE",
    difference=_of_events(regression.rmse_difference),
)
MAE = MetricSpec(
    "mae",
    REGRESSION,
    False,
    "mean absolute error",
    TARGET,
    _of_events(regression.mae),
    label="MAE",
    difference=_mae_difference,
)
BIAS = MetricSpec(
    "bias", REGRESSION, None, "mean of predicted − true", TARGET, _of_events(regression.bias), difference=_bias_difference
)
WIDTH_68 = MetricSpec(
    "width_68",
    REGRESSION,
    False,
    "half the interval that holds 68 % of the residuals",
    TARGET,
    _width_68,
    label="half width of 68 %",
    difference=_of_events(regression.width_difference),
)
R_SQUARED = MetricSpec(
    "r_squared",
    REGRESSION,
    True,
    "share of the variance explained",
    function=_of_events(regression.r_squared),
    label="R²",
    difference=_of_events(regression.r_squared_difference),
)
RMSE_OF_CONSTANT = MetricSpec(
    "rmse_of_constant", REGRESSION, None, "RMSE of always answering the mean", TARGET, _rmse_of_constant
)
CALIBRATION_ERROR = MetricSpec(
    "calibration_error",
    BINARY,
    False,
    "mean distance of the score from the share of signal",
    difference=_of_events(calibration_difference),
)
CALIBRATION_ERROR_BY_CHANCE = MetricSpec(
    "calibration_error_by_chance",
    BINARY,
    None,
    "calibration error of a calibrated score of these events: mean and spread",
    difference=_chance_difference,
)
RECALIBRATED_CALIBRATION_ERROR = MetricSpec(
    "recalibrated_calibration_error", BINARY, False, "mean distance from the share of signal after recalibration"
)
RECALIBRATED_LOG_LOSS = MetricSpec("recalibrated_log_loss", BINARY, False, "mean of −ln p(true class) after recalibration")
TRIGGER_RATE = MetricSpec(
    "trigger_rate",
    ("multiclass", "binary", "regression"),
    False,
    "rate above the trigger's threshold, on its scale",
)
