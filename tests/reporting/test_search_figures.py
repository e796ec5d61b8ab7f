"""Figures and tables of a search on awkward numbers."""

import json

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.search.search import Scale, choose, expected, results
from fivesigma.metrics.summary import as_json
from fivesigma.reporting import scan_tables, search_figures, style
from fivesigma.runs.folder import RunFolder
from fivesigma.scores import Scores


@pytest.fixture(autouse=True)
def light(monkeypatch):
    """Figures are laid out and not written, which takes most of the time and is tested elsewhere."""

    def save(folder, figure, name, title, caption, numbers):
        figure.draw_without_rendering()
        json.dumps(numbers, allow_nan=False)
        return style.Picture(name, title, caption, "<svg>")

    monkeypatch.setattr(search_figures, "save", save)


TREE = {"features": ["x"], "labels": {"variable": "y", "names": ["QCD", "X"]}, "evaluate": {"search": {}}}


def analysis(*parameters):
    return validate({**TREE, "parameters": {name: {"unit": "GeV"} for name in parameters}}, "test")


def search(names):
    """Metrics and curves of a search at each of some hypotheses."""
    generator = np.random.default_rng(1)
    target = generator.integers(0, 2, 2000)
    score = generator.beta(1 + 3 * target, 4 - 3 * target).astype(np.float32)
    scores = Scores(score, target, np.ones(2000), ("QCD", "X"))
    settings = analysis().evaluate.search
    own = expected(scores, Scale(1.0, (1000.0, 20.0)))["all"]
    metrics, shapes = results(own, choose(own, settings), settings)
    limit = {"limit": {"-2": 0.1, "-1": 0.2, "0": 0.3, "1": 0.4, "2": 0.5}, "discovery": 2.0}
    at = {name: {**metrics, **limit} for name in names}
    head = {"chosen_on": "val", "share": 0.2, "lumi": None, "systematic": 0.1, "origin": {"QCD": "yields", "X": "weights"}}
    per = {name: {"parameters": {"mass": 500.0 + i}} for i, name in enumerate(names)}
    return as_json({"test": {"search": {**head, "at": at}, "per_parameter": per}}), as_json(
        {"test": {"search": dict.fromkeys(names, shapes)}}
    )


@pytest.mark.parametrize(("count", "names"), [(1, []), (7, ["mass"]), (2, ["mass", "width"])])
def test_any_number_of_hypotheses_is_drawn(tmp_path, count, names):
    settings = analysis(*names)
    folder = RunFolder.create(tmp_path, settings, "test")
    keys = ["all"] if count == 1 else [f"mass={500 + i}" for i in range(count)]
    metrics, shapes = search(keys)
    with style.style():
        pictures = [picture.name for picture in search_figures.search_figures(folder, settings, metrics, shapes)]
    assert pictures == ["search-cut", "search-bins", *(["search-limit"] if count > 1 else [])]


def test_a_search_that_found_nothing_draws_nothing(tmp_path):
    settings = analysis("mass")
    folder = RunFolder.create(tmp_path, settings, "test")
    tree = {"test": {"search": {"at": {"mass=500": {"problem": "no cut leaves 1 background events"}}}}}
    assert list(search_figures.search_figures(folder, settings, tree, {"test": {"search": {}}})) == []


def scan(*networks, search=True):
    names = ["mass=500", "mass=750"]
    more = {"search": {"binned": Metric(2.0, 0.1), "best_cut": Metric(1.5, 0.1)}} if search else {"search": None}
    row = {"auc": Metric(0.9, 0.01), "auc_difference": Metric(-0.01, 0.002), **more}
    return as_json(
        {
            "parameters": {"mass": "GeV"},
            "hypotheses": {"mass=500": [500.0], "mass=750": [750.0]},
            "networks": {
                name: {"trained_on": trained, "auc": Metric(0.9, 0.01), "at": dict.fromkeys(names[: 2 - i % 2], row)}
                for i, (name, trained) in enumerate(networks)
            },
        }
    )


BOTH = ["mass=500", "mass=750"]


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        (scan(("parameterised", BOTH)), ["scan-auc", "scan-search"]),
        (scan(("parameterised", BOTH), search=False), ["scan-auc"]),
        (scan(("parameterised", BOTH), ("dedicated", BOTH), ("extremes", [])), ["scan-auc", "scan-search"]),
    ],
)
def test_scans_are_drawn_whatever_was_compared(tmp_path, tree, names):
    settings = analysis("mass")
    folder = RunFolder.create(tmp_path, settings, "test")
    with style.style():
        assert [picture.name for picture in search_figures.scan_figures(folder, settings, tree)] == names


def test_tables_show_what_there_is():
    found = scan_tables.tables(scan(("parameterised", BOTH), ("without", ["mass=500"]), search=False))
    (title, header, rows) = found[0]
    assert len(found) == 1
    assert title.startswith("AUC")
    assert header == ["", "parameterised", "without"]
    assert rows[0] == ["mass=500", "0.900 ± 0.010", "0.900 ± 0.010"]
    assert rows[1] == ["mass=750", "0.900 ± 0.010", "–"]
    starred = scan_tables.tables(scan(("parameterised", ["mass=500"])))
    assert starred[0][2][1][1] == "0.900 ± 0.010 *"
