"""Differences of metrics on the same events: their values, and their errors against repeated experiments."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fivesigma import plugins
from fivesigma.metrics.difference import bootstrap_difference, differences
from fivesigma.metrics.spec import MetricOptions, functions_of
from fivesigma.scores import Scores


def pair(task, seed, events=400):
    """Two models of which the second has more noise; what both do not know is common to them."""
    generator = np.random.default_rng(seed)
    weight = generator.exponential(1, events)
    number = np.arange(events, dtype=np.uint64) + np.uint64(seed * 100_000)
    common, own = generator.normal(0, 1, (events, 3)), generator.normal(0, 1, (2, events, 3))
    if task == "regression":
        target, classes = generator.normal(0, 1, events), ()
        both = [target + common[:, 0] + noise * own[i, :, 0] for i, noise in enumerate((0.2, 0.7))]
    elif task == "binary":
        target, classes = generator.integers(0, 2, events), ("b", "s")
        logit = 1.5 * (2 * target - 1) + 1.5 * common[:, 0]
        both = [1 / (1 + np.exp(-(logit + noise * own[i, :, 0]))) for i, noise in enumerate((0.3, 1.5))]
    else:
        target, classes = generator.integers(0, 3, events), ("a", "b", "c")
        logits = 2.0 * np.eye(3)[target] + common
        each = [np.exp(logits + noise * own[i]) for i, noise in enumerate((0.2, 1.0))]
        both = [one / one.sum(axis=1, keepdims=True) for one in each]
    return [Scores(score.astype(np.float32), target, weight, classes, event_number=number) for score in both]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_value_is_the_difference_and_the_error_that_of_repeated_experiments(task):
    options = MetricOptions(bootstrap=40)
    trials = [differences(*pair(task, seed), options) for seed in range(60)]
    ours, theirs = pair(task, 0)
    for name, function in functions_of(task).items():
        if name.endswith("_of_constant"):
            assert name not in trials[0]
            continue
        values = [function(s.score, s.target, s.weight, MetricOptions(bootstrap=0)).value for s in (theirs, ours)]
        assert_allclose(trials[0][name].value, values[0] - values[1], atol=1e-6)
        found = np.array([(trial[name].value, trial[name].error) for trial in trials])
        assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.35), name


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_model_does_not_differ_from_itself(task):
    ours, _ = pair(task, 1)
    for metric in differences(ours, ours).values():
        assert (metric.value, metric.error) == (0.0, 0.0)


def test_the_error_is_smaller_than_that_of_independent_samples():
    ours, theirs = pair("regression", 2)
    options = MetricOptions()
    alone = [functions_of("regression")["rmse"](s.score, s.target, s.weight, options).error for s in (ours, theirs)]
    assert differences(ours, theirs)["rmse"].error < 0.8 * np.hypot(*alone)


def test_a_metric_without_a_formula_has_its_error_from_a_bootstrap():
    ours, theirs = pair("regression", 3, 1000)
    spec = plugins.metrics.get("rmse")
    options = MetricOptions(bootstrap=200)
    columns = (theirs.score, ours.score, ours.target, ours.weight)
    found, known = (
        bootstrap_difference(spec.function, *columns, ours.event_number, options),
        differences(ours, theirs)["rmse"],
    )
    assert found.value == pytest.approx(known.value, rel=1e-5)
    assert found.error == pytest.approx(known.error, rel=0.2)


def test_models_of_other_targets_or_events_are_not_compared():
    ours, theirs = pair("regression", 4)
    assert differences(ours, pair("binary", 4)[0]) == {}
    assert differences(ours, pair("regression", 5)[0]) == {}
    assert differences(ours, Scores(theirs.score[:9], theirs.target[:9], theirs.weight[:9])) == {}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("events", [0, 1, 2])
def test_few_events_have_numbers_or_none(task, events):
    ours, theirs = (
        {f: v[:events] if isinstance(v, np.ndarray) and len(v) else v for f, v in vars(s).items()} for s in pair(task, 6)
    )
    differences(Scores(**ours), Scores(**theirs))
