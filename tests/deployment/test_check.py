"""An exported model is compared with its network: what counts as a difference, and what is said of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.deployment.base import FEATURES, PARAMETERS, Deliverable, Input
from fivesigma.deployment.check import Disagreement, compare, require
from fivesigma.deployment.columns import SINGLE
from fivesigma.deployment.events import CheckEvents, drawn_events
from fivesigma.models.base import Inputs
from fivesigma.models.mlp import Mlp, mlp
from fivesigma.preparation.recipe import Recipe
from fivesigma.training.network import Network

ANALYSIS = validate({"features": ["a", "b"], "labels": "y", "parameters": {"mass": {}}}, "test")
RECIPE = Recipe(
    ("a", "b"), (0, 1), (1,), (0,), (0.0, 1.0), (0.0, 1.0), (1.0, 2.0), ("mass",), (750.0,), (250.0,), (0.2, 0.0)
)


@pytest.fixture(scope="module")
def network():
    inputs = Inputs(4, link="sigmoid", parameters=1, seed=3)
    return Network(mlp(Mlp(layers=[4]), inputs), RECIPE)


def what_of(network, fixed=None):
    inputs = (Input(FEATURES, SINGLE, 2), *(() if fixed else (Input(PARAMETERS, SINGLE, 1),)))
    return Deliverable("binary", (network,), inputs, None, ("a", "b"), (), fixed or {}, {})


def given_of(make_events, part="test"):
    generator = np.random.default_rng(1)
    events = make_events(generator.normal(1, 1, (400, 2)), parameters=generator.choice([500.0, 1000.0], (400, 1)))
    return CheckEvents(part, events, {})


def exact(network):
    return lambda arrays: network.score(arrays[FEATURES], arrays[PARAMETERS])


def test_a_model_that_gives_the_same_is_accepted_with_the_numbers_of_both(network, make_events):
    found = compare(what_of(network), network, exact(network), given_of(make_events), ANALYSIS)
    require(found, 1e-12)
    assert (found["part"], found["events"]) == ("test", 400)
    assert found["difference"] == {"largest": 0, "mean": 0, "scale": 1, "alone": 0, "all_missing": 0}
    assert found["metrics"]["auc"]["network"] == found["metrics"]["auc"]["exported"]
    assert found["metrics"]["auc"]["error"] > 0
    json.dumps(found, allow_nan=False)


def test_a_constant_in_place_of_the_scores_of_a_very_rare_signal_is_refused(network, make_events):
    """Scores near 10⁻⁶ are all within the tolerance of zero."""
    rare = Network(mlp(Mlp(layers=[4]), Inputs(4, link="sigmoid", parameters=1, seed=3)), RECIPE)
    *_, kernel, bias = rare.model.get_weights()
    rare.model.set_weights([*rare.model.get_weights()[:-2], kernel, bias - 14])
    given = given_of(make_events)
    require(compare(what_of(rare), rare, exact(rare), given, ANALYSIS), 1e-5)
    found = compare(what_of(rare), rare, lambda arrays: 0 * exact(rare)(arrays), given, ANALYSIS)
    with pytest.raises(Disagreement):
        require(found, 1e-5)


def test_differences_have_an_error_unless_they_are_those_of_rounding(network, make_events):
    given, noise = given_of(make_events), np.random.default_rng(5).normal(0, 1, 400)

    def rows_with(size):
        def score(arrays):
            return np.clip(exact(network)(arrays) + size * noise[: len(arrays[FEATURES])], 0.01, 0.99).astype(np.float32)

        return compare(what_of(network), network, score, given, ANALYSIS)["metrics"]

    alike, apart = rows_with(1e-6), rows_with(0.02)
    assert not any("paired" in row for row in alike.values())
    assert 0 < apart["log_loss"]["paired"] < apart["log_loss"]["error"]
    assert 0 < apart["auc"]["paired"] < apart["auc"]["error"]


def broken_everywhere(scores, arrays):
    return scores + 1e-3


def broken_when_missing(scores, arrays):
    return np.where(np.isnan(arrays[FEATURES]).all(axis=1), np.float32(np.nan), scores)


def broken_alone(scores, arrays):
    return scores + 1e-3 * (len(scores) == 1)


def broken_shape(scores, arrays):
    return scores[:, None]


@pytest.mark.parametrize("broken", [broken_everywhere, broken_when_missing, broken_alone, broken_shape])
def test_a_model_that_gives_something_else_is_refused(broken, network, make_events):
    score = exact(network)
    found = compare(what_of(network), network, lambda a: broken(score(a), a), given_of(make_events), ANALYSIS)
    with pytest.raises(Disagreement, match="differs from the network by"):
        require(found, 1e-5)


def test_at_a_fixed_parameter_only_the_signal_that_has_it_counts(network, make_events):
    given = given_of(make_events)
    what = what_of(network, {"mass": 500.0})
    seen = []

    def score(arrays):
        seen.append(list(arrays))
        return network.score(arrays[FEATURES], np.full((len(arrays[FEATURES]), 1), 500, np.float32))

    found = compare(what, network, score, given, ANALYSIS)
    assert seen[0] == [FEATURES]
    require(found, 1e-12)
    chosen = (given.events.target == 0) | (given.events.parameters[:, 0] == 500)
    kept = CheckEvents("test", given.events.take(chosen), {})
    alike = compare(what, network, score, kept, ANALYSIS)
    assert alike["metrics"] == found["metrics"]
    unknown = compare(replace(what, fixed={"mass": 700.0}), network, score, given, ANALYSIS)
    assert unknown["metrics"]["auc"]["network"] is not None


def test_random_numbers_of_the_recipe_take_the_place_of_events_that_are_gone(network):
    given = drawn_events(RECIPE, 500)
    assert given.part == "drawn"
    assert 0.1 < np.isnan(given.events.features[:, 0]).mean() < 0.3
    assert (given.events.features[:, 1] > 0).all()  # it has a logarithm
    found = compare(what_of(network), network, exact(network), given, ANALYSIS)
    assert "metrics" not in found
    require(found, 1e-12)


@pytest.mark.parametrize(("wrong", "refused"), [(0.0, False), (1.2, True)])
def test_a_prediction_far_from_zero_is_compared_with_its_spread(make_events, wrong, refused):
    # Times near 123,456 with a spread of some units: the largest difference is not to be a share of 123,456.
    recipe = replace(RECIPE, parameters=(), parameter_shift=(), parameter_scale=(), logarithm=())
    network = Network(mlp(Mlp(layers=[4]), Inputs(3, link=None, seed=3)), recipe, 0.05, 123_456.0)
    what = Deliverable("regression", (network,), (Input(FEATURES, SINGLE, 2),), None, ("a", "b"), (), {}, {})
    given = CheckEvents("test", make_events(np.random.default_rng(1).normal(1, 1, (400, 2)), classes=()), {})
    analysis = validate({"features": ["a", "b"], "target": "y"}, "test")

    def rounded_once_more(arrays):
        return np.nextafter(network.score(arrays[FEATURES]), np.float32(np.inf)) + np.float32(wrong)

    found = compare(what, network, rounded_once_more, given, analysis)
    assert found["difference"]["scale"] == pytest.approx(np.std(network.score(given.events.features), dtype=np.float64))
    if refused:
        with pytest.raises(Disagreement):
            require(found, 1e-5)
    else:
        require(found, 1e-5)
