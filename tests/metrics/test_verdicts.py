"""Sentences on metrics."""

import numpy as np
import pytest

from fivesigma.metrics.balance import at_training_balance
from fivesigma.metrics.intervals import Share
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.summary import summarise
from fivesigma.metrics.verdicts import advantages, verdicts
from fivesigma.scores import Scores


def binary(separation, events=4000, seed=1):
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 2, events)
    logit = generator.normal(0, 1, events) + separation * (2 * target - 1)
    score = (1 / (1 + np.exp(-logit))).astype(np.float32)
    return summarise(Scores(score, target, np.ones(events), ("background", "signal")))


def test_a_good_network_needs_no_comment():
    assert verdicts({"train": binary(1), "test": binary(1, seed=2)}) == []
    assert verdicts({"train": {}, "test": binary(1)}) == []  # nothing that can be compared


def test_training_events_alone_say_nothing_of_new_ones():
    (sentence,) = verdicts({"train": binary(1)})
    assert "say nothing about new events; set split.test or split.val" in sentence
    assert advantages({"train": binary(1)}) == [sentence]
    assert verdicts({}) == advantages({}) == []


def test_a_network_that_learnt_nothing_is_said_so():
    (sentence,) = verdicts({"train": binary(0), "test": binary(0, seed=2)})
    assert "no better than a constant answer on test events" in sentence


def rare(shares, separation=1.4, events=20_000):
    """A good network for 2 % of signal, trained with these shares of weight: its logit has their prior."""
    generator = np.random.default_rng(2)
    target = (generator.random(events) < 0.02).astype(int)
    x = generator.normal(0, 1, events) + separation * (2 * target - 1)
    score = 1 / (1 + np.exp(-(2 * separation * x + np.log(shares[1] / shares[0]))))
    return Scores(score.astype(np.float32), target, np.ones(events), ("background", "signal"))


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.98, 0.02)])
def test_a_good_network_for_a_rare_signal_is_judged_at_the_balance_of_its_training(shares):
    scores = rare(shares, 1.0)
    metrics = summarise(scores)
    assert 0.9 < metrics["auc"].value < 0.95
    assert metrics["accuracy"].value < metrics["accuracy_of_constant"].value + 0.002
    found = verdicts({"test": metrics | {"training_balance": at_training_balance(scores, shares)}})
    assert found == []


def test_probabilities_at_another_prior_are_told_from_a_useless_network():
    scores = rare((0.0001, 0.9999))
    metrics = summarise(scores) | {"training_balance": at_training_balance(scores, (0.5, 0.5))}
    (sentence,) = verdicts({"test": metrics})
    assert "the score separates the classes (AUC 0.9" in sentence
    assert "log-loss" in sentence
    assert "0.6931" in sentence
    assert "evaluate.recalibrate" in sentence


def multiclass(power, events=3000):
    generator = np.random.default_rng(3)
    target = generator.choice(3, events, p=[0.9, 0.08, 0.02])
    logits = generator.normal(0, 1, (events, 3))
    logits[np.arange(events), target] += power
    score = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    scores = Scores(score.astype(np.float32), target, np.ones(events), tuple("abc"))
    return summarise(scores) | {"training_balance": at_training_balance(scores, np.ones(3) / 3)}


def test_several_classes_are_judged_at_the_balance_of_the_training():
    good, bad = multiclass(2.0), multiclass(0.0)
    assert good["accuracy"].value < good["accuracy_of_constant"].value
    assert not [s for s in verdicts({"test": good}) if "constant" in s]
    assert [s for s in verdicts({"test": bad}) if "no better than a constant answer on test events: mean AUC 0." in s]


def test_overtraining_is_said_in_standard_deviations():
    (sentence,) = verdicts({"train": binary(1.5), "test": binary(1)})
    assert "standard deviations" in sentence
    assert "training events are scored better than test events" in sentence


def test_few_events_of_a_class_are_said():
    sentences = verdicts({"train": binary(1), "test": binary(1, 60)})
    assert sum("effective events" in sentence for sentence in sentences) == 2


def test_a_regression_worse_than_its_mean_is_said():
    generator = np.random.default_rng(1)
    target = generator.normal(0, 1, 1000).astype(np.float32)
    bad = summarise(Scores(target + 3, target, np.ones(1000)))
    good = summarise(Scores(target + 0.1 * generator.normal(0, 1, 1000).astype(np.float32), target, np.ones(1000)))
    assert "RMSE" in verdicts({"train": bad, "test": bad})[0]
    assert verdicts({"train": good, "test": good}) == []


def test_an_area_beyond_what_is_plausible_is_suspicious():
    score = np.tile([0.01, 0.99], 500).astype(np.float32)
    perfect = summarise(Scores(score, np.tile([0, 1], 500), np.ones(1000), ("b", "s")))
    assert "suspicious: look for an input that contains the answer" in verdicts({"test": perfect})[0]


def test_an_area_above_one_is_a_matter_of_negative_weights():
    score = np.array([0.2, 0.8] * 200, np.float32)
    weight = np.where(score > 0.5, 1.0, -0.5)
    odd = summarise(Scores(score, np.tile([0, 1, 1, 1], 100), np.where(np.arange(400) % 4 == 0, 1, weight), ("b", "s")))
    assert odd["auc"].value > 1
    (sentence,) = (each for each in verdicts({"test": odd}) if "AUC" in each)
    assert "is no probability: negative weights outweigh" in sentence


def test_few_events_may_be_separated_by_chance():
    few = summarise(Scores(np.array([0.1, 0.9], np.float32), np.array([0, 1]), np.ones(2), ("b", "s")))
    assert few["auc"].value == 1
    assert not [sentence for sentence in verdicts({"test": few}) if "suspicious" in sentence]


def test_an_area_beyond_what_is_plausible_at_one_hypothesis_names_it():
    metrics = binary(1)
    metrics["per_parameter"] = {"mass=500": {"auc": Metric(0.7, 0.01)}, "mass=900": {"auc": Metric(0.9999, 0.00001)}}
    (sentence,) = verdicts({"test": metrics})
    assert "at mass=900" in sentence


def beside(difference):
    return binary(1) | {"baselines": {"trees": {"difference": difference}, "table": {"auc": Metric(0.99, 0.001)}}}


def test_a_baseline_that_wins_is_said_with_the_difference_on_the_same_events():
    tree = beside({"auc": Metric(0.069, 0.016), "log_loss": Metric(-0.2, 0.01)})
    (sentence,) = verdicts({"test": tree})
    assert sentence.startswith("the baseline 'trees' beats the network by 0.069 ± 0.016 in AUC on the same test events")
    assert "fivesigma predict --model trees" in sentence
    assert advantages({"test": tree}) == []


def test_a_network_that_wins_is_said_and_is_no_warning():
    tree = beside({"rmse": Metric(0.021, 0.002)})
    assert verdicts({"test": tree}, "1/GeV") == []
    (sentence,) = advantages({"test": tree}, "1/GeV")
    assert sentence == "the network beats the baseline 'trees' by 0.0210 ± 0.0020 1/GeV in RMSE on the same test events"


def test_the_network_without_its_bits_is_no_rival():
    rate = {"rate_reduction_measured": Metric(0.9, 0.01), "at": {"threshold": 20.0, "efficiency": 0.9}}
    rate["thresholds"] = {"20": {"efficiency": Share(0.9, 0.89, 0.91)}}
    tree = beside({"rmse": Metric(-0.0009, 0.0002)})
    tree["baselines"]["trees"]["trigger"] = rate
    assert len(verdicts({"test": tree}, "1/GeV")) == 2  # of the rate, and of the RMSE
    tree["front"] = {"reference": "trees", "points": []}
    assert verdicts({"test": tree}, "1/GeV") == []
    assert advantages({"test": tree}, "1/GeV") == [
        "the price of the network's bits: 'trees', with the same layers in floating point, is better by 0.00090 ± 0.00020 "
        "1/GeV in RMSE on the same test events"
    ]


@pytest.mark.parametrize("metric", [Metric(*pair) for pair in ((0.03, 0.016), (-0.03, 0.016), (np.nan,) * 2, (0.1, np.nan))])
def test_a_difference_within_three_standard_deviations_is_passed_in_silence(metric):
    assert verdicts({"test": beside({"auc": metric})}) == []
    assert advantages({"test": beside({"auc": metric})}) == []


def trigger(efficiency, reduction):
    at = {"20": {"efficiency": Share(efficiency, efficiency - 0.01, efficiency + 0.01)}}
    goal = {"threshold": 20.0, "efficiency": 0.9}
    return {"trigger": {"at": goal, "thresholds": at, "rate_reduction_measured": reduction}}


def test_a_lower_rate_and_an_unequal_efficiency_of_a_baseline_are_said():
    good, bad = trigger(0.91, Metric(1.2, 0.1)), trigger(0.97, Metric(0.5, 0.1))
    assert verdicts({"test": binary(1) | trigger(0.89, None) | {"baselines": {"trees": good}}}) == []
    sentences = verdicts({"test": binary(1) | {"baselines": {"trees": bad}}})
    assert "the baseline 'trees' at the trigger's threshold is 0.50 ± 0.10 times the network's, at equal" in sentences[0]
    assert "scale of 'trees' accepts 0.970 +0.010 −0.010 of the muons instead of 0.9" in sentences[1]
    (sentence,) = verdicts({"test": binary(1) | trigger(0.83, None)})
    assert sentence.startswith("at 20 GeV the trigger's scale of 'network' accepts 0.830 +0.010 −0.010 of the muons")


def test_a_training_that_few_heavy_events_decide_is_said():
    support = {"a": Metric(1000.0, 30.0), "b": Metric(1000.0, 950.0)}
    rows = {name: {"support": value} for name, value in support.items()}
    many = {name: {"support": Metric(1000.0, 30.0)} for name in support}
    found = verdicts(
        {"train": {"auc": Metric(0.8, 0.01), "per_class": rows}, "test": {"auc": Metric(0.8, 0.01), "per_class": many}}
    )
    assert found == [
        "class 'b' has only 1 effective event in the train part: a few large weights decide what the network learns"
    ]


def test_a_separation_that_chance_may_have_made_is_not_called_one():
    metrics = binary(0.04, events=3000, seed=4)
    area = metrics["auc"]
    assert area.error < area.value - 0.5 < 3 * area.error
    (sentence,) = verdicts({"test": metrics})
    assert "it is not known whether the network separates the classes" in sentence
    assert f"AUC {area} on test events" in sentence
    assert "train longer" in sentence


def test_a_network_that_knows_its_events_by_heart_is_not_to_train_longer():
    judged = binary(1)
    worse = judged | {"training_balance": {"auc": judged["auc"], "gain": Metric(-0.4, 0.05), "log_loss": Metric(1.1, 0.05)}}
    worse["training_balance"]["log_loss_of_constant"] = Metric(0.693, 0.0)
    by_heart, stopped = (verdicts({"train": binary(power), "test": worse}) for power in (2.5, 1))
    assert "train for fewer epochs" in by_heart[0]
    assert "train longer" not in by_heart[0]
    assert "train longer" in stopped[0]
