"""What looks like leakage is said; ordinary events are passed in silence."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from fivesigma.errors import AnalysisError
from fivesigma.hashing import fingerprints
from fivesigma.metrics.leakage import rank_correlation, strong_features, suspicions


@pytest.fixture
def ordinary(make_events):
    generator = np.random.default_rng(1)
    target = generator.integers(0, 2, 600)
    return lambda **more: make_events(generator.normal(0, 1, (600, 2)) + target[:, None], target=target, **more)


@pytest.fixture
def strong(make_events):
    """A regression of which feature x1 is a strong function."""
    x = np.random.default_rng(1).normal(0, 1, (400, 2))
    return {"train": make_events(x, target=np.exp(x[:, 1]).astype(np.float32), classes=())}


@pytest.mark.parametrize("expected", [["x1"], ["x?"], ["*"]])
def test_a_strong_feature_that_is_expected_is_no_suspicion(strong, expected):
    assert suspicions(strong, numbered=False, expected=expected) == []
    (sentence,) = strong_features(strong, expected)
    assert sentence == "x1 alone has a rank correlation with the target of 1.0000"


def test_only_the_features_that_are_expected_are_taken_from_the_suspicions(strong):
    assert len(suspicions(strong, numbered=False, expected=["x0"])) == 1
    assert strong_features(strong, ["x0"]) == []


def test_an_expected_feature_that_is_none_is_refused_with_the_nearest_name(strong):
    with pytest.raises(AnalysisError, match=r"expected: 'x11' matches no feature") as caught:
        suspicions(strong, numbered=False, expected=["x11"])
    assert "x1" in caught.value.hint


def test_ordinary_events_are_passed_in_silence(ordinary, make_events):
    test = make_events(np.random.default_rng(5).normal(0, 1, (50, 2)), number=np.arange(5000, 5050))
    assert suspicions({"train": ordinary(), "test": test}, numbered=True) == []


def test_a_feature_that_knows_the_answer_is_named(make_events):
    target = np.arange(400) % 2
    x = np.random.default_rng(1).normal(0, 1, (400, 2))
    x[:, 1] = np.where(target == 1, -1, 1) + 0.01 * x[:, 1]
    found = suspicions({"train": make_events(x, target=target)}, numbered=False)
    assert len(found) == 1
    assert "x1 alone separates a class with an AUC of 1.0000" in found[0]
    x[:, 1] = np.where(target == 1, np.nan, x[:, 0])
    found = suspicions({"train": make_events(x, target=target)}, numbered=False)
    assert "whether x1 is missing" in found[0]


def test_a_feature_that_is_the_target_is_named(make_events):
    x = np.random.default_rng(1).normal(0, 1, (400, 2))
    events = make_events(x, target=np.exp(x[:, 1]).astype(np.float32), classes=())
    assert "x1 alone has a rank correlation" in suspicions({"train": events}, numbered=False)[0]


def test_an_index_among_the_features_is_named_where_events_are_numbered(make_events):
    x = np.random.default_rng(1).normal(0, 1, (400, 2))
    x[:, 0] = np.arange(400) + 3
    assert suspicions({"train": make_events(x)}, numbered=False) == []
    assert "x0 follows the event number" in suspicions({"train": make_events(x)}, numbered=True)[0]


def test_copies_on_both_sides_are_counted(make_events):
    x = np.random.default_rng(1).normal(0, 1, (100, 2))
    parts = {"train": make_events(x), "test": make_events(x[:7], number=np.arange(200, 207))}
    assert "7 of 7 test events have the same content" in suspicions(parts, numbered=True)[0]


def observed(events, numbers):
    """With an observer, which is part of what makes an event's content."""
    numbers = np.asarray(numbers, np.float32)
    return replace(events, observers={"run": numbers}, fingerprint=fingerprints([*events.features.T, numbers]))


def test_copies_that_differ_in_an_observer_are_counted_too(make_events):
    x = np.random.default_rng(1).normal(0, 1, (100, 2))
    parts = {
        "train": observed(make_events(x), np.zeros(100)),
        "test": observed(make_events(x[:20], number=np.arange(200, 220)), np.ones(20)),
    }
    (sentence,) = suspicions(parts, numbered=True)
    assert "20 of 20 test events have the same inputs as a training event and differ from it in an observer" in sentence


def test_few_whole_numbers_as_inputs_are_no_copies(make_events):
    x = np.random.default_rng(1).integers(0, 4, (500, 2)).astype(float)
    parts = {
        "train": observed(make_events(x[:300]), np.arange(300)),
        "test": observed(make_events(x[300:], number=np.arange(300, 500)), np.arange(300, 500)),
    }
    assert not [sentence for sentence in suspicions(parts, numbered=True) if "same inputs as a training event" in sentence]


def test_events_of_two_classes_with_the_same_inputs_are_counted(make_events):
    """As where the samples of two classes read the same events, from two files."""
    x = np.random.default_rng(1).normal(0, 1, (600, 4))
    x[400:430] = x[:30]
    (found,) = suspicions({"train": make_events(x, target=np.arange(600) // 400)}, numbered=False)
    assert found.startswith("30 of 200 signal events have the same inputs as an event of background:")
    x[400:430, 3] += 1  # the columns that are compared first agree
    assert suspicions({"train": make_events(x, target=np.arange(600) // 400)}, numbered=False) == []


def test_few_whole_numbers_as_inputs_of_two_classes_are_no_copies(make_events):
    counts = np.random.default_rng(1).integers(0, 4, (600, 4))
    assert suspicions({"folds": make_events(counts)}, numbered=False) == []


@pytest.mark.parametrize(("background", "signal"), [(4000, 4000), (40_000, 2000), (2000, 40_000)])
@pytest.mark.parametrize(
    "values", [lambda g, n: g.integers(0, 40, (n, 3)), lambda g, n: g.normal(0, 1, (n, 1)).astype(np.float16)]
)
def test_sparse_whole_numbers_and_rounded_ones_are_no_copies(make_events, background, signal, values):
    generator = np.random.default_rng(1)
    target = np.repeat([0, 1], [background, signal])
    x = values(generator, len(target))
    order = generator.permutation(len(x))
    whole = make_events(x, target=target, number=np.arange(len(x))).take(order)
    assert [text for text in suspicions({"train": whole}, numbered=False) if "same inputs" in text] == []
    test, train = np.split(np.arange(len(x)), [len(x) // 8])
    parts = {name: observed(whole.take(rows), rows) for name, rows in (("train", train), ("test", test))}
    assert [text for text in suspicions(parts, numbered=False) if "same inputs" in text] == []


def test_the_rank_correlation_is_that_of_scipy():
    generator = np.random.default_rng(2)
    one, other = generator.integers(0, 9, 200), generator.normal(0, 1, 200)
    assert rank_correlation(one, other + one) == pytest.approx(spearmanr(one, other + one).statistic)
    assert rank_correlation(np.ones(5), np.arange(5)) == 0


def test_a_feature_that_lies_lowest_for_one_of_three_classes_is_named(make_events):
    target = np.arange(600) % 3
    x = np.random.default_rng(1).normal(0, 1, (600, 2))
    x[:, 1] -= np.where(target == 0, 20, 0)
    events = make_events(x, target=target, classes=("a", "b", "c"))
    assert "x1 alone separates a class" in suspicions({"train": events}, numbered=False)[0]
