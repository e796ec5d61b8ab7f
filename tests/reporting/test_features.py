"""The features of a run: how they separate classes, which are drawn, and their pages."""

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.reporting import features
from fivesigma.runs.folder import RunFolder

ANALYSIS = validate(
    {"features": ["a"], "labels": "label", "units": {"a*": "cm"}, "titles": {"a": "length"}},
    "test",
)


def histogram(*counts):
    edges = np.arange(len(counts) + 1.0).tolist()
    return {"edges": edges, "counts": list(counts), "errors": np.sqrt(np.abs(counts)).tolist(), "outside": 0.0}


PAIRS = {
    "a": ((4, 4), (5, 3)),
    "b": ((4, 4), (4, 4)),
    "c": ((0, 0), (0, 0)),
    "d": ((9, 0), (0, 2)),
    "e": ((6, 2), (2, 6)),
}
SHAPES = {name: {"s": histogram(*one), "b": histogram(*other)} for name, (one, other) in PAIRS.items()}
TREE = {"distributions": SHAPES, "columns": [{"name": "a", "missing": 0.25}]}


def test_the_separation_is_the_largest_difference_of_the_cumulative_distributions():
    found = {name: features.separation(shape) for name, shape in SHAPES.items()}
    assert found == {"a": pytest.approx(0.125), "b": 0, "c": 0, "d": 1, "e": pytest.approx(0.5)}
    # Of three classes, the two that are furthest apart count.
    assert features.separation({"x": histogram(1, 0), "y": histogram(1, 1), "z": histogram(0, 1)}) == 1
    # The same, bin by bin and pair by pair.
    generator = np.random.default_rng(1)
    one, other = generator.uniform(0, 1, (2, 30))
    slow = max(abs(one[:i].sum() / one.sum() - other[:i].sum() / other.sum()) for i in range(31))
    assert features.separation({"s": histogram(*one), "b": histogram(*other)}) == pytest.approx(slow)


def test_of_many_features_those_that_separate_the_classes_most_are_drawn(monkeypatch):
    assert features.most_separating(SHAPES, 2) == ["d", "e"]
    assert features.most_separating(SHAPES, 3) == ["a", "d", "e"]
    assert features.most_separating(SHAPES, 5) == list(SHAPES)
    monkeypatch.setattr(features, "MOST_DRAWN", 2)
    listed = features.features(ANALYSIS, TREE)
    assert [each.name for each in listed] == list(SHAPES)
    assert [each.name for each in listed if each.drawing] == ["d", "e"]
    assert (listed[0].title, listed[0].missing, listed[1].missing) == ("length [cm]", 0.25, None)
    assert listed[3].csv.splitlines()[:3] == ["name,low,high,counts,errors,outside", "s,0,1,9,3,0", "s,1,2,0,0,0"]


def test_a_regression_has_no_separation():
    (one,) = features.features(ANALYSIS, {"distributions": {"a": {"all": histogram(1, 2)}}, "columns": []})
    assert one.separation is None
    assert one.drawing is not None


def test_pages_for_print_have_twelve_features_each_and_their_numbers(tmp_path):
    shapes = {f"x{i}": SHAPES["a"] for i in range(13)}
    listed = features.features(ANALYSIS, {"distributions": shapes, "columns": []}, "Simulation")
    folder = RunFolder(tmp_path)
    assert features.write_pages(folder, listed, shapes) == ["features-1", "features-2"]
    assert (folder / "plots/features-1.pdf").read_bytes().startswith(b"%PDF")
    assert list(folder.read_json("plots/features-1.json")) == [f"x{i}" for i in range(12)]
    assert (folder / "plots/features-2.csv").read_text().startswith("name,name 2,low,high,counts")
