import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score, roc_curve

from fivesigma.metrics.roc import MeanAuc, auc, auc_difference, roc


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


def test_the_area_lies_below_the_curve():
    score, target, weight = sample(levels=3)
    curve = roc(score, target, weight)
    assert_allclose(np.trapezoid(curve.signal, curve.background), auc(score, target, weight).value, rtol=1e-12)


def raw_curve(score, target, weight):
    """Both efficiencies at every distinct score, whether they rise or not."""
    thresholds = np.unique(score)[::-1]
    sides = [[weight[(target == side) & (score >= t)].sum() for t in thresholds] for side in (1, 0)]
    return np.array(sides).T / np.array([weight[target == 1].sum(), weight[target != 1].sum()])


@given(events)
def test_the_curve_never_falls_and_lies_on_the_exact_one(rows):
    score, target, weight = (np.array(column, float) for column in zip(*rows, strict=True))
    if min(weight[target == 1].sum(), weight[target != 1].sum()) <= 0:
        return
    found = roc(score, target, weight)
    assert (np.diff(found.signal) >= 0).all()
    assert (np.diff(found.background) >= 0).all()
    assert (found.signal[0], found.background[0]) == (0, 0)
    assert (found.signal[-1], found.background[-1]) == (1, 1)
    exact = raw_curve(score, target, weight)
    for signal, background in zip(found.signal[1:], found.background[1:], strict=True):
        assert np.abs(exact - (signal, background)).max(axis=1).min() < 1e-9
    if (weight >= 0).all():
        assert len(found.signal) == len(np.unique(score)) + 1


def test_a_few_negative_weights_cost_the_curve_a_few_points():
    score, target, weight = sample(4000)
    weight = np.where(np.arange(4000) % 20 == 0, -weight, weight)
    found = roc(score, target, weight)
    assert 2000 < len(found.signal) < 4000
    assert_allclose(np.trapezoid(found.signal, found.background), auc(score, target, weight).value, atol=2e-3)


def test_the_difference_of_two_areas_has_the_error_of_repeated_experiments():
    found = []
    for seed in range(200):
        score, target, weight = sample(300, seed)
        worse = score + np.random.default_rng(seed + 1000).normal(0, 0.5, 300)
        found.append((auc_difference(worse, score, target, weight), auc(worse, target, weight), auc(score, target, weight)))
    for difference, one, other in found[:5]:
        assert difference.value == pytest.approx(one.value - other.value, abs=1e-12)
        assert difference.error < one.error
    errors, values = ([getattr(row[0], name) for row in found] for name in ("error", "value"))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


def test_without_one_class_there_is_no_difference():
    assert np.isnan(auc_difference(np.ones(2), np.ones(2), np.ones(2), np.ones(2)).value)


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


def test_without_events_there_is_only_the_first_point():
    found = roc(np.empty(0), np.empty(0), np.empty(0))
    assert (found.signal.tolist(), found.background.tolist(), found.threshold.tolist()) == ([0.0], [0.0], [np.inf])


def test_thresholds_are_the_scores_in_double_precision_and_a_class_without_events_has_no_efficiency():
    found = roc(np.array([0.25, 0.5], np.float32), np.ones(2), np.array([1.0, 3.0], np.float32))
    assert found.threshold.tolist() == [np.inf, 0.5, 0.25]
    assert found.threshold.dtype == np.float64
    assert found.signal.tolist() == [0.0, 0.75, 1.0]
    assert np.isnan(found.background[1:]).all()


def masses(seed, events=400, separations=(0.5, 1.0, 2.0)):
    """Score, target and weight of each test; the background is common, and its scores are related."""
    generator = np.random.default_rng(seed)
    background, found = generator.normal(size=events), []
    weight = generator.uniform(0.5, 1.5, events)
    for separation in separations:
        own = generator.normal(separation, 1, events // 4)
        score = np.concatenate([background + 0.3 * generator.normal(size=events), own])
        target = np.repeat([0, 1], [events, events // 4])
        found.append((score, target, np.concatenate([weight, generator.uniform(0.5, 1.5, events // 4)])))
    return found


def test_the_error_of_a_mean_area_is_the_spread_of_repeated_experiments():
    means = []
    for seed in range(300):
        mean, areas = MeanAuc(), []
        for each in masses(seed):
            mean.add(*each)
            areas.append(auc(*each).value)
        means.append(mean.result())
        assert means[-1].value == pytest.approx(np.mean(areas))
    spread = np.std([one.value for one in means])
    assert np.mean([one.error for one in means]) == pytest.approx(spread, rel=0.12)
    # As if all moved together, it would be far too large.
    assert np.mean([auc(*each).error for each in masses(1)]) > 1.3 * spread


def test_a_mean_of_separated_classes_has_an_error_and_one_without_events_is_no_number():
    mean, separated = MeanAuc(), (np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]), np.ones(4))
    for _ in range(2):
        mean.add(*separated)
    assert mean.result().value == 1
    # The background is the same in both: it moves them together.
    assert mean.result().error == pytest.approx(auc(*separated).error)
    mean.add(np.array([0.1, 0.2]), np.array([0, 0]), np.ones(2))
    assert np.isnan(mean.result().value)
    assert np.isnan(MeanAuc().result().value)


@pytest.mark.parametrize("few", [1, 2, 4, 9, 14])
@pytest.mark.parametrize("apart", [0.5, 1.5, 2.5])
@pytest.mark.parametrize("signal", [True, False])
def test_the_error_covers_also_with_few_events_of_a_class(few, apart, signal):
    generator = np.random.default_rng(few)
    target = np.repeat([0, 1], [300, few] if signal else [few, 300])
    true, found = norm.cdf(apart / np.sqrt(2)), []
    while len(found) < 400:
        one = auc(generator.normal(size=len(target)) + apart * target, target, np.ones(len(target)))
        if one.value < 1:  # separated classes have another error
            found.append(one)
    values, errors = np.array([(one.value, one.error) for one in found]).T
    covered = np.mean(abs(values - true) <= errors)
    assert (0.58 if few > 1 else 0.45) < covered < (0.95 if few > 1 else 0.99)
    assert np.mean(errors) < 2.2 * max(values.std(), 0.01)


@pytest.mark.parametrize(
    ("signal", "background", "apart"), [(30, 970, 4.0), (100, 1000, 4.5), (300, 300, 4.0), (50, 5000, 2.0)]
)
def test_the_error_covers_also_with_few_events_on_the_wrong_side(signal, background, apart):
    """The spread alone covers in half of the cases, and differs from the truth by up to fifty errors."""
    generator = np.random.default_rng(6)
    target, true, found = np.repeat([0, 1], [background, signal]), norm.cdf(apart / np.sqrt(2)), []
    for _ in range(300):
        score = generator.normal(size=len(target)) + apart * target
        found.append(auc(score, target, np.ones(len(target))))
    values, errors = np.array([(one.value, one.error) for one in found]).T
    assert 0.62 < np.mean(abs(values - true) <= errors) < 0.88
    assert np.mean(abs(values - true) <= 2 * errors) > 0.87
    assert np.median(errors) < 1.4 * values.std()


def spread(score, target):
    below = np.array([(score[target == 0] < s).mean() for s in score[target == 1]])
    above = np.array([(score[target == 1] > s).mean() for s in score[target == 0]])
    return (
        below,
        above,
        np.sqrt(((below - below.mean()) ** 2).mean() / len(below) + ((above - above.mean()) ** 2).mean() / len(above)),
    )


def test_twenty_events_have_the_error_of_their_spread_and_heavy_ones_count_as_fewer():
    generator = np.random.default_rng(1)
    target = np.repeat([0, 1], [300, 20])
    score = generator.normal(size=len(target)) + 0.8 * target
    equal = auc(score, target, np.ones(len(target)))
    assert equal.error == pytest.approx(spread(score, target)[2])
    heavy = np.ones(len(target))
    heavy[-1] = 100.0  # one event decides
    by_weight = auc(score, target, heavy)
    a, (one, other) = by_weight.value, (119**2 / (100**2 + 19), 300)
    by_hand = a * (1 - a) + (one - 1) * (a / (2 - a) - a**2) + (other - 1) * (2 * a**2 / (1 + a) - a**2)
    assert by_weight.error == pytest.approx(max(np.sqrt(by_hand / (one * other)), equal.error), rel=1e-6)
    assert auc(-score, target, heavy).error == pytest.approx(by_weight.error)


def test_a_mean_of_one_area_has_its_error_with_few_events_too():
    generator = np.random.default_rng(3)
    target = np.repeat([0, 1], [300, 3])
    score, mean = generator.normal(size=len(target)) + 1.5 * target, MeanAuc()
    mean.add(score, target, np.ones(len(target)))
    assert mean.result().error == pytest.approx(auc(score, target, np.ones(len(target))).error)


@pytest.mark.parametrize("few", [3, 9])
def test_two_equally_good_scores_differ_seldom_by_three_errors(few):
    generator = np.random.default_rng(4)
    target, toys = np.repeat([0, 1], [300, few]), []
    for _ in range(400):
        first, second = generator.normal(size=(2, len(target))) + target
        toys.append(auc_difference(first, second, target, np.ones(len(target))))
    ratio = np.array([toy.value / toy.error for toy in toys])
    assert 0.6 < np.mean(abs(ratio) < 1) < 0.85
    assert np.mean(abs(ratio) > 3) < 0.06
    alone = np.repeat([0, 1], [300, 1])
    assert np.isnan(auc_difference(first[:301], second[:301], alone, np.ones(301)).error)
    assert auc_difference(first[:301], first[:301], alone, np.ones(301)).error == 0


@pytest.mark.parametrize("few", [2, 3, 10, 19, 20])
def test_the_part_of_few_events_in_a_difference_is_that_of_students_t(few):
    generator = np.random.default_rng(5)
    target = np.repeat([0, 1], [300, few])
    first, second = generator.normal(size=(2, len(target))) + target
    (below, above), (below_too, above_too) = (spread(score, target)[:2] for score in (first, second))
    of_signal, of_background = np.var(below - below_too) / few, np.var(above - above_too) / 300
    if few < 20:
        of_signal *= few / (few - 1) * t.ppf(norm.cdf(1), few - 1) ** 2
    found = auc_difference(first, second, target, np.ones(len(target))).error
    assert found == pytest.approx(np.sqrt(of_signal + of_background), rel=0.02)
