import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.metrics import roc_auc_score, roc_curve

from fivesigma.evaluate.roc import auc, roc


def sample(n=500, seed=1, separation=1.0, levels=None):
    """Scores of two overlapping classes with positive random weights; `levels` makes ties."""
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 2, n)
    score = generator.normal(separation * target, 1)
    if levels:
        score = np.round(score * levels) / levels
    return score, target, generator.exponential(1, n)


def slow_auc(score, target, weight):
    """Every signal event against every background event."""
    won = total = 0.0
    for i in np.flatnonzero(target == 1):
        for j in np.flatnonzero(target == 0):
            won += weight[i] * weight[j] * (1 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0)
            total += weight[i] * weight[j]
    return won / total


events = st.lists(st.tuples(st.integers(-3, 3), st.booleans(), st.integers(-4, 9)), min_size=2, max_size=25)


@given(events)
def test_the_area_is_that_of_every_pair_also_with_ties_and_negative_weights(rows):
    score, target, weight = (np.array(column, float) for column in zip(*rows, strict=True))
    found = auc(score, target, weight)
    if 0 in (weight[target == 1].sum(), weight[target == 0].sum()):
        assert np.isnan(found.value)
    else:
        assert_allclose(found.value, slow_auc(score, target, weight), atol=1e-9)


@pytest.mark.parametrize("levels", [None, 2])
def test_area_and_curve_are_those_of_scikit_learn(levels):
    score, target, weight = sample(levels=levels)
    assert_allclose(auc(score, target, weight).value, roc_auc_score(target, score, sample_weight=weight), rtol=1e-12)
    background, signal, threshold = roc_curve(target, score, sample_weight=weight, drop_intermediate=False)
    found = roc(score, target, weight)
    assert_allclose(found.signal, signal, atol=1e-12)
    assert_allclose(found.background, background, atol=1e-12)
    assert_allclose(found.threshold, threshold)


def test_the_area_lies_below_the_curve_also_with_negative_weights():
    score, target, weight = sample(levels=3)
    weight = weight - 0.3
    curve = roc(score, target, weight)
    assert_allclose(np.trapezoid(curve.signal, curve.background), auc(score, target, weight).value, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_error_is_that_of_a_bootstrap(weighted):
    score, target, weight = sample(400)
    weight = weight if weighted else np.ones(400)
    generator = np.random.default_rng(7)
    replicas = []
    for _ in range(400):
        index = generator.integers(0, 400, 400)
        replicas.append(auc(score[index], target[index], weight[index]).value)
    # The spread of 400 replicas is known to 3.5 %; the classes' shares fluctuate in addition.
    assert auc(score, target, weight).error == pytest.approx(np.std(replicas), rel=0.12)


def test_the_error_is_that_of_repeated_experiments():
    found = [auc(*sample(400, seed)) for seed in range(300)]
    assert np.mean([m.error for m in found]) == pytest.approx(np.std([m.value for m in found]), rel=0.15)


def test_a_perfect_and_a_random_score():
    target, weight = np.array([0, 0, 1, 1]), np.array([1.0, 2, 3, 4])
    assert auc(np.array([1.0, 2, 3, 4]), target, weight).value == 1
    assert auc(np.array([4.0, 3, 2, 1]), target, weight).value == 0
    assert auc(np.zeros(4), target, weight).value == 0.5


def test_exchanging_the_classes_mirrors_the_area():
    score, target, weight = sample()
    found, mirrored = auc(score, target, weight), auc(score, 1 - target, weight)
    assert mirrored.value == pytest.approx(1 - found.value)
    assert mirrored.error == pytest.approx(found.error)


@pytest.mark.parametrize("label", [0, 1])
def test_without_one_class_there_is_no_area(label):
    found = auc(np.array([0.1, 0.2]), np.full(2, label), np.ones(2))
    assert np.isnan(found.value)
    assert np.isnan(found.error)
