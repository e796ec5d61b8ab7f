"""Boosted trees: what they learn, and what they do not depend on."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fivesigma import extras
from fivesigma.baselines import boosted_trees
from fivesigma.baselines.base import Sample
from fivesigma.baselines.boosted_trees import BoostedTrees, Trees, grow
from fivesigma.errors import MissingExtra, RunError
from fivesigma.runs import manifest
from fivesigma.runs.folder import RunFolder

SETTINGS = BoostedTrees(kind="boosted_trees", rounds=40, leaves=8, patience=5)


def sample(seed, classes=0, n=2000):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 3)).astype(np.float32)
    truth = x[:, 0] + 0.5 * (x[:, 1] > 0)
    x[generator.uniform(size=n) < 0.2, 2] = np.nan
    if classes:
        target = np.clip(np.floor(truth + classes / 2 + 0.3 * generator.normal(size=n)), 0, classes - 1).astype(int)
        return Sample(x, target, np.ones(n))
    return Sample(x, truth + 0.1 * generator.normal(size=n), np.ones(n))


@pytest.mark.parametrize("classes", [2, 4])
def test_classes_get_probabilities_better_than_a_guess(classes):
    score = grow(sample(1, classes), sample(2, classes), SETTINGS, classes).score(sample(3, classes).inputs)
    target = sample(3, classes).target
    predicted = (score > 0.5) if classes == 2 else score.argmax(axis=1)
    assert (predicted == target).mean() > 0.75
    if classes > 2:
        assert_allclose(score.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_a_regression_finds_its_target(loss):
    settings = SETTINGS.model_copy(update={"loss": loss, "rounds": 150})
    score = grow(sample(1), sample(2), settings).score(sample(3).inputs)
    assert np.std(score - sample(3).target) < 0.4 * np.std(sample(3).target)


def test_training_stops_when_validation_no_longer_improves():
    learning = sample(1)
    noise = Sample(learning.inputs, np.random.default_rng(1).normal(size=len(learning.inputs)), learning.weight)
    heard = []
    trees = grow(noise, sample(2), SETTINGS, on_round=lambda done, most: heard.append((done, most)))
    assert trees.rounds < len(heard) <= 40
    assert heard[0] == (1, 40)


def test_events_of_weight_zero_or_below_teach_nothing():
    learning = sample(1)
    generator = np.random.default_rng(2)
    more = Sample(
        np.concatenate([learning.inputs, learning.inputs]),
        np.concatenate([learning.target, generator.normal(50, 1, len(learning.target))]),
        np.concatenate([learning.weight, np.repeat([0.0, -3.0], len(learning.target) // 2)]),
    )
    score = grow(more, None, SETTINGS).score(sample(3).inputs)
    assert np.std(score - sample(3).target) < 0.5 * np.std(sample(3).target)


def test_the_trees_do_not_depend_on_the_number_of_cores(monkeypatch):
    found = []
    monkeypatch.setattr(boosted_trees, "EVENTS_PER_THREAD", 100)
    for cores in (1, 2):
        monkeypatch.setattr(boosted_trees, "cores", lambda n=cores: n)
        found.append(grow(sample(1), sample(2), SETTINGS).score(sample(3).inputs))
    assert_array_equal(found[0], found[1])


def test_trees_survive_their_text():
    trees = grow(sample(1), None, SETTINGS)
    assert_array_equal(Trees(trees.text).score(sample(3).inputs), trees.score(sample(3).inputs))
    assert Trees(trees.text).rounds == 40


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("num_leaves=8", "num_leaves=70000000", 1),
        lambda text: re.sub(r"tree_sizes=.*", "tree_sizes=99999999", text, count=1),
        lambda text: text[: len(text) // 2],
        lambda text: "no trees",
    ],
)
def test_damaged_trees_are_a_sentence_and_do_not_end_the_process(tmp_path, damage):
    """LightGBM ends the process for some of them, which nothing here can catch."""
    folder = RunFolder(tmp_path)
    (tmp_path / boosted_trees.FILE).write_text(damage(grow(sample(1), None, SETTINGS).text))
    with pytest.raises(RunError, match=r"trees\.txt is damaged"):
        Trees.load(folder)


def test_trees_that_the_run_vouches_for_are_not_tried_out(tmp_path, monkeypatch):
    manifest.start(tmp_path)
    (tmp_path / "baselines").mkdir()
    place = RunFolder(tmp_path / "baselines" / "trees")
    trees = grow(sample(1), None, SETTINGS)
    trees.save(place)
    monkeypatch.setattr(boosted_trees.subprocess, "run", None)
    assert Trees.load(place).text == trees.text


def test_without_the_library_one_sentence_says_what_to_install(monkeypatch):
    def absent(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(extras.importlib, "import_module", absent)
    with pytest.raises(MissingExtra, match="fivesigma\\[trees\\]"):
        grow(sample(1), None, SETTINGS)


def test_a_library_that_cannot_be_loaded_is_said(monkeypatch):
    def broken(name):
        raise OSError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setattr(extras.importlib, "import_module", broken)
    with pytest.raises(MissingExtra, match="libgomp1"):
        extras.lightgbm()


def test_a_value_that_is_very_seldom_missing_is_not_a_zero(monkeypatch):
    monkeypatch.setattr(boosted_trees, "_LOOKED_AT", 200)
    generator = np.random.default_rng(1)
    x = generator.normal(3, 1, (4000, 2)).astype(np.float32)
    target = 100.0 * (np.abs(x[:, 0]) < 1) + x[:, 0]  # what is near zero is very different
    x[17, 0] = np.nan
    trees = grow(Sample(x, target, np.ones(4000)), Sample(x[:300], target[:300], np.ones(300)), SETTINGS)
    at_zero, missing = trees.score(np.array([[0, 3], [np.nan, 3]], np.float32))
    assert at_zero > 50
    assert missing < 20
