"""Core, centre, width and tails; and the charge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import truncnorm

from fivesigma.metrics.trigger import charge, resolution

N = 4000


def gaussian(seed=1, n=N, tails=0.0):
    generator = np.random.default_rng(seed)
    width = np.where(generator.uniform(size=n) < tails, 8.0, 1.0)
    return 0.3 + 0.2 * width * generator.normal(size=n), generator.exponential(1, n)


def test_the_window_of_a_gaussian_has_the_width_that_is_divided_by():
    assert pytest.approx(truncnorm(-2, 2).std(), rel=1e-9) == resolution.TRUNCATED


def test_a_gaussian_has_its_centre_width_and_no_tails():
    found = resolution.resolution(*gaussian(n=100_000))
    for name, expected in (("median", 0.3), ("core", 0.2), ("width_68", 0.2)):
        assert abs(found[name].value - expected) < 4 * found[name].error
    assert found["tail_low"].value == pytest.approx(0.00135, abs=4 * found["tail_low"].error)


def test_tails_change_the_width_and_hardly_the_core():
    plain, tailed = (resolution.resolution(*gaussian(n=50_000, tails=t)) for t in (0.0, 0.15))
    assert tailed["core"].value < 1.1 * plain["core"].value
    assert tailed["width_68"].value > 1.12 * plain["width_68"].value
    assert tailed["tail_high"].value > 20 * plain["tail_high"].value


@pytest.mark.parametrize("name", ["median", "core"])
def test_errors_are_those_of_repeated_experiments(name):
    found = [getattr(resolution, name)(*gaussian(seed, 500)) for seed in range(300)]
    assert np.mean([m.error for m in found]) == pytest.approx(np.std([m.value for m in found]), rel=0.2)


@given(st.floats(0.01, 100), st.floats(-5, 5))
def test_stretching_and_shifting_residuals_stretches_and_shifts_the_numbers(factor, shift):
    values, weight = gaussian()
    first, second = resolution.resolution(values, weight), resolution.resolution(factor * values + shift, weight)
    assert second["median"].value == pytest.approx(factor * first["median"].value + shift, rel=1e-6, abs=1e-9)
    for name in ("core", "width_68"):
        assert second[name].value == pytest.approx(factor * first[name].value, rel=1e-4)


def test_weights_order_and_halves_do_not_matter():
    values, weight = gaussian()
    order = np.random.default_rng(2).permutation(N)
    plain = resolution.resolution(values, weight)
    for columns in ((values[order], weight[order]), (values, 1e4 * weight), (np.tile(values, 2), np.tile(weight / 2, 2))):
        found = resolution.resolution(*columns)
        assert_allclose([m.value for m in found.values()], [m.value for m in plain.values()], rtol=1e-9)


def test_a_constant_residual_has_no_core_and_few_muons_no_row():
    assert np.isnan(resolution.core(np.zeros(100), np.ones(100)).value)
    rows = resolution.in_bins(*gaussian(n=100), np.repeat([0.5, 1.5], [95, 5]), [0, 1, 2])
    assert [row["low"] for row in rows] == [0]


@pytest.mark.parametrize("weight", [[], [0.0, 0.0], [1.0, -1.0], [-1.0, -2.0]])
def test_without_a_positive_sum_of_weights_nothing_is_known(weight):
    found = resolution.resolution(np.arange(float(len(weight))), np.array(weight))
    assert all(np.isnan(found[name].value) and np.isnan(found[name].error) for name in ("median", "core", "width_68"))


def test_the_wrong_charge_is_counted_exactly():
    true = np.array([0.1, -0.2, 0.05, -0.05])
    found = charge.misassigned(np.array([0.2, 0.1, -0.1, -1.0]), true, np.array([1.0, 2.0, 1.0, 4.0]))
    assert found.value == pytest.approx(3 / 8)
    binned = charge.misassigned_in_bins(-true, true, np.ones(4), 1 / np.abs(true), [4, 8, 15, 30])
    assert binned.value.tolist() == [1.0, 1.0, 1.0]


def test_swapping_all_charges_changes_no_misassignment(make_muons):
    muons = make_muons()
    found, mirrored = (charge.misassigned(s * muons.curvature, s * muons.true_curvature, muons.weight) for s in (1, -1))
    assert found == mirrored
    assert 0 < found.value < 0.1


def test_a_tail_that_no_muon_of_few_is_in_has_an_error():
    found = resolution.resolution(np.linspace(-1, 1, 30), np.ones(30))
    for side in ("tail_low", "tail_high"):
        assert found[side].value == 0
        assert found[side].error == pytest.approx(1 - 0.15865 ** (1 / 30), rel=1e-3)


def test_tails_of_an_undefined_core_are_undefined():
    found = resolution.resolution(np.zeros(0), np.zeros(0))
    assert np.isnan(found["core"].value)
    for side in ("tail_low", "tail_high"):
        assert np.isnan(found[side].value)
        assert np.isnan(found[side].error)
