"""Calibration: the error of a calibrated score is chance, and isotonic regression is scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from fivesigma.metrics.calibration import calibration_difference, calibration_error, calibration_error_by_chance, isotonic
from fivesigma.metrics.classes import log_loss


def drawn(seed, events=4000, power=1.0):
    generator = np.random.default_rng(seed)
    truth = generator.uniform(0, 1, events)
    target = (generator.uniform(0, 1, events) < truth).astype(int)
    return (truth**power).astype(np.float32), target, generator.exponential(1, events)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 300), st.integers(0, 100))
def test_isotonic_is_that_of_scikit_learn(events, seed):
    score, target, weight = drawn(seed, events)
    found = isotonic(score, target, weight)
    wanted = IsotonicRegression(out_of_bounds="clip").fit(score, target, weight)
    np.testing.assert_allclose(found(score), wanted.predict(score), atol=1e-5)


def test_it_calibrates_what_is_not_calibrated():
    score, target, weight = drawn(1, 20_000, power=3.0)
    fitted = isotonic(score, target, weight)
    other, truth, w = drawn(2, 20_000, power=3.0)
    before, after = calibration_error(other, truth, w), calibration_error(fitted(other), truth, w)
    assert before.value > 0.15
    assert after.value < 0.03
    assert log_loss(fitted(other), truth, w).value < log_loss(other, truth, w).value
    assert (np.diff(fitted(np.linspace(0, 1, 500))) >= 0).all()


@pytest.mark.parametrize(("negative", "signal"), [(0.0, 1.0), (0.1, 1.0), (0.0, 0.1), (0.0, 10.0)])
def test_what_chance_gives_is_what_calibrated_scores_have(negative, signal):
    found, told = [], []
    for seed in range(200):
        score, target, weight = drawn(seed, 1000)
        weight[np.random.default_rng(seed + 9999).random(1000) < negative] *= -1
        weight[target == 1] *= signal
        score = signal * score / (signal * score + 1 - score)  # calibrated for these weights
        found.append(calibration_error(score, target, weight).value)
        told.append(calibration_error_by_chance(score, target, weight))
    assert np.mean([one.value for one in told]) == pytest.approx(np.mean(found), rel=0.08)
    assert np.mean([one.error for one in told]) == pytest.approx(np.std(found), rel=0.25)
    assert np.isnan(calibration_error_by_chance(score, target, -np.abs(weight)).value)


def test_a_calibrated_score_has_an_error_of_chance_only():
    found = [calibration_error(*drawn(seed)) for seed in range(10)]
    assert np.mean([one.value for one in found]) < 0.04
    scaled = drawn(3)
    again = calibration_error(scaled[0], scaled[1], 7 * scaled[2])
    assert again.value == pytest.approx(found[3].value)


def test_negative_weights_are_kept():
    score, target, weight = drawn(5)
    weight[::7] *= -0.5
    fitted = isotonic(score, target, weight)
    assert abs(fitted(np.array([0.5]))[0] - 0.5) < 0.1
    with pytest.raises(ValueError, match="no positive weight"):
        isotonic(score, target, -np.abs(weight))


def test_too_sure_and_not_sure_enough_do_not_cancel():
    score, target, weight = drawn(6, 20_000)
    extreme = np.where(score < 0.5, score / 4, 1 - (1 - score) / 4).astype(np.float32)
    assert calibration_error(extreme, target, weight).value == pytest.approx(0.1875, abs=0.01)


def test_the_difference_of_two_models_has_the_error_of_the_same_events():
    generator = np.random.default_rng(1)
    truth = generator.uniform(0.05, 0.95, 4000)
    target, weight = (generator.uniform(size=4000) < truth).astype(int), generator.exponential(1, 4000)
    one, two = np.clip(truth + 0.03, 0, 1), np.clip(0.5 + 1.3 * (truth - 0.5), 0.01, 0.99)
    found = calibration_difference(one, two, target, weight)
    assert found.value == pytest.approx(
        calibration_error(one, target, weight).value - calibration_error(two, target, weight).value, abs=1e-12
    )
    gaps = []
    for _ in range(200):
        factor = weight * generator.poisson(1.0, 4000)
        gaps.append(calibration_error(one, target, factor).value - calibration_error(two, target, factor).value)
    assert found.error == pytest.approx(np.std(gaps), rel=0.25)
    assert calibration_difference(one, one, target, weight).error == 0


@pytest.mark.parametrize("events", [200, 2000, 20_000])
def test_isotonic_keeps_the_share_of_signal_with_negative_weights(events):
    """Every group of neighbours counts: those whose weights cancel, too."""
    generator = np.random.default_rng(events)
    target = generator.integers(0, 2, events)
    x = generator.normal(target)
    weight = np.where((target == 1) & (generator.random(events) < 0.3), -1.0, 1.0)
    score = (1 / (1 + np.exp(0.5 - x))).astype(np.float32)
    fitted = isotonic(score, target, weight)(score)
    share = weight[target == 1].sum() / weight.sum()
    assert (weight * fitted).sum() / weight.sum() == pytest.approx(share, abs=max(0.01, 10 / events))
    high = score > np.quantile(score, 0.8)
    assert (weight * fitted)[high].sum() == pytest.approx((weight * target)[high].sum(), abs=0.15 * high.sum())
    if events == 20_000:  # the fraction that these events have at a score, whatever the sample
        truth = 0.4 * np.exp(x - 0.5) / (1 + 0.4 * np.exp(x - 0.5))
        assert np.abs(fitted - truth).mean() < 0.03


@pytest.mark.parametrize("weight", [[1.0, -1.0, 1e-20], [1e-20, 1.0, -1.0], [3.0, -1.0, -2.0]])
def test_weights_that_cancel_give_a_map_or_a_sentence(weight):
    arrays = np.array([0.1, 0.5, 0.9]), np.array([0, 1, 1]), np.array(weight)
    if weight[0] == 1e-20:  # what is left of the others is added to it
        assert np.isfinite(isotonic(*arrays).probability).all()
        return
    with pytest.raises(ValueError, match="no positive weight"):
        isotonic(*arrays)


@pytest.mark.parametrize("groups", [3, 1000])
def test_events_of_one_score_have_one_probability_whatever_their_order(groups):
    """As scores of a quantised network, or scores of exactly 0 and 1."""
    generator = np.random.default_rng(6)
    score = generator.choice([0.0, 0.1, 0.3, 0.5, 0.7, 1.0], 4000).astype(np.float32)
    target = (generator.random(4000) < 0.2 + 0.5 * score).astype(int)
    maps = []
    for order in (np.arange(4000), np.argsort(target, kind="stable"), np.argsort(-target, kind="stable")):
        maps.append(isotonic(score[order], target[order], np.ones(4000), groups))
    assert maps[0] == maps[1] == maps[2]
    # Between the knots of few groups the map is a line.
    assert np.average(maps[0](score)) == pytest.approx(target.mean(), abs=1e-6 if groups == 1000 else 0.05)
    if groups == 1000:
        expected = IsotonicRegression().fit(score, target).predict(score)
        np.testing.assert_allclose(maps[0](score), expected, atol=1e-6)
    assert isotonic(np.full(4, 0.5), np.array([0, 0, 1, 1]), np.ones(4)).probability == (0.5,)


def test_one_event_has_no_error_and_weights_that_cancel_no_value():
    assert np.isnan(calibration_error(np.array([0.3]), np.array([1]), np.ones(1)).error)
    cancel = np.array([0.3, 0.7, 0.2, 0.9]), np.array([0, 1, 0, 1]), np.array([1.0, 1.0, -1.0, -1.0])
    assert np.isnan(calibration_error(*cancel).value)
