"""Laws that every metric obeys, whatever it measures."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fivesigma.metrics import classes, regression
from fivesigma.metrics.calibration import calibration_error
from fivesigma.metrics.roc import auc

N = 1000
CLASSIFIERS = {f.__name__: f for f in (auc, classes.accuracy, classes.log_loss, classes.balanced_accuracy, classes.f1_macro)}
REGRESSIONS = {f.__name__: f for f in (regression.rmse, regression.mae, regression.bias, regression.r_squared)}
METRICS = {**CLASSIFIERS, **REGRESSIONS}


def sample(name, n=N, seed=1):
    """Score, target and weight fit for a metric."""
    generator = np.random.default_rng(seed)
    weight = generator.exponential(1, n)
    if name in CLASSIFIERS:
        target = generator.integers(0, 2, n)
        return 1 / (1 + np.exp(-generator.normal(2 * target - 1, 1.5))), target, weight
    target = generator.normal(50, 10, n)
    return target + generator.normal(1, 4, n), target, weight


@pytest.fixture(params=METRICS)
def name(request):
    return request.param


@pytest.mark.parametrize("unit", [1e-6, 1e4])
def test_scaling_all_weights_changes_neither_value_nor_error(name, unit):
    score, target, weight = sample(name)
    first, second = METRICS[name](score, target, weight), METRICS[name](score, target, unit * weight)
    assert_allclose([second.value, second.error], [first.value, first.error], rtol=1e-9)


@pytest.mark.parametrize("unit", [1e-6, 1e4])
def test_the_unit_of_the_weights_changes_neither_widths_nor_the_calibration(unit):
    score, target, weight = sample("rmse")
    first, second = (regression.half_width_68(score - target, factor * weight) for factor in (1.0, unit))
    assert_allclose([second.value, second.error], [first.value, first.error], rtol=1e-9)
    columns = sample("auc")
    first, second = (calibration_error(columns[0], columns[1], factor * columns[2]) for factor in (1.0, unit))
    assert_allclose([second.value, second.error], [first.value, first.error], rtol=1e-9)


def test_the_order_of_events_does_not_matter(name):
    columns = sample(name)
    order = np.random.default_rng(2).permutation(N)
    first, second = METRICS[name](*columns), METRICS[name](*(column[order] for column in columns))
    assert_allclose([second.value, second.error], [first.value, first.error], rtol=1e-9)


def test_an_event_split_into_two_halves_is_the_same_event(name):
    score, target, weight = sample(name)
    halves = METRICS[name](np.tile(score, 2), np.tile(target, 2), np.tile(weight / 2, 2))
    assert halves.value == pytest.approx(METRICS[name](score, target, weight).value)


def test_an_event_and_its_negative_cancel(name):
    score, target, weight = sample(name)
    more = [np.concatenate([column, column[:1], column[:1]]) for column in (score, target)]
    weight_more = np.concatenate([weight, [5.0, -5.0]])
    assert METRICS[name](*more, weight_more).value == pytest.approx(METRICS[name](score, target, weight).value)


def test_errors_shrink_with_the_root_of_the_number_of_events(name):
    small = METRICS[name](*sample(name, 2000, seed=2)).error
    large = METRICS[name](*sample(name, 32_000, seed=3)).error
    assert small / large == pytest.approx(4, rel=0.25)


def test_errors_are_those_of_repeated_experiments(name):
    found = [METRICS[name](*sample(name, 400, seed)) for seed in range(200)]
    assert np.mean([m.error for m in found]) == pytest.approx(np.std([m.value for m in found]), rel=0.25)


def test_no_events_have_no_metric(name):
    empty = METRICS[name](np.zeros(0), np.zeros(0), np.zeros(0))
    assert np.isnan(empty.value) or name == "f1_macro"


@pytest.mark.parametrize("change", [np.exp, np.cbrt, lambda s: 3 * s - 7, lambda s: np.arctan(s / 5)])
def test_a_monotone_map_of_the_score_leaves_the_area(change):
    generator = np.random.default_rng(1)
    target = generator.integers(0, 2, N)
    # On a grid, so that the map neither makes nor breaks ties.
    score = np.round(generator.normal(target, 1), 1)
    weight = generator.normal(1, 1, N)
    first, second = auc(score, target, weight), auc(change(score), target, weight)
    assert_allclose([second.value, second.error], [first.value, first.error], rtol=1e-12)
