"""A trained network: saved, loaded, applied."""

from dataclasses import replace

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.analysis.prepare import Prepare
from fivesigma.errors import EventsError, RunError
from fivesigma.events import Events
from fivesigma.metrics.summary import per_parameter
from fivesigma.models.base import Inputs
from fivesigma.models.mlp import Mlp, mlp
from fivesigma.preparation.recipe import fit
from fivesigma.runs.folder import RunFolder
from fivesigma.training import network as network_module
from fivesigma.training.network import Network, hypotheses_of, scores_by
from fivesigma.training.training import train

ANALYSIS = validate(
    {"features": ["a", "b"], "labels": "y", "parameters": {"mass": {}}, "train": {"epochs": 2}, "model": {"layers": [8]}},
    "test",
)


def events(count=400, seed=1):
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 2, count)
    features = (generator.normal(0, 1, (count, 2)) + target[:, None]).astype(np.float32)
    features[::9, 1] = np.nan
    mass = generator.choice([500.0, 1000.0], count).astype(np.float32)[:, None]
    return Events(features, ("a", "b"), target, np.ones(count), mass, ("mass",), ("background", "signal"))


@pytest.fixture(scope="module")
def network():
    return train(ANALYSIS, {"train": events(), "val": events(seed=2)})[0]


def test_a_loaded_network_scores_as_the_saved_one(network, tmp_path):
    folder = RunFolder.create(tmp_path, ANALYSIS, "test")
    network.save(folder)
    some = events(seed=3)
    again = Network.load(folder)
    np.testing.assert_array_equal(again.scores(some).score, network.scores(some).score)


def test_scores_do_not_depend_on_what_else_is_scored(network):
    some = events(seed=4)
    whole = network.scores(some).score
    np.testing.assert_array_equal(network.scores(some.take(np.arange(37, 90))).score, whole[37:90])
    assert ((whole > 0) & (whole < 1)).all()


def test_lists_are_scored_as_arrays_are(network):
    some = events(seed=4).take(np.arange(5))
    found = network.score(some.features.tolist(), some.parameters.tolist())
    np.testing.assert_array_equal(found, network.score(some.features, some.parameters))


@pytest.mark.parametrize(
    ("features", "parameters", "said"),
    [
        (np.zeros((3, 4)), np.ones((3, 1)), r"features have the shape \(3, 4\), and the network takes 2 features"),
        (np.zeros(2), np.ones((3, 1)), r"features have the shape \(2,\)"),
        ([["a", "b"]], np.ones((1, 1)), "the features are no table of numbers"),
        ([[1, 2], [3]], np.ones((2, 1)), "the features are no table of numbers"),
        (None, np.ones((2, 1)), r"features have the shape \(\), and"),
        (np.zeros((1, 2)), [["heavy"]], "the parameters are no table of numbers"),
        (np.zeros((3, 2)), np.ones(3), r"needs the parameters mass of 3 events, not an array of shape \(3,\)"),
        (np.zeros((3, 2)), None, r"needs the parameters mass of 3 events, not an array of shape \(3, 0\)"),
    ],
)
def test_what_does_not_fit_the_network_is_one_sentence(network, features, parameters, said):
    with pytest.raises(EventsError, match=said):
        network.score(features, parameters)


def test_hypotheses_are_the_masses_of_the_signal_and_change_the_score(network):
    some = events(seed=5)
    hypotheses = hypotheses_of(some)
    assert hypotheses == [(500.0,), (1000.0,)]
    at = network.scores(some, hypotheses).at_hypothesis
    np.testing.assert_array_equal(at[(500.0,)], network.scores(some.with_parameters([500.0])).score)
    assert not np.array_equal(at[(500.0,)], at[(1000.0,)])


@pytest.mark.parametrize("odd", [0, 3])
def test_events_are_not_scored_again_at_the_parameters_of_a_hypothesis(network, odd):
    some = events(1000, seed=6)
    some.parameters[:odd] = 750

    class Counting:
        calls = 0

        def score(self, features, parameters=None):
            self.calls += 1
            return network.score(features, parameters)

    scorer = Counting()
    found = scores_by(scorer, some, [(500.0,), (1000.0,)])
    np.testing.assert_array_equal(found.score, network.score(some.features, some.parameters))
    assert scorer.calls == (3 if odd else 2)


def test_what_no_hypothesis_tests_is_not_scored_and_the_metrics_are_the_same(network, monkeypatch):
    some = events(3000, seed=7)
    hypotheses = hypotheses_of(some)
    whole = network.scores(some, hypotheses)
    monkeypatch.setattr(network_module, "BLOCK", 700)
    found = scores_by(network, some, hypotheses, tested_only=True)
    np.testing.assert_array_equal(found.score, whole.score)
    for values, score in found.at_hypothesis.items():
        tested = (some.target == 0) | (some.parameters[:, 0] == values[0])
        assert (np.isnan(score) == ~tested).all()
        np.testing.assert_array_equal(score[tested], whole.at_hypothesis[values][tested])
    assert per_parameter(found, 0.5) == per_parameter(whole, 0.5)


def test_hypotheses_and_features_that_the_network_does_not_take_are_refused(network):
    some = events(20)
    with pytest.raises(EventsError, match="needs the parameters mass"):
        network.scores(some, [(500.0, 1.0)])
    with pytest.raises(EventsError, match="the network takes 2 features"):
        network.score_under(some.features[:, :1], {(500.0,): None})
    assert network.score_under(some.features[:0], {(500.0,): None})[(500.0,)].shape == (0,)


def test_no_events_give_no_scores(network):
    assert network.score(np.zeros((0, 2), np.float32), np.zeros((0, 1), np.float32)).shape == (0,)


@pytest.mark.parametrize("name", ["model.keras", "recipe.json"])
def test_a_damaged_run_is_one_sentence(network, tmp_path, name):
    folder = RunFolder.create(tmp_path, ANALYSIS, "test")
    network.save(folder)
    (folder / name).write_bytes(b"{ damaged")
    with pytest.raises(RunError, match="damaged"):
        Network.load(folder)


def test_a_run_without_a_network_says_how_to_get_one(tmp_path):
    with pytest.raises(RunError, match="no trained network yet"):
        Network.load(RunFolder.create(tmp_path, ANALYSIS, "test"))


def test_what_is_masked_infinite_or_beyond_single_precision_is_missing(network):
    some = events(40, seed=8)
    x = np.nan_to_num(some.features, nan=0.5).astype(np.float64)
    wanted = x.copy()
    wanted[3, 0] = wanted[5, 1] = wanted[7, 0] = np.nan
    expected = network.score(wanted, some.parameters)
    assert np.isfinite(expected).all()
    hidden = np.ma.array(x, mask=np.isnan(wanted))
    np.testing.assert_array_equal(network.score(hidden, some.parameters), expected)
    x[3, 0], x[5, 1], x[7, 0] = np.inf, -np.inf, 1e300
    np.testing.assert_array_equal(network.score(x, some.parameters), expected)
    with np.errstate(over="ignore"):
        single = replace(some, features=x.astype(np.float32))
    at = network.scores(single, [(500.0,)]).at_hypothesis[(500.0,)]
    np.testing.assert_array_equal(at, network.score(wanted, np.full((40, 1), 500.0)))
    with pytest.raises(EventsError, match="the features are no table of numbers"):
        network.score(x + 1j, some.parameters)


def test_columns_of_a_table_are_found_by_name(network):
    polars = pytest.importorskip("polars")
    some = events(30, seed=9)
    table = polars.DataFrame({"b": some.features[:, 1], "more": some.target, "a": some.features[:, 0]})
    mass = polars.DataFrame({"mass": some.parameters[:, 0]})
    np.testing.assert_array_equal(network.score(table, mass), network.score(some.features, some.parameters))
    np.testing.assert_array_equal(network.score(table.to_arrow(), mass.to_arrow()), network.score(table, mass))
    with pytest.raises(EventsError, match="no column for the feature 'a'"):
        network.score(table.rename({"a": "c"}), mass)


def test_events_with_other_features_are_not_scored_by_their_places(make_events):
    generator = np.random.default_rng(1)
    events = make_events(generator.normal(0, 1, (50, 2)))
    recipe = fit(events, Prepare())
    network = Network(mlp(Mlp(layers=[4]), Inputs(2, link="sigmoid", seed=1)), recipe)
    network.scores(events)
    other = replace(events, feature_names=events.feature_names[::-1])
    with pytest.raises(EventsError, match=r"the events have the features .*, and the network takes"):
        network.scores(other)
