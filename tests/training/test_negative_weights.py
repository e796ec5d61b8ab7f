"""Negative weights in training: from memory and from shards, in single and in twin trainings."""

from dataclasses import replace

import numpy as np
import pytest

from fivesigma.analysis.file import load, validate
from fivesigma.data.shards import Shards, ShardWriter
from fivesigma.errors import EventsError
from fivesigma.training.training import train, train_many

N = 1200


@pytest.fixture
def parts(make_events):
    """Events of which a tenth weighs less than nothing; those carry the wrong label."""
    generator = np.random.default_rng(1)
    made = {}
    for i, part in enumerate(("train", "val")):
        target = generator.integers(0, 2, N)
        negative = generator.random(N) < 0.1
        x = generator.normal(np.where(negative, -1, 1) * (2 * target - 1), 1)
        weight = np.where(negative, -1.0, 1.0) * generator.uniform(0.5, 1.5, N)
        made[part] = make_events(x[:, None], target, weight, number=np.arange(N) + i * N)
    return made


def analysis(policy, **more):
    tree = {"features": ["x0"], "labels": "y", "model": {"layers": [4]}, "train": {"epochs": 2, "batch_size": 100}}
    return load(validate(tree, "test"), {"train.negative_weights": policy, **more})


def scored(policy, parts, **more):
    network, history = train(analysis(policy, **more), parts)
    return network.score(parts["val"].features), history


def test_absolute_values_are_those_of_events_that_have_them(parts):
    by_hand = {**parts, "train": replace(parts["train"], weight=np.abs(parts["train"].weight))}
    found, history = scored("abs", parts)
    np.testing.assert_array_equal(found, scored("keep", by_hand)[0])
    assert history[0]["val_loss"] == scored("keep", by_hand)[1][0]["val_loss"]


def test_what_is_dropped_might_as_well_not_be_there(parts):
    by_hand = {**parts, "train": parts["train"].take(parts["train"].weight >= 0)}
    np.testing.assert_array_equal(scored("drop", parts)[0], scored("keep", by_hand)[0])


def test_keeping_them_is_another_training(parts):
    kept = scored("keep", parts)[0]
    assert not np.allclose(kept, scored("abs", parts)[0])
    assert not np.allclose(kept, scored("drop", parts)[0])


def test_validation_keeps_them_whatever_the_policy(parts):
    """Only the sign of validation weights differs: with a policy that touched them, both losses would be one."""
    positive = {**parts, "val": replace(parts["val"], weight=np.abs(parts["val"].weight))}
    one, other = (scored("abs", some)[1][0]["val_loss"] for some in (parts, positive))
    assert one != pytest.approx(other, rel=1e-3)


def test_refused_they_stop_the_training(parts):
    with pytest.raises(EventsError, match="of the training events have negative weights"):
        scored("error", parts)
    scored("error", {**parts, "train": parts["train"].take(parts["train"].weight >= 0)})


def test_networks_trained_together_follow_it_too(parts, tmp_path):
    both = [analysis("abs"), analysis("abs", **{"train.learning_rate": 0.01})]
    rows = {}
    train_many(both, parts, [tmp_path / "a.npz", tmp_path / "b.npz"], 2, lambda number, row: rows.update({number: row}))
    alone = train(both[0], parts)[1]
    assert rows[0]["loss"] == pytest.approx(alone[-1]["loss"], rel=1e-5)


@pytest.mark.parametrize("policy", ["keep", "abs", "drop"])
def test_from_shards_the_loss_is_that_of_memory(parts, tmp_path, policy):
    writer = ShardWriter(tmp_path, 2, "abc", {})
    writer.scatter(0, parts)
    writer.gather(parts["train"].take(np.zeros(0, int)), lambda found: found, seed=1)
    # One batch per epoch and one epoch: the loss is that of the first network on all events, in whatever order.
    settings = analysis(policy, **{"train.batch_size": 10 * N, "train.epochs": 1, "prepare.class_weights": "balanced"})
    shards = Shards(tmp_path)
    streamed = {part: shards.sample(part, 10 * N) for part in ("train", "val")}
    one = train(settings, parts)[1][0]
    other = train(settings, streamed, shards=shards)[1][0]
    assert other["loss"] == pytest.approx(one["loss"], rel=1e-5)
    assert other["val_loss"] == pytest.approx(one["val_loss"], rel=1e-4)


def test_from_shards_they_are_refused_as_well(parts, tmp_path):
    writer = ShardWriter(tmp_path, 2, "abc", {})
    writer.scatter(0, parts)
    writer.gather(parts["train"].take(np.zeros(0, int)), lambda found: found, seed=1)
    shards = Shards(tmp_path)
    with pytest.raises(EventsError, match="negative weights"):
        train(analysis("error"), {"train": shards.sample("train", N), "val": shards.sample("val", N)}, shards=shards)
