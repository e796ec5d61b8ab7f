import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from fivesigma.errors import EventsError
from fivesigma.events import Events, concatenate, gather
from fivesigma.hashing import fingerprints

COLUMNS = ("features", "target", "weight", "parameters", "event_number", "fingerprint")


def part(rows, start, numbered, observed=np.float64):
    features = (np.arange(rows * 2).reshape(rows, 2) + start).astype(np.float32)
    fingerprint = fingerprints(list(features.T))
    return Events(
        features=features,
        feature_names=("a", "b"),
        target=np.arange(rows),
        weight=np.full(rows, 0.5),
        parameters=features[:, :1],
        parameter_names=("m",),
        observers={"o": np.arange(rows).astype(observed)},
        event_number=np.arange(rows, dtype=np.uint64) + np.uint64(2**60) if numbered else fingerprint,
        fingerprint=fingerprint,
    )


def assert_same(found, expected):
    for name in COLUMNS:
        values = getattr(found, name)
        assert_array_equal(values, getattr(expected, name))
        assert values.dtype == getattr(expected, name).dtype
        assert values.base is None
    assert_array_equal(found.observers["o"], expected.observers["o"])
    assert found.observers["o"].dtype == expected.observers["o"].dtype
    assert (found.feature_names, found.parameter_names) == (expected.feature_names, expected.parameter_names)


rows_and_kinds = st.tuples(st.integers(0, 40), st.booleans(), st.sampled_from([np.float64, np.int64]))


@given(st.lists(rows_and_kinds, min_size=1, max_size=8), st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_growing_arrays_hold_what_concatenation_gives_however_wrong_the_estimate(rows, shares):
    made = [part(n, 100 * i, numbered, kind) for i, (n, numbered, kind) in enumerate(rows)]
    assert_same(gather(zip(made, shares, strict=False)), concatenate(made))


def test_content_that_serves_as_the_number_is_kept_once():
    found = gather((part(5, i, False), 0.2 * (i + 1)) for i in range(5))
    assert found.event_number is found.fingerprint
    assert len(found) == 25


def test_parts_with_other_features_are_refused_and_none_are_none():
    from dataclasses import replace

    with pytest.raises(EventsError, match="b, a is not a, b"):
        gather([(part(2, 0, True), 0.5), (replace(part(2, 0, True), feature_names=("b", "a")), 1.0)])
    assert gather([]) is None


def test_events_display_themselves_in_a_notebook():
    features = np.array([[1.0, np.nan], [3.0, np.nan], [5.0, np.nan]], np.float32)
    events = Events(
        features, ("pt<", "empty"), np.array([0, 1, 1]), np.ones(3), np.zeros((3, 0), np.float32), (), ("b", "s")
    )
    text = events._repr_html_()
    assert "3 events, 1 b, 2 s, sum of weights 3" in text
    assert "<tr><td>pt&lt;</td><td></td><td>0.00 %</td><td>3</td>" in text
    assert "<td>empty</td><td></td><td>100.00 %</td><td>–</td>" in text


def test_events_that_are_taken_have_one_array_for_two_columns_as_before():
    for numbered in (False, True):
        whole = part(10, 0, numbered)
        for index in (np.array([3, 1]), slice(2, 5), np.arange(10) > 7):
            found = whole.take(index)
            assert (found.event_number is found.fingerprint) == (not numbered)
            for name in COLUMNS:
                assert_array_equal(getattr(found, name), getattr(whole, name)[index])


def test_every_event_gets_the_parameters_of_a_hypothesis():
    events = part(3, 0, True)
    for values in ([500], 500.0, (500.0,)):
        assert events.with_parameters(values).parameters.tolist() == [[500.0]] * 3
    for values in ([], [1, 2], [[1]]):
        with pytest.raises(EventsError, match="is not one value for each of the parameters m"):
            events.with_parameters(values)
