"""Weighted counts between cuts: processes told apart by weight, replicas, what few events of a heavy process can hide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fivesigma.metrics.search.choice import Enough, bin_numbers
from fivesigma.metrics.search.counts import Counts, counted, processes


@pytest.fixture
def events():
    generator = np.random.default_rng(2)
    target = np.repeat([1, 0], [4000, 20000])
    score = stats.norm.cdf(generator.normal(np.where(target == 1, 1.0, -0.5), 1.0))
    weight = np.where(target == 1, 0.02, 0.5) * generator.uniform(0.5, 1.5, len(target))
    weight[::50] *= -0.3
    return score, target, weight


def test_counts_above_cuts_are_those_of_a_loop(events):
    score, target, weight = events
    cuts = np.array([0.0, 0.3, float(np.sort(score)[700]), 0.9])
    found = counted(*events, np.sort(cuts)).above()
    for i, cut in enumerate(np.sort(cuts)):
        s, b = (score >= cut) & (target == 1), (score >= cut) & (target == 0)
        assert found.signal[i] == pytest.approx(weight[s].sum(), abs=1e-9)
        assert found.background[i] == pytest.approx(weight[b].sum(), abs=1e-9)
        assert found.background_error[i] == pytest.approx((weight[b] ** 2).sum() ** 0.5, abs=1e-9)


def test_the_order_of_events_and_splitting_one_in_two_halves_change_nothing_but_its_error(events):
    score, target, weight = events
    cuts = np.linspace(0, 0.9, 10)
    order = np.random.default_rng(1).permutation(len(score))
    a, b = (counted(*columns, cuts).inside() for columns in (events, [each[order] for each in events]))
    np.testing.assert_allclose(a.signal, b.signal)
    np.testing.assert_allclose(a.background_error, b.background_error)
    halves = [np.concatenate([each, each]) for each in (score, target, weight / 2)]
    found = counted(*halves, cuts).inside()
    np.testing.assert_allclose(found.background, a.background)
    np.testing.assert_allclose(found.background_error, a.background_error / 2**0.5)


def test_weights_of_one_size_are_one_process_and_others_are_others():
    generator = np.random.default_rng(3)
    weight = np.concatenate([0.002 * generator.uniform(0.8, 1.2, 50), 2.3 * generator.uniform(0.8, 1.2, 50), [150.0] * 20])
    found = processes(weight)
    assert [len(set(found[rows])) for rows in (slice(50), slice(50, 100), slice(100, 120))] == [1, 1, 1]
    assert len(set(found)) == 3
    np.testing.assert_array_equal(processes(7 * weight), found)  # the unit of a weight does not matter


def test_a_sample_and_a_sign_are_a_process_whatever_the_weight():
    weight, sample = np.ones(40), np.repeat([0, 1], 20)
    assert len(set(processes(weight, sample))) == 2
    weight[::4] = -1
    assert len(set(processes(weight, sample))) == 4


@pytest.mark.parametrize("odd", [[40.0, 30.0], [0.02, 0.03]])
def test_a_few_odd_weights_are_no_process_of_their_own(odd):
    weight = np.append(np.ones(100), odd)
    assert len(set(processes(weight))) == 1


def test_where_a_heavy_process_has_no_event_one_may_hide():
    score = np.concatenate([np.linspace(0.5, 1, 23), np.linspace(0, 0.4, 30)])
    weight = np.concatenate([np.full(23, 2.3), np.full(30, 100.0)])
    found = counted(score, np.zeros(53), weight, np.array([0.0, 0.45])).above()
    assert found.background[1] == pytest.approx(23 * 2.3)
    assert found.background_error[1] == pytest.approx(np.hypot(23**0.5 * 2.3, 100.0))
    assert found.background_error[0] == pytest.approx(np.hypot(23**0.5 * 2.3, 30**0.5 * 100))
    assert not Enough(1.0, 0.3)(found)[1]


def test_events_below_a_single_cut_are_not_counted():
    found = counted(np.array([0.1, 0.9, 0.2]), np.array([0, 0, 1]), np.array([2.0, 3.0, 4.0]), np.array([0.5])).inside()
    assert (found.background.tolist(), found.signal.tolist()) == ([3.0], [0.0])


def test_one_more_event_is_counted_where_it_falls():
    score, process, cuts = np.repeat([0.2, 0.7, 0.7], [4, 2, 3]), np.repeat([0, 0, 1], [4, 2, 3]), np.array([0.0, 0.5])
    means = np.array([2.0, 5.0])
    more = counted(score, np.zeros(9), means[process], cuts, process).one_more().inside()
    for place, (own, cell) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        longer = np.append(process, own)
        wanted = counted(np.append(score, [0.2, 0.7][cell]), np.zeros(10), means[longer], cuts, longer).inside()
        np.testing.assert_allclose(more.background[place], wanted.background)
        variance = wanted.background_error**2
        if (own, cell) == (1, 0):  # the process has no event there: one is allowed for, and another is added
            variance[cell] += means[own] ** 2
        np.testing.assert_allclose(more.background_error[place] ** 2, variance)


def test_replicas_have_the_mean_and_the_spread_of_the_counts(events):
    counts = counted(*events, np.array([0.0, 0.5, 0.8]))
    replicas = counts.replicas(2000, np.random.default_rng(1)).above()
    nominal = counts.above()
    np.testing.assert_allclose(replicas.background.mean(axis=0), nominal.background, rtol=0.01)
    np.testing.assert_allclose(replicas.background.std(axis=0), nominal.background_error, rtol=0.08)
    np.testing.assert_allclose(replicas.signal.std(axis=0), nominal.signal_error, rtol=0.08)


@pytest.mark.parametrize("bins", [1, 5, 40])
def test_bins_always_have_signal_and_enough_background(events, bins):
    enough = Enough(1.0, 0.1)
    counts = counted(*events, np.append(0.0, np.quantile(events[0], np.linspace(0.02, 0.98, bins))))
    numbers, count = bin_numbers(counts, enough)
    found = counts.grouped(numbers, count).inside()
    assert 1 <= count <= bins + 1
    assert (np.diff(numbers) <= 0).all()
    assert enough(found).all()
    assert (found.signal > 0).all()
    assert found.background.sum() == pytest.approx(events[2][events[1] == 0].sum())


@given(st.lists(st.tuples(st.floats(-5, 50), st.floats(0, 9)), min_size=1, max_size=12))
def test_bins_without_signal_are_joined_until_their_background_is_enough(rows):
    b, error = (np.array(column) for column in zip(*rows, strict=True))
    background = np.stack([b, error**2])[None]
    cells, enough = Counts(np.arange(float(len(b))), np.zeros((2, len(b))), background, np.zeros(1)), Enough(1.0, 0.3)
    numbers, count = bin_numbers(cells, enough, with_signal=False)
    assert bin_numbers(cells, enough)[1] == 0
    assert numbers[-1] == 0
    assert set(np.diff(numbers)) <= {0, -1}
    merged = cells.grouped(numbers, max(count, 1)).inside()
    assert merged.background.sum() == pytest.approx(b.sum())
    if count:  # the lowest one takes what is left over
        assert enough(merged).all()
    if (b >= 1).all() and (error <= 0.3 * b).all():
        assert count == len(b)


@pytest.mark.parametrize(
    ("signal", "wanted"),
    [
        ([4.0, -1.0, 2.0, 3.0], [2, 2, 1, 0]),  # a negative cell joins the next lower one
        ([-4.0, 2.0, 3.0, 1.0], [1, 1, 1, 0]),  # at the lowest scores there is no lower one: the bins above join it
        ([-4.0, 1.0, 1.0, 1.0], [0, 0, 0, 0]),
        ([1.0, 0.0, 2.0, -1.0], [2, 1, 0, 0]),
    ],
)
def test_no_bin_has_a_negative_signal(signal, wanted):
    cells = np.arange(4.0)
    counts = Counts(cells, np.array([signal, np.square(signal)]), np.full((1, 2, 4), 100.0), np.ones(1))
    numbers, count = bin_numbers(counts, Enough(), with_signal=False)
    assert count == max(numbers) + 1
    # Numbered from the highest score down.
    np.testing.assert_array_equal(numbers, wanted)


def test_what_a_cell_may_miss_follows_from_its_effective_number_of_events():
    weight = np.array([0.5, 2.0, 2.0, 3.0])
    sums, squares = weight.sum(), (weight**2).sum()
    background = np.array([[[sums, 0.0], [squares, 0.0]]])  # one process in two cells
    counts = Counts(np.array([0.0, 0.5]), np.zeros((2, 2)), background, np.ones(1))
    assert counts.unseen() == pytest.approx([1 / (1 + sums**2 / squares), 1.0])


def test_what_is_left_at_low_scores_makes_no_bin_of_a_background_that_cancels():
    signal = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    background = np.array([[[90.0 - 110.0, 14.0, 14.0], [200.0, 14.0, 14.0]]])
    counts, enough = Counts(np.arange(3.0), signal, background, np.zeros(1)), Enough(1.0, 0.3)
    numbers, count = bin_numbers(counts, enough)
    assert count == 0 or enough(counts.grouped(numbers, count).inside()).all()
    kept = np.array([[[40.0, 14.0, 14.0], [60.0, 14.0, 14.0]]])
    numbers, count = bin_numbers(Counts(np.arange(3.0), signal, kept, np.zeros(1)), enough)
    assert (count, numbers.tolist()) == (3, [2, 1, 0])
