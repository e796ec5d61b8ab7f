"""Sentences on metrics."""

import numpy as np

from fivesigma.metrics.intervals import Share
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.summary import summarise
from fivesigma.metrics.verdicts import verdicts
from fivesigma.scores import Scores

RNG = np.random.default_rng(1)


def binary(separation, events=4000):
    target = RNG.integers(0, 2, events)
    logit = RNG.normal(0, 1, events) + separation * (2 * target - 1)
    score = (1 / (1 + np.exp(-logit))).astype(np.float32)
    return summarise(Scores(score, target, np.ones(events), ("background", "signal")))


def test_a_good_network_needs_no_comment():
    assert verdicts({"train": binary(1), "test": binary(1)}) == []


def test_a_network_that_learnt_nothing_is_said_so():
    (sentence,) = verdicts({"train": binary(0), "test": binary(0)})
    assert "no better than a constant answer on test events" in sentence


def test_overtraining_is_said_in_standard_deviations():
    (sentence,) = verdicts({"train": binary(1.5), "test": binary(1)})
    assert "standard deviations" in sentence
    assert "training events are scored better" in sentence


def test_few_events_of_a_class_are_said():
    sentences = verdicts({"train": binary(1), "test": binary(1, 60)})
    assert sum("effective events" in sentence for sentence in sentences) == 2


def test_a_regression_worse_than_its_mean_is_said():
    target = RNG.normal(0, 1, 1000).astype(np.float32)
    bad = summarise(Scores(target + 3, target, np.ones(1000)))
    good = summarise(Scores(target + 0.1 * RNG.normal(0, 1, 1000).astype(np.float32), target, np.ones(1000)))
    assert "RMSE" in verdicts({"train": bad, "test": bad})[0]
    assert verdicts({"train": good, "test": good}) == []


def test_an_area_beyond_what_is_plausible_is_suspicious():
    score = np.tile([0.01, 0.99], 500).astype(np.float32)
    perfect = summarise(Scores(score, np.tile([0, 1], 500), np.ones(1000), ("b", "s")))
    assert "suspicious: does an input know the answer" in verdicts({"test": perfect})[0]


def test_an_area_beyond_what_is_plausible_at_one_hypothesis_names_it():
    metrics = binary(1)
    metrics["per_parameter"] = {"mass=500": {"auc": Metric(0.7, 0.01)}, "mass=900": {"auc": Metric(0.9999, 0.00001)}}
    (sentence,) = verdicts({"test": metrics})
    assert "at mass=900" in sentence


def test_a_baseline_that_is_better_is_said_with_both_numbers():
    test = binary(1) | {"baselines": {"trees": binary(1.6), "table": binary(0.9)}}
    (sentence,) = verdicts({"test": test})
    assert "baseline 'trees' is better than the network on test events: auc" in sentence


def trigger(efficiency, reduction):
    at = {"20": {"efficiency": Share(efficiency, efficiency - 0.01, efficiency + 0.01)}}
    return {"trigger": {"at": {"threshold": 20.0, "efficiency": 0.9}, "thresholds": at, "rate_reduction": reduction}}


def test_a_lower_rate_and_an_unequal_efficiency_of_a_baseline_are_said():
    good, bad = trigger(0.91, Metric(1.2, 0.1)), trigger(0.97, Metric(0.5, 0.1))
    assert verdicts({"test": binary(1) | trigger(0.89, None) | {"baselines": {"trees": good}}}) == []
    sentences = verdicts({"test": binary(1) | {"baselines": {"trees": bad}}})
    assert "the rate of the baseline 'trees' at the trigger's threshold is 0.50 ± 0.10 of the network's" in sentences[0]
    assert "accepts 0.970 +0.010 −0.010 of the muons instead of 0.9" in sentences[1]
