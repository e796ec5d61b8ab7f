"""The search: every method, resumable, survivors go on."""

import json

import numpy as np
import pytest

from fivesigma.analysis_file import validate
from fivesigma.errors import AnalysisError
from fivesigma.events import Events
from fivesigma.tune.search import Search

SPACE = {"model.layers": {"choice": [[4], [16]]}, "train.learning_rate": {"choice": [1e-2, 1e-6]}}


def analysis(**tune):
    tune = {"space": SPACE, "max_epochs": 4, "factor": 2, "objective": "accuracy", **tune}
    return validate({"features": ["a", "b"], "labels": "y", "train": {"batch_size": 64}, "tune": tune}, "test")


def events(seed):
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 2, 400)
    features = (generator.normal(0, 1, (400, 2)) + 1.5 * target[:, None]).astype(np.float32)
    return Events(features, ("a", "b"), target, np.ones(400), np.zeros((400, 0), np.float32), (), ("background", "signal"))


PARTS = {"train": events(1), "val": events(2)}


def search(folder, seen=None, **tune):
    def on_trial(trial, epochs):
        if seen is not None:
            seen.append((trial.number, epochs))

    return Search(analysis(**tune), PARTS, folder, on_trial)


@pytest.mark.parametrize("method", ["hyperband", "random", "grid"])
def test_the_best_trial_is_one_that_can_learn(tmp_path, method):
    best, *others = search(tmp_path, method=method, trials=4).run()
    assert best.setting["train.learning_rate"] == 1e-2
    assert all(best.value >= other.value for other in others)
    assert best.value > 0.75


def test_hyperband_stops_the_worse_half(tmp_path):
    seen = []
    trials = search(tmp_path, seen, max_epochs=4, factor=2).run()
    assert [epochs for _, epochs in seen].count(1) == 4
    assert {trial.epochs for trial in trials} == {1, 2, 4}


def test_survivors_go_on_as_if_they_had_never_paused(tmp_path):
    paused = [t for t in search(tmp_path / "a").run() if t.bracket == 1 and t.epochs == 4]
    straight = search(tmp_path / "b", method="grid").run()
    for trial in paused:
        same = next(t for t in straight if t.setting == trial.setting)
        assert trial.history == same.history


class Killed(Exception):
    pass


def test_a_search_that_was_stopped_goes_on_and_ends_the_same(tmp_path):
    whole = [(t.number, t.value) for t in search(tmp_path / "whole").run()]
    stopped = search(tmp_path / "stopped")

    def kill(trial, epochs):
        if trial.number == 3:
            raise Killed

    object.__setattr__(stopped, "on_trial", kill)
    with pytest.raises(Killed):
        stopped.run()
    before = json.loads((tmp_path / "stopped" / "tune.json").read_text())["trials"]
    assert [t["epochs"] for t in before[:4]] == [1, 1, 1, 0]
    assert [(t.number, t.value) for t in search(tmp_path / "stopped").run()] == whole


def test_a_setting_that_is_not_valid_is_found_before_anything_is_trained(tmp_path):
    with pytest.raises(AnalysisError, match="unknown key 'rate'"):
        search(tmp_path, space={"train.rate": {"choice": [1]}}).run()
    assert not (tmp_path / "tune.json").exists()


def test_a_search_needs_a_space(tmp_path):
    with pytest.raises(AnalysisError, match=r"no `tune\.space`"):
        search(tmp_path, space={}).run()
