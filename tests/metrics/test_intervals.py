"""Exact intervals of shares, against SciPy and against their own promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import beta, binom, binomtest

from fivesigma.metrics.intervals import ONE_SIGMA, Share, clopper_pearson, share, share_difference, shares, text_of


@given(st.integers(1, 5000), st.floats(0, 1), st.sampled_from([ONE_SIGMA, 0.9, 0.95]))
def test_limits_are_those_of_scipy(total, fraction, level):
    passed = round(total * fraction)
    exact = binomtest(passed, total).proportion_ci(confidence_level=level, method="exact")
    assert_allclose(clopper_pearson(passed, total, level), (exact.low, exact.high), rtol=1e-9, atol=1e-12)


def test_equal_weights_of_any_size_are_plain_counts():
    passed = np.arange(40) < 13
    exact = binomtest(13, 40).proportion_ci(confidence_level=ONE_SIGMA, method="exact")
    for weight in (1.0, 0.01, 250.0):
        found = share(passed, np.full(40, weight))
        assert_allclose([found.low, found.high], [exact.low, exact.high], rtol=1e-9)


def test_the_interval_covers_at_least_what_it_promises():
    total = 30
    k = np.arange(total + 1)
    low, high = clopper_pearson(k, total)
    for truth in np.linspace(0.01, 0.99, 50):
        assert binom.pmf(k, total, truth)[(low <= truth) & (truth <= high)].sum() >= ONE_SIGMA - 1e-12


def test_unequal_weights_widen_the_interval():
    generator = np.random.default_rng(1)
    passed = generator.uniform(size=1000) < 0.5
    plain, weighted = share(passed, np.ones(1000)), share(passed, generator.exponential(1, 1000))
    assert weighted.high - weighted.low > 1.2 * (plain.high - plain.low)


def test_weighted_intervals_cover_the_truth_in_repeated_experiments():
    generator, hits = np.random.default_rng(2), 0
    for _ in range(400):
        found = share(generator.uniform(size=200) < 0.8, generator.exponential(1, 200))
        hits += found.low <= 0.8 <= found.high
    assert 0.62 < hits / 400 < 0.8


def test_none_and_all_have_one_sided_limits():
    nothing, everything = share(np.zeros(5, bool), np.ones(5)), share(np.ones(5, bool), np.ones(5))
    assert (nothing.value, nothing.low) == (0, 0)
    assert nothing.high > 0.1
    assert (everything.value, everything.high) == (1, 1)
    assert everything.low < 0.9


def test_bins_without_events_have_no_share_and_outsiders_are_left_out():
    found = shares(np.ones(3, bool), np.ones(3), np.array([-1, 1, 7]), 3)
    assert np.isnan(found.value[[0, 2]]).all()
    assert found.value[1] == 1
    assert found.to_dict()["value"] == [None, 1.0, None]


def test_negative_weights_leave_a_share_between_its_limits():
    found = share(np.array([True, True, False, False]), np.array([1.0, 1.0, 1.0, -0.9]))
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize(
    ("limits", "text"), [((0.5, 0.4, 0.61), "0.50 +0.11 −0.10"), ((1.0, 0.981, 1.0), "1.000 +0.000 −0.019")]
)
def test_shares_are_shown_with_two_digits_of_the_smaller_error(limits, text):
    assert str(Share(*limits)) == text


def test_the_error_of_a_difference_on_the_same_events_covers_and_common_events_cancel():
    generator = np.random.default_rng(7)
    pulls = []
    for _ in range(400):
        common = generator.uniform(size=1000) < 0.7
        first, second = (np.where(generator.uniform(size=1000) < chance, ~common, common) for chance in (0.05, 0.15))
        weight = generator.exponential(1.0, 1000)
        # Turned over, 0.7 becomes 0.7 − 0.4·chance.
        found = share_difference(first, second, weight)
        pulls.append((found.value - 0.4 * (0.15 - 0.05)) / found.error)
    assert abs(np.mean(pulls)) < 0.2
    assert 0.9 < np.std(pulls) < 1.1
    assert str(share_difference(np.array([], bool), np.array([], bool), np.array([])).value) == "nan"


@pytest.mark.parametrize(("passed", "total"), [(9.6, 10.0), (0.3, 0.5), (0.2, 7.7)])
def test_numbers_that_are_not_whole_have_limits_between(passed, total):
    tail = (1 - ONE_SIGMA) / 2
    exact = beta.ppf(tail, passed, total - passed + 1), beta.ppf(1 - tail, passed + 1, total - passed)
    assert_allclose(clopper_pearson(passed, total), exact, rtol=1e-9)


def test_shares_are_texts_with_or_without_errors():
    assert str(Share(0.5, 0.5, 0.5)) == "0.5000 +0.0000 −0.0000"
    assert text_of(Share(0.5, 0.4, 0.6).to_dict()) == str(Share(0.5, 0.4, 0.6))
    assert text_of(Share(np.nan, np.nan, np.nan).to_dict()) == "–"
