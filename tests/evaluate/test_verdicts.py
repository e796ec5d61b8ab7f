"""Sentences on metrics."""

import numpy as np

from fivesigma.evaluate.summary import summarise
from fivesigma.evaluate.verdicts import verdicts
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
