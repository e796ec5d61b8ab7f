"""The scale on which 90 % of the muons at a threshold pass it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import norm

from fivesigma.errors import EventsError
from fivesigma.metrics.trigger.calibration import Calibration
from fivesigma.metrics.trigger.muons import Muons
from fivesigma.metrics.trigger.scale import ScaleFit
from fivesigma.metrics.trigger.turn_on import at_threshold


@pytest.mark.parametrize("efficiency", [0.5, 0.9, 0.95])
def test_other_muons_pass_at_the_threshold_as_often_as_wanted(make_muons, efficiency):
    judged = make_muons(seed=2)
    momentum = ScaleFit(make_muons(60_000), efficiency)()(judged.estimate)
    for threshold in (4, 10, 20, 30):
        found = at_threshold(momentum, judged.pt, judged.weight, threshold)
        assert found.value == pytest.approx(efficiency, abs=4 * (found.high - found.low) / 2 + 0.01)


def test_the_cut_is_the_quantile_of_the_resolution(make_muons):
    scale = ScaleFit(make_muons(400_000), 0.9)()
    for threshold in (5.0, 20.0, 40.0):
        width = np.hypot(0.2 / threshold, 0.002)
        expected = 1 / (1 / threshold + norm.ppf(0.9) * width)
        assert scale.cut_at(np.array([threshold]))[0] == pytest.approx(expected, rel=0.015)


def test_a_perfect_estimate_is_its_own_scale():
    pt = np.geomspace(2, 200, 5000)
    muons = Muons(3 * pt, pt, np.ones(5000), np.arange(5000, dtype=np.uint64))
    assert_allclose(ScaleFit(muons, 0.9)()(3 * pt), pt, rtol=1e-9)


@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.9]))
def test_the_scale_rises_and_its_inverse_is_the_cut(seed, efficiency):
    generator = np.random.default_rng(seed)
    pt = generator.uniform(2, 60, 400)
    # No resolution at all in some experiments: the cuts then go up and down, and are made monotone.
    muons = Muons(
        np.exp(generator.normal(np.log(pt) * generator.choice([0, 1]), 0.5)),
        pt,
        generator.exponential(1, 400),
        np.arange(400, dtype=np.uint64),
    )
    scale = ScaleFit(muons, efficiency)()
    assert (np.diff(scale.pt) > 0).all()
    assert (np.diff(scale.cut) > 0).all()
    momentum = np.geomspace(0.5, 500, 50)
    assert_allclose(scale(scale.cut_at(momentum)), momentum, rtol=1e-6)


def test_a_monotone_map_of_the_estimate_that_is_a_power_changes_nothing(make_muons):
    muons, judged = make_muons(weights=True), make_muons(2000, seed=2)
    first = ScaleFit(muons, 0.9)()(judged.estimate)
    second = ScaleFit(make_muons(weights=True, scale=7.0), 0.9)()(7 * judged.estimate)
    assert_allclose(second, first, rtol=1e-9)


def test_weights_order_and_halves_do_not_matter(make_muons):
    muons = make_muons(5000, weights=True)
    nodes = ScaleFit(muons, 0.9)()
    order = np.random.default_rng(3).permutation(5000)
    halves = muons.take(np.tile(np.arange(5000), 2))
    halved = Muons(halves.estimate, halves.pt, halves.weight / 2, halves.number)
    scaled = Muons(muons.estimate, muons.pt, 1e4 * muons.weight, muons.number)
    for other in (muons.take(order), halved, scaled):
        found = ScaleFit(other, 0.9)()
        assert_allclose(found.pt, nodes.pt, rtol=1e-9)
        assert_allclose(found.cut, nodes.cut, rtol=1e-9)


def test_too_few_muons_are_refused(make_muons):
    with pytest.raises(EventsError, match="50 validation muons are too few"):
        ScaleFit(make_muons(50), 0.9)


def test_no_group_sets_its_own_scale(make_muons):
    """Muons of group 1 whose estimates are absurd: their own scale would hide it, that of the others does not."""
    muons = make_muons(8000)
    group = np.arange(8000) % 2
    absurd = Muons(np.where(group == 1, 10 * muons.estimate, muons.estimate), muons.pt, muons.weight, muons.number)
    momentum = Calibration(absurd, absurd, 0.9, (group, group)).momentum
    assert np.median((momentum / muons.pt)[group == 1]) > 8
    assert np.median((momentum / muons.pt)[group == 0]) < 0.3


def test_counting_by_cuts_is_counting_by_momenta(make_muons):
    for groups in (None, (np.arange(6000) % 3, np.arange(6000) % 3)):
        muons = make_muons(6000, weights=True)
        found = Calibration(muons, muons if groups else make_muons(6000, seed=5, weights=True), 0.9, groups)
        thresholds = np.array([3.0, 10.0, 20.0, 60.0])
        weight = found.judged.weight
        expected = [weight[found.momentum >= t * (1 - 1e-9)].sum() for t in thresholds]
        assert_allclose(found.passing(thresholds, weight), expected, rtol=1e-9)
