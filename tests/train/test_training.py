"""Split events → a trained network."""

import numpy as np
import pytest

from fivesigma.analysis_file import validate
from fivesigma.evaluate.regression import rmse
from fivesigma.events import Events
from fivesigma.train.training import target_standard, train


def events(seed, offset, events=1500):
    generator = np.random.default_rng(seed)
    x = generator.normal(0, 1, (events, 2)).astype(np.float32)
    target = (offset + 5 * x[:, 0]).astype(np.float32)
    return Events(x, ("a", "b"), target, np.ones(events), np.zeros((events, 0), np.float32))


def analysis(**target):
    tree = {"features": ["a", "b"], "target": {"variable": "t", **target}, "train": {"epochs": 15, "batch_size": 64}}
    return validate({**tree, "model": {"layers": [16]}}, "test")


def test_a_target_far_from_zero_is_learnt_as_well_as_one_around_it():
    found = []
    for offset in (0.0, 91.0):
        network, _ = train(analysis(), {"train": events(1, offset), "val": events(2, offset)})
        test = events(3, offset)
        found.append(rmse(network.score(test.features), test.target, test.weight).value)
    assert found[1] == pytest.approx(found[0], rel=0.05)
    assert found[1] < 1.0


def test_an_explicit_scale_only_multiplies():
    assert target_standard(analysis(scale=10), events(1, 91)) == (0.0, 10)
    shift, scale = target_standard(analysis(), events(1, 91))
    assert shift == pytest.approx(91, abs=0.5)
    assert scale == pytest.approx(1 / 5, rel=0.1)


def test_the_history_is_in_the_targets_unit():
    _, history = train(analysis(), {"train": events(1, 91), "val": events(2, 91)})
    network, _ = train(analysis(), {"train": events(1, 91), "val": events(2, 91)})
    val = events(2, 91)
    best = min(row["val_rmse"] for row in history)
    assert rmse(network.score(val.features), val.target, val.weight).value == pytest.approx(best, rel=1e-3)
