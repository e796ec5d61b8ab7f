"""Significance: limits of the formulas, closed forms, pseudo-experiments, invariances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from fivesigma.metrics.search.limits import limits
from fivesigma.metrics.search.significance import Yields, _root, asimov, binned, excluded
from fivesigma.metrics.search.workspace import scale_of_limit, workspace

some = st.floats(0.1, 1e4)


@given(some, some)
def test_few_signal_events_on_much_background_are_s_over_root_b(s, b):
    s = 0.001 * b**0.5 * min(s, 1)
    assert asimov(s, b) == pytest.approx(s / b**0.5, rel=2e-3)


@given(some, some)
def test_few_signal_events_with_uncertainty_are_s_over_the_whole_error(b, sigma):
    sigma = min(sigma, b)
    s = 1e-4 * (b + sigma**2) ** 0.5
    assert asimov(s, b, sigma) == pytest.approx(s / (b + sigma**2) ** 0.5, rel=2e-3)


@given(some, some)
def test_an_uncertainty_that_vanishes_changes_nothing_and_one_that_grows_costs(s, b):
    values = [float(asimov(s, b, share * b)) for share in (0, 1e-6, 1e-4, 0.1, 0.5)]
    assert values[1] == pytest.approx(values[0], rel=1e-4, abs=1e-6)
    assert values[2] == pytest.approx(values[0], rel=1e-3, abs=1e-5)
    assert values[0] >= values[3] >= values[4]


@pytest.mark.parametrize(("s", "b", "sigma"), [(10.0, 20.0, 5.0), (30.0, 100.0, 10.0), (5.0, 2.0, 1.0)])
def test_the_form_with_uncertainty_is_the_profile_likelihood_ratio_of_an_on_off_measurement(s, b, sigma):
    tau = b / sigma**2
    n, m = s + b, tau * b

    def minus_log_likelihood(background, signal):
        return -stats.poisson.logpmf(0, 0) - (
            n * np.log(signal + background) - signal - background + m * np.log(tau * background) - tau * background
        )

    free = minus_log_likelihood(b, s)
    null = optimize.minimize_scalar(lambda x: minus_log_likelihood(x, 0.0), bounds=(1e-9, 10 * n), method="bounded").fun
    assert asimov(s, b, sigma) == pytest.approx(np.sqrt(2 * (null - free)), rel=1e-4)


def test_no_signal_is_no_significance_and_no_background_is_unknown():
    assert asimov(0.0, 10.0) == 0
    assert asimov(-1.0, 10.0, 1.0) == 0
    assert np.isnan(asimov(1.0, 0.0))


def yields(signal, background, error):
    return Yields(*(np.array(column, float) for column in (signal, background, np.zeros(len(signal)), error)))


def test_a_background_known_exactly_has_neither_systematic_nor_monte_carlo_error():
    found = yields([5, 8], [50, 10], [2, 1])
    np.testing.assert_allclose(found.significance(None), asimov(found.signal, found.background))
    assert (found.significance(None) > found.significance(0.0)).all()
    assert (found.significance(0.0) > found.significance(0.1)).all()


def test_bins_are_added_in_quadrature():
    found = yields([5, 8], [50, 10], [2, 1])
    assert binned(found, 0.1) == pytest.approx(np.hypot(*found.significance(0.1)))
    assert binned(yields([5], [50], [2])) == pytest.approx(asimov(5, 50, 2))


@pytest.mark.parametrize("factor", [0.5, 4.0])
def test_with_as_many_times_the_data_a_known_background_gives_the_root_of_it_more_significance(factor):
    one = yields([5, 8], [50, 10], [2, 1])
    more = Yields(factor * one.signal, factor * one.background, one.signal_error, one.background_error)
    # Signal and background grow alike.
    assert binned(more, None) == pytest.approx(factor**0.5 * binned(one, None))


def test_yields_without_signal_have_no_significance_and_exclude_nothing():
    empty = yields([0], [5], [1])
    assert empty.significance()[0] == 0
    assert excluded(empty) == np.inf


@pytest.mark.parametrize("bent", [np.sqrt, np.log, lambda x: np.arctan(x / 2)])
def test_a_few_steps_find_the_zero_of_a_bent_function_to_a_millionth(bent):
    zeros = np.linspace(0.2, 3, 15)
    found = _root(lambda x: bent(x) - bent(zeros), np.full(15, 0.01), np.full(15, 50.0))
    np.testing.assert_allclose(found, zeros, rtol=1e-6)


@pytest.mark.parametrize(
    ("found", "systematic"),
    [
        (yields([5, 8, 4], [50, 10, 1.2], [2, 1.5, 0.4]), 0.0),
        (yields([3], [1.5], [0.1]), 0.1),
        (yields([20], [400], [10]), 0.1),
    ],
)
def test_the_fast_limit_is_that_of_the_fit(found, systematic):
    fitted = limits(workspace(found, systematic=systematic), scale_of_limit(found)).expected[2]
    assert excluded(found, systematic) == pytest.approx(fitted, rel=2e-3)


@pytest.mark.parametrize(("s", "b", "relative"), [(1.0, 1e6, 0.1), (1e4, 1e10, 1e-4), (5.0, 1e5, 0.02)])
def test_little_signal_on_much_uncertain_background_is_not_lost_in_rounding(s, b, relative):
    """For s ≪ b the significance is s/√(b + σ²)."""
    assert asimov(s, b, relative * b) == pytest.approx(s / np.sqrt(b + (relative * b) ** 2), rel=2e-2)
