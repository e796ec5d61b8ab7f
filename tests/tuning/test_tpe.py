"""Settings that TPE proposes."""

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.errors import MissingExtra
from fivesigma.tuning.space import distinct
from fivesigma.tuning.tpe import propose

RANGES = {
    "model.layers": {"choice": [[4], [16, 16], [64]]},
    "train.batch_size": {"int": [32, 1024], "log": True},
    "train.warmup_epochs": {"int": [1, 10], "step": 4},
    "model.dropout": {"float": [0.0, 0.5], "step": 0.2},
    "train.learning_rate": {"float": [1e-4, 1e-1], "log": True},
}


def space(ranges=RANGES):
    return validate({"features": "x", "labels": "y", "tune": {"space": ranges}}, "test").tune.space


@pytest.fixture(autouse=True)
def with_optuna():
    pytest.importorskip("optuna", reason="the extra `tune` is not installed")


def test_proposals_lie_in_their_ranges_and_repeat():
    tried = [(setting, float(i)) for i, setting in enumerate(propose(space(), [], 8, 1))]
    found = propose(space(), tried, 20, 2)
    assert found == propose(space(), tried, 20, 2)
    assert found != propose(space(), tried, 20, 3)
    for setting in found:
        assert setting["model.layers"] in RANGES["model.layers"]["choice"]
        assert 32 <= setting["train.batch_size"] <= 1024
        assert setting["train.warmup_epochs"] in (1, 5, 9)
        assert setting["model.dropout"] in (0.0, 0.2, 0.4)
        assert 1e-4 <= setting["train.learning_rate"] <= 1e-1


def test_a_step_that_does_not_fit_exactly_is_no_warning():
    tenths = space({"model.dropout": {"float": [0, 0.3], "step": 0.1}, "model.l2": {"float": [0.001, 0.01], "step": 0.003}})
    tried = [(setting, float(i)) for i, setting in enumerate(distinct(tenths, 12, 1))]
    for setting in propose(tenths, tried, 30, 2):
        assert setting["model.dropout"] in (0.0, 0.1, 0.2, 0.3)
        assert setting["model.l2"] in (0.001, 0.004, 0.007, 0.01)


def test_a_failed_training_counts_as_no_better_than_the_worst():
    good, bad = ({**setting} for setting in propose(space(), [], 2, 1))
    assert propose(space(), [(good, 1.0), (bad, None)] * 5, 3, 1) == propose(space(), [(good, 1.0), (bad, 1.0)] * 5, 3, 1)
    assert len(propose(space(), [(bad, None)], 2, 1)) == 2


def test_it_finds_a_minimum_sooner_than_random_search():
    """Best of 24 trials on a bowl in two dimensions, the mean over ten seeds."""
    bowl = space({"train.learning_rate": {"float": [1e-4, 1e-1], "log": True}, "model.l2": {"float": [0.0, 1.0]}})

    def height(setting):
        return (np.log10(setting["train.learning_rate"]) + 2.2) ** 2 + 4 * (setting["model.l2"] - 0.3) ** 2

    def best(seed):
        tried = []
        while len(tried) < 24:
            tried += [(setting, height(setting)) for setting in propose(bowl, tried, 4, 100 * seed + len(tried))]
        return min(value for _, value in tried)

    learned = np.mean([best(seed) for seed in range(10)])
    random = np.mean([min(map(height, distinct(bowl, 24, seed))) for seed in range(10)])
    assert learned < 0.6 * random


def test_without_the_extra_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingExtra, match=r"fivesigma\[tune\]"):
        propose(space(), [], 1, 1)
