import json
from dataclasses import replace

import numpy as np
import pytest

from fivesigma.metrics import classes, regression
from fivesigma.metrics.curves import at_hypotheses, calibration, curves, edges_of_residuals, thinned_roc
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.roc import auc
from fivesigma.metrics.summary import as_json, by_score, in_bins, of_one_network, summarise
from fivesigma.scores import Scores
from fivesigma.training.network import hypothesis_column

N = 900
generator = np.random.default_rng(1)
TARGET = generator.integers(0, 2, N)
MASS = generator.choice([500.0, 1000.0], N)
BINARY = Scores(
    score=generator.beta(1 + 2 * TARGET, 3 - 2 * TARGET).astype(np.float32),
    target=TARGET,
    weight=generator.exponential(1, N),
    classes=("background", "signal"),
    parameters=MASS[:, None].astype(np.float32),
    parameter_names=("mass",),
    at_hypothesis={(mass,): generator.random(N).astype(np.float32) for mass in (500.0, 1000.0)},
    observers={"pt": generator.uniform(0, 100, N)},
)
MULTI = Scores(generator.dirichlet(np.ones(3), N).astype(np.float32), generator.integers(0, 3, N), np.ones(N), tuple("abc"))
REGRESSION = Scores(TARGET + MASS.astype(np.float32), MASS, BINARY.weight, observers=BINARY.observers)


@pytest.mark.parametrize("scores", [BINARY, MULTI, REGRESSION], ids=lambda s: s.task)
def test_the_summary_is_json_and_holds_the_metrics_of_its_task(scores):
    found = summarise(scores, bootstrap=20)
    json.dumps(as_json({"metrics": found, "curves": curves(scores, 0.5)}), allow_nan=False)
    columns = (scores.score, scores.target, scores.weight)
    if scores.task == "regression":
        assert found["rmse"] == regression.rmse(*columns)
    else:
        assert found["accuracy"] == classes.accuracy(*columns)
        assert found["per_class"].keys() == set(scores.classes)
    assert ("auc" in found) == (scores.task == "binary")


def test_constant_answers_are_the_scale_of_comparison():
    shares = np.bincount(TARGET, weights=BINARY.weight) / BINARY.weight.sum()
    assert summarise(BINARY, bootstrap=20)["accuracy_of_constant"].value == pytest.approx(shares.max())
    spread = np.sqrt(np.cov(MASS, aweights=REGRESSION.weight, ddof=0))
    assert summarise(REGRESSION)["rmse_of_constant"].value == pytest.approx(spread)


def test_a_hypothesis_is_its_own_signal_against_all_background():
    rows = summarise(BINARY, bootstrap=20)["per_parameter"]
    assert list(rows) == ["mass=500", "mass=1000"]
    chosen = (TARGET == 0) | (MASS == 500)
    columns = (BINARY.at_hypothesis[(500.0,)][chosen], TARGET[chosen], BINARY.weight[chosen])
    assert rows["mass=500"]["auc"] == auc(*columns)
    assert rows["mass=500"]["signal_events"] == ((TARGET == 1) & (MASS == 500)).sum()
    # Balanced: both classes count one half.
    assert rows["mass=500"]["accuracy"].value == pytest.approx(classes.balanced_accuracy(*columns).value)
    again, curve = at_hypotheses(BINARY, 0.5)
    assert again == rows
    assert {key: pytest.approx(points) for key, points in curve["mass=500"].items()} == thinned_roc(*columns)


def test_hypotheses_that_agree_in_six_digits_are_two():
    near = np.where(MASS == 500, np.float32(500.0001), np.float32(500.0002)).astype(np.float32)
    tested = {(float(mass),): BINARY.score for mass in np.unique(near)}
    scores = replace(BINARY, parameters=near[:, None], at_hypothesis=tested)
    rows = summarise(scores, bootstrap=20)["per_parameter"]
    assert list(rows) == ["mass=500.0001", "mass=500.0002"]
    assert [row["signal_events"] for row in rows.values()] == [
        ((TARGET == 1) & (near == mass)).sum() for mass in np.unique(near)
    ]
    assert len({hypothesis_column(("mass",), values) for values in tested}) == 2


def test_scores_that_are_sorted_give_the_same_results():
    ranked = by_score(BINARY)
    assert (np.diff(ranked.score) >= 0).all()
    found, expected = (as_json(summarise(replace(s, at_hypothesis={}), bootstrap=20)) for s in (ranked, BINARY))
    assert found.keys() == expected.keys()
    for name in ("auc", "accuracy", "log_loss", "f1_macro"):
        assert found[name] == pytest.approx(expected[name], rel=1e-12)
    of_ranked, of_unsorted = (curves(each, 0.5)["roc"] for each in (ranked, BINARY))
    assert {key: pytest.approx(points) for key, points in of_ranked.items()} == of_unsorted
    assert by_score(MULTI).score is MULTI.score


def test_the_errors_of_a_summary_are_those_of_its_parts():
    table, variance = classes.confusion(BINARY.score, TARGET, BINARY.weight)
    assert summarise(BINARY)["per_class"] == classes.per_class(table, variance, BINARY.classes)


def test_separated_classes_have_errors_in_a_run_too():
    separated = replace(BINARY, score=np.where(TARGET == 1, 0.9, 0.1).astype(np.float32))
    found = summarise(separated)
    columns = (separated.score, separated.target, separated.weight)
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted"):
        assert found[name].value == 1
        assert found[name].error > 0
        assert found[name] == getattr(classes, name)(*columns)


def test_negative_weights_are_counted_by_number():
    signed = replace(BINARY, weight=np.where(np.arange(N) % 3 == 0, -1.0, 2.0))
    found = summarise(signed, bootstrap=20)["negative_weights"]
    assert found == pytest.approx({"share": 1 / 3, "effective_events": (4 * 300 - 300) ** 2 / (300 * (4 + 4 + 1))})
    assert "negative_weights" not in summarise(BINARY, bootstrap=20)


def test_single_networks_have_a_mean_and_a_spread():
    each = np.stack([BINARY.score, BINARY.score * BINARY.observers["pt"].astype(np.float32)])
    found = of_one_network(BINARY, each)["auc"]
    first, second = (auc(score, TARGET, BINARY.weight).value for score in each)
    assert found.value == pytest.approx((first + second) / 2)
    assert found.error == pytest.approx(abs(first - second) / 2**0.5)


def test_one_class_alone_has_a_summary_without_an_area():
    alone = Scores(BINARY.score, np.zeros(N, int), BINARY.weight, BINARY.classes)
    assert np.isnan(summarise(alone, bootstrap=20)["auc"].value)


@pytest.mark.parametrize("scores", [BINARY, REGRESSION], ids=lambda s: s.task)
def test_bins_of_an_observer_divide_the_events_among_them(scores):
    rows = in_bins(scores, "pt", [0, 30, 60, 100, 200])
    assert [row["low"] for row in rows] == [0, 30, 60]
    assert sum(row["events"] for row in rows) == N
    inside = scores.observers["pt"] < 30
    columns = (scores.score[inside], scores.target[inside], scores.weight[inside])
    name, metric = ("accuracy", classes.accuracy) if scores is BINARY else ("rmse", regression.rmse)
    assert rows[0][name] == metric(*columns)


def test_a_bin_with_one_event_is_no_trouble():
    first = np.sort(REGRESSION.observers["pt"])[:2]
    (row,) = in_bins(REGRESSION, "pt", [first[0], first[1]])
    assert row["events"] == 1
    assert np.isnan(row["r_squared"].value)


def test_json_has_no_nan_and_no_numpy():
    tree = {"a": Metric(1.0, np.nan), "b": [np.float32(2), np.int64(3), np.inf], ("c",): (np.nan,)}
    assert as_json(tree) == {"a": {"value": 1.0, "error": None}, "b": [2.0, 3, None], "('c',)": [None]}


def test_a_thinned_curve_keeps_the_area():
    points = thinned_roc(BINARY.score, BINARY.target, BINARY.weight)
    assert (points["signal"][0], points["background"][0]) == (0, 0)
    assert (points["signal"][-1], points["background"][-1]) == pytest.approx((1, 1))
    area = auc(BINARY.score, BINARY.target, BINARY.weight).value
    assert np.trapezoid(points["signal"], points["background"]) == pytest.approx(area, abs=2e-3)


def test_a_thinned_curve_has_as_many_points_in_each_decade_of_background():
    draw = np.random.default_rng(3)
    points = thinned_roc(draw.random(40_000), np.arange(40_000) % 2, np.ones(40_000))
    counts, _ = np.histogram(points["background"], [1e-3, 1e-2, 1e-1])
    assert (counts >= 20).all()


def test_the_residuals_are_shown_to_six_widths_on_both_sides():
    residual = np.random.default_rng(3).normal(0, 2, 20_000)
    edges = edges_of_residuals(Scores(residual, np.zeros(20_000), np.ones(20_000)))
    np.testing.assert_allclose(edges, -edges[::-1], atol=1e-12)
    assert edges[-1] == pytest.approx(12, rel=0.03)
    assert np.diff(edges) == pytest.approx(2 * edges[-1] / 80)


def test_a_calibrated_score_is_its_own_share_of_signal():
    draw = np.random.default_rng(2)
    score = draw.random(50_000)
    found = calibration(score, (draw.random(50_000) < score).astype(int), draw.exponential(1, 50_000))
    pulls = (np.array(found["share"]) - found["score"]) / (np.subtract(found["high"], found["low"]) / 2)
    assert len(pulls) == 20
    assert np.abs(pulls).max() < 4.5
    assert 0.5 < pulls.std() < 1.6


def test_a_score_of_one_is_in_the_bin_below_it():
    found = calibration(np.array([0.96, 1.0, 1.0]), np.array([0, 1, 1]), np.ones(3))
    assert found["score"] == pytest.approx([2.96 / 3])
    assert found["share"] == pytest.approx([2 / 3])


def test_a_share_of_one_still_has_an_error():
    found = calibration(np.full(10, 0.9), np.ones(10, int), np.ones(10))
    assert found["share"] == [1.0]
    assert found["high"] == [1.0]
    assert found["low"][0] == pytest.approx(0.159 ** (1 / 10), abs=1e-3)


def test_the_response_is_drawn_where_the_events_are():
    found = curves(REGRESSION, 0.5)["response"]
    both = np.concatenate([REGRESSION.target, REGRESSION.score])
    assert [found["edges"][0], found["edges"][-1]] == pytest.approx(np.quantile(both, [0.0005, 0.9995]).tolist())
