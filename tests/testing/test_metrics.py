"""The suite of metrics: every metric that there is keeps its rules, and one that breaks a rule is found."""

import dataclasses

import numpy as np
import pytest

from fivesigma import plugins
from fivesigma.metrics import Metric, MetricSpec, weighted_mean
from fivesigma.testing import check_metric

NAMES = [spec.name for spec in plugins.metrics if spec.function is not None]


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_keeps_the_rules(name):
    check_metric(plugins.metrics.get(name))


def mistake(score, target, weight, options):
    """The mean absolute error, right in every way."""
    return weighted_mean(np.abs(score - target), weight)


def unweighted(score, target, weight, options):
    return weighted_mean(np.abs(score - target), np.ones(len(weight)))


def total(score, target, weight, options):
    found = mistake(score, target, weight, options)
    return Metric(found.value * weight.sum(), found.error * weight.sum())


def of_the_first(score, target, weight, options):
    return mistake(score[: len(score) // 2], target[: len(score) // 2], weight[: len(score) // 2], options)


def without_error(score, target, weight, options):
    return Metric(mistake(score, target, weight, options).value, np.nan)


def with_the_spread_as_error(score, target, weight, options):
    return Metric(mistake(score, target, weight, options).value, float(np.std(score - target)))


def with_a_small_error(score, target, weight, options):
    found = mistake(score, target, weight, options)
    return Metric(found.value, found.error / np.sqrt(2))


def of_many_events(score, target, weight, options):
    if len(score) < 3:
        raise ValueError("too few")
    return mistake(score, target, weight, options)


def infinite(score, target, weight, options):
    return mistake(score, target, weight, options) if len(score) else Metric(np.inf, np.nan)


def plain_number(score, target, weight, options):
    return mistake(score, target, weight, options).value


GOOD = MetricSpec("mistake", ("regression",), False, "mean absolute error", function=mistake)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"function": unweighted}, "an event that stands twice is not one of twice the weight"),
        ({"function": total}, "a common factor of all weights changes it"),
        ({"function": of_the_first}, "the order of events changes it"),
        ({"function": without_error}, "the error of 2000 regression events is not a number"),
        ({"function": with_the_spread_as_error}, "the error of 16 times as many events is smaller by 1.0"),
        ({"function": with_a_small_error}, r"covers the truth in [45]\d % of 300 regression samples"),
        ({"function": of_many_events}, "raises for 0 events: ValueError: too few"),
        ({"function": infinite}, "of 0 events is infinite"),
        ({"function": plain_number}, "returns float, not a Metric"),
        ({"function": None}, "has no function"),
        ({"larger_is_better": True}, "larger is said to be better, but better scores give"),
        ({"tasks": ("ranking",)}, "the tasks .* are not among"),
        ({"meaning": ""}, "has no meaning"),
        ({"name": "my metric"}, "not made of letters, digits and _"),
    ],
)
def test_a_metric_that_breaks_a_rule_is_found(changes, rule):
    with pytest.raises(AssertionError, match=rule):
        check_metric(dataclasses.replace(GOOD, **changes))


def test_the_metric_that_is_right_passes():
    check_metric(GOOD)
