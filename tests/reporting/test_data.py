"""Figures of the data: the numbers in them, and awkward ones."""

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.reporting import data
from fivesigma.runs.folder import RunFolder

ANALYSIS = validate(
    {"features": ["a"], "target": {"variable": "t", "unit": "GeV"}, "units": {"a*": "cm"}, "titles": {"a": "length"}}, "test"
)


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def histogram(*counts):
    edges = np.arange(len(counts) + 1.0).tolist()
    return {"edges": edges, "counts": list(counts), "errors": np.sqrt(np.abs(counts)).tolist(), "outside": 0.0}


NOTHING = {
    "classes": {},
    "target": None,
    "parameters": {},
    "columns": [],
    "distributions": {},
    "observers": {},
    "correlations": {"names": [], "matrix": [], "events": 0},
}


def test_only_what_there_is_is_drawn(folder, drawn):
    assert list(data.figures(folder, ANALYSIS, NOTHING)) == []
    tree = {
        **NOTHING,
        "target": {"variable": "t", "histogram": histogram(1, 3)},
        "observers": {"t": {"all": histogram(1, 3)}, "p_t": {"all": histogram(1)}},  # the target is drawn once
    }
    names = [picture.name for picture in data.figures(folder, ANALYSIS, tree)]
    assert names == ["target", "observer-p-t"]


def test_classes_are_bars_of_their_events_in_every_part(folder, drawn):
    classes = {
        "train": {"QCD": {"events": 3000}, "X": {"events": 1000}},
        "test": {"QCD": {"events": 300}, "X": {"events": 90}},
    }
    data._classes(folder, {"classes": classes})
    (axes,) = drawn.axes("classes")
    bars = drawn.bars(axes)
    assert {name: [bar[3] for bar in each] for name, each in bars.items()} == {"QCD": [3000, 300], "X": [1000, 90]}
    centres = {name: [bar[0] + bar[2] / 2 for bar in each] for name, each in bars.items()}
    assert centres == {"QCD": pytest.approx([-0.2, 0.8]), "X": pytest.approx([0.2, 1.2])}
    assert drawn.texts(axes) == ["3,000", "300", "1,000", "90"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["train", "test"]
    assert axes.get_ylabel() == "events"
    assert drawn.legend(axes) == ["QCD", "X"]


@pytest.mark.parametrize("limit", [None, 0.5])
def test_missing_entries_are_percentages_beside_the_limit(folder, drawn, limit):
    settings = ANALYSIS.model_copy(update={"prepare": ANALYSIS.prepare.model_copy(update={"drop_missing": limit})})
    columns = [{"name": "a", "missing": 0.75}, {"name": "b", "missing": 0.0}, {"name": "c", "missing": 0.25}]
    data._missing(folder, settings, {"columns": columns})
    (axes,) = drawn.axes("missing")
    ((_, bars),) = drawn.bars(axes).items()
    assert [bar[2] for bar in bars] == [25, 75]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["c", "a"]
    assert axes.get_xlabel() == "missing entries [%]"
    expected = {} if limit is None else {"dropped beyond 50 %": [50, 50]}
    assert {name: line[0] for name, line in drawn.lines(axes).items()} == expected


def test_a_parameter_is_shown_in_events_and_the_target_in_unit_area(folder, drawn):
    tree = {**NOTHING, "target": {"variable": "t", "histogram": histogram(1, 3)}}
    tree["parameters"] = {"mass": {"QCD": histogram(5, 2), "X": histogram(1, 4)}}
    list(data.figures(folder, ANALYSIS, tree))
    (target,), (mass,) = drawn.axes("target"), drawn.axes("parameter-mass")
    assert drawn.labels(target) == ("t [GeV]", "events, normalised to unit area")
    assert drawn.labels(mass) == ("mass", "events")
    assert [one["values"] for one in drawn.steps(target) if one["label"]] == [[0.25, 0.75]]
    assert [one["values"] for one in drawn.steps(mass) if one["label"]] == [[5, 2], [1, 4]]
    assert drawn.legend(mass) == ["QCD", "X"]
    assert target.get_legend() is None


@pytest.mark.parametrize(("counts", "scale"), [([1, 1, 1, 400], "log"), ([1, 1, 1, 200], "linear"), ([0, 0, 0], "linear")])
def test_a_steep_distribution_gets_a_logarithmic_axis(folder, drawn, counts, scale):
    data._one(folder, ANALYSIS, "x", {"all": histogram(*counts)}, "a")
    assert drawn.axes("x")[0].get_yscale() == scale


def test_histograms_without_entries_or_with_negative_bins_are_drawn(folder, drawn):
    for counts in ([0, 0, 0], [5, -2, 3]):
        data._one(folder, ANALYSIS, "x", {"all": histogram(*counts)}, "a")
        (outline,) = (one for one in drawn.steps(drawn.axes("x")[0]) if one["label"])
        assert outline["values"] == pytest.approx(np.divide(counts, sum(counts) or 1).tolist())


def test_correlations_are_an_image_between_minus_one_and_one(folder, drawn):
    tree = {"names": ["a", "b"], "matrix": [[1.0, -0.5], [-0.5, None]], "events": 1234}
    picture = data._correlations(folder, tree)
    axes, bar = drawn.axes("correlations")
    image = axes.images[0]
    assert np.ma.filled(image.get_array(), np.nan).tolist()[0] == [1, -0.5]
    assert np.isnan(np.ma.filled(image.get_array(), np.nan)[1, 1])
    assert image.get_clim() == (-1, 1)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "b"]
    assert bar.get_ylabel() == "Pearson correlation"
    assert "1,234 events" in picture.caption
