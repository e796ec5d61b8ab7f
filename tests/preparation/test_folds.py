"""Folds: who learns from which event, and who may judge it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fivesigma.analysis.file import validate
from fivesigma.analysis.parameters import Parameter
from fivesigma.analysis.split import Split
from fivesigma.errors import AnalysisError, EventsError, LeakageError
from fivesigma.preparation.folds import FoldAssignment, fold_of
from fivesigma.preparation.split import split

N = 4000
FIVE = Split(folds=5)


def numbers(seed=1):
    return np.random.default_rng(seed).permutation(10**6)[:N].astype(np.uint64)


def divided(make_events, number=None, **more):
    number = numbers() if number is None else number
    features = np.random.default_rng(2).normal(size=(len(number), 2))
    return FoldAssignment(make_events(features, number=number, **more), FIVE, {})


def test_the_fold_depends_on_the_number_alone(make_events):
    fold = fold_of(numbers(), FIVE)
    order = np.random.default_rng(3).permutation(N)
    assert_array_equal(fold_of(numbers()[order], FIVE), fold[order])
    assert_array_equal(fold_of(numbers()[:7], FIVE), fold[:7])
    one, other = (divided(make_events, target=np.roll(np.arange(N) % 2, i), weight=np.full(N, 1.0 + i)) for i in (0, 1))
    assert_array_equal(one.fold, other.fold)


def test_events_of_one_number_share_a_fold_and_a_side(make_events):
    division = divided(make_events, number=np.concatenate([numbers()[:500]] * 3))
    assert_array_equal(division.fold[:500], division.fold[500:1000])
    assert_array_equal(division.fold[:500], division.fold[1000:])
    for number in range(1, 6):
        parts = division.parts(number)
        assert not set(parts["train"].event_number) & set(parts["val"].event_number)


def test_folds_are_of_equal_size_on_average_and_independent_of_the_validation_events(make_events):
    division = divided(make_events)
    expected = N / 5
    counts = np.bincount(division.fold, minlength=6)
    assert counts[0] == 0
    assert (abs(counts[1:] - expected) < 4 * np.sqrt(expected)).all()
    for number in range(1, 6):
        index = division.index(number)
        learned = len(index["train"]) + len(index["val"])
        assert abs(len(index["val"]) - 0.3 * learned) < 4 * np.sqrt(0.21 * learned)


def test_no_network_sees_its_fold_and_all_others_are_used(make_events):
    division = divided(make_events)
    for number in range(1, 6):
        seen = np.concatenate([part.event_number for part in division.parts(number).values()])
        own = division.events.event_number[division.fold == number]
        assert not np.isin(own, seen).any()
        assert len(seen) + len(own) == N


def test_the_network_that_stands_for_training_has_trained_on_the_event(make_events):
    division = divided(make_events)
    for row in division.training[::97]:
        network = division.next_network[row]
        assert network != division.fold[row]
        assert row in division.index(network)["train"]


def test_only_samples_for_testing_are_tested_on(make_events):
    events = make_events(np.random.default_rng(2).normal(size=(N, 2)), number=numbers())
    test = make_events(np.random.default_rng(4).normal(size=(100, 2)))
    parts = split([("split", events), ("train", test.take(np.arange(50))), ("test", test.take(np.arange(50, 100)))], FIVE)
    assert {part: len(found) for part, found in parts.items()} == {"folds": N + 50, "test": 50}
    assert list(split([("split", events)], FIVE)) == ["folds"]
    with pytest.raises(LeakageError, match="folds events are also among the test events"):
        split([("split", events), ("test", events.take(np.arange(50)))], FIVE)


def test_parameters_are_drawn_from_the_signal_each_network_trains_on(make_events):
    mass = np.where(np.arange(N) % 2 == 1, fold_of(numbers(), FIVE) * 100.0, -1.0)  # each fold has a mass of its own
    events = make_events(np.zeros((N, 1)), number=numbers(), parameters=mass[:, None])
    division = FoldAssignment(events, FIVE, {"p0": Parameter(background="signal")})
    for number in range(1, 6):
        wanted = {100.0 * other for other in range(1, 6) if other != number}
        for part in division.parts(number).values():
            assert set(part.parameters[part.target == 0, 0]) == wanted
    background = division.events.target == 0
    drawn = division.scored_by(division.fold).parameters[:, 0]
    assert (drawn[background] > 0).all()
    assert (drawn[background] != division.fold[background] * 100.0).all()
    assert_array_equal(drawn[~background], mass[~background].astype(np.float32))


def test_too_few_events_are_a_sentence(make_events):
    with pytest.raises(EventsError, match=r"fold \d of 5 has no event"):
        divided(make_events, number=np.arange(3))
    target = np.zeros(N, int)
    target[0] = 1
    with pytest.raises(EventsError, match="class 'signal' has no"):
        divided(make_events, target=target)


def test_without_a_share_for_validation_every_network_only_trains(make_events):
    events = make_events(np.random.default_rng(2).normal(size=(N, 2)), number=numbers())
    division = FoldAssignment(events, Split(folds=5, val=0), {})
    for number in range(1, 6):
        assert list(division.parts(number)) == ["train"]
        assert_array_equal(division.index(number)["train"], np.flatnonzero(division.fold != number))


def test_validation_events_alone_teach_no_network(make_events):
    with pytest.raises(EventsError, match="no event is left for training without fold 1"):
        FoldAssignment(make_events(np.zeros((N, 2)), number=numbers()), Split(folds=5, val=0.999999), {})


TREE = {"features": ["a"], "labels": "y"}


@pytest.mark.parametrize("value", [0, 1, -3, 2.5, "many", True])
def test_a_bad_number_of_folds_is_a_sentence(value):
    with pytest.raises(AnalysisError, match=r"split\.folds"):
        validate({**TREE, "split": {"folds": value}}, "test")


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"shards": "prepared"}, "needs the events in memory"),
        ({"samples": {"val": {"files": ["a.csv"]}}}, "set its `use` to train"),
        ({"observers": ["fold"]}, "give the observer `fold` another name"),
    ],
)
def test_what_folds_cannot_do_is_a_sentence(more, match):
    with pytest.raises(AnalysisError, match=match):
        validate({**TREE, "split": {"folds": 3}, **more}, "test")
