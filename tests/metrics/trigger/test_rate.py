"""Rates above thresholds, their errors, and what they say of one model beside another."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import poisson

from fivesigma.hashing import uniform
from fivesigma.metrics.trigger.calibration import Calibration
from fivesigma.metrics.trigger.rate import both_rates, grid, measured_rates, rates, spectrum_weight
from fivesigma.metrics.trigger.replicas import SEED, counts
from fivesigma.metrics.trigger.turn_on import NEAR, at_threshold, takes_few_values

AT = np.array([5.0, 10.0, 20.0])


def of(setting, judged, at=AT, replicas=40):
    return rates(Calibration(setting, judged, 0.9), at, 2.0, 3.5, replicas=replicas)


def perfect(make_muons, **more):
    muons = make_muons(**more)
    return replace(muons, estimate=muons.pt)


def test_the_reweighted_spectrum_falls_as_it_should(make_muons):
    muons = make_muons(200_000)
    weight = spectrum_weight(muons.pt, muons.weight, 2.0, 3.5)
    sums, _ = np.histogram(muons.pt, [4, 8, 16, 32], weights=weight)
    # ∫ pT^−3.5 from a to 2a falls by 2^2.5 for each doubling of a.
    assert_allclose(sums[:-1] / sums[1:], 2**2.5, rtol=0.03)


def test_the_rate_of_a_perfect_trigger_is_the_integral_of_the_spectrum(make_muons):
    found = of(perfect(make_muons, n=100_000), perfect(make_muons, n=100_000, seed=2))
    for i, threshold in enumerate(AT):
        expected = (threshold / 2) ** -2.5
        assert abs(found[i].value - expected) < 5 * found[i].error + 0.01 * expected


def test_a_total_rate_gives_kilohertz(make_muons):
    muons = make_muons(5000)
    calibration = Calibration(muons, muons, 0.9)
    share, kilohertz = (rates(calibration, AT, 2.0, 3.5, total, 20) for total in (1.0, 400.0))
    assert kilohertz.at(20).value == pytest.approx(400 * share.at(20).value)
    assert kilohertz.at(20).error == pytest.approx(400 * share.at(20).error)


def test_a_worse_resolution_has_a_higher_rate_at_equal_efficiency(make_muons):
    good, bad = (of(make_muons(width=w), make_muons(seed=2, width=w)) for w in (0.1, 0.4))
    for reduction in good.below(bad)[1:]:
        assert reduction.value > 1 + 3 * reduction.error


def test_a_model_is_as_good_as_itself(make_muons):
    found = of(make_muons(), make_muons(seed=2))
    for reduction in found.below(found):
        assert (reduction.value, reduction.error) == (1.0, 0.0)


def test_another_unit_of_the_estimate_changes_no_rate(make_muons):
    first = of(make_muons(), make_muons(seed=2))
    second = of(make_muons(scale=9.0), make_muons(seed=2, scale=9.0))
    assert_allclose(second.value, first.value, rtol=1e-9)
    assert_allclose(second.replicas, first.replicas, rtol=1e-9)


def test_weights_order_and_halves_do_not_matter(make_muons):
    setting, judged = (make_muons(4000, seed=seed, weights=True) for seed in (1, 2))
    plain = of(setting, judged)
    order = np.random.default_rng(3).permutation(4000)
    twice = np.tile(np.arange(4000), 2)
    halves = [replace(m.take(twice), weight=m.take(twice).weight / 2) for m in (setting, judged)]
    others = [
        of(setting.take(order), judged.take(order)),
        of(*(replace(m, weight=1e4 * m.weight) for m in (setting, judged))),
        of(*halves),
    ]
    for other in others:
        assert_allclose(other.value, plain.value, rtol=1e-9)
        # Replicas follow from event numbers, so that even they stay the same.
        assert_allclose(other.replicas, plain.replicas, rtol=1e-9)


def test_an_event_and_its_negative_cancel_in_a_rate(make_muons):
    judged = make_muons(3000)
    extra = judged.take(np.array([*range(3000), 7, 7]))
    weight = extra.weight.copy()
    weight[-2:] = [5.0, -5.0]
    setting = make_muons(seed=2)
    assert_allclose(of(setting, replace(extra, weight=weight)).value, of(setting, judged).value, rtol=1e-9)


def test_replicas_count_once_on_average_and_agree_for_one_number():
    number = np.arange(100_000, dtype=np.uint64)
    found = counts(number, 3)
    assert found.mean() == pytest.approx(1, abs=0.01)
    assert found.var() == pytest.approx(1, abs=0.02)
    assert_allclose(counts(number[::-1], 3), found[::-1])
    assert abs(np.corrcoef(found, counts(number, 4))[0, 1]) < 0.01


def test_the_multiplicity_is_the_quantile_of_a_poisson_distribution_at_the_hash():
    number = np.random.default_rng(1).integers(0, 1 << 63, 200_000).astype(np.uint64)
    cumulative = poisson.cdf(np.arange(18), 1)
    for replica in (0, 7):
        assert_allclose(counts(number, replica), np.searchsorted(cumulative, uniform(number, SEED + replica), "right"))


def test_both_kinds_of_rates_in_one_pass_are_those_of_two(make_muons):
    setting, judged = make_muons(seed=1), make_muons(seed=2)
    one, other = both_rates(Calibration(setting, judged, 0.9), AT, AT[1:], 2.0, 3.5, replicas=7)
    assert_allclose(one.replicas, of(setting, judged, AT, 7).replicas, rtol=0)
    assert_allclose(other.replicas, measured(setting, judged, 7, AT[1:]).replicas, rtol=0)
    assert_allclose(other.value, measured(setting, judged, 7, AT[1:]).value, rtol=0)


def test_errors_are_those_of_repeated_experiments(make_muons):
    """Of the rate and of the reduction, the scale set anew each time."""
    found, at = [], np.array([10.0])
    for seed in range(100):
        ours, others = (
            of(make_muons(1500, 2 * seed + 1, width), make_muons(1500, 2 * seed + 2, width), at, 30) for width in (0.15, 0.3)
        )
        found.append((ours[0].value, ours[0].error, *vars(ours.below(others)[0]).values()))
    values = np.array(found)
    assert values[:, 1].mean() == pytest.approx(values[:, 0].std(), rel=0.3)
    assert values[:, 3].mean() == pytest.approx(values[:, 2].std(), rel=0.3)


def test_the_grid_holds_every_threshold_and_rises():
    found = grid([5.0, 20.0, 30.0])
    assert {5.0, 20.0, 30.0} <= set(found)
    assert (np.diff(found) > 0).all()
    assert (found[0], found[-1]) == pytest.approx((2.5, 60.0))


def measured(setting, judged, replicas=40, at=AT):
    return measured_rates(Calibration(setting, judged, 0.9), at, 2.0, 3.5, replicas=replicas)


def test_at_the_measured_efficiency_the_wanted_share_of_the_judged_muons_passes(make_muons):
    setting, judged = make_muons(seed=1), make_muons(seed=2, scale=0.95)  # the estimate is 5 % too low in what is judged
    calibration = Calibration(setting, judged, 0.9)
    for threshold, factor in zip(AT, calibration.measured(AT), strict=True):
        near = np.abs(np.log(judged.pt / threshold)) < NEAR
        passed = judged.estimate[near] >= factor * calibration.scale.cut_at(judged.pt[near])
        assert passed.mean() == pytest.approx(0.9, abs=1 / near.sum())
        assert factor == pytest.approx(0.95, abs=0.05)


def in_steps(muons, width=0.25):
    """The same muons, whose estimates are one of few values, as those of a look-up table."""
    return replace(muons, estimate=np.exp(width * np.floor(np.log(muons.estimate) / width)))


@pytest.mark.parametrize("groups", [1, 3])
def test_of_estimates_with_few_values_at_least_the_wanted_share_passes_at_the_threshold(make_muons, groups):
    setting, judged = in_steps(make_muons(seed=1)), in_steps(make_muons(seed=2))
    split = None if groups == 1 else (np.arange(len(setting)) % groups, np.arange(len(judged)) % groups)
    calibration = Calibration(setting, judged, 0.9, split)
    for threshold, rate in zip(AT, measured_rates(calibration, AT, 2.0, 2.0, replicas=2).value, strict=True):
        near = np.abs(np.log(judged.pt / threshold)) < NEAR
        steps = np.unique(judged.estimate)
        efficiency = np.array([(judged.estimate[near] >= step).mean() for step in steps])
        cut = steps[efficiency >= 0.9].max()
        if groups == 1:
            assert rate == pytest.approx((judged.estimate >= cut).mean(), rel=1e-9)
        passed = calibration.passing(
            np.array([threshold]), near.astype(float), None, calibration.measured(np.array([threshold]))
        )
        assert 0.9 <= passed[0] / near.sum() <= efficiency[steps == cut][0] + 1e-12
    assert takes_few_values(judged.estimate[np.abs(np.log(judged.pt / 10.0)) < NEAR])
    measured_on_scale = at_threshold(calibration.momentum, judged.pt, judged.weight, 10.0, in_steps=True)
    near = np.abs(np.log(judged.pt / 10.0)) < NEAR
    assert measured_on_scale.value == pytest.approx((calibration.momentum[near] >= 10.0).mean(), rel=1e-9)


def test_a_scale_that_does_not_rise_still_gives_a_cut_of_the_measured_efficiency(make_muons):
    """Below 12 GeV the estimate says nothing; isotonic regression makes the scale flat there."""
    blind = [make_muons(seed=seed) for seed in (1, 2)]
    for muons in blind:
        low = muons.pt < 12
        muons.estimate[low] = np.exp(np.random.default_rng(3).normal(2, 0.2, low.sum()))
    calibration = Calibration(blind[0], replace(blind[1], estimate=0.9 * blind[1].estimate), 0.9)
    (factor,) = calibration.measured(np.array([5.0]))
    assert factor == pytest.approx(0.9, abs=0.03)
    near = np.abs(np.log(calibration.judged.pt / 5)) < NEAR
    cut = factor * calibration.scale.cut_at(np.array([5.0]))
    assert (calibration.judged.estimate[near] >= cut).mean() == pytest.approx(0.9, abs=0.002)


@pytest.mark.parametrize("width", [0.05, 0.2])
def test_the_measured_efficiency_is_that_at_the_threshold_itself(make_muons, width):
    """Not the mean over muons within 10 % of it, which is lower for a falling spectrum and where the curve bends."""
    calibration = Calibration(make_muons(100_000, width=width), make_muons(100_000, seed=2, width=width), 0.9)
    (factor,) = calibration.measured(np.array([20.0]))  # from 2,000 muons
    noise = np.random.default_rng(3).normal(size=(2, 100_000))
    estimate = 1 / np.maximum(np.abs((1 + width * noise[0]) / 20 + 0.002 * noise[1]), 1e-6)  # muons of 20 GeV
    assert (estimate >= factor * calibration.scale.cut_at(np.array([20.0]))).mean() == pytest.approx(0.9, abs=0.02)


def test_a_wrong_scale_does_not_change_the_rate_at_the_measured_efficiency(make_muons):
    setting, judged, low = make_muons(seed=1), make_muons(seed=2), make_muons(seed=2, scale=0.95)
    assert_allclose(measured(setting, low).value, measured(setting, judged).value, rtol=0.04)
    assert (of(setting, low).value[1:] < 0.93 * of(setting, judged).value[1:]).all()


def test_the_error_at_the_measured_efficiency_is_that_of_repeated_experiments(make_muons):
    """The choice of the cut is repeated in every replica."""
    found, at = [], np.array([10.0])
    setting = make_muons(3000)
    for seed in range(80):
        ours, others = (measured(replace(setting), make_muons(1500, seed + 2, width), 30, at) for width in (0.15, 0.3))
        found.append((ours[0].value, ours[0].error, *vars(ours.below(others)[0]).values()))
    values = np.array(found)
    assert values[:, 1].mean() == pytest.approx(values[:, 0].std(), rel=0.3)
    assert values[:, 3].mean() == pytest.approx(values[:, 2].std(), rel=0.3)


def test_without_muons_at_a_threshold_there_is_no_measured_rate(make_muons):
    judged = make_muons(2000, seed=2)
    found = measured(make_muons(), judged.take(np.abs(np.log(judged.pt / 10)) > NEAR))
    assert np.isnan(found[1].value)
    assert np.isfinite(found[0].value)


def test_muons_without_a_positive_sum_of_weights_have_no_rate(make_muons):
    judged = make_muons(500, seed=2)
    for weight in (np.zeros(500), -judged.weight):
        found = of(make_muons(), replace(judged, weight=weight), replicas=5)
        assert np.isnan([found[0].value, found[0].error, found.below(found)[0].value]).all()


def test_two_muons_have_rates_without_a_warning(make_muons):
    judged = make_muons(2, seed=2)
    for found in (of(make_muons(), judged), measured(make_muons(), judged)):
        assert len([found[i] for i in range(len(AT))]) == len(AT)
        assert len(found.below(found)) == len(AT)
