"""Figures of what can be trusted: the numbers in them."""

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.reporting import trust
from fivesigma.reporting.style import colour
from fivesigma.runs.folder import RunFolder

TREE = {
    "features": ["a", "b"],
    "labels": {"variable": "y", "names": ["QCD", "X"]},
    "observers": ["mass"],
    "units": {"mass": "GeV"},
    "titles": {"a": "length", "mass": "mass of X"},
}
ANALYSIS = validate(TREE, "test")


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def number(value, error=0.01):
    return {"value": value, "error": error}


def test_inputs_are_bars_with_errors_from_the_top(folder, drawn):
    tree = {"a": number(0.2, 0.02), "b": number(0.1), "c": number(None, None)}
    trust._importance(folder, ANALYSIS, tree)
    (axes,) = drawn.axes("importance")
    (bars,) = drawn.bars(axes).values()
    assert [(y + height / 2, width) for _, y, width, height in bars] == [(2, 0.2), (1, 0.1), (0, 0)]
    (errors,) = drawn.points(axes)
    assert np.allclose(errors["wide"], [[0.18, 0.22], [0.09, 0.11], [0, 0]])
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a: length", "b", "c"]
    assert axes.get_yticks().tolist() == [2, 1, 0]
    assert axes.get_xlabel() == "loss of AUC when permuted"


def test_of_many_inputs_the_first_are_shown_and_long_names_end(folder, drawn):
    tree = {f"{i:02d}-{'x' * 60}": number(1 / (i + 1)) for i in range(40)}
    picture = trust._importance(folder, ANALYSIS, tree)
    ticks = [tick.get_text() for tick in drawn.axes("importance")[0].get_yticklabels()]
    assert len(ticks) == trust.MOST_INPUTS
    assert ticks[0] == f"00-{'x' * 41}…"
    assert picture.caption.endswith("The 30 most important of 40 are shown.")


def histogram(*counts):
    edges = np.arange(len(counts) + 1.0).tolist()
    return {"edges": edges, "counts": list(counts), "errors": np.sqrt(counts).tolist(), "outside": 0.0}


def test_sculpting_shows_slices_of_the_background_with_errors_and_the_divergence(folder, drawn):
    at = {
        "all": {"0 … 50 %": histogram(9, 1), "50 … 100 %": histogram(4, 16)},
        "m=1": {"0 … 50 %": histogram(1, 1), "50 … 100 %": histogram(1, 1)},
    }
    numbers = {"all": {"divergence": number(0.12)}, "m=1": {"divergence": number(None, None)}}
    picture = trust._sculpting(folder, ANALYSIS, "mass", at, numbers)
    first, second = drawn.axes("sculpting-mass")
    low, _, high, band = drawn.steps(first)
    assert (low["label"], low["values"]) == ("0 … 50 %", pytest.approx([0.9, 0.1]))
    assert (high["label"], high["values"]) == ("50 … 100 %", pytest.approx([0.2, 0.8]))
    assert (band["values"], band["baseline"]) == (pytest.approx([0.3, 1.0]), pytest.approx([0.1, 0.6]))
    assert [axes.get_title() for axes in (first, second)] == ["all: divergence 0.120 ± 0.010", "m=1: divergence –"]
    assert [axes.get_xlabel() for axes in (first, second)] == ["mass of X [GeV]"] * 2
    figure = drawn["sculpting-mass"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0 … 50 %", "50 … 100 %"]
    assert figure.get_supylabel() == "background, unit area"
    assert first.patches[0].get_edgecolor()[:3] != first.patches[2].get_edgecolor()[:3]
    assert picture.title == "Sculpting of mass of X"


def test_importance_is_of_any_part_and_sculpting_of_the_judged_one(folder, drawn):
    slices = {"all": {"0 … 100 %": histogram(1, 3)}}
    metrics = {
        "val": {"importance": {"a": number(0.1)}},
        "test": {"sculpting": {"mass": {"all": {"divergence": number(0.1)}}}},
    }
    curves = {"val": {"sculpting": {"other": slices}}, "test": {"sculpting": {"mass": slices}}}
    assert [picture.name for picture in trust.figures(folder, ANALYSIS, metrics, curves)] == ["importance", "sculpting-mass"]
    assert list(trust.figures(folder, ANALYSIS, {"test": {}}, {"test": {}})) == []
    assert drawn.axes("importance")[0].patches[0].get_facecolor()[:3] == pytest.approx(
        [int(colour(0)[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    )
