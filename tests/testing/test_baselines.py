"""The suite of baselines: every kind that there is keeps its rules, and one that breaks a rule is found."""

import pickle
from typing import Literal

import numpy as np
import pytest
import yaml

from fivesigma import plugins
from fivesigma.analysis.section import Section
from fivesigma.baselines.base import ArrayBaseline, ArrayModel
from fivesigma.baselines.boosted_trees import BoostedTrees
from fivesigma.baselines.lookup_table import LookupTable
from fivesigma.baselines.other_network import OtherNetwork
from fivesigma.testing import check_baseline
from fivesigma.testing.baselines import is_pickled

OTHER = {
    "name": "other",
    "features": ["x0", "x1", "x2"],
    "labels": {"variable": "y", "names": ["background", "signal"]},
    "model": {"layers": [8]},
    "train": {"epochs": 20, "batch_size": 256, "learning_rate": 0.01},
}


def settings_of(name, folder):
    """Settings for the features of the suite."""
    if name == "boosted_trees":
        pytest.importorskip("lightgbm")
        return BoostedTrees(rounds=50, leaves=8)
    if name == "lookup_table":
        # Steps of equal width: those of equal population count events, not weights.
        field = {"bits": 3, "low": -3, "high": 4}
        return LookupTable(address={"x0": field, "x1": {**field, "bits": 1}}, min_events=1)
    if name == "network":
        (folder / "other.yaml").write_text(yaml.safe_dump(OTHER))
        return OtherNetwork(analysis=str(folder / "other.yaml"))
    return None


@pytest.mark.parametrize("name", plugins.baselines.names())
def test_every_baseline_keeps_the_rules(name, tmp_path):
    exact = name == "lookup_table"
    check_baseline(plugins.baselines.get(name), settings_of(name, tmp_path), 1e-6 if exact else 0.05)


class Cut(Section):
    """A soft cut on x0, or a line through it."""

    kind: Literal["cut"] = "cut"


class Line(ArrayModel):
    """A straight line in x0: the weighted least squares of the target, kept within its range."""

    def __init__(self, line, least, most):
        self.line, self.least, self.most = line, least, most

    @classmethod
    def weights(cls, training):
        return training.weight

    @classmethod
    def fit(cls, settings, training, validation, classes, on_round):
        x, y, w = np.nan_to_num(training.inputs[:, 0]).astype(float), training.target, cls.weights(training)
        line = np.polyfit(x, y, 1, w=np.sqrt(w))
        return cls(line, y.min() if classes else -1e9, y.max() if classes else 1e9)

    def score(self, inputs):
        found = np.polyval(self.line, np.nan_to_num(inputs[:, 0]))
        return np.clip(found, self.least, self.most).astype(np.float32)


class Unweighted(Line):
    @classmethod
    def weights(cls, training):
        return np.ones(len(training.target))


class Nan(Line):
    def score(self, inputs):
        return super().score(inputs) + 0 * inputs[:, 1]


class Negative(Line):
    def score(self, inputs):
        return super().score(inputs) - 0.2


class Column(Line):
    def score(self, inputs):
        return super().score(inputs)[:, None]


class Forgets(Line):
    def to_arrays(self):
        return {**super().to_arrays(), "line": np.array([0.5, 0.5])}


class Pickles(Line):
    def save(self, place):
        super().save(place)
        place.path.joinpath("state.bin").write_bytes(pickle.dumps(self.line))


class Constant(Line):
    def score(self, inputs):
        return np.full(len(inputs), 0.2, np.float32)


class Empty(Line):
    def score(self, inputs):
        found = super().score(inputs)
        return found + 0 * found[0]


def kind_of(model, **more):
    def refuses(settings, classes):
        return ("a line needs two classes or a number", "leave it out") if classes > 2 else None

    return ArrayBaseline("cut", Cut, model, lambda settings: "a line", **{"refuses": refuses, **more})


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (Unweighted, "weights do not count"),
        (Nan, "the score of an event with missing values is not finite"),
        (Negative, "the scores of classes are no probabilities"),
        (Column, "cannot score 500 events, some of whose values are missing: IndexError"),
        (Forgets, "gives other scores when it is loaded"),
        (Pickles, "state.bin is pickled"),
        (Constant, "has not learned the binary target"),
        (Empty, "cannot score no events: IndexError"),
    ],
)
def test_a_baseline_that_breaks_a_rule_is_found(model, rule):
    with pytest.raises(AssertionError, match=rule):
        check_baseline(kind_of(model))


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"refuses": lambda settings, classes: ("no", "never")}, "refuses two classes, three, and a regression"),
        ({"refuses": lambda settings, classes: 1 / 0}, "with ZeroDivisionError, not AnalysisError"),
        ({"refuses": lambda settings, classes: None}, "give scores of the shape"),
    ],
)
def test_a_kind_that_refuses_the_wrong_way_is_found(more, rule):
    with pytest.raises(AssertionError, match=rule):
        check_baseline(kind_of(Line, **more))


def test_the_baseline_that_is_right_passes():
    check_baseline(kind_of(Line), tolerance=1e-4)


def test_pickles_are_found_inside_archives(tmp_path):
    np.savez(tmp_path / "good.npz", a=np.zeros(2))
    np.savez(tmp_path / "bad.npz", a=np.array([{}], object))
    (tmp_path / "model.joblib").write_text("")
    assert [path.name for path in sorted(tmp_path.iterdir()) if is_pickled(path)] == ["bad.npz", "model.joblib"]
