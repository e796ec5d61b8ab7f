import json

import numpy as np
import pytest

from fivesigma.metrics.metric import Metric, propagated, replicas, weighted_mean


def test_the_mean_of_equal_weights_has_the_error_of_the_mean():
    values = np.random.default_rng(1).normal(5, 2, 300)
    found = weighted_mean(values, np.ones(300))
    assert found.value == pytest.approx(values.mean())
    assert found.error == pytest.approx(values.std() / np.sqrt(300))


def test_a_sum_of_weights_of_zero_has_no_mean():
    assert np.isnan(weighted_mean(np.array([1.0, 2.0]), np.array([1.0, -1.0])).value)


@pytest.mark.parametrize("weight", [[2.0], [0.0, 3.0, 0.0]])
def test_one_event_knows_nothing_of_the_spread(weight):
    found = weighted_mean(np.full(len(weight), 0.7), np.array(weight))
    assert found.value == pytest.approx(0.7)
    assert np.isnan(found.error)


def test_replicas_have_the_mean_and_spread_of_weighted_counts():
    table, variance = np.array([100.0, 7.0, -3.0]), np.array([250.0, 7.0, 16.0])
    for i in range(3):
        found = replicas(table, variance, lambda draw, i=i: float(draw[i]), 4000)
        assert found.value == table[i]
        assert found.error == pytest.approx(np.sqrt(variance[i]), rel=0.05)


@pytest.mark.parametrize("unit", [1e-4, 1e4])
def test_in_another_unit_of_the_weights_replicas_are_the_same(unit):
    table, variance = np.array([3.0, 40.0, -3.0]), np.array([2.0, 50.0, 16.0])
    one = replicas(table, variance, lambda draw: float(draw[0] / draw[1]))
    other = replicas(unit * table, unit**2 * variance, lambda draw: float(draw[0] / draw[1]))
    assert (other.value, other.error) == pytest.approx((one.value, one.error))


def test_the_same_table_gives_the_same_error_and_an_undefined_statistic_none():
    table = np.array([3.0, 4.0])
    assert replicas(table, table, np.sum) == replicas(table, table, np.sum)
    assert np.isnan(replicas(np.zeros(2), np.zeros(2), lambda draw: float(draw[0] / draw[1])).error)


def test_an_error_propagates_by_the_derivative():
    assert propagated(Metric(4.0, 0.4), 2.0, -0.25) == Metric(2.0, 0.1)


def test_an_undefined_number_is_null_in_json():
    assert json.dumps(Metric(np.nan, np.inf).to_dict(), allow_nan=False) == '{"value": null, "error": null}'
