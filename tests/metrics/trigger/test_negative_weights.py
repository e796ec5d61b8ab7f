"""Signed weights, as at next-to-leading order: muons whose weights cancel are as if they were not there."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from fivesigma.metrics.metric import rising_sums
from fivesigma.metrics.trigger.calibration import Calibration
from fivesigma.metrics.trigger.rate import measured_rates, rates
from fivesigma.metrics.trigger.resolution import resolution
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
    assert_array_equal(rising_sums(weight), np.cumsum(weight))


@given(hnp.arrays(np.float64, st.integers(1, 60), elements=st.integers(-5, 5).map(float)))
def test_sums_of_signed_weights_rise_from_nothing_to_their_sum(weight):
    found = rising_sums(weight)
    assert (np.diff(found) >= 0).all()
    assert found.min() >= 0
    assert found[-1] == max(weight.sum(), 0)


def test_an_event_and_its_negative_move_no_quantile():
    values, weight = mixture(1, 500)
    values, weight = values[:500], weight[:500]
    with_pair = (np.append(values, [0.3, 0.3]), np.append(weight, [50.0, -50.0]))
    for name in ("median", "width_68"):
        assert_allclose(resolution(*with_pair)[name].value, resolution(values, weight)[name].value, atol=0.2)
