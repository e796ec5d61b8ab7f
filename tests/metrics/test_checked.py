"""Metrics as callers from outside have them."""

import pickle

import numpy as np
import pytest

import fivesigma as fs
from fivesigma.errors import EventsError
from fivesigma.metrics import roc

SCORE, TARGET, WEIGHT = [0.1, 0.8, 0.4, 0.9], [0, 1, 0, 1], [1.0, 2.0, 1.0, 1.5]


class Column:
    """Converts to an array as a column of pandas does, and has labels that NumPy does not know."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)


@pytest.mark.parametrize("kind", [list, tuple, np.array, Column])
def test_lists_and_columns_are_as_good_as_arrays(kind):
    wanted = roc.auc(np.array(SCORE), np.array(TARGET), np.array(WEIGHT))
    assert fs.metrics.auc(*(kind(values) for values in (SCORE, TARGET, WEIGHT))) == wanted
    assert fs.metrics.auc(kind(SCORE), weight=kind(WEIGHT), target=kind(TARGET)) == wanted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([0.1, np.nan], [0, 1], [1, 1]), "score is missing or infinite in 1 of 2 events"),
        (([0.1, 0.2], [0, 2], [1, 1]), r"target holds 2; the number of a class is 0 \(background\) or 1 \(signal\)"),
        (([0.1, 0.2], [0, 1], None), "weight is None"),
        (([0.1, 0.2], [[0], [1]], [1, 1]), "target has 2 dimensions"),
        (([0.1, 0.2], [0, 1], [1, 1, 1]), "differ in their numbers of events: score 2, target 2, weight 3"),
        ((["a", "b"], [0, 1], [1, 1]), "score holds something that is no number"),
        ((0.5, [0, 1], [1, 1]), "score has 0 dimensions"),
        (([], [], []), "there are no events"),
        (([[0.1], [0.8]], [0, 1], [1, 1]), "score has one column"),
    ],
)
def test_what_has_no_meaning_is_one_sentence(arguments, said):
    for metric in (fs.metrics.auc, fs.metrics.accuracy, fs.metrics.log_loss):
        with pytest.raises(EventsError, match=said):
            metric(*arguments)


def test_what_is_no_probability_has_no_log_loss():
    for score, said in (([0.5, 2.0], "score holds 2; a probability"), ([-0.25, 0.5], "score holds -0.25; a probability")):
        for metric in (fs.metrics.log_loss, fs.metrics.calibration_error):
            with pytest.raises(EventsError, match=said):
                metric(score, [0, 1], [1, 1])
        assert np.isfinite(fs.metrics.auc(score, [0, 1], [1, 1]).value)
    with pytest.raises(EventsError, match=r"add up to 0\.8; probabilities add up to 1"):
        fs.metrics.log_loss([[0.5, 0.5], [0.5, 0.3]], [0, 1], [1, 1])
    assert np.isfinite(fs.metrics.log_loss([-1e-9, 1.0000001], [0, 1], [1, 1]).value)  # rounded
    half = np.full((4, 3), 1 / 3, np.float16)
    assert np.isfinite(fs.metrics.log_loss(half, [0, 1, 2, 0], np.ones(4)).value)


def test_without_a_sum_of_weights_no_mean_is_defined():
    for metric in (fs.metrics.f1_weighted, fs.metrics.accuracy):
        assert np.isnan(metric([0.1, 0.9], [0, 1], [1, -1]).value)


def test_they_can_be_sent_to_another_process():
    assert pickle.loads(pickle.dumps(fs.metrics.auc)) is fs.metrics.auc


def test_several_classes_have_as_many_numbers_as_scores():
    score = np.full((3, 3), 1 / 3)
    assert fs.metrics.log_loss(score, [0, 1, 2], np.ones(3)).value == pytest.approx(np.log(3))
    with pytest.raises(EventsError, match="target holds 3; the number of a class is a whole number from 0 to 2"):
        fs.metrics.accuracy(score, [0, 1, 3], np.ones(3))


def test_scores_of_several_classes_are_refused_where_a_metric_knows_two():
    for metric in (fs.metrics.auc, fs.metrics.calibration_error):
        with pytest.raises(EventsError, match="score has 2 dimensions"):
            metric(np.full((3, 3), 1 / 3), [0, 1, 2], np.ones(3))


def test_targets_of_a_regression_are_any_numbers():
    assert fs.metrics.rmse([1.0, 3.0], [0.5, 2.5], [1, 1]).value == pytest.approx(0.5)
    with pytest.raises(EventsError, match="prediction is missing"):
        fs.metrics.mae([np.inf], [1.0], [1.0])


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float16, np.float32])
def test_numbers_of_any_type_count_in_double_precision(kind):
    generator = np.random.default_rng(1)
    largest = min(np.iinfo(kind).max if np.dtype(kind).kind in "iu" else 60_000, 120_000)
    weight = generator.integers(1, largest, 500).astype(kind)
    target = generator.integers(0, 2, 500)
    score = generator.random(500).astype(np.float32)
    values = generator.integers(0, 100, 500).astype(kind)
    for metric, columns in ((fs.metrics.auc, (score, target)), (fs.metrics.log_loss, (score, target))):
        assert metric(*columns, weight) == metric(*columns, weight.astype(np.float64))
    wide = values.astype(np.float64)
    for metric in (fs.metrics.rmse, fs.metrics.bias):
        assert metric(values, values[::-1], weight) == metric(wide, wide[::-1], weight.astype(np.float64))


def test_a_weighted_mean_takes_what_other_metrics_take():
    assert fs.metrics.weighted_mean([1, 2], [1, 1]).value == 1.5
    assert fs.metrics.weighted_mean(np.array([200, 200], np.uint8), np.array([200, 200], np.uint8)).value == 200
    for values, weight in (([1.0, np.nan], [1, 1]), ([1.0, 2.0, 3.0], [1.0]), ([[1.0, 2.0]], [1.0])):
        with pytest.raises(EventsError):
            fs.metrics.weighted_mean(values, weight)


def test_what_a_mask_hides_is_missing():
    score = np.ma.masked_array([0.1, 0.2, 0.8, 0.9, 0.0], [0, 0, 0, 0, 1])
    with pytest.raises(EventsError, match="score is missing or infinite in 1 of 5 events"):
        fs.metrics.auc(score, [0, 0, 1, 1, 1], np.ones(5))
    assert fs.metrics.auc(score[:4], [0, 0, 1, 1], np.ones(4)).value == 1.0


def test_without_weight_there_is_no_value():
    for metric in (fs.metrics.f1_macro, fs.metrics.f1_weighted, fs.metrics.balanced_accuracy):
        found = metric([0.2, 0.8], [0, 1], [0, 0])
        assert np.isnan([found.value, found.error]).all()
    with pytest.raises(EventsError, match="no number of bins"):
        fs.metrics.calibration_error([0.2, 0.8], [0, 1], [1, 1], bins=0)


def test_arguments_of_a_wrong_kind_are_one_sentence():
    score, target, weight = np.array([0.1, 0.7]), np.array([0, 1]), np.ones(2)
    with pytest.raises(EventsError, match="auc: missing a required argument: 'weight'") as without:
        fs.metrics.auc(score, target)
    assert "give ones" in without.value.hint
    with pytest.raises(EventsError) as misnamed:
        fs.metrics.auc(score, target, weights=weight)
    assert misnamed.value.hint == "it takes score, target, weight"
    for threshold in ("x", None, np.nan):
        with pytest.raises(EventsError, match=r"accuracy: threshold is .*, which is no number"):
            fs.metrics.accuracy(score, target, weight, threshold=threshold)
    assert fs.metrics.accuracy(score, target, weight, threshold=np.array(0.5)).value == 1
    with pytest.raises(EventsError, match="score holds something that is no number"):
        fs.metrics.auc(score + 1j, target, weight)


@pytest.mark.parametrize("size", [1e160, 1e-200, 1e300])
@pytest.mark.parametrize("name", ["auc", "accuracy", "balanced_accuracy", "calibration_error", "log_loss"])
def test_the_size_of_the_weights_does_not_matter_however_large(name, size):
    generator = np.random.default_rng(1)
    arguments = generator.uniform(size=200), generator.integers(0, 2, 200)
    weight = generator.exponential(size=200)
    usual, other = (getattr(fs.metrics, name)(*arguments, factor * weight) for factor in (1.0, size))
    assert (other.value, other.error) == pytest.approx((usual.value, usual.error))


@pytest.mark.parametrize("bins", [2.5, "3", None, 0])
def test_a_number_of_bins_is_a_whole_one(bins):
    with pytest.raises(EventsError, match="is no number of bins"):
        fs.metrics.calibration_error([0.3, 0.7], [0, 1], [1, 1], bins=bins)
