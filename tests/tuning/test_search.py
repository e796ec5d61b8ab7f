"""The search: every method, resumable, survivors go on."""

import dataclasses
import json

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.cluster.local import LocalProcesses
from fivesigma.cluster.serial import InThisProcess
from fivesigma.cluster.threads import DeviceThreads
from fivesigma.data import mapped
from fivesigma.errors import AnalysisError, ClusterError, EventsError, RunError
from fivesigma.events import Events
from fivesigma.tuning.hyperband import Rung
from fivesigma.tuning.search import Search, _Bracket
from fivesigma.tuning.trial import Outcome, Trial

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


def search(folder, seen=None, pool=None, parts=PARTS, **tune):
    def on_news(news):
        if seen is not None and news.is_done:
            seen.append((news.trial.number, news.target))

    return Search(analysis(**tune), parts, folder, pool or InThisProcess(), on_news)


def outcome(trials):
    return [(trial.number, trial.setting, trial.epochs, trial.value, trial.history) for trial in trials]


@pytest.mark.parametrize("method", ["hyperband", "random", "grid"])
def test_the_best_trial_is_one_that_can_learn(tmp_path, method):
    best, *others = search(tmp_path, method=method, trials=4).run()
    assert best.setting["train.learning_rate"] == 1e-2
    assert all(best.value >= other.value for other in others)
    assert best.value > 0.75


def test_tpe_trains_no_setting_twice(tmp_path):
    pytest.importorskip("optuna", reason="the extra `tune` is not installed")
    space = {"train.learning_rate": {"choice": [1e-2, 1e-6, 1e-4]}, "model.dropout": {"float": [0, 0.1], "step": 0.1}}
    trials = search(tmp_path, method="tpe", space=space, trials=50, trials_at_once=4, max_epochs=1).run()
    assert sorted(trial.number for trial in trials) == [1, 2, 3, 4, 5, 6]
    assert len({repr(trial.setting) for trial in trials}) == 6


def test_hyperband_stops_the_worse_half(tmp_path):
    seen = []
    trials = search(tmp_path, seen, max_epochs=4, factor=2).run()
    assert [epochs for _, epochs in seen].count(1) == 4
    assert {trial.epochs for trial in trials} == {1, 2, 4}


def test_epochs_that_patience_saved_are_not_counted(tmp_path):
    tree = {"train.patience": 1, "train.learning_rate": 0.1}
    trials = search(
        tmp_path, method="grid", max_epochs=30, space={key: {"choice": [value]} for key, value in tree.items()}
    ).run()
    (row,) = json.loads((tmp_path / "tune.json").read_text())["trials"]
    assert row["trained"] == len(row["history"]) == trials[0].trained < 30
    assert Trial.from_json(row) == trials[0]


def test_survivors_go_on_as_if_they_had_never_paused(tmp_path):
    paused = [t for t in search(tmp_path / "a").run() if t.bracket == 1 and t.epochs == 4]
    straight = search(tmp_path / "b", method="grid").run()
    for trial in paused:
        same = next(t for t in straight if t.setting == trial.setting)
        assert trial.history == same.history


def test_the_number_of_workers_changes_nothing(tmp_path):
    """One thread, two threads, and two processes that map the events into memory; brackets side by side."""
    with DeviceThreads(1) as pool:
        alone = search(tmp_path / "alone", pool=pool).run()
    for made, events in ((DeviceThreads(2), PARTS), (LocalProcesses(2, threads=1), tmp_path / "data")):
        seen = []
        place = tmp_path / type(made).__name__
        with made as pool, mapped.handed_over(PARTS, tmp_path / "data", pool.shares_memory):
            together = search(place, seen, pool, events).run()
        assert outcome(together) == outcome(alone)
        assert len(seen) == 4 + 2 + 1 + 3 + 1 + 3  # trials in the rungs of the three brackets
        for path in (tmp_path / "alone").glob("trial-*/last.npz"):
            before, after = np.load(path), np.load(place / path.relative_to(tmp_path / "alone"))
            weights = [name for name in before.files if name.startswith("trainable")]
            assert weights
            for name in weights:
                np.testing.assert_array_equal(before[name], after[name])


def test_the_news_count_epochs_up_to_the_total(tmp_path):
    news = []
    made = search(tmp_path)
    made.on_news = news.append
    made.run()
    done = [each.epochs for each in news]
    assert done == sorted(done)
    assert (done[-1], news[-1].total) == (4 + 2 + 2 + 6 + 2 + 12, 28)
    assert [each.trial.epochs for each in news if each.trial.number == 10] == [1, 2, 3, 4, 4]


def test_tpe_learns_and_ends_the_same_after_a_stop(tmp_path):
    pytest.importorskip("optuna", reason="the extra `tune` is not installed")
    space = {"train.learning_rate": {"float": [1e-6, 1e-1], "log": True}, "model.layers": SPACE["model.layers"]}
    settings = {"method": "tpe", "space": space, "max_epochs": 1, "trials": 10, "trials_at_once": 4, "objective": "loss"}
    seen = []
    whole = search(tmp_path / "whole", seen, **settings).run()
    assert sorted(number for number, _ in seen) == list(range(1, 11))
    stopped = search(tmp_path / "stopped", **settings)
    stopped.on_news = kill_after(6)
    with pytest.raises(Killed):
        stopped.run()
    again = []
    assert outcome(search(tmp_path / "stopped", again, **settings).run()) == outcome(whole)
    assert len(again) == 4


class Killed(Exception):
    pass


def kill_after(results):
    """Of so many trials the result is on disk; then the search is stopped."""
    count = 0

    def kill(news):
        nonlocal count
        count += news.is_done
        if count == results:
            raise Killed

    return kill


@pytest.mark.parametrize("after", [3, 9])
def test_a_search_that_was_stopped_goes_on_and_ends_the_same(tmp_path, after):
    whole = outcome(search(tmp_path / "whole").run())
    stopped = search(tmp_path / "stopped")
    stopped.on_news = kill_after(after)
    with pytest.raises(Killed):
        stopped.run()
    before = json.loads((tmp_path / "stopped" / "tune.json").read_text())["trials"]
    seen = []
    assert outcome(search(tmp_path / "stopped", seen).run()) == whole
    assert not {(trial["number"], trial["epochs"]) for trial in before if trial["epochs"]} & set(seen)


def test_what_a_trial_reached_before_a_stop_does_not_help_it_in_an_earlier_rung():
    """Killed in the second rung, the first is ranked again: by one epoch of each, not by two of some."""
    bracket = [Trial(1, {}, 2, 0.9, history=[0.1, 0.9]), Trial(2, {}, 1, 0.2, history=[0.2])]
    ranked = sorted(bracket, key=lambda trial: search(None)._rank(trial, 1))
    assert [trial.number for trial in ranked] == [2, 1]


def test_a_trial_that_fails_later_is_kept_where_an_earlier_rung_is_ranked_again():
    """Otherwise another one would be promoted in its place after a stop, which no search without a stop has trained."""
    failed = Trial(1, {}, 2, 0.9, history=[0.9], failure="the loss is nan")
    bracket = _Bracket([failed, Trial(2, {}, 1, 0.2, history=[0.2])], [Rung(2, 1), Rung(1, 2)])
    assert failed.best("accuracy", 1) == 0.9
    assert failed.best("accuracy", 2) is None
    search(None)._promote(bracket)
    assert bracket.trials == [failed]
    assert bracket.missing == []


def test_the_epochs_before_a_failure_are_kept(tmp_path):
    trial, running = Trial(1, {}, 1, 0.5, history=[0.5]), search(tmp_path)
    running.trials = [trial]
    running._settle(trial, Outcome([0.4], 1.0, "the loss is nan"), 3)
    assert (trial.history, trial.value, trial.epochs) == ([0.5, 0.4], None, 3)


def test_a_training_that_fails_ranks_last_and_the_search_goes_on(tmp_path):
    space = {"train.learning_rate": {"choice": [1e30, 1e-2]}}
    best, worst = search(tmp_path, method="grid", space=space, objective="loss").run()
    assert best.setting["train.learning_rate"] == 1e-2
    assert "loss is" in worst.failure
    assert json.loads((tmp_path / "tune.json").read_text())["trials"][0]["failure"] == worst.failure


def test_if_every_training_fails_the_search_says_why(tmp_path):
    with pytest.raises(EventsError, match="every trial failed; the first one: the training loss is"):
        search(tmp_path, space={"train.learning_rate": {"choice": [1e30, 2e30]}}, objective="loss").run()


def test_a_setting_that_is_not_valid_is_found_before_anything_is_trained(tmp_path):
    with pytest.raises(AnalysisError, match="unknown key 'rate'"):
        search(tmp_path, space={"train.rate": {"choice": [1]}}).run()
    assert not (tmp_path / "tune.json").exists()


def test_a_whole_section_cannot_be_searched():
    """It could hold keys that change what trials are compared by."""
    space = {"prepare": {"choice": [{"class_weights": "balanced"}, {"class_weights": None}]}}
    with pytest.raises(AnalysisError, match=r"'prepare' is a whole section; name its keys, such as 'prepare\.scale'"):
        validate({"features": ["x"], "labels": "y", "tune": {"space": space}}, "test")


def test_a_search_needs_a_space(tmp_path):
    with pytest.raises(AnalysisError, match=r"no `tune\.space`"):
        search(tmp_path, space={}).run()


def test_a_damaged_record_is_refused(tmp_path):
    (tmp_path / "tune.json").write_text('{"trials": [{"number": 1}]}')
    with pytest.raises(RunError, match="damaged"):
        search(tmp_path).run()


def test_events_come_back_as_they_were_written(tmp_path, make_events):
    events = make_events(np.ones((5, 2)), parameters=np.arange(5)[:, None], observers={"run/lumi": np.arange(5)})
    mapped.write(tmp_path / "data", {"train": events, "val": PARTS["val"]})
    found = mapped.read(tmp_path / "data")
    assert list(found) == ["train", "val"]
    for part, original in (("train", events), ("val", PARTS["val"])):
        for field in dataclasses.fields(Events):
            one, two = getattr(found[part], field.name), getattr(original, field.name)
            if field.name == "observers":
                assert list(one) == list(two)
                one, two = list(one.values()), list(two.values())
            np.testing.assert_array_equal(one, two)
            assert type(one) is type(two)


def test_a_worker_that_does_not_see_the_events_says_so(tmp_path):
    with pytest.raises(ClusterError, match=r"does not see .*nowhere"):
        mapped.read(tmp_path / "nowhere")
