"""Weighted metrics of classifiers: accuracy, log-loss, and what follows from the confusion matrix."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.metrics.intervals import certain, fraction, without_failure
from fivesigma.metrics.metric import Metric, Weight, replicas, weighted_mean


def predicted_class(score: NDArray[Any], threshold: float = 0.5) -> NDArray[np.int64]:
    """Predicted class index, [event]: class 1 if score ≥ threshold for two classes, else the most probable class."""
    return (score >= threshold).astype(np.int64) if score.ndim == 1 else score.argmax(axis=1)


def accuracy(score: NDArray[Any], target: NDArray[Any], weight: Weight, threshold: float = 0.5) -> Metric:
    """Weighted fraction of events that are assigned to their true class.

    If all or none are, the error is the length of the Clopper–Pearson interval for the effective number of events.

    Args:
        score: probability of class 1 [event], or of each class [event, class].
        target: class index, [event].
        weight: [event].
        threshold: cut on the score, for two classes.

    >>> accuracy(np.array([0.2, 0.9, 0.6]), np.array([0, 1, 0]), np.ones(3)).value.__round__(4)
    0.6667
    """
    right = predicted_class(score, threshold) == target
    return fraction(right, weight)


def log_loss(score: NDArray[Any], target: NDArray[Any], weight: Weight) -> Metric:
    """Mean of −ln p(true class), with p clipped at 1e-7 (float32 resolution near one).

    >>> round(log_loss(np.array([0.5, 0.5]), np.array([0, 1]), np.ones(2)).value, 4)
    0.6931
    """
    return weighted_mean(log_losses(score, target), weight)


def log_losses(score: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
    """−ln p(true class) of each event, [event], with p clipped at 1e-7."""
    score = score.astype(np.float64)
    if score.ndim == 1:
        chosen = np.where(target == 1, score, 1 - score)
    else:
        chosen = np.take_along_axis(score, target.astype(np.int64)[:, None], axis=1)[:, 0]
    return np.asarray(-np.log(np.clip(chosen, 1e-7, 1.0)))


def confusion(
    score: NDArray[Any], target: NDArray[Any], weight: Weight, threshold: float = 0.5
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Σw and Σw² of events by (true class, predicted class), each [class, class]."""
    count = 2 if score.ndim == 1 else score.shape[1]
    cell = target.astype(np.int64) * count + predicted_class(score, threshold)
    sums = [np.bincount(cell, weights=w, minlength=count**2).reshape(count, count) for w in (weight, weight**2)]
    return sums[0].astype(np.float64), sums[1].astype(np.float64)


def joint_confusion(
    first: NDArray[Any], second: NDArray[Any], target: NDArray[Any], weight: Weight, threshold: float = 0.5
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Σw and Σw² of events by true class and the classes that both scores predict, each [class, class, class]."""
    count = 2 if first.ndim == 1 else first.shape[1]
    each = [predicted_class(score, threshold) for score in (first, second)]
    cell = (target.astype(np.int64) * count + each[0]) * count + each[1]
    sums = [np.bincount(cell, weights=w, minlength=count**3).reshape(count, count, count) for w in (weight, weight**2)]
    return sums[0].astype(np.float64), sums[1].astype(np.float64)


def recall_of(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fraction of each true class that is predicted as this class, [class]; NaN for a class without events."""
    with np.errstate(all="ignore"):
        return np.asarray(np.diag(table) / table.sum(axis=1))


def precision_of(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fraction of the events predicted as a class that belong to it, [class]; zero if there are none."""
    sums = table.sum(axis=0)
    return np.asarray(np.divide(np.diag(table), sums, out=np.zeros(len(table)), where=sums != 0))


def f1_of(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Harmonic mean of precision and recall, [class]: 2·TP / (2·TP + FP + FN); zero where undefined."""
    sums = table.sum(axis=0) + table.sum(axis=1)
    return np.asarray(np.divide(2 * np.diag(table), sums, out=np.zeros(len(table)), where=sums != 0))


def mean_recall(table: NDArray[np.float64]) -> float:
    """Mean recall of the classes that have events."""
    recalls = recall_of(table)
    recalls = recalls[np.isfinite(recalls)]
    return float(recalls.mean()) if len(recalls) else np.nan


def mean_f1(table: NDArray[np.float64]) -> float:
    """Mean F1 of the classes."""
    return float(f1_of(table).mean())


def weighted_f1(table: NDArray[np.float64]) -> float:
    """Mean F1 of the classes, weighted by their sums of weights."""
    total = table.sum()
    return float((f1_of(table) * table.sum(axis=1)).sum() / total) if total > 0 else np.nan


Statistic = Callable[[NDArray[np.float64]], float]


def balanced_accuracy(score: NDArray[Any], target: NDArray[Any], weight: Weight, threshold: float = 0.5) -> Metric:
    """Mean recall of the classes; for a constant answer, one over the number of classes."""
    return of_all_classes(*confusion(score, target, weight, threshold), mean_recall)


def f1_macro(score: NDArray[Any], target: NDArray[Any], weight: Weight, threshold: float = 0.5) -> Metric:
    """Unweighted mean of the F1 of the classes."""
    return of_all_classes(*confusion(score, target, weight, threshold), mean_f1)


def f1_weighted(score: NDArray[Any], target: NDArray[Any], weight: Weight, threshold: float = 0.5) -> Metric:
    """Mean of the F1 of the classes, weighted by their sums of weights."""
    return of_all_classes(*confusion(score, target, weight, threshold), weighted_f1)


def of_all_classes(
    table: NDArray[np.float64], variance: NDArray[np.float64], statistic: Statistic, count: int = 200
) -> Metric:
    """A mean over the classes; where replicas do not differ, its error follows from the intervals of the classes' recalls.

    That is so if every event is right, and for the mean recall if every event is given the same class.

    Args:
        table, variance: the confusion matrix.
        statistic: of the matrix.
        count: number of replicas for the error.
    """
    if not table.any():
        return Metric(np.nan, np.nan)
    found = replicas(table, variance, statistic, count)
    if found.error == 0 or (table == np.diag(np.diag(table))).all():
        errors = without_failure(table.sum(axis=1), variance.sum(axis=1))
        errors = errors[np.isfinite(errors)]
        return Metric(found.value, float(np.sqrt((errors**2).sum()) / max(len(errors), 1)))
    return found


def _of_one_class(
    table: NDArray[np.float64], variance: NDArray[np.float64], statistic: Statistic, among: Any, count: int
) -> Metric:
    """A fraction of the events in some cells, `among`; if it is exactly zero or one, its error is that of an interval."""
    found = replicas(table, variance, statistic, count)
    if certain(found):
        return Metric(found.value, float(without_failure(table[among].sum(), variance[among].sum())))
    return found


def per_class(
    table: NDArray[np.float64], variance: NDArray[np.float64], classes: tuple[str, ...], count: int = 200
) -> dict[str, dict[str, Metric]]:
    """Precision, recall and F1 of every class, and its sum of weights (`support`)."""
    rows: dict[str, dict[str, Metric]] = {}
    for i, name in enumerate(classes):
        rows[name] = {
            # A class that is never predicted has no precision.
            "precision": Metric(np.nan, np.nan)
            if table[:, i].sum() == 0
            else _of_one_class(table, variance, lambda t, i=i: float(precision_of(t)[i]), np.s_[:, i], count),  # type: ignore[misc]
            "recall": _of_one_class(table, variance, lambda t, i=i: float(recall_of(t)[i]), np.s_[i], count),  # type: ignore[misc]
            "f1": _of_one_class(table, variance, lambda t, i=i: float(f1_of(t)[i]), np.s_[i], count),  # type: ignore[misc]
            "support": Metric(float(table[i].sum()), float(np.sqrt(variance[i].sum()))),
        }
    return rows
