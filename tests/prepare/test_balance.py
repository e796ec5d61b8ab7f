import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils.class_weight import compute_class_weight

from fivesigma.prepare.balance import class_weight, resample

CLASSES = ("a", "b", "c")
TARGET = np.random.default_rng(1).choice(3, 500, p=[0.7, 0.2, 0.1])


@pytest.fixture
def events(make_events):
    """500 events of three unequal classes, each event its own feature."""
    weight = np.random.default_rng(2).exponential(1, 500)
    return make_events(np.arange(500.0)[:, None], target=TARGET, weight=weight, classes=CLASSES)


def test_balanced_weights_are_those_of_scikit_learn():
    found = class_weight(TARGET, np.ones(500), CLASSES, "balanced")
    assert_allclose(found, compute_class_weight("balanced", classes=np.arange(3), y=TARGET))


def test_balanced_classes_have_equal_sums_of_weights(events):
    weight = events.weight * class_weight(TARGET, events.weight, CLASSES, "balanced")[TARGET]
    assert_allclose(np.bincount(TARGET, weights=weight), weight.sum() / 3)


def test_given_weights_count_by_name_and_one_otherwise():
    assert_array_equal(class_weight(TARGET, np.ones(500), CLASSES, {"c": 5.0}), [1, 1, 5])
    assert_array_equal(class_weight(TARGET, np.ones(500), CLASSES, None), [1, 1, 1])


def test_repeating_reaches_the_largest_class_and_loses_no_event(events):
    found = resample(events, "up", seed=1)
    assert_array_equal(np.bincount(found.target), np.full(3, (TARGET == 0).sum()))
    assert set(found.features[:, 0]) == set(range(500))
    counts = np.unique(found.features[found.target == 2], return_counts=True)[1]
    assert counts.max() - counts.min() <= 1


def test_dropping_reaches_the_smallest_class_without_repetition(events):
    found = resample(events, "down", seed=1)
    assert_array_equal(np.bincount(found.target), np.full(3, (TARGET == 2).sum()))
    assert len(np.unique(found.features)) == len(found)


def test_resampled_events_keep_their_class_and_weight_and_the_seed_decides(events):
    found = resample(events, "up", seed=1)
    index = found.features[:, 0].astype(int)
    assert_array_equal(found.target, TARGET[index])
    assert_array_equal(found.weight, events.weight[index])
    assert_array_equal(resample(events, "up", seed=1).features, found.features)
    assert not np.array_equal(resample(events, "up", seed=2).features, found.features)
    assert resample(events, None, seed=1) is events
