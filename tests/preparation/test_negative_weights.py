"""Policies for negative weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivesigma.analysis.prepare import Prepare
from fivesigma.errors import EventsError
from fivesigma.preparation.negative_weights import (
    check_sums,
    class_sums,
    for_training,
    learnt_weight,
    negative_share,
    what_is_done,
)
from fivesigma.preparation.recipe import fit

weights = st.lists(st.floats(-5, 5), min_size=1, max_size=30).map(np.array)


@given(weights)
def test_policies_differ_in_negative_weights_alone(weight):
    positive = weight >= 0
    for policy in ("keep", "abs", "drop"):
        np.testing.assert_array_equal(learnt_weight(weight, policy)[positive], weight[positive])
    np.testing.assert_array_equal(learnt_weight(weight, "keep"), weight)
    np.testing.assert_array_equal(learnt_weight(weight, "abs"), np.abs(weight))
    assert (learnt_weight(weight, "drop")[~positive] == 0).all()


def test_events_without_negative_weights_stay_what_they_are(make_events):
    events = make_events(np.zeros((4, 1)))
    for policy in ("keep", "abs", "drop", "error"):
        assert for_training(events, policy) is events
    assert what_is_done(events.weight, "keep") == ""


def test_dropped_events_are_gone_and_nothing_is_learnt_from_them(make_events):
    features = np.array([[0.0], [1.0], [100.0], [3.0]])
    events = make_events(features, [0, 1, 0, 1], [1.0, 1.0, -1.0, 2.0])
    dropped = for_training(events, "drop")
    np.testing.assert_array_equal(dropped.features, features[[0, 1, 3]])
    assert fit(dropped, Prepare()).shift == pytest.approx(((0 + 1 + 2 * 3) / 4,))
    assert fit(for_training(events, "abs"), Prepare()).shift == pytest.approx(((0 + 1 + 100 + 2 * 3) / 5,))


def test_weights_that_are_all_positive_are_not_refused():
    np.testing.assert_array_equal(learnt_weight(np.array([1.0, 0.0, 2.0]), "error"), [1.0, 0.0, 2.0])


def test_what_is_done_with_negative_weights_is_said():
    weight = np.array([1.0, -1.0, 2.0, 3.0])
    words = {"keep": "which are kept", "abs": "of which the absolute value is taken", "drop": "and are left out"}
    for policy, said in words.items():
        assert said in what_is_done(weight, policy)
        assert "25" in what_is_done(weight, policy)


def test_the_share_of_negative_weights_is_by_number():
    assert negative_share(np.array([0.5, -3.0, 0.0, 2.0])) == 0.25
    assert negative_share(np.zeros(0)) == 0


def test_refused_weights_are_a_sentence(make_events):
    events = make_events(np.zeros((4, 1)), weight=[1, 1, 1, -1])
    with pytest.raises(EventsError, match="25 % of the training events have negative weights"):
        for_training(events, "error")


def test_a_class_that_is_negative_altogether_cannot_be_dropped(make_events):
    events = make_events(np.zeros((4, 1)), [0, 0, 1, 1], [1, 1, -1, -1])
    with pytest.raises(EventsError, match="all training events of class 'signal' have negative weights"):
        for_training(events, "drop")


def test_a_class_whose_weights_add_up_to_a_negative_number_is_refused(make_events):
    events = make_events(np.zeros((4, 1)), [0, 1, 0, 1], [1.0, 1.0, -0.5, -3.0])
    assert class_sums(events).tolist() == [0.5, -2.0]
    with pytest.raises(EventsError, match=r"class 'signal' add up to -2 among the test events"):
        check_sums({"train": np.array([1.0, 0.0]), "test": class_sums(events)}, ("background", "signal"))
    with pytest.raises(EventsError, match="the weights add up to -1 among the val events"):
        check_sums({"val": np.array([-1.0])}, ())
