"""Physics against cost: the table and the figure."""

import json

import numpy as np
import pytest

from fivesigma.analysis.file import load
from fivesigma.reporting import front
from fivesigma.reporting.style import colour, style
from fivesigma.runs.folder import RunFolder


def metric(value, error=0.001):
    return {"value": value, "error": error}


def point(step, ebops, rmse, kept=False, **more):
    return {
        "step": step,
        "beta": 10.0 ** (step - 8),
        "ebops": ebops,
        "last_epoch": 30 * step,
        "kept": kept,
        "rmse": metric(rmse),
        "width_68": metric(rmse / 2),
        "difference": {"rmse": metric(rmse - 0.034, 0.0002)},
        **more,
    }


@pytest.fixture
def metrics():
    rates = [{"rate": metric(9.5 + i, 0.2), "rate_to_reference": metric(1.0 + 0.02 * i, 0.01)} for i in range(3)]
    costs, values = (180e3, 43e3, 13.5e3), (0.0346, 0.0350, 0.0366)
    points = [point(i + 1, costs[i], values[i], i == 1, **rates[i]) for i in range(3)]
    validation = [point(i + 1, costs[i], values[i] - 0.0003, i == 1) for i in range(3)]
    baselines = {
        "float": {"rmse": metric(0.034), "width_68": metric(0.017), "trigger": {"rate_measured": metric(9.3, 0.2)}},
        "table": {"rmse": metric(0.06), "width_68": metric(0.03), "trigger": {"rate_measured": metric(20.0, 0.4)}},
    }
    return {
        "val": {"front": {"reference": "float", "points": validation}},
        "test": {"front": {"reference": "float", "points": points}, "baselines": baselines},
    }


def test_the_table_has_every_step_and_every_rival(metrics):
    (table,) = front.tables(metrics, load("muon-pt-firmware"))
    assert table.header == [
        "model",
        "cost",
        "rmse [1/GeV]",
        "width_68 [1/GeV]",
        "rmse − float's",
        "rate at 20 GeV",
        "rate / float's",
    ]
    assert [row[0] for row in table.rows] == [
        "step 1 (β 1e-07)",
        "step 2 (β 1e-06, kept)",
        "step 3 (β 1e-05)",
        "float",
        "table",
    ]
    assert table.rows[1][1:3] == ["43,000 EBOPs", "0.0350 ± 0.0010"]
    assert table.rows[1][4] == "0.00100 ± 0.00020"
    assert table.rows[3][5:] == ["9.30 ± 0.20", "–"]
    assert table.rows[4][1] == "2^26 words of memory"
    assert "best one within 45,000 EBOPs, on validation events" in table.note
    assert front.tables({"test": {}}, load("muon-pt-firmware")) == []


def test_the_figure_has_the_points_with_their_errors(metrics, tmp_path):
    with style():
        (picture,) = front.figures(RunFolder(tmp_path), load("muon-pt-firmware"), metrics)
    assert picture.name == "front"
    numbers = json.loads((tmp_path / "plots" / "front.json").read_text())
    assert numbers["reference"] == "float"
    np.testing.assert_allclose([p["ebops"] for p in numbers["points"]], [180e3, 43e3, 13.5e3])
    assert list(front.figures(RunFolder(tmp_path), load("muon-pt-firmware"), {"test": {}})) == []


TREES = {
    "trees": {"rmse": metric(0.0352), "width_68": metric(0.018), "trigger": {"rate_measured": metric(9.579, 0.2)}},
}
"""A baseline that lies between the points; that of a table is far above them."""


@pytest.fixture
def with_trees(metrics):
    """An analysis with trees, and their numbers."""
    analysis = load("muon-pt-firmware", {"baselines.trees": {"kind": "boosted_trees", "rounds": 60}})
    metrics["test"]["baselines"] |= TREES
    metrics["test"]["front"]["costs"] = {"trees": {"trees": 60, "nodes": 3660, "depth": 9, "luts": 51_666, "cycles": 17}}
    return analysis


def test_trees_have_the_logic_that_conifer_estimates(metrics, with_trees):
    (table,) = front.tables(metrics, with_trees)
    assert table.rows[-1][:2] == ["trees", "51,666 LUT, 17 cycles (60 trees)"]
    assert "conifer's estimates for its design in VHDL" in table.note
    cost = metrics["test"]["front"]["costs"]["trees"]
    del cost["luts"], cost["cycles"]
    (table,) = front.tables(metrics, with_trees)
    assert table.rows[-1][1] == "60 trees, 3,660 nodes"
    assert "conifer" not in table.note
    del metrics["test"]["front"]["costs"]  # of a run of before
    assert front.tables(metrics, with_trees)[0].rows[-1][1] == "–"


def test_the_figure_has_lines_of_the_rivals_and_words_for_those_beyond_the_axis(metrics, with_trees, drawn, tmp_path):
    list(front.figures(RunFolder(tmp_path), with_trees, metrics))
    left, right = drawn.axes("front")
    labels = [text.get_text() for text in drawn["front"].legends[0].get_texts()]
    assert {"table: 2^26 words of memory", "trees: 51,666 LUT, 17 cycles (60 trees)"} <= set(labels)
    own = [[line.get_ydata() for line in panel.lines if line.get_color() == colour(5)] for panel in (left, right)]
    flat = [[values[0] for values in each if len(values)] for each in own]  # without the sample in the legend
    assert flat[0][0] == 0.0352
    np.testing.assert_allclose(flat[1], [9.579 / 9.3])
    assert drawn.texts(left) == ["↑ table: 0.06"]
    assert drawn.texts(right) == ["↑ table: 2.15"]
    assert left.get_ylim()[1] < 0.045


def test_without_a_reference_there_are_metrics_alone(metrics, tmp_path):
    tree = metrics["test"]["front"]
    tree["reference"] = None
    for one in tree["points"]:
        del one["difference"], one["rate"], one["rate_to_reference"]
    del metrics["val"]
    metrics["test"]["baselines"] = {}
    (table,) = front.tables(metrics, load("muon-pt-firmware"))
    assert table.header == ["model", "cost", "rmse [1/GeV]", "width_68 [1/GeV]"]
    with style():
        assert len(list(front.figures(RunFolder(tmp_path), load("muon-pt-firmware"), metrics))) == 1
