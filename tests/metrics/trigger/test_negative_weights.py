"""Signed weights, as at next-to-leading order: muons whose weights cancel are as if they were not there."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from fivesigma.errors import EventsError
from fivesigma.metrics.order import rising_sums
from fivesigma.metrics.trigger.calibration import Calibration
from fivesigma.metrics.trigger.rate import measured_rates, rates
from fivesigma.metrics.trigger.resolution import resolution
from fivesigma.metrics.trigger.scale import ScaleFit
from fivesigma.metrics.trigger.turn_on import at_threshold

AT = np.array([5.0, 10.0, 20.0])


def signed(make_muons, n, seed):
    """Muons of which two in five are measured badly, one half of these with negative weights."""
    muons, generator = make_muons(n, seed), np.random.default_rng(1000 + seed)
    bad = generator.random(n) < 0.4
    curvature = np.where(bad, muons.true_curvature + 0.06 * generator.normal(size=n), muons.curvature)
    weight = np.where(bad & (generator.random(n) < 0.5), -1.0, 1.0)
    return replace(muons, curvature=curvature, estimate=1 / np.maximum(np.abs(curvature), 1e-6), weight=weight)


def test_the_scale_and_the_rates_are_those_of_the_muons_that_do_not_cancel(make_muons):
    pure = Calibration(make_muons(200_000, 1), make_muons(200_000, 2), 0.9)
    mixed = Calibration(signed(make_muons, 60_000, 3), signed(make_muons, 60_000, 4), 0.9)
    for of in (rates, measured_rates):
        expected, found = (of(each, AT, 2.0, 3.5, replicas=40) for each in (pure, mixed))
        assert (np.abs(found.value - expected.value) < 4 * found.replicas.std(axis=0)).all()
    for threshold in AT:
        passing = at_threshold(mixed.momentum, mixed.judged.pt, mixed.judged.weight, threshold)
        assert passing.value == pytest.approx(0.9, abs=4 * (passing.high - passing.low) / 2)


def test_the_scale_of_each_replica_is_one(make_muons):
    calibration = Calibration(signed(make_muons, 3000, 3), signed(make_muons, 3000, 4), 0.9)
    for number in range(20):
        (scale,) = calibration.replica(number).scales
        assert (np.diff(scale.pt) > 0).all()
        assert (np.diff(scale.cut) > 0).all()


def mixture(seed, n=20_000):
    """Residuals of a Gaussian with a width of one, and wider ones whose weights cancel."""
    generator = np.random.default_rng(seed)
    values = np.concatenate([generator.normal(size=n), generator.normal(1.0, 3.0, n)])
    return values, np.concatenate([np.ones(n), generator.choice([-1.0, 1.0], n)])


def test_centre_core_and_width_are_those_of_the_residuals_that_do_not_cancel():
    found = [resolution(*mixture(seed)) for seed in range(100)]
    for name, expected in (("median", 0.0), ("core", 1.0), ("width_68", 1.0)):
        values = np.array([each[name].value for each in found])
        errors = np.array([each[name].error for each in found])
        assert values.mean() == pytest.approx(expected, abs=4 * values.std() / 10)
        assert errors.mean() == pytest.approx(values.std(), rel=0.3)


@given(hnp.arrays(np.float64, st.integers(0, 60), elements=st.floats(0, 10)))
def test_positive_weights_add_up(weight):
    assert_array_equal(rising_sums(weight, np.arange(len(weight))), np.cumsum(weight))


@given(hnp.arrays(np.float64, st.integers(1, 60), elements=st.integers(-5, 5).map(float)), st.integers(1, 5))
def test_sums_of_signed_weights_rise_from_nothing_to_their_sum(weight, step):
    found = rising_sums(weight, np.arange(len(weight)) // step)
    assert (np.diff(found) >= 0).all()
    assert found.min() >= 0
    assert found[-1] == max(weight.sum(), 0)


@pytest.mark.parametrize("at", [-1.0, 0.0, 0.3, 2.5])
@pytest.mark.parametrize("pair", [(50.0, -50.0), (-400.0, 400.0)])
def test_an_event_and_its_negative_move_no_quantile(at, pair):
    values = np.random.default_rng(1).normal(size=500)
    with_pair = resolution(np.append(values, [at, at]), np.append(np.ones(500), pair))
    alone = resolution(values, np.ones(500))
    for name in ("median", "core", "width_68"):
        assert_allclose(with_pair[name].value, alone[name].value, rtol=1e-9)


def test_the_order_of_equal_values_does_not_matter():
    generator = np.random.default_rng(1)
    values = generator.normal(size=2000).round(1)
    weight = np.where(generator.random(2000) < 0.25, -1.0, 1.0)
    plain = resolution(values, weight)
    for _ in range(10):
        order = generator.permutation(2000)
        found = resolution(values[order], weight[order])
        for name in ("median", "core", "width_68"):
            assert_allclose(found[name].value, plain[name].value, rtol=1e-9)


def test_the_order_of_equal_estimates_does_not_matter(make_muons):
    muons = signed(make_muons, 4000, 3)
    muons = replace(muons, estimate=muons.pt.round(0) * np.random.default_rng(1).choice([0.8, 1.0, 1.2], 4000))
    order = np.random.default_rng(2).permutation(4000)
    plain, shuffled = ScaleFit(muons, 0.9)(), ScaleFit(muons.take(order), 0.9)()
    assert_allclose(shuffled.pt, plain.pt, rtol=1e-9)
    assert_allclose(shuffled.cut, plain.cut, rtol=1e-9)


def test_a_negative_sum_of_weights_sets_no_scale(make_muons):
    muons = make_muons(4000, 3)
    with pytest.raises(EventsError, match="add up to a negative number"):
        ScaleFit(replace(muons, weight=np.where(np.arange(4000) % 10 < 7, -1.0, 1.0)), 0.9)
