from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils.class_weight import compute_class_weight

from fivesigma.analysis.analysis import Analysis
from fivesigma.preparation.balance import class_weight, even, groups_of, lopsided, resample, training_shares

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


def test_the_root_lies_between_all_events_and_all_classes_counting_the_same(events):
    balanced, root = (class_weight(TARGET, events.weight, CLASSES, how) for how in ("balanced", "root"))
    assert_allclose(root**2, balanced)


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


def test_groups_are_the_combinations_that_occur(make_events):
    target = np.array([0, 0, 1, 1, 1])
    mass = np.array([[500.0], [750], [500], [500], [750]])
    found = make_events(np.zeros((5, 1)), target=target, parameters=mass, classes=("b", "s"))
    assert groups_of(found, ["class"]).tolist() == [0, 0, 1, 1, 1]
    assert groups_of(found, ["p0"]).tolist() == [0, 1, 0, 0, 1]
    assert groups_of(found, ["class", "p0"]).tolist() == [0, 1, 2, 2, 3]


def test_even_groups_count_the_same():
    weight = np.random.default_rng(3).exponential(2, 500)
    shared = even(weight, TARGET, per_event=False)
    assert_allclose(np.bincount(TARGET, shared), np.full(3, 500 / 3))
    each = even(weight, TARGET, per_event=True)
    assert_allclose(np.bincount(TARGET, each) / np.bincount(TARGET), np.ones(3))
    assert_allclose(each[TARGET == 1] / weight[TARGET == 1], (each / weight)[TARGET == 1][0])


def test_a_group_of_negative_weight_stays_as_it_is():
    assert even(np.array([1.0, -2.0]), np.array([0, 1]), per_event=False).tolist() == [1.0, -2.0]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, None),
        ({"prepare": {"class_weights": "balanced"}}, [1 / 3, 1 / 3, 1 / 3]),
        ({"train": {"balance": ["class"]}}, [1 / 3, 1 / 3, 1 / 3]),
        ({"prepare": {"class_weights": {"a": 0.0, "b": 1.0, "c": 0.0}}}, [0, 1, 0]),
    ],
)
def test_the_shares_of_the_training_are_those_of_its_weights(events, settings, expected):
    analysis = Analysis.model_validate({"features": ["x0"], "labels": {"variable": "y", "names": list(CLASSES)}, **settings})
    sums = np.bincount(TARGET, events.weight)
    assert_allclose(training_shares(events, analysis), sums / sums.sum() if expected is None else expected)


@pytest.mark.parametrize(
    ("policy", "learnt"),
    [("keep", lambda w: w), ("error", lambda w: w), ("abs", np.abs), ("drop", lambda w: np.maximum(w, 0))],
)
def test_the_shares_count_negative_weights_as_the_training_does(events, policy, learnt):
    tree = {"features": ["x0"], "labels": {"variable": "y", "names": list(CLASSES)}, "train": {"negative_weights": policy}}
    weight = events.weight * np.where((TARGET == 1) & (np.arange(500) % 5 == 0), -1, 1)
    sums = np.bincount(TARGET, learnt(weight))
    found = training_shares(replace(events, weight=weight), Analysis.model_validate(tree))
    assert_allclose(found, sums / sums.sum())


def test_the_shares_after_resampling_are_those_of_resampled_events(events):
    tree = {"features": ["x0"], "labels": {"variable": "y", "names": list(CLASSES)}, "prepare": {"resample": "up"}}
    again = [resample(events, "up", seed) for seed in range(20)]
    shares = np.mean([np.bincount(e.target, e.weight) / e.weight.sum() for e in again], axis=0)
    assert_allclose(training_shares(events, Analysis.model_validate(tree)), shares, rtol=0.02)


@pytest.mark.parametrize(
    ("factor", "settings", "is_said"),
    [
        (1.0, {}, False),
        (100.0, {}, True),
        (100.0, {"prepare": {"class_weights": "balanced"}}, False),
        (100.0, {"prepare": {"resample": "up"}}, False),
        (100.0, {"train": {"balance": ["class"]}}, False),
        (-1.0, {}, False),  # a class without a positive sum is refused elsewhere
    ],
)
def test_a_class_with_hardly_a_say_is_said(events, factor, settings, is_said):
    analysis = Analysis.model_validate({"features": ["x0"], "labels": {"variable": "y", "names": list(CLASSES)}, **settings})
    sums = np.bincount(TARGET, events.weight)
    weight = np.where(TARGET == 0, events.weight * factor, events.weight)
    found = lopsided(replace(events, weight=weight), analysis)
    assert bool(found) == is_said
    if is_said:
        assert found.startswith(f"by their weights a counts {100 * sums[0] / sums[2]:,.0f} times as much as c in training")


def test_a_class_without_events_is_not_called_small(events):
    analysis = Analysis.model_validate({"features": ["x0"], "labels": {"variable": "y", "names": list(CLASSES)}})
    kept = events.take(np.flatnonzero(TARGET < 2))
    assert lopsided(replace(kept, weight=np.where(kept.target == 0, 100.0, 1.0)), analysis) == ""


def test_a_regression_has_no_classes_to_balance(make_events):
    events = make_events(np.zeros((4, 1)), target=np.arange(4.0), classes=())
    analysis = Analysis.model_validate({"features": ["x0"], "target": {"variable": "y"}})
    assert lopsided(events, analysis) == ""


def test_shares_of_resampled_events_are_those_of_the_events_that_are_left(make_events):
    """Events of negative weight are left out before the classes are drawn to one size."""
    target = np.repeat([0, 1], [100, 100])
    weight = np.where((target == 1) & (np.arange(200) % 5 == 0), -1.0, 1.0)
    events = make_events(np.zeros((200, 1)), target, weight)
    tree = {
        "features": ["x0"],
        "labels": {"variable": "y"},
        "prepare": {"resample": "down"},
        "train": {"negative_weights": "drop"},
    }
    assert_allclose(training_shares(events, Analysis.model_validate(tree)), [0.5, 0.5])
