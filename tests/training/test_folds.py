"""The networks of all folds: their mean, each by itself, saved and loaded."""

from functools import cache

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.errors import RunError
from fivesigma.events import Events
from fivesigma.preparation.folds import FoldAssignment
from fivesigma.runs.folder import RunFolder
from fivesigma.training.folds import Folds, load_trained
from fivesigma.training.training import train

BASE = {"features": ["a", "b"], "model": {"layers": [4]}, "train": {"epochs": 1, "batch_size": 64}, "split": {"folds": 2}}
KINDS = {
    "binary": {"labels": "y", "parameters": {"mass": {"background": "signal", "redraw": True}}},
    "multiclass": {"labels": {"variable": "y", "names": ["one", "two", "three"]}},
    "regression": {"target": "y"},
}


def analysis_of(kind):
    return validate({**BASE, **KINDS[kind]}, "test")


def events_of(kind, count=400, seed=1):
    generator = np.random.default_rng(seed)
    classes = analysis_of(kind).classes
    target = generator.integers(0, len(classes), count) if classes else generator.normal(3, 2, count).astype(np.float32)
    features = (generator.normal(0, 1, (count, 2)) + target[:, None]).astype(np.float32)
    features[::9, 1] = np.nan
    names = tuple(analysis_of(kind).parameters)
    mass = generator.choice([500.0, 1000.0], (count, len(names))).astype(np.float32)
    number = np.arange(count, dtype=np.uint64) + np.uint64(1000 * seed)
    return Events(features, ("a", "b"), target, np.ones(count), mass, names, classes, event_number=number)


@cache
def trained(kind):
    analysis, events = analysis_of(kind), events_of(kind)
    division = FoldAssignment(events, analysis.split, analysis.parameters)
    return Folds(tuple(train(analysis, division.parts(number))[0] for number in (1, 2)))


@pytest.mark.parametrize("kind", KINDS)
def test_new_events_get_the_mean_and_others_the_network_they_are_given_to(kind):
    folds, some = trained(kind), events_of(kind, 100, seed=2)
    one, two = (network.score(some.features, some.parameters) for network in folds.networks)
    assert not np.allclose(one, two)
    np.testing.assert_allclose(folds.scores(some).score, (one + two) / 2, atol=1e-6)
    chosen = np.arange(100) % 3
    found = folds.by(chosen).scores(some)
    for number, wanted in enumerate(((one + two) / 2, one, two)):
        np.testing.assert_allclose(found.score[chosen == number], wanted[chosen == number], atol=1e-6)
    assert found.task == kind
    assert folds.by(chosen[:0]).score(some.features[:0], some.parameters[:0]).shape == (0, *one.shape[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_loaded_folds_score_as_the_saved_ones(kind, tmp_path):
    folder = RunFolder.create(tmp_path, analysis_of(kind), "test")
    with pytest.raises(RunError, match="no trained network yet"):
        load_trained(folder)
    trained(kind).save(folder)
    again, some = load_trained(folder), events_of(kind, 50, seed=3)
    assert isinstance(again, Folds)
    np.testing.assert_array_equal(again.scores(some).score, trained(kind).scores(some).score)
    (folder.fold(2) / "model.keras").unlink()
    with pytest.raises(RunError, match="fold-2 has no trained network"):
        load_trained(folder)


def test_each_network_is_asked_about_a_hypothesis():
    folds, some = trained("binary"), events_of("binary", 60, seed=4)
    chosen = np.arange(60) % 2 + 1
    at = folds.by(chosen).scores(some, [(500.0,)]).at_hypothesis[(500.0,)]
    np.testing.assert_array_equal(at, folds.by(chosen).scores(some.with_parameters([500.0])).score)
