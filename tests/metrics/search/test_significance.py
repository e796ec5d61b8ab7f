"""Significance: limits of the formulas, closed forms, pseudo-experiments, invariances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from fivesigma.metrics.search.significance import (
    FLOOR,
    MOST_ERROR,
    Yields,
    asimov,
    automatic_edges,
    best_cut,
    binned,
    without_empty,
    yields_above,
    yields_in,
)

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


@pytest.fixture
def events():
    generator = np.random.default_rng(2)
    target = np.repeat([1, 0], [4000, 20000])
    score = stats.norm.cdf(generator.normal(np.where(target == 1, 1.0, -0.5), 1.0))
    weight = np.where(target == 1, 0.02, 0.5) * generator.uniform(0.5, 1.5, len(target))
    weight[::50] *= -0.3
    return score, target, weight


def test_yields_above_cuts_are_those_of_a_loop(events):
    score, target, weight = events
    cuts = np.array([0.0, 0.3, float(score[7]), 0.99, 2.0])
    found = yields_above(score, target, weight, cuts)
    for i, cut in enumerate(cuts):
        chosen = score >= cut
        s, b = chosen & (target == 1), chosen & (target == 0)
        assert found.signal[i] == pytest.approx(weight[s].sum(), abs=1e-9)
        assert found.background[i] == pytest.approx(weight[b].sum(), abs=1e-9)
        assert found.background_error[i] == pytest.approx((weight[b] ** 2).sum() ** 0.5, abs=1e-9)


def test_the_best_cut_is_the_best_of_the_scan_and_leaves_background(events):
    found = best_cut(*events, systematic=0.05)
    assert found.significance.value == pytest.approx(np.nanmax(found.scan))
    assert found.background.value >= FLOOR
    assert found.background.error <= MOST_ERROR * found.background.value
    assert found.significance.value > yields_above(*events, np.array([0.0])).significance(0.05)[0]
    assert 0 < found.significance.error < found.significance.value


def test_the_error_of_the_significance_is_its_spread_over_samples(events):
    score, target, weight = events
    cut = np.array([0.8])
    expected = yields_above(score, target, weight, cut).errors(0.05)[0]
    generator, values = np.random.default_rng(5), []
    for _ in range(300):
        chosen = generator.poisson(1.0, len(score))
        values.append(yields_above(score, target, weight * chosen, cut).significance(0.05)[0])
    assert expected == pytest.approx(np.std(values), rel=0.2)


@pytest.mark.parametrize("bins", [1, 5, 40])
def test_automatic_bins_are_never_empty_nor_negative(events, bins):
    edges = automatic_edges(*events, bins=bins)
    found = yields_in(*events, edges)
    assert 2 <= len(edges) <= bins + 1
    assert (np.diff(edges) > 0).all()
    assert (found.signal > 0).all()
    assert (found.background >= FLOOR).all()
    assert (found.background_error <= MOST_ERROR * found.background).all()
    _, target, weight = events
    assert found.background.sum() == pytest.approx(weight[target == 0].sum())


def test_bins_are_at_least_as_good_as_the_cut_and_more_are_better(events):
    coarse, fine = (binned(yields_in(*events, automatic_edges(*events, bins=bins))) for bins in (3, 30))
    assert fine.value > coarse.value
    assert fine.value > best_cut(*events).significance.value


def test_one_bin_is_a_count(events):
    score, target, weight = events
    one = yields_in(score, target, weight, np.array([score.min(), np.inf]))
    assert binned(one).value == pytest.approx(asimov(one.signal, one.background, one.background_error)[0])


def test_the_order_of_events_and_splitting_one_in_two_halves_change_nothing_but_its_error(events):
    score, target, weight = events
    edges = automatic_edges(*events)
    order = np.random.default_rng(1).permutation(len(score))
    a, b = yields_in(*events, edges), yields_in(score[order], target[order], weight[order], edges)
    np.testing.assert_allclose(a.signal, b.signal)
    halves = [np.concatenate([each, each]) for each in (score, target, weight / 2)]
    np.testing.assert_allclose(yields_in(*halves, edges).background, a.background)


def test_too_little_background_is_said():
    score, target = np.linspace(0, 1, 10), np.array([0, 1] * 5)
    with pytest.raises(ValueError, match="no cut leaves"):
        best_cut(score, target, np.full(10, 0.01))
    with pytest.raises(ValueError, match="no bin has"):
        automatic_edges(score, target, np.full(10, 0.01))


def test_a_background_known_exactly_has_neither_systematic_nor_monte_carlo_error(events):
    found = yields_above(*events, np.array([0.5, 0.9]))
    np.testing.assert_allclose(found.significance(None), asimov(found.signal, found.background))
    assert (found.significance(None) > found.significance(0.0)).all()
    assert (found.errors(None) > 0).all()


@given(st.lists(st.tuples(st.floats(-5, 50), st.floats(0, 9)), min_size=1, max_size=12))
def test_joined_bins_have_background_known_to_better_than_itself(rows):
    b, error = (np.array(column) for column in zip(*rows, strict=True))
    starts = without_empty(Yields(np.ones(len(b)), b, np.zeros(len(b)), error))
    assert starts[0] == 0
    assert (np.diff(starts) > 0).all()
    joined = np.add.reduceat(b, starts)
    assert joined.sum() == pytest.approx(b.sum())
    if len(starts) > 1:  # the lowest one takes what is left over
        assert (joined[1:] > np.sqrt(np.add.reduceat(error**2, starts))[1:]).all()
    if (b > error).all():
        assert len(starts) == len(b)


@pytest.mark.parametrize("factor", [0.5, 4.0])
def test_with_as_many_times_the_data_a_known_background_gives_the_root_of_it_more_significance(events, factor):
    score, target, weight = events
    one, more = (yields_in(score, target, w, np.array([0, 0.5, 0.9, 1.1])) for w in (weight, factor * weight))
    assert binned(more, None).value == pytest.approx(factor**0.5 * binned(one, None).value)


def test_yields_without_events_have_no_error():
    empty = Yields(*(np.array([value]) for value in (0.0, 5.0, 0.0, 1.0)))
    assert empty.significance()[0] == 0
    assert empty.errors()[0] == 0
