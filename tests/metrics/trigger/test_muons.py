"""Scores as momenta, and who sets the scale for whom."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from fivesigma.analysis.trigger import Trigger
from fivesigma.errors import EventsError
from fivesigma.metrics.trigger.calibration import Calibration
from fivesigma.metrics.trigger.muons import class_centres, muons_of
from fivesigma.metrics.trigger.summary import calibration_of, check, judge, reductions
from fivesigma.scores import Scores

SETTINGS = Trigger(pt="pt", eta=None, thresholds=[5, 20], threshold=20)
CLASSES = ("low", "middle", "high")


def regression(muons, **more):
    return Scores(
        muons.curvature.astype(np.float32),
        muons.true_curvature,
        muons.weight,
        observers={"pt": muons.pt, **more},
        event_number=muons.number,
    )


def classifier(muons, sharpness=4.0):
    """Probabilities of three classes from the estimate: softly, so that muons near an edge are undecided."""
    x = np.log(muons.estimate)
    low, high = (1 / (1 + np.exp(-sharpness * (x - np.log(edge)))) for edge in (6, 25))
    score = np.column_stack([1 - low, low * (1 - high), low * high])
    target = np.digitize(muons.pt, [6, 25])
    return Scores(score, target, muons.weight, CLASSES, observers={"pt": muons.pt}, event_number=muons.number)


def test_a_regression_of_the_momentum_and_one_of_its_inverse_are_the_same(make_muons):
    muons = make_muons()
    inverse = muons_of(regression(muons), SETTINGS)
    scores = Scores(muons.estimate.astype(np.float32), muons.pt, muons.weight, observers={"pt": muons.pt})
    plain = muons_of(scores, SETTINGS.model_copy(update={"predicts": "pt"}))
    assert_allclose(plain.estimate, inverse.estimate, rtol=1e-5)
    assert plain.curvature is None
    assert_allclose(inverse.curvature, muons.curvature, rtol=1e-6)
    assert_allclose(inverse.true_curvature, muons.true_curvature)


def test_predictions_below_zero_keep_their_order_and_the_scale_its_efficiency(make_muons):
    """A network of pT may predict −0.5 GeV: a cut between two such predictions accepts one of them and not the other."""
    muons = make_muons()
    shifted = (muons.estimate - np.quantile(muons.estimate[muons.pt < 4], 0.3)).astype(np.float32)
    settings = SETTINGS.model_copy(update={"predicts": "pt"})
    scores = Scores(shifted, muons.pt, muons.weight, observers={"pt": muons.pt}, event_number=muons.number)
    found = muons_of(scores, settings)
    assert (found.estimate > 0).all()
    order = np.argsort(shifted, kind="stable")
    assert (np.diff(found.estimate[order]) >= 0).all()
    assert (shifted < 0).mean() > 0.02
    assert len(np.unique(found.estimate)) == len(np.unique(shifted))
    calibration = Calibration(found, found, 0.9)
    threshold = np.array([3.0])
    near = np.abs(np.log(muons.pt / 3.0)) < 0.05
    accepted = found.estimate[near] >= calibration.scale.cut_at(threshold)
    assert np.average(accepted, weights=muons.weight[near]) == pytest.approx(0.9, abs=0.04)


def test_every_kind_of_model_keeps_the_pseudorapidity(make_muons):
    muons, settings = make_muons(500), SETTINGS.model_copy(update={"eta": "eta"})
    momentum = Scores(muons.estimate.astype(np.float32), muons.pt, muons.weight)
    for scores, how in ((regression(muons), "q_over_pt"), (momentum, "pt"), (classifier(muons), "q_over_pt")):
        seen = replace(scores, observers={"pt": muons.pt, "eta": muons.eta})
        found = muons_of(seen, settings.model_copy(update={"predicts": how}), class_centres(seen, settings))
        assert_allclose(found.eta, muons.eta)


def test_the_estimate_of_a_classifier_is_the_inverse_of_the_expected_inverse(make_muons):
    muons = make_muons(2000, weights=True)
    scores = classifier(muons)
    centres = class_centres(scores, SETTINGS)
    for i in range(3):
        own = scores.target == i
        assert centres[i] == pytest.approx(np.average(1 / muons.pt[own], weights=muons.weight[own]))
    assert_allclose(muons_of(scores, SETTINGS, centres).estimate, 1 / (scores.score @ centres), rtol=1e-9)


@given(st.permutations(range(3)))
def test_the_order_of_the_classes_does_not_matter(order):
    generator = np.random.default_rng(1)
    score, target = generator.dirichlet(np.ones(3), 300), generator.integers(0, 3, 300)
    pt = np.array([4.0, 12.0, 60.0])[target] * generator.uniform(0.8, 1.2, 300)
    estimates = []
    for index in (list(range(3)), list(order)):
        rank = np.argsort(index)
        names = tuple(CLASSES[i] for i in index)
        scores = Scores(score[:, index], rank[target], np.ones(300), names, observers={"pt": pt})
        estimates.append(muons_of(scores, SETTINGS, class_centres(scores, SETTINGS)).estimate)
    assert_allclose(estimates[0], estimates[1], rtol=1e-9)


def test_two_classes_are_ordered_by_their_score(make_muons):
    muons = make_muons(500)
    score = np.linspace(0, 1, 500).astype(np.float32)
    scores = Scores(score, (muons.pt > 8).astype(int), muons.weight, ("low", "high"), observers={"pt": muons.pt})
    assert (np.diff(muons_of(scores, SETTINGS, class_centres(scores, SETTINGS)).estimate) > 0).all()


def test_a_classifier_that_knows_the_momentum_is_nearly_as_good_as_the_regression(make_muons):
    parts = {"val": make_muons(20_000, 1), "test": make_muons(20_000, 2)}
    found = [
        judge(calibration_of({part: kind(m) for part, m in parts.items()}, "test", SETTINGS), SETTINGS, 30)
        for kind in (regression, classifier)
    ]
    gain = reductions(found[0], {"classes": found[1]}, SETTINGS)["classes"]["rate_reduction"]
    assert gain.value == pytest.approx(1, abs=0.15)
    assert "wrong_charge" not in found[1].metrics


def test_validation_events_set_the_scale_of_the_test(make_muons):
    val, test = make_muons(4000, 1), make_muons(1000, 2)
    found = calibration_of({"val": regression(val), "test": regression(test)}, "test", SETTINGS)
    assert (len(found.setting), len(found.judged), found.groups) == (4000, 1000, None)


def test_without_a_test_halves_set_the_scale_of_each_other(make_muons):
    found = calibration_of({"val": regression(make_muons(4000))}, "val", SETTINGS)
    assert found.groups is not None
    assert set(found.groups[0]) == {0, 1}
    # Half by event number, so the same whatever the order.
    order = np.random.default_rng(1).permutation(4000)
    again = calibration_of({"val": regression(make_muons(4000).take(order))}, "val", SETTINGS)
    assert_allclose(again.momentum, found.momentum[order], rtol=1e-9)


def test_each_fold_is_judged_on_the_scale_of_the_others(make_muons):
    muons = make_muons(4000)
    fold = np.arange(4000) % 3 + 1
    found = calibration_of({"folds": regression(muons, fold=fold)}, "folds", SETTINGS)
    assert found.groups is not None
    assert set(found.groups[0]) == {1, 2, 3}


def test_a_judgement_has_numbers_and_a_turn_on_curve_for_each_threshold(make_muons):
    calibration = Calibration(make_muons(4000, 1), make_muons(4000, 2, weights=True), 0.9)
    found, muons = judge(calibration, SETTINGS, 20), calibration.judged
    assert list(found.metrics["thresholds"]) == list(found.curves["turn_on"]) == ["5", "20"]
    for name in ("rate", "rate_measured"):
        assert found.metrics["thresholds"]["20"][name] == found.metrics[name]
    curve = found.curves["rate"]
    place = curve["threshold"].index(20)
    assert len(curve["threshold"]) == len(curve["rate"]) == len(curve["error"])
    rate = found.metrics["rate"]
    assert [curve["rate"][place], curve["error"][place]] == pytest.approx([rate.value, rate.error])
    wrong = np.sign(muons.curvature) != np.sign(muons.true_curvature)
    assert found.metrics["wrong_charge"].value == pytest.approx(np.average(wrong, weights=muons.weight))
    off = muons.curvature - muons.true_curvature
    assert found.metrics["resolution_q_over_pt"]["median"].value == pytest.approx(np.median(off), abs=np.std(off) / 20)
    rows = found.curves["turn_on"]["20"]
    assert len(rows) > 20
    for row in rows:
        inside = (muons.pt >= row["low"]) & (muons.pt < row["high"])
        wanted = np.average(calibration.momentum[inside] >= 20, weights=muons.weight[inside])
        assert row["share"].value == pytest.approx(wanted)


def test_a_classifier_is_checked_as_well(make_muons):
    muons = make_muons(300)
    check(classifier(muons), SETTINGS)
    with pytest.raises(EventsError, match="class 'high' has no event that tells its momentum"):
        check(classifier(muons.take(muons.pt < 25)), SETTINGS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"predicts": "pt"}, "does not agree with the true momentum 'pt'"),
        ({"thresholds": [1.0, 20.0]}, "threshold 1 GeV is outside the muons' true momenta"),
        ({"pt": "bad"}, "'bad' is not positive for 7 of 300 muons"),
    ],
)
def test_what_cannot_be_judged_is_refused(make_muons, change, words):
    muons = make_muons(300)
    bad = np.where(np.arange(300) < 7, 0.0, muons.pt)
    with pytest.raises(EventsError, match=words):
        check(regression(muons, bad=bad), SETTINGS.model_copy(update=change))


def test_all_numbers_survive_permutation_scaled_weights_and_halves(make_muons):
    parts = {"val": make_muons(3000, 1, weights=True), "test": make_muons(3000, 2, weights=True)}

    def numbers(changed):
        scores = {part: regression(changed(muons)) for part, muons in parts.items()}
        return judge(calibration_of(scores, "test", SETTINGS), SETTINGS, 20).metrics

    def flat(tree):
        leaves = tree.values() if isinstance(tree, dict) else [getattr(tree, "value", tree)]
        return [x for leaf in leaves for x in flat(leaf)] if isinstance(tree, dict) else list(leaves)

    def halved(muons):
        twice = muons.take(np.tile(np.arange(len(muons)), 2))
        return twice.__class__(**{**vars(twice), "weight": twice.weight / 2})

    order = np.random.default_rng(3).permutation(3000)
    expected = flat(numbers(lambda muons: muons))
    for change in (lambda m: m.take(order), lambda m: m.__class__(**{**vars(m), "weight": 1e4 * m.weight}), halved):
        assert_allclose(flat(numbers(change)), expected, rtol=1e-6)
