"""Significance and trigger rate of a network beside those of an exported model."""

import json

import numpy as np
import pytest

from fivesigma.analysis.analysis import Analysis
from fivesigma.deployment.physics import search_rows, trigger_rows

SEARCH = {
    "features": ["x0"],
    "labels": {"names": ["background", "signal"]},
    "evaluate": {"search": {"yields": {"background": 1000, "signal": 50}}},
}
TRIGGER = {
    "features": ["x0"],
    "target": "q_over_pt",
    "observers": ["gen_pt", "gen_abs_eta"],
    "evaluate": {"trigger": {"threshold": 20}},
}


@pytest.fixture
def collisions(make_events):
    generator = np.random.default_rng(3)
    target = generator.integers(0, 2, 4000)
    mass = generator.choice([500.0, 1000.0], (4000, 1))
    return make_events(generator.normal(target[:, None], 1), target, parameters=mass)


def score_of(events, more=0.0):
    noise = np.random.default_rng(4).normal(0, 1, len(events))
    return 1 / (1 + np.exp(-(events.features[:, 0] + more * noise)))


def test_the_significance_stands_beside_that_of_the_network(collisions):
    analysis = Analysis.model_validate(SEARCH)
    scorers = {"network": lambda _: score_of(collisions), "exported": lambda _: score_of(collisions, 3.0)}
    ((name, row),) = search_rows(collisions, analysis, collisions.parameters, scorers).items()
    assert name == "significance"
    assert row["network"] > row["exported"] + row["error"] > 0
    same = search_rows(
        collisions, analysis, collisions.parameters, {"network": scorers["network"], "exported": scorers["network"]}
    )
    assert same["significance"]["network"] == same["significance"]["exported"] == row["network"]
    json.dumps(row, allow_nan=False)


def test_every_hypothesis_is_scored_at_its_own_parameters(collisions):
    analysis = Analysis.model_validate({**SEARCH, "parameters": {"mass": {}}})
    seen = []

    def score(values):
        seen.append(set(values[:, 0].tolist()))
        return score_of(collisions)

    found = search_rows(collisions, analysis, collisions.parameters, {"network": score})
    assert list(found) == ["significance, mass=500", "significance, mass=1000"]
    assert seen == [{500.0}, {1000.0}]


def test_the_trigger_rate_stands_beside_that_of_the_network(make_events):
    generator = np.random.default_rng(5)
    q_over_pt = generator.choice([-1, 1], 20_000) / 2 * generator.uniform(0.01, 1, 20_000)
    observers = {"gen_pt": np.abs(1 / q_over_pt), "gen_abs_eta": np.full(20_000, 1.5)}
    events = make_events(q_over_pt[:, None], q_over_pt, classes=(), observers=observers)
    sharp, blurred = (q_over_pt + width * generator.normal(0, 1, 20_000) for width in (0.002, 0.02))
    analysis = Analysis.model_validate(TRIGGER)
    found = trigger_rows(events, analysis, {"network": sharp, "exported": blurred})
    assert list(found) == ["trigger rate above 20 GeV", "efficiency at 20 GeV", "plateau above 20 GeV", "wrong charge"]
    row = found["trigger rate above 20 GeV"]
    assert row["exported"] > row["network"] + 5 * row["error"] > 0
    same = trigger_rows(events, analysis, {"network": sharp, "exported": sharp.copy()})
    for name, row in same.items():
        assert (row["paired"], row["exported"]) == (0.0, row["network"])
        assert (row["network"], row["error"]) == (found[name]["network"], found[name]["error"])
    assert trigger_rows(events.take(np.arange(50)), analysis, {"network": sharp[:50], "exported": blurred[:50]}) == {}


def test_the_rows_of_the_trigger_are_those_of_its_assessment_with_the_error_of_their_difference(make_events):
    generator = np.random.default_rng(8)
    q_over_pt = generator.choice([-1, 1], 40_000) * generator.uniform(0.005, 0.5, 40_000)
    observers = {"gen_pt": np.abs(1 / q_over_pt), "gen_abs_eta": np.full(40_000, 1.5)}
    weight = generator.uniform(0.5, 1.5, 40_000)
    events = make_events(q_over_pt[:, None], q_over_pt, weight, classes=(), observers=observers)
    network = q_over_pt + 0.004 * generator.normal(0, 1, 40_000)
    exported = network + 0.0005 * generator.normal(0, 1, 40_000)
    analysis = Analysis.model_validate(TRIGGER)
    found = trigger_rows(events, analysis, {"network": network, "exported": exported})
    wrong = [np.sign(each) != np.sign(q_over_pt) for each in (network, exported)]
    row = found["wrong charge"]
    for name, each in zip(("network", "exported"), wrong, strict=True):
        assert row[name] == pytest.approx(np.average(each, weights=weight))
    # Most muons are assigned the same charge by both: the difference is known better than either share.
    moved = weight * (wrong[1].astype(float) - wrong[0])
    assert row["paired"] == pytest.approx(np.sqrt((moved**2).sum()) / weight.sum(), rel=0.01)
    assert 0 < row["paired"] < row["error"]
    assert found["plateau above 20 GeV"]["network"] > 0.99
    assert found["efficiency at 20 GeV"]["network"] == pytest.approx(0.9, abs=0.03)


def test_an_analysis_that_asks_for_neither_has_no_rows(collisions):
    analysis = Analysis.model_validate({**SEARCH, "evaluate": {}})
    assert search_rows(collisions, analysis, collisions.parameters, {}) == {}
    assert trigger_rows(collisions, analysis, {}) == {}
