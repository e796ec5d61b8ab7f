import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn import metrics

from fivesigma.metrics import classes
from fivesigma.metrics.roc import auc

N = 600


@pytest.fixture(params=[2, 3, 5])
def scored(request):
    """Scores, targets and positive weights for two, three and five classes."""
    count = request.param
    generator = np.random.default_rng(count)
    target = generator.choice(count, N, p=np.arange(1, count + 1) / np.arange(1, count + 1).sum())
    logits = generator.normal(0, 1, (N, count)) + 1.2 * np.eye(count)[target]
    score = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return (score[:, 1] if count == 2 else score), target, generator.exponential(1, N), count


def labels(score):
    return (score >= 0.5).astype(int) if score.ndim == 1 else score.argmax(axis=1)


def test_accuracy_log_loss_and_confusion_are_those_of_scikit_learn(scored):
    score, target, weight, count = scored
    found = classes.accuracy(score, target, weight).value
    assert found == pytest.approx(metrics.accuracy_score(target, labels(score), sample_weight=weight))
    found = classes.log_loss(score, target, weight).value
    assert found == pytest.approx(metrics.log_loss(target, score, sample_weight=weight, labels=range(count)))
    table, variance = classes.confusion(score, target, weight)
    assert_allclose(table, metrics.confusion_matrix(target, labels(score), sample_weight=weight))
    assert_allclose(variance, metrics.confusion_matrix(target, labels(score), sample_weight=weight**2))


def test_balanced_accuracy_and_f1_are_those_of_scikit_learn(scored):
    score, target, weight, _ = scored
    found = classes.balanced_accuracy(score, target, weight).value
    assert found == pytest.approx(metrics.balanced_accuracy_score(target, labels(score), sample_weight=weight))
    table = classes.confusion(score, target, weight)[0]
    for average in ("macro", "weighted"):
        expected = metrics.f1_score(target, labels(score), average=average, sample_weight=weight)
        assert {"macro": classes.mean_f1, "weighted": classes.weighted_f1}[average](table) == pytest.approx(expected)
    assert classes.f1_macro(score, target, weight).value == pytest.approx(
        metrics.f1_score(target, labels(score), average="macro", sample_weight=weight)
    )


def test_precision_recall_f1_and_support_of_each_class_are_those_of_scikit_learn(scored):
    score, target, weight, count = scored
    expected = metrics.precision_recall_fscore_support(target, labels(score), sample_weight=weight)
    rows = classes.per_class(*classes.confusion(score, target, weight), tuple(map(str, range(count))), count=20)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert_allclose([rows[str(i)][name].value for i in range(count)], values)


def test_a_class_that_is_never_predicted_has_precision_zero_and_an_absent_one_no_recall():
    table, _ = classes.confusion(np.array([0.1, 0.2, 0.3]), np.array([0, 0, 1]), np.ones(3))
    assert classes.precision_of(table)[1] == classes.f1_of(table)[1] == 0
    rows = classes.per_class(*classes.confusion(np.array([0.1, 0.9]), np.zeros(2, int), np.ones(2)), ("a", "b"))
    assert np.isnan(rows["b"]["recall"].value)
    assert np.isnan(rows["b"]["recall"].error)
    assert classes.balanced_accuracy(np.array([0.1, 0.9]), np.zeros(2, int), np.ones(2)).value == 0.5


def test_the_threshold_itself_counts_as_signal():
    assert classes.predicted_class(np.array([0.49, 0.5, 0.7]), 0.5).tolist() == [0, 1, 1]
    assert classes.accuracy(np.array([0.3]), np.array([1]), np.ones(1), threshold=0.3).value == 1


def test_a_certain_mistake_costs_a_finite_loss():
    assert classes.log_loss(np.array([1.0, 0.0]), np.array([0, 1]), np.ones(2)).value == pytest.approx(-np.log(1e-7))
    assert classes.log_loss(np.array([1.0, 0.0]), np.array([1, 0]), np.ones(2)).value == 0


def test_a_constant_answer_has_balanced_accuracy_one_over_classes():
    target = np.array([0, 0, 0, 1, 2, 2])
    assert classes.balanced_accuracy(np.tile([0.6, 0.3, 0.1], (6, 1)), target, np.ones(6)).value == pytest.approx(1 / 3)


def test_an_accuracy_of_one_or_zero_still_has_an_error():
    for score, value in ((0.9, 1.0), (0.1, 0.0)):
        found = classes.accuracy(np.full(20, score), np.ones(20, int), np.full(20, 3.0))
        assert found.value == value
        assert found.error == pytest.approx(1 - 0.15866 ** (1 / 20), rel=1e-3)


def test_a_class_whose_weights_cancel_has_f1_zero():
    # In row and column together: two on the diagonal, and as much of negative weight beside it.
    table = np.array([[1.0, -3.0], [1.0, 5.0]])
    assert classes.f1_of(table).tolist() == [0, 2 * 5 / (2 + 6)]


@pytest.mark.parametrize("count", [20, 100])
@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_no_metric_of_a_few_separated_events_is_certain(count, spread):
    # The interval of a fraction of which none of count / 2 events of a class failed; sums of unequal weights are rounded.
    target = np.arange(count) % 2
    score, weight = np.where(target == 1, 0.9, 0.1), 2 + spread * np.random.default_rng(1).normal(size=count)
    longest = 1 - 0.158655 ** (1 / (count / 2))
    for found in (classes.balanced_accuracy, classes.f1_macro, classes.f1_weighted):
        metric = found(score, target, weight)
        assert metric.value == pytest.approx(1)
        assert metric.error == pytest.approx(longest / np.sqrt(2), rel=0.01)
    assert auc(score, target, weight).error == pytest.approx(longest, rel=0.01)
    assert auc(1 - score, target, weight).error == pytest.approx(longest, rel=0.01)
    rows = classes.per_class(*classes.confusion(score, target, weight), ("a", "b"))
    for row in rows.values():
        assert {name: row[name].error for name in ("precision", "recall")} == pytest.approx(
            dict.fromkeys(("precision", "recall"), longest), rel=0.01
        )


def test_a_constant_answer_is_certain_to_have_an_area_of_a_half():
    metric = auc(np.full(50, 0.3), np.arange(50) % 2, np.ones(50))
    assert (metric.value, metric.error) == (0.5, 0.0)


def test_a_network_that_gave_all_events_one_class_may_give_others_another():
    target = np.arange(300) % 3 > 0
    found = classes.balanced_accuracy(np.linspace(0.6, 0.9, 300), target, np.ones(300))
    assert found.value == 0.5
    # The intervals of recalls of one and zero: 1 - 0.16 to the power of 1/n.
    lengths = [1 - 0.158655 ** (1 / n) for n in (100, 200)]
    assert found.error == pytest.approx(np.hypot(*lengths) / 2, rel=1e-4)
