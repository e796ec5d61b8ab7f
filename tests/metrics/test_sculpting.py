"""Sculpting: none for a score that knows nothing of the mass, all of it for the mass itself."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from fivesigma.metrics.histogram import histogram, sensible_edges
from fivesigma.metrics.metric import quantile_neighbours
from fivesigma.metrics.sculpting import jensen_shannon, sculpting


def drawn(seed, knows, events=6000):
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 2, events)
    mass = np.where(target == 1, generator.normal(125, 5, events), generator.exponential(60, events) + 50)
    other = generator.normal(0, 1, events) + target
    near = -np.abs(mass - 125) / 20
    score = 1 / (1 + np.exp(-(knows * near + (1 - knows) * other)))
    return score, target, generator.uniform(0.5, 1.5, events), mass


def test_the_divergence_is_that_of_scipy():
    table = np.random.default_rng(1).uniform(0, 5, (12, 2))
    assert jensen_shannon(table) == pytest.approx(jensenshannon(*table.T, base=2) ** 2)


def test_a_score_that_knows_the_mass_sculpts_and_one_that_does_not_does_not():
    free, bound = sculpting(*drawn(1, 0)), sculpting(*drawn(1, 1))
    assert abs(free.divergence.value - free.by_chance.value) < 4 * free.by_chance.error
    assert bound.divergence.value > 0.3
    assert bound.divergence.value > bound.by_chance.value + 20 * bound.by_chance.error
    peak = bound.slices["95–100 %"]
    assert peak.edges[peak.counts.argmax()] == pytest.approx(125, abs=9)


def test_the_cut_passes_the_share_of_the_signal_that_is_asked_for():
    score, target, weight, mass = drawn(2, 0.5)
    found = sculpting(score, target, weight, mass, 0.3)
    signal = target == 1
    assert weight[signal & (score >= found.cut)].sum() / weight[signal].sum() == pytest.approx(0.3, abs=0.002)


def test_the_slices_hold_all_background_once():
    score, target, weight, mass = drawn(3, 0.5)
    found = sculpting(score, target, weight, mass)
    held = sum(one.counts.sum() + one.outside for one in found.slices.values())
    assert held == pytest.approx(weight[target == 0].sum())
    scaled = sculpting(score, target, 9 * weight, mass)
    assert scaled.divergence.value == pytest.approx(found.divergence.value)


def test_without_signal_there_is_nothing_to_say():
    score, target, weight, mass = drawn(4, 0)
    with pytest.raises(ValueError, match="needs signal"):
        sculpting(score, np.zeros_like(target), weight, mass)


def test_half_of_the_signal_passes_the_cut_with_its_negative_weights():
    generator = np.random.default_rng(4)
    target = generator.integers(0, 2, 20_000)
    x = generator.normal(2 * target)
    weight = np.where((target == 1) & (x > 1.5) & (generator.random(20_000) < 0.35), -1.0, 1.0)
    found = sculpting(x.astype(np.float32), target, weight, generator.exponential(1, 20_000))
    signal = target == 1
    assert weight[signal & (x >= found.cut)].sum() / weight[signal].sum() == pytest.approx(0.5, abs=0.02)


def test_slices_are_histograms_of_the_background_in_ranges_of_the_score():
    generator = np.random.default_rng(1)
    target, score = generator.integers(0, 2, 4000), generator.random(4000).astype(np.float32)
    observer, weight = generator.exponential(1, 4000) ** 3 + 0.01, generator.normal(1, 0.5, 4000)
    found = sculpting(score, target, weight, observer).slices
    background = target == 0
    edges = sensible_edges(observer[background], 40)
    assert edges[-1] in observer[background]  # the last bin has both its edges
    cuts = quantile_neighbours(score[background], weight[background], [0.5, 0.8, 0.95])[0]
    place = np.searchsorted(cuts, score, side="right")
    for i, one in enumerate(found.values()):
        chosen = background & (place == i)
        wanted = histogram(observer[chosen], weight[chosen], edges)
        np.testing.assert_array_equal(one.edges, edges)
        np.testing.assert_allclose(one.counts, wanted.counts)
        np.testing.assert_allclose(one.errors, wanted.errors)
        assert one.outside == pytest.approx(wanted.outside)


@pytest.mark.parametrize(("events", "share"), [(300, 0.05), (3000, 0.01), (3000, 0.3)])
def test_fluctuations_of_few_events_are_those_of_counts(events, share):
    # The observer is independent of the score, so every divergence is by chance.
    found, expected = [], []
    for seed in range(30):
        generator = np.random.default_rng(seed)
        target = np.repeat([0, 1], events)
        score = np.where(target == 0, generator.random(2 * events), 1 - 2 * share * generator.random(2 * events))
        mass = generator.exponential(50, 2 * events)
        one = sculpting(score, target, np.ones(2 * events), mass)
        found.append(one.divergence.value)
        expected.append(one.by_chance.value)
    assert np.mean(expected) == pytest.approx(np.mean(found), abs=4 * np.std(found) / 30**0.5)
    assert np.mean(expected) == pytest.approx(np.mean(found), rel=0.25)
