"""The weighted Kolmogorov–Smirnov test: the usual one for unit weights, and honest p-values."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, kstest

from fivesigma.metrics.metric import sums_by
from fivesigma.metrics.overtraining import _counted, _replicas, kolmogorov_smirnov, overtraining
from fivesigma.scores import Scores


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 80), st.integers(1, 80), st.booleans(), st.integers(0, 100))
def test_for_unit_weights_it_is_that_of_scipy(first, second, ties, seed):
    generator = np.random.default_rng(seed)
    one, other = generator.normal(0, 1, first), generator.normal(0.3, 1, second)
    if ties:
        one, other = one.round(1), other.round(1)
    found = kolmogorov_smirnov(one, other, np.ones(first), np.ones(second), replicas=10)
    assert found.distance == pytest.approx(ks_2samp(one, other).statistic)


def test_its_p_value_is_that_of_scipy_within_its_resolution():
    for shift in (0.0, 0.1, 0.2):
        generator = np.random.default_rng(4)
        one, other = generator.normal(0, 1, 500), generator.normal(shift, 1, 700)
        found = kolmogorov_smirnov(one, other, np.ones(500), np.ones(700))
        wanted = ks_2samp(one, other, method="asymp").pvalue
        assert found.p_value == pytest.approx(wanted, abs=4 * wanted * ((1 - wanted) / 50 + 1 / 1000) ** 0.5 + 0.02)


def test_replicas_are_drawn_until_the_p_value_is_known(monkeypatch):
    drawn, module = [], sys.modules[kolmogorov_smirnov.__module__]
    replicas = module._replicas
    monkeypatch.setattr(module, "_replicas", lambda *rest: drawn.append(rest[-1]) or replicas(*rest))
    generator = np.random.default_rng(4)
    for shift, wanted in ((0.0, (100, 400)), (0.5, (1000, 1000))):
        drawn.clear()
        samples = generator.normal(0, 1, 500), generator.normal(shift, 1, 700)
        kolmogorov_smirnov(*samples, np.ones(500), np.ones(700))
        assert wanted[0] <= sum(drawn) <= wanted[1]


def test_samples_that_are_equal_have_a_p_value_of_one():
    values = np.arange(100.0)
    assert kolmogorov_smirnov(values, values, np.ones(100), np.ones(100)).p_value == 1


def test_replicas_have_the_mean_and_the_spread_of_their_share_of_the_union():
    # The second bin has a negative sum of weights.
    tables = [(np.array([20.0, -3.0, 8.0]), np.array([25.0, 9.0, 16.0])), (np.array([60.0, -9.0, 30.0]), np.full(3, 75.0))]
    sums, squares = (tables[0][i] + tables[1][i] for i in (0, 1))
    for share, drawn in zip((0.25, 0.75), _replicas(np.random.default_rng(1), tables, [5.0, 15.0], 4000), strict=True):
        np.testing.assert_allclose(drawn.mean(axis=0), share * sums, atol=5 * (squares.max() / 4000) ** 0.5)
        np.testing.assert_allclose(drawn.std(axis=0), (share * squares) ** 0.5, rtol=0.06)


def test_p_values_of_equal_distributions_are_even_with_weights_too():
    generator = np.random.default_rng(1)
    found = []
    for _ in range(200):
        values, weights = generator.normal(0, 1, (2, 200)), generator.exponential(1, (2, 200)) - 0.1
        found.append(kolmogorov_smirnov(*values, *weights, replicas=200).p_value)
    assert kstest(found, "uniform").pvalue > 0.01


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-3, 1e3), st.integers(0, 50))
def test_the_unit_of_weights_and_the_order_of_events_do_not_matter(unit, seed):
    generator = np.random.default_rng(seed)
    values, weights = generator.normal(0, 1, (2, 80)), generator.exponential(1, (2, 80))
    found = kolmogorov_smirnov(*values, *weights, replicas=50)
    order = generator.permutation(80)
    other = kolmogorov_smirnov(values[0][order], values[1], unit * weights[0][order], unit * weights[1], replicas=50)
    assert (other.distance, other.p_value) == pytest.approx((found.distance, found.p_value))
    halves = kolmogorov_smirnov(np.tile(values[0], 2), values[1], np.tile(weights[0] / 2, 2), weights[1], replicas=50)
    assert halves.distance == pytest.approx(found.distance)


def test_many_events_are_compared_at_few_points_with_hardly_a_difference():
    generator = np.random.default_rng(2)
    one, other = generator.normal(0, 1, 30_000), generator.normal(0.05, 1, 30_000)
    found = kolmogorov_smirnov(one, other, np.ones(30_000), np.ones(30_000), replicas=100)
    assert found.distance == pytest.approx(ks_2samp(one, other, method="asymp").statistic, abs=1 / 2000)
    assert found.p_value == pytest.approx(1 / 101)


def test_nothing_to_compare():
    found = kolmogorov_smirnov(np.zeros(0), np.ones(3), np.zeros(0), np.ones(3))
    assert np.isnan(found.distance)
    assert found.second == pytest.approx(3)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_task_is_compared_class_by_class(task):
    generator = np.random.default_rng(3)

    def scores(shift):
        target = generator.integers(0, 2, 400)
        score = np.clip(generator.normal(0.5 + shift, 0.1, 400), 0, 1).astype(np.float32)
        classes = {"binary": ("b", "s"), "multiclass": ("a", "b", "c"), "regression": ()}[task]
        if task == "multiclass":
            score = np.column_stack([score, score, 1 - score])
        return Scores(score, target, np.ones(400), classes)

    same, other = overtraining(scores(0), scores(0)), overtraining(scores(0), scores(0.1))
    name = {"binary": "s", "multiclass": "b", "regression": "residual"}[task]
    assert same[name].p_value > 0.01
    assert other[name].distance > same[name].distance


def test_replicas_of_bins_that_are_all_filled_are_whole_numbers_of_events():
    tables = [(np.array([20.0, 8.0]), np.array([20.0, 8.0])), (np.array([60.0, 30.0]), np.array([60.0, 30.0]))]
    for share, drawn in zip((0.25, 0.75), _replicas(np.random.default_rng(1), tables, [5.0, 15.0], 4000), strict=True):
        np.testing.assert_array_equal(drawn, np.rint(drawn))
        np.testing.assert_allclose(drawn.mean(axis=0), share * np.array([80.0, 38.0]), rtol=0.03)


def test_equal_weights_are_counted_as_unequal_ones_are_added():
    values = np.random.default_rng(1).integers(0, 9, 500).astype(np.float32)
    edges = np.arange(2.0, 7.0)  # also values of the sample
    for one in (1.0, 0.3):
        weight = np.full(500, one)
        for found, wanted in zip(
            _counted(values, weight, edges), sums_by(np.searchsorted(edges, values), weight, len(edges) + 1), strict=True
        ):
            np.testing.assert_allclose(found, wanted)
