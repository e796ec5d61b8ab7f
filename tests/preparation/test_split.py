import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fivesigma.analysis.split import Split
from fivesigma.errors import EventsError, LeakageError
from fivesigma.events import concatenate
from fivesigma.hashing import uniform
from fivesigma.preparation.split import check_classes, rows_of, share_of, shares_table, split

N = 4000


@pytest.fixture
def sample(make_events):
    """A function: seed, numbers → N events of two unequal classes."""

    def sample(seed=1, number=None, **more):
        generator = np.random.default_rng(seed)
        number = generator.permutation(10**6)[:N] if number is None else number
        more = {"target": (generator.random(N) < 0.25).astype(int), "weight": generator.normal(1, 1, N)} | more
        return make_events(generator.normal(size=(N, 2)), number=number, **more)

    return sample


@pytest.mark.parametrize("stratify", [False, True])
def test_events_of_one_number_are_on_one_side(sample, stratify):
    parts = split([("split", sample(number=np.arange(N) % 400))], Split(test=0.3, val=0.3, stratify=stratify))
    numbers = [set(events.event_number.tolist()) for events in parts.values()]
    assert sum(map(len, numbers)) == len(set().union(*numbers)) == 400
    assert len(parts["test"]) == pytest.approx(0.3 * N, abs=(0.01 if stratify else 0.1) * N)


def side_of(parts):
    return {int(number): part for part, events in parts.items() for number in events.event_number}


def test_every_event_goes_to_one_side_and_the_sum_of_weights_survives(sample):
    events = sample()
    parts = split([("split", events)], Split())
    assert list(parts) == ["train", "val", "test"]
    assert sorted(side_of(parts)) == sorted(events.event_number.tolist())
    assert_allclose(sum(part.weight.sum() for part in parts.values()), events.weight.sum(), rtol=1e-12)


def test_shares_are_met_on_average(sample):
    parts = split([("split", sample())], Split(test=0.2, val=0.3, train=0.5))
    expected = {"test": 0.2, "val": 0.8 * 0.3, "train": 0.8 * 0.5}
    for part, share in expected.items():
        assert abs(len(parts[part]) - N * share) < 4 * np.sqrt(N * share * (1 - share))


def test_the_side_depends_on_the_number_only(sample, make_events):
    events = sample()
    sides = side_of(split([("split", events)], Split()))
    order = np.random.default_rng(5).permutation(N)
    assert side_of(split([("split", events.take(order))], Split())) == sides
    assert side_of(split([("split", sample(seed=9, number=events.event_number))], Split())) == sides
    assert side_of(split([("split", events.take(order[:500])), ("split", events.take(order[500:]))], Split())) == sides


def test_events_keep_their_rows_and_their_order(sample):
    events = sample()
    for part in split([("split", events)], Split()).values():
        index = np.array([np.flatnonzero(events.event_number == number)[0] for number in part.event_number[:50]])
        assert (np.diff(index) > 0).all()
        assert_array_equal(part.features[:50], events.features[index])
        assert_array_equal(part.target[:50], events.target[index])


def test_another_seed_divides_otherwise(sample):
    first, second = (side_of(split([("split", sample())], Split(seed=seed))) for seed in (0, 1))
    same = np.mean([first[number] == second[number] for number in first])
    # Independent sides agree with probability 0.56² + 0.24² + 0.2².
    assert abs(same - 0.4112) < 4 * np.sqrt(0.4112 * 0.5888 / N)


def test_changing_the_validation_share_never_moves_a_test_event(sample):
    tests = [set(split([("split", sample())], Split(val=val))["test"].event_number.tolist()) for val in (0.1, 0.5)]
    assert tests[0] == tests[1]


def test_stratified_shares_are_exact_in_every_class(sample):
    events = sample()
    parts = split([("split", events)], Split(test=0.2, val=0.25, stratify=True))
    for label in (0, 1):
        total = (events.target == label).sum()
        for part, share in {"test": 0.2, "val": 0.2, "train": 0.6}.items():
            assert abs((parts[part].target == label).sum() - share * total) <= 1
    order = np.random.default_rng(5).permutation(N)
    assert side_of(split([("split", events.take(order))], Split(test=0.2, val=0.25, stratify=True))) == side_of(parts)


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        (["train", "test"], {0: {"train", "val"}, 1: {"test"}}),
        (["train", "val", "test"], {0: {"train"}, 1: {"val"}, 2: {"test"}}),
        (["split", "train"], {0: {"train", "val", "test"}, 1: {"train", "val"}}),
        (["split", "test"], {0: {"train", "val"}, 1: {"test"}}),
        (["train"], {0: {"train", "val", "test"}}),
    ],
)
def test_samples_go_where_their_use_says(sample, uses, expected):
    samples = [(use, sample(seed=i, number=np.arange(N) + i * N)) for i, use in enumerate(uses)]
    found = {i: set() for i in expected}
    for number, part in side_of(split(samples, Split())).items():
        found[number // N].add(part)
    assert found == expected


def test_a_test_event_among_the_training_events_is_an_error_or_dropped_or_kept(sample):
    train, other = sample(1), sample(2, number=np.arange(N) + 10**7)
    samples = [("train", train), ("test", concatenate([other, train.take(np.arange(100))]))]
    with pytest.raises(LeakageError, match="events are also among the test events") as caught:
        split(samples, Split())
    assert "split.overlap=drop" in caught.value.hint
    dropped = split(samples, Split(overlap="drop"))
    assert len(dropped["train"]) + len(dropped["val"]) == N - 100
    assert len(dropped["test"]) == N + 100
    assert not np.isin(dropped["train"].fingerprint, dropped["test"].fingerprint).any()
    kept = split(samples, Split(overlap="keep"))
    assert len(kept["train"]) + len(kept["val"]) == N


def test_dropping_every_training_event_is_an_error_even_without_classes(sample):
    events = sample(classes=(), target=np.zeros(N))
    with pytest.raises(EventsError, match="no event is left for training"):
        split([("train", events), ("test", events)], Split(overlap="drop"))


def test_dropping_every_validation_event_is_an_error(sample):
    train, val, other = (sample(i, number=np.arange(N) + i * N) for i in range(3))
    samples = [("train", train), ("val", val.take(np.arange(100))), ("test", concatenate([other, val]))]
    with pytest.raises(EventsError, match="every validation event is also a test event and was dropped") as caught:
        split(samples, Split(overlap="drop"))
    assert "different files" in caught.value.hint


def test_a_class_missing_from_a_part_is_named(sample):
    with pytest.raises(EventsError, match=r"class 'signal' has no event in the train part \(4,000 events\)"):
        check_classes({"train": sample(target=np.zeros(N, int))})


def test_weights_that_are_all_zero_are_refused(sample):
    events = sample()
    for weight, text in (
        (np.zeros(N), "all [0-9,]+ events of the val part have weight zero"),
        (np.where(events.target == 1, 0.0, 1.0), "events of class 'signal' in the val part have weight zero"),
    ):
        with pytest.raises(EventsError, match=text) as caught:
            check_classes({"val": dataclasses.replace(events, weight=weight)})
        assert "check `weights`" in caught.value.hint


def test_test_events_may_lack_a_class(sample):
    background = sample(2, number=np.arange(N) + 10**7, target=np.zeros(N, int))
    parts = split([("train", sample(1)), ("test", background)], Split())
    assert len(parts["test"]) == N
    with pytest.raises(EventsError, match="class 'signal' has no event in the train part"):
        split([("train", background), ("test", sample(1))], Split(val=0))


def test_shares_of_classes_sum_to_one_and_all_comes_first(sample):
    parts = split([("split", sample())], Split())
    table = shares_table(parts)
    assert list(table) == ["all", "train", "val", "test"]
    for part, shares in table.items():
        assert sum(shares.values()) == pytest.approx(1)
        if part != "all":
            assert shares["signal"] == pytest.approx(parts[part].target.mean())


@pytest.mark.parametrize(
    ("uses", "settings"),
    [
        (("split",), Split()),
        (("split", "split"), Split(test=0.1, val=0.4)),
        (("train", "test"), Split()),
        (("train", "val", "test"), Split()),
        (("split", "test"), Split(val=0.5)),
        (("split",), Split(stratify=True)),
        (("split", "test"), Split(folds=3)),
    ],
)
def test_rows_and_shares_are_those_of_the_split(sample, uses, settings):
    pairs = [(use, sample(seed)) for seed, use in enumerate(uses)]
    parts, rows = split(pairs, settings), rows_of(pairs, settings)
    for part, events in parts.items():
        found = np.concatenate([own.event_number[index] for (_, own), index in zip(pairs, rows[part], strict=True)])
        assert_array_equal(found, events.event_number)
        share = share_of(part, set(uses), settings)
        # Samples of a part's own, and those of no other part, count in full.
        concerned = [own for use, own in pairs if (use == part) == (part in uses) and (part == "test" or use != "test")]
        assert len(events) / sum(map(len, concerned)) == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (
            np.zeros(N),
            r"no event is in the (val|test) part, though `split\.\1` .* all 4,000 events have the same event number",
        ),
        (np.arange(N) % 2, r"part, though .* there are only 2 different event numbers among 4,000 events"),
    ],
)
def test_a_part_far_from_its_share_is_refused_with_the_likely_cause(sample, number, words):
    for uses in (["split"], ["train", "test"]):
        samples = [(use, sample(i, number)) for i, use in enumerate(uses)]
        with pytest.raises(EventsError, match=words) as caught:
            split(samples, Split(test=0.3, val=0.3))
        assert "event_number" in caught.value.hint


def test_an_empty_training_part_is_refused_with_the_number_that_was_asked_for(sample):
    number = int(np.flatnonzero(uniform(np.arange(50, dtype=np.uint64), 0) < 0.3)[0])
    with pytest.raises(EventsError, match="no event is in the train part, though `split` asks for about 1,960 of 4,000"):
        split([("split", sample(number=np.full(N, number)))], Split(test=0.3, val=0.3))


def test_events_that_share_a_number_may_scatter_more(sample):
    """Ten showers of one generated event go to one side together."""
    for seed in range(60):
        split([("split", sample(number=np.arange(N) // 10))], Split(seed=seed))


def test_few_events_can_leave_a_part_empty_which_is_refused_as_well(make_events):
    events = make_events(np.zeros((4, 1)), number=[1, 2, 3, 4])
    with pytest.raises(EventsError, match=r"no event is in the .* part, though .* there are only 4 events"):
        split([("split", events)], Split(test=0.01))
    assert list(split([("split", events)], Split(test=0, val=0))) == ["train"]


def test_numbers_that_only_look_different_are_said_to_scatter_badly(sample):
    known = np.arange(10**5, dtype=np.uint64)
    number = known[uniform(known, 0) < 0.3][:N]  # all of them fall into one part
    with pytest.raises(EventsError, match="the 4,000 event numbers do not scatter as hashes of different numbers do"):
        split([("split", sample(number=number))], Split(test=0.3, val=0.3))


def test_a_single_event_is_called_one(make_events):
    with pytest.raises(EventsError, match=r"there is only 1 event\n"):
        split([("split", make_events(np.zeros((1, 1)), number=[1]))], Split(test=0.3, val=0.3))


@pytest.mark.parametrize(("uses", "expected"), [({"train"}, 0.3), ({"train", "test"}, 1.0), ({"split", "train"}, 0.3)])
def test_the_share_of_the_test_follows_from_the_samples_that_are_there(uses, expected):
    assert share_of("test", uses, Split(test=0.3, val=0.2)) == pytest.approx(expected)


def test_samples_whose_features_stand_in_another_order_are_refused(make_events):
    sample = make_events(np.random.default_rng(1).normal(0, 1, (200, 2)))
    other = dataclasses.replace(sample, feature_names=sample.feature_names[::-1])
    for use in ("train", "val", "test"):
        with pytest.raises(EventsError, match="the samples differ in their features"):
            split([("train", sample), (use, other)], Split(val=0.2))
