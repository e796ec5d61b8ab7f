"""Figures and tables of a search and of a scan: the numbers in them, and awkward ones."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from fivesigma.analysis.file import validate
from fivesigma.metrics.metric import Metric
from fivesigma.metrics.search.expected import Scale, expected
from fivesigma.metrics.search.search import choose, results
from fivesigma.metrics.summary import as_json
from fivesigma.reporting import search
from fivesigma.reporting.style import colour
from fivesigma.runs.folder import RunFolder
from fivesigma.scores import Scores

TREE = {"features": ["x"], "labels": {"variable": "y", "names": ["QCD", "X"]}, "evaluate": {"search": {}}}


def analysis(*parameters):
    return validate({**TREE, "parameters": {name: {"unit": "GeV"} for name in parameters}}, "test")


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def found(names):
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
def test_any_number_of_hypotheses_is_drawn(folder, drawn, count, names):
    keys = ["all"] if count == 1 else [f"mass={500 + i}" for i in range(count)]
    pictures = [picture.name for picture in search.figures(folder, analysis(*names), *found(keys))]
    assert pictures == ["search-cut", "search-bins", *(["search-limit"] if count > 1 else [])]
    assert len(drawn.axes("search-bins")) == 2 * min(count, 6)


def test_a_search_that_found_nothing_draws_nothing(folder, drawn):
    tree = {"test": {"search": {"at": {"mass=500": {"problem": "no cut leaves 1 background events"}}}}}
    assert list(search.figures(folder, analysis("mass"), tree, {"test": {"search": {}}})) == []
    assert drawn == {}


CUTS = {
    "cut": [0.01, 0.5, 0.9, 0.99],
    "significance": [1.0, 2.0, 3.0, None],
    "known": [1.5, 2.5, 3.5, 4.5],
    "error": [0.1, 0.2, 0.3, None],
}


def test_significance_is_drawn_against_the_odds_of_the_cut_and_ends_where_it_is_unknown(folder, drawn):
    at = {"best_cut": {"value": 2.9, "error": 0.3}, "best_cut_known": {"value": 3.4, "error": 0.3}}
    head = {"systematic": 0.1, "chosen_on": "val", "at": {"m=1": {**at, "cut": 0.9}, "m=2": {**at, "cut": 0.5}}}
    search._cut(folder, head, {"m=1": {"scan": CUTS}, "m=2": {"scan": CUTS}}, "test")
    left, right = drawn.axes("search-cut")
    places = np.log10([0.01 / 0.99, 1, 9, 99])
    assert drawn.lines(left)["m=1"] == (pytest.approx(places[:3]), [1, 2, 3])
    assert drawn.lines(right)["m=2"] == (pytest.approx(places), [1.5, 2.5, 3.5, 4.5])
    chosen = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in left.lines if line.get_marker() == "o"]
    assert chosen == [(pytest.approx(places[2]), 2.9), (pytest.approx(0), 2.9)]
    assert [float(line.get_ydata()[0]) for line in right.lines if line.get_marker() == "o"] == [3.4, 3.4]
    first, second = drawn.bands(left)
    assert list(first["ends"]) == pytest.approx(list(second["ends"]))
    assert sorted(first["ends"].values()) == [pytest.approx(ends) for ends in ((0.9, 1.1), (1.8, 2.2), (2.7, 3.3))]
    assert first["colour"] == colour(0)
    assert drawn.bands(right) == []
    assert drawn.labels(left) == ("cut on the score", "expected significance Z [σ]")
    assert [axes.get_title() for axes in (left, right)] == ["background ± 10 % ± Monte Carlo", "background known exactly"]
    assert drawn.legend(left) == ["m=1", "m=2"]
    assert left.get_ylim()[0] == right.get_ylim()[0] == 0
    ticks = [tick.get_text() for tick in left.get_xticklabels()]
    assert ticks == ["0.01", "0.1", "0.5", "0.9"]


BINS = {
    "background": [100.0, 10.0],
    "signal": [1.0, 5.0],
    "background_error": [0.0, 2.0],
    "significance": [0.1, 1.2],
    "edges": [0.0, 0.912, 1.0],
}


def test_bins_are_signal_on_background_with_the_whole_uncertainty(folder, drawn):
    search._bins(folder, analysis(), {"systematic": 0.1, "chosen_on": "val"}, {"all": {"bins": BINS}}, "test")
    upper, lower = drawn.axes("search-bins")
    background, signal, alone, uncertainty = drawn.steps(upper)
    assert (background["label"], background["values"], background["edges"]) == ("QCD", [100, 10], [0.5, 1.5, 2.5])
    assert (signal["label"], signal["values"], signal["baseline"]) == ("X", [101, 15], [100, 10])
    assert (alone["values"], alone["fill"]) == ([1, 5], False)
    whole = np.array([10, 5**0.5])  # 10 % of the background, and for the second bin 2 events of Monte Carlo error
    assert uncertainty["label"] == "uncertainty"
    assert np.allclose(uncertainty["values"], np.add([100, 10], whole))
    assert np.allclose(uncertainty["baseline"], np.subtract([100, 10], whole))
    (significance,) = drawn.steps(lower)
    assert significance["values"] == [0.1, 1.2]
    assert upper.get_ylabel() == "expected events"
    assert drawn.labels(lower) == ("bins of the score", "Z [σ]")
    assert [tick.get_text() for tick in lower.get_xticklabels()] == ["0", "0.912", "1"]
    assert upper.get_yscale() == "log"
    assert drawn.legend(upper) == ["QCD", "X", "uncertainty"]


def test_bins_that_differ_by_fold_have_numbers(folder, drawn):
    bins = {**BINS, "edges": [[0.0, 0.9, 1.0], [0.0, 0.8, 1.0]]}
    search._bins(
        folder, analysis(), {"systematic": 0.1, "chosen_on": "folds", "crossed": True}, {"all": {"bins": bins}}, "folds"
    )
    assert drawn.axes("search-bins")[1].get_xlabel() == "bin of the score"


def bounds(middle):
    return {"-2": middle - 0.2, "-1": middle - 0.1, "0": middle, "1": middle + 0.15, "2": middle + 0.35}


class TestLimit:
    """The expected limit, with its bands."""

    def test_bands_and_median_stand_at_the_values_of_the_parameter(self, folder, drawn):
        rows = {"mass=750": {"limit": bounds(0.5)}, "mass=500": {"limit": bounds(2.0)}}
        search._limit(folder, analysis("mass"), rows, [750.0, 500.0])
        (axes,) = drawn.axes("search-limit")
        outer, inner = drawn.bands(axes)
        assert (outer["label"], inner["label"]) == ("± 2 σ", "± 1 σ")
        assert (outer["colour"], inner["colour"]) == ("#ffd200", "#5cb85c")
        assert outer["ends"] == {500: pytest.approx((1.8, 2.35)), 750: pytest.approx((0.3, 0.85))}
        assert inner["ends"] == {500: pytest.approx((1.9, 2.15)), 750: pytest.approx((0.4, 0.65))}
        assert drawn.lines(axes)["median, expected"] == ([500, 750], [2, 0.5])
        assert drawn.lines(axes)["signal as given"][1] == [1, 1]
        assert drawn.labels(axes) == ("mass [GeV]", "95 % CLs upper limit on the signal strength")
        assert axes.get_yscale() == "log"
        assert drawn.legend(axes) == ["± 2 σ", "± 1 σ", "median, expected", "signal as given"]

    def test_with_cross_sections_it_is_in_picobarn_beside_the_signal(self, folder, drawn):
        rows = {f"mass={m}": {"limit": bounds(9.0), "limit_pb": bounds(x), "xsec": x / 2} for m, x in ((1, 2.0), (2, 1.0))}
        search._limit(folder, analysis("mass"), rows, [1.0, 2.0])
        (axes,) = drawn.axes("search-limit")
        assert drawn.lines(axes)["median, expected"] == ([1, 2], [2, 1])
        assert drawn.lines(axes)["signal"] == ([1, 2], [1, 0.5])
        assert drawn.labels(axes)[1] == "95 % CLs upper limit on the cross section [pb]"

    def test_hypotheses_of_several_parameters_stand_side_by_side(self, folder, drawn):
        rows = {name: {"limit": bounds(middle)} for name, middle in (("m=1,w=1", 2.0), ("m=1,w=2", 1.0))}
        search._limit(folder, analysis("m", "w"), rows, None)
        (axes,) = drawn.axes("search-limit")
        assert drawn.lines(axes)["median, expected"] == ([0, 1], [2, 1])
        assert [tick.get_text() for tick in axes.get_xticklabels()] == list(rows)


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
def test_scans_are_drawn_whatever_was_compared(folder, drawn, tree, names):
    assert [picture.name for picture in search.scan_figures(folder, analysis("mass"), tree)] == names


def test_a_scan_shows_every_network_and_open_symbols_where_it_has_not_seen_the_signal(folder, drawn):
    tree = scan(("parameterised", BOTH), ("dedicated", BOTH), ("extremes", ["mass=500"]))
    list(search.scan_figures(folder, analysis("mass"), tree))
    left, right = drawn.axes("scan-auc")
    ours, dedicated, seen, unseen = drawn.points(left)
    assert np.allclose(ours["x"], [500, 750], atol=4)
    assert ours["y"] == [0.9, 0.9]
    assert np.allclose(ours["high"], [[0.89, 0.91]] * 2)
    assert len(dedicated["x"]) == 1
    assert [one["open"] for one in (ours, dedicated, seen, unseen)] == [False, False, False, True]
    assert np.allclose([seen["x"][0], unseen["x"][0]], [500, 750], atol=4)
    assert drawn.legend(left) == ["parameterised", "dedicated", "extremes"]
    assert drawn.labels(left) == ("mass [GeV]", "AUC")
    assert drawn.labels(right) == ("mass [GeV]", "AUC − that of the parameterised network")
    assert [one["y"] for one in drawn.points(right)] == [[-0.01], [-0.01], [-0.01]]
    zero = right.lines[-1]
    assert (zero.get_ydata(), zero.get_color()) == ([0, 0], colour(0))
    assert to_hex(right.lines[0].get_color()) == colour(1)


def test_a_scan_shows_significance_and_limit(folder, drawn):
    tree = scan(("parameterised", BOTH))
    for i, row in enumerate(tree["networks"]["parameterised"]["at"].values()):
        row["search"] = {**row["search"], "limit": bounds(1.0 + i)}
    list(search.scan_figures(folder, analysis("mass"), tree))
    left, right = drawn.axes("scan-search")
    (binned,) = drawn.points(left)
    assert binned["y"] == [2, 2]
    assert np.allclose(binned["high"], [[1.9, 2.1]] * 2)
    assert drawn.labels(left) == ("mass [GeV]", "significance of the binned score [σ]")
    (limit,) = drawn.points(right)
    assert limit["y"] == [1, 2]
    assert "high" not in limit
    assert drawn.labels(right) == ("mass [GeV]", "expected 95 % CLs limit on the signal strength")
    assert right.get_yscale() == "log"
    numbers = {"significance": [2, 2], "error": [0.1, 0.1], "limit": [1.0, 2.0]}
    assert drawn.numbers["scan-search"] == {"x": [500.0, 750.0], "parameterised": numbers}


def test_tables_show_what_there_is():
    tables = search.tables(scan(("parameterised", BOTH), ("without", ["mass=500"]), search=False))
    (title, header, rows) = tables[0]
    assert len(tables) == 1
    assert title.startswith("AUC")
    assert header == ["", "parameterised", "without"]
    assert rows[0] == ["mass=500", "0.900 ± 0.010", "0.900 ± 0.010"]
    assert rows[1] == ["mass=750", "0.900 ± 0.010", "–"]
    assert [row[0] for row in rows[2:]] == ["mean", "all together"]
    starred = search.tables(scan(("parameterised", ["mass=500"])))
    assert starred[0][2][1][1] == "0.900 ± 0.010 *"
    assert [table[0].split(",")[0] for table in starred[1:]] == [
        "significance of the best cut",
        "significance of the binned score",
    ]
    assert starred[1][2] == [["mass=500", "1.50 ± 0.10"], ["mass=750", "1.50 ± 0.10 *"]]
