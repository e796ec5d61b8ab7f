import numpy as np
import pytest
from sklearn import metrics

from fivesigma.metrics import regression

N = 800


@pytest.fixture
def scored():
    generator = np.random.default_rng(1)
    target = generator.gamma(2, 20, N)
    return target * generator.normal(1.02, 0.2, N), target, generator.exponential(1, N)


def test_errors_are_those_of_scikit_learn(scored):
    prediction, target, weight = scored
    options = {"sample_weight": weight}
    assert regression.rmse(*scored).value == pytest.approx(metrics.root_mean_squared_error(target, prediction, **options))
    assert regression.mae(*scored).value == pytest.approx(metrics.mean_absolute_error(target, prediction, **options))
    assert regression.r_squared(*scored).value == pytest.approx(metrics.r2_score(target, prediction, **options))
    assert regression.bias(*scored).value == pytest.approx(np.average(prediction - target, weights=weight))


def test_squared_error_is_variance_plus_squared_bias(scored):
    prediction, target, weight = scored
    bias, rmse = regression.bias(*scored).value, regression.rmse(*scored).value
    spread = regression.rmse(prediction - bias, target, weight).value
    assert rmse**2 == pytest.approx(spread**2 + bias**2)


def test_the_unit_of_the_target_scales_the_errors_but_not_the_explained_share(scored):
    prediction, target, weight = scored
    for metric in (regression.rmse, regression.mae, regression.bias):
        first, second = metric(*scored), metric(1000 * prediction, 1000 * target, weight)
        assert (second.value, second.error) == pytest.approx((1000 * first.value, 1000 * first.error))
    first, second = regression.r_squared(*scored), regression.r_squared(1000 * prediction, 1000 * target, weight)
    assert (second.value, second.error) == pytest.approx((first.value, first.error))


def test_a_perfect_prediction_has_no_error():
    x, w = np.array([1.0, 2.0]), np.ones(2)
    assert regression.rmse(x, x, w).value == regression.rmse(x, x, w).error == regression.mae(x, x, w).value == 0
    assert regression.r_squared(x, x, w).value == 1


@pytest.mark.parametrize("target", [[3.0], [3.0, 3.0]])
def test_a_constant_target_has_no_variance_to_explain(target):
    target = np.array(target)
    assert np.isnan(regression.r_squared(target + 1, target, np.ones(len(target))).value)


def test_the_width_is_sigma_for_a_gaussian_with_the_error_of_repeated_experiments():
    generator = np.random.default_rng(1)
    found = [regression.half_width_68(generator.normal(0, 3, 1000), np.ones(1000)) for _ in range(400)]
    values = np.array([m.value for m in found])
    assert values.mean() == pytest.approx(3, rel=0.01)
    assert np.mean([m.error for m in found]) == pytest.approx(values.std(), rel=0.12)


@pytest.mark.parametrize("count", [4, 6, 10, 20, 40])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_error_of_the_width_of_few_events_covers(count, weighted):
    generator = np.random.default_rng(2)
    found = []
    for _ in range(1500):
        weight = generator.exponential(1, count) if weighted else np.ones(count)
        found.append(regression.half_width_68(generator.normal(0, 3, count), weight))
    values, errors = np.array([each.value for each in found]), np.array([each.error for each in found])
    assert np.mean(np.abs(values - values.mean()) < errors) > 0.6
    assert errors.mean() < 1.5 * values.std()


def of_two_widths(generator, count):
    return np.where(generator.random(count) < 0.7, generator.normal(0, 1, count), generator.normal(0, 8, count))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "drawn",
    [of_two_widths, lambda generator, count: generator.uniform(-1, 1, count), lambda g, count: g.exponential(2, count)],
    ids=["two widths", "flat", "exponential"],
)
def test_the_error_of_the_width_is_that_of_repeated_experiments_whatever_the_shape(drawn, weighted):
    generator = np.random.default_rng(3)
    found, differences = [], []
    for _ in range(300):
        residual, other = drawn(generator, 2000), generator.normal(0, 1, 2000)
        weight = np.where(generator.random(2000) < 0.15, -1.0, 1.0 + (np.abs(residual) > 1)) if weighted else np.ones(2000)
        found.append(regression.half_width_68(residual, weight))
        differences.append(regression.width_difference(residual, residual + 0.3 * other, np.zeros(2000), weight))
    for each in (found, differences):
        spread = np.std([metric.value for metric in each])
        stated = np.sqrt(np.mean([metric.error**2 for metric in each]))
        assert 0.85 < spread / stated < 1.15


def test_the_width_is_deaf_to_tails_and_knows_weights():
    residual = np.random.default_rng(1).normal(0, 1, 5000)
    spoiled = np.where(np.arange(5000) < 25, 1e6, residual)
    clean = regression.half_width_68(residual, np.ones(5000)).value
    assert regression.half_width_68(spoiled, np.ones(5000)).value == pytest.approx(clean, rel=0.03)
    both = np.concatenate([residual, 10 * residual])
    weight = np.repeat([1.0, 0.0], 5000)
    assert regression.half_width_68(both, weight).value == pytest.approx(clean, rel=0.01)


def test_the_error_of_a_difference_of_explained_shares_is_that_of_repeated_experiments():
    found = []
    for seed in range(300):
        generator = np.random.default_rng(seed)
        target = generator.normal(50, 10, 400)
        common = generator.normal(0, 3, 400)
        first, second = (target + common + generator.normal(1, width, 400) for width in (1, 4))
        found.append(regression.r_squared_difference(first, second, target, generator.exponential(1, 400)))
    values = np.array([each.value for each in found])
    assert np.mean([each.error for each in found]) == pytest.approx(values.std(), rel=0.15)


@pytest.mark.parametrize("constant", [0.1, 0.3, 2.7, 91.1876, 0.0])
@pytest.mark.parametrize("count", [5, 7, 100, 1000])
def test_a_constant_target_has_no_r_squared_whatever_its_mean_is_rounded_to(constant, count):
    generator = np.random.default_rng(1)
    target, weight = np.full(count, constant), generator.uniform(0.5, 2, count)
    assert np.isnan(regression.r_squared(generator.normal(size=count), target, weight).value)
    varied = target + 1e-9 * generator.normal(size=count)
    assert np.isfinite(regression.r_squared(generator.normal(size=count), varied, weight).value)
