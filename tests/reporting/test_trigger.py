"""Figures and tables of a trigger: the numbers in them, and awkward ones."""

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.metrics.summary import as_json
from fivesigma.metrics.trigger.calibration import Calibration
from fivesigma.metrics.trigger.muons import Muons
from fivesigma.metrics.trigger.summary import judge, reductions
from fivesigma.reporting import trigger
from fivesigma.reporting.style import colour
from fivesigma.runs.folder import RunFolder

TREE = {
    "features": ["a"],
    "target": "t",
    "observers": ["pt", "eta"],
    "titles": {"eta": "|η|"},
    "evaluate": {"trigger": {"pt": "pt", "eta": "eta", "thresholds": [5], "threshold": 20, "eta_bins": [1, 2, 3]}},
    "baselines": {"a-table": {"kind": "lookup_table", "address": {"a": 2}}},
}


def analysis(**more):
    return validate({**TREE, "evaluate": {"trigger": {**TREE["evaluate"]["trigger"], **more}}}, "test")


SETTINGS = analysis().evaluate.trigger


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def muons(n=400, seed=1, eta=True, charge=True):
    generator = np.random.default_rng(seed)
    true = generator.uniform(1 / 100, 1 / 2, n) * generator.choice([-1, 1], n)
    curvature = true * (1 + 0.2 * generator.normal(size=n))
    extra = (curvature, true) if charge else (None, None)
    return Muons(
        1 / np.abs(curvature),
        1 / np.abs(true),
        np.ones(n),
        np.arange(n, dtype=np.uint64),
        generator.uniform(1, 2, n) if eta else None,
        *extra,
    )


def results(analysis, **more):
    """`metrics.json` and `curves.json` of a network and a baseline, as they would be read."""
    settings = analysis.evaluate.trigger
    ours, other = (judge(Calibration(muons(seed=s, **more), muons(seed=s + 5, **more), 0.9), settings, 20) for s in (1, 2))
    gain = reductions(ours, {"a-table": other}, settings)["a-table"]
    others = {**other.metrics, **{key: value for key, value in gain.items() if key != "curve"}}
    metrics = {"test": {"trigger": ours.metrics, "baselines": {"a-table": {"trigger": others}}}}
    drawn = {"trigger": {**other.curves, "rate_reduction": gain["curve"]}}
    return as_json(metrics), as_json({"test": {"trigger": ours.curves, "baselines": {"a-table": drawn}}})


@pytest.mark.parametrize("more", [{}, {"eta": False, "charge": False}], ids=["all", "least"])
def test_every_figure_there_are_numbers_for_is_drawn(folder, drawn, more):
    settings = analysis(**({"eta": None} if more.get("eta") is False else {}))
    metrics, curves = results(settings, **more)
    names = [picture.name for picture in trigger.figures(folder, settings, curves)]
    assert names[:3] == ["turn-on", "turn-on-models", "trigger-rate"]
    assert ("efficiency-eta" in names) == ("resolution-eta" in names) == more.get("eta", True)
    assert ("wrong-charge" in names) == more.get("charge", True)
    titles = [table.title for table in trigger.tables(metrics, settings)]
    assert any("charge" in title for title in titles) == more.get("charge", True)


def share(value, low, high):
    return {"value": value, "low": low, "high": high}


ROWS = [
    {"low": 0.0, "high": 4.0, "share": share(0.0, 0.0, 0.1)},
    {"low": 4.0, "high": 9.0, "share": share(0.5, 0.3, 0.75)},
    {"low": 9.0, "high": 16.0, "share": share(None, None, None)},
    {"low": 16.0, "high": 25.0, "share": share(1.0, 0.9, 1.0)},
]
LATER = [{**row, "share": share(0.25, 0.2, 0.35)} for row in ROWS]


class TestTurnOn:
    """Shares accepted against the true momentum."""

    def test_points_stand_in_their_bins_with_the_intervals_of_the_shares(self, folder, drawn):
        trigger._turn_on(folder, {"turn_on": {"5": ROWS, "20": LATER}}, SETTINGS, "test")
        (axes,) = drawn.axes("turn-on")
        five, twenty = drawn.points(axes)
        assert five["x"] == pytest.approx([2, 6, 20])  # geometric means; the first bin counts from a quarter of its end
        assert five["y"] == [0, 0.5, 1]
        assert np.allclose(five["high"], [[0, 0.1], [0.3, 0.75], [0.9, 1]])
        assert np.allclose(five["wide"], [[0, 4], [4, 9], [16, 25]])
        assert twenty["y"] == [0.25] * 4
        assert drawn.legend(axes) == ["5 GeV", "20 GeV"]
        assert axes.get_legend().get_title().get_text() == "threshold"
        assert drawn.labels(axes) == ("true pT [GeV]", "efficiency")
        assert axes.get_xscale() == "log"
        assert [line.get_ydata() for line in axes.lines if line.get_linestyle() == ":"] == [[0.9, 0.9]]

    def test_models_are_compared_at_one_threshold_on_both_scales(self, folder, drawn):
        every = {"network": {"turn_on": {"5": ROWS, "20": ROWS}}, "a-table": {"turn_on": {"20": LATER}}}
        picture = trigger._turn_on_models(folder, every, SETTINGS, "test")
        assert picture.title == "Turn-on at 20 GeV (test)"
        left, right = drawn.axes("turn-on-models")
        for axes in (left, right):
            ours, other = drawn.points(axes)
            assert (ours["label"], ours["y"]) == ("network", [0, 0.5, 1])
            assert (other["label"], other["y"]) == ("a-table", [0.25] * 4)
            dotted = [line.get_xdata() for line in axes.lines if line.get_linestyle() == ":"]
            assert [20, 20] in dotted
        assert [left.get_yscale(), right.get_yscale()] == ["linear", "log"]
        assert drawn.legend(left) == ["network", "a-table"]


RATE = {"threshold": [5.0, 10.0, 20.0], "rate": [0.5, 0.2, 0.1], "error": [0.05, 0.02, 0.01]}
RATIO = {"threshold": [5.0, 10.0, 20.0], "ratio": [1.5, 2.0, None], "error": [0.1, 0.2, None]}


@pytest.mark.parametrize(("total", "label"), [(None, "rate [share of all muons]"), (500, "rate [kHz]")])
def test_rates_have_bands_of_their_errors_and_ratios_below(folder, drawn, total, label):
    settings = analysis(total_rate=total).evaluate.trigger
    twice = {**RATE, "rate": [1.0, 0.4, 0.2]}
    trigger._rates(
        folder, {"network": {"rate": RATE}, "a-table": {"rate": twice, "rate_reduction": RATIO}}, settings, "test"
    )
    top, bottom = drawn.axes("trigger-rate")
    assert drawn.lines(top) == {"network": (RATE["threshold"], RATE["rate"]), "a-table": (RATE["threshold"], twice["rate"])}
    ours, other = drawn.bands(top)
    assert ours["ends"] == {x: pytest.approx((0.9 * y, 1.1 * y)) for x, y in zip(*drawn.lines(top)["network"], strict=True)}
    assert other["ends"][5] == pytest.approx((0.95, 1.05))
    assert (ours["colour"], other["colour"]) == (colour(0), colour(1))
    ratio = drawn.lines(bottom)["a-table"]
    assert ratio[1][:2] == [1.5, 2]
    assert np.isnan(ratio[1][2])
    (band,) = drawn.bands(bottom)
    assert band["ends"][10] == pytest.approx((1.8, 2.2))
    assert top.get_ylabel() == label
    assert drawn.labels(bottom) == ("threshold [GeV]", "rate / network's")
    assert drawn.legend(top) == ["network", "a-table"]
    assert [top.get_yscale(), bottom.get_yscale()] == ["log", "linear"]


def test_rates_without_a_rival_have_no_panel_for_ratios(folder, drawn):
    picture = trigger._rates(folder, {"network": {"rate": RATE}}, SETTINGS, "test")
    (axes,) = drawn.axes("trigger-rate")
    assert drawn.labels(axes) == ("threshold [GeV]", "rate [share of all muons]")
    assert "Below" not in picture.caption


def test_efficiency_against_eta_is_that_of_every_threshold_and_of_every_model(folder, drawn):
    rows = [
        {"low": 1.0, "high": 2.0, "share": share(0.95, 0.9, 0.97)},
        {"low": 2.0, "high": 3.0, "share": share(0.9, 0.8, 1.0)},
    ]
    other = [{**row, "share": share(0.85, 0.8, 0.9)} for row in rows]
    every = {"network": {"efficiency_eta": {"5": rows, "20": other}}, "a-table": {"efficiency_eta": {"5": rows, "20": rows}}}
    trigger._efficiency_eta(folder, analysis(), every, SETTINGS, "test")
    left, right = drawn.axes("efficiency-eta")
    assert [(one["label"], one["y"]) for one in drawn.points(left)] == [("5 GeV", [0.95, 0.9]), ("20 GeV", [0.85, 0.85])]
    assert [(one["label"], one["y"]) for one in drawn.points(right)] == [("network", [0.85, 0.85]), ("a-table", [0.95, 0.9])]
    first = drawn.points(left)[0]
    assert first["x"] == [1.5, 2.5]
    assert np.allclose(first["high"], [[0.9, 0.97], [0.8, 1]])
    assert drawn.labels(left) == drawn.labels(right) == ("|η|", "efficiency above the threshold")
    assert [axes.get_title() for axes in (left, right)] == ["the network", "all models at 20 GeV"]


def test_each_number_of_the_resolution_has_a_panel(folder, drawn):
    def row(low, high, value):
        numbers = {name: {"value": value + i, "error": 0.1} for i, name in enumerate(("core", "width_68", "median"))}
        return {"low": low, "high": high, **numbers, "tail_high": {"value": None, "error": None}}

    every = {"network": {"resolution_eta": [row(1.0, 2.0, 0.2), row(2.0, 3.0, 0.4)]}}
    trigger._resolution(folder, every, "resolution_eta", "|η|", "test")
    panels = drawn.axes("resolution-eta")
    names = ["Gaussian core", "half of the central 68 %", "median", "upper tail"]
    assert [drawn.labels(axes) for axes in panels] == [("|η|", f"{name} of ΔpT/pT") for name in names]
    for i, axes in enumerate(panels[:3]):
        (one,) = drawn.points(axes)
        assert (one["x"], one["y"]) == ([1.5, 2.5], [0.2 + i, 0.4 + i])
        assert np.allclose(one["high"], [[0.1 + i, 0.3 + i], [0.3 + i, 0.5 + i]])
    assert drawn.points(panels[3])[0]["y"] == []
    assert [axes.get_ylim()[0] == 0 for axes in panels] == [True, True, False, True]


def test_bins_without_a_wrong_charge_are_left_out(folder, drawn):
    trigger._charge(folder, {"network": {"wrong_charge": ROWS}, "a-table": {}, "other": {"wrong_charge": LATER}}, "test")
    (axes,) = drawn.axes("wrong-charge")
    ours, other = drawn.points(axes)
    assert ours["y"] == [0.5, 1]
    assert other["y"] == [0.25] * 4
    assert drawn.legend(axes) == ["network", "other"]
    assert other["label"] == "other"
    assert axes.lines[-1].get_color() == colour(2)  # a model keeps its colour where another has no charge
    assert drawn.labels(axes) == ("true pT [GeV]", "share with the wrong charge")
    assert axes.get_yscale() == "log"


def test_tables_show_values_with_their_errors_and_units():
    settings = analysis(total_rate=500)
    metrics, _ = results(settings)
    found = {table.title: table for table in trigger.tables(metrics, settings)}
    table = found["Trigger at 20 GeV (test)"]
    scale = ["scale: rate [kHz]", "scale: rate / network's", "scale: efficiency"]
    assert table.header == ["model", "rate [kHz]", "rate / network's", *scale, "plateau"]
    assert [row[0] for row in table.rows] == ["network", "a-table"]
    assert (table.rows[0][2], table.rows[0][4]) == ("–", "–")
    assert "±" in table.rows[1][2]
    assert "+" in table.rows[1][5]
    assert table.rows[1][2] != table.rows[1][4]
    assert "pT⁻³·⁵" in table.note
    assert "passed by 90 % of these muons within 10 % of 20 GeV" in table.note
    assert "pile-up" not in table.note
    rates = found["Rates at every threshold (test)"]
    assert rates.header[1:] == ["network's rate [kHz]", "scale: rate [kHz]", "a-table / network", "scale: a-table / network"]
    assert [row[0] for row in rates.rows] == ["5 GeV", "20 GeV"]
    assert rates.rows[1][1:] == [table.rows[0][1], table.rows[0][3], table.rows[1][2], table.rows[1][4]]
    assert list(found) == [
        "Trigger at 20 GeV (test)",
        "Rates at every threshold (test)",
        "The network's efficiency (test)",
        "Resolution ΔpT/pT (test)",
        "Resolution Δ(q/pT) in 1/GeV, and charge (test)",
    ]


def test_a_simulated_trigger_says_what_is_not_simulated():
    settings = validate({**TREE, "simulate": {"process": "muons", "events": 100}}, "test")
    note = trigger.tables(results(settings)[0], settings)[0].note
    assert "no pile-up, fake or displaced muons" in note


def test_results_without_a_measured_efficiency_have_dashes():
    """As earlier versions wrote them."""
    metrics, _ = results(analysis())
    for one in (metrics["test"], metrics["test"]["baselines"]["a-table"]):
        own = one["trigger"]
        for key in ("rate_reduction_measured", "rate_reductions_measured"):
            own.pop(key, None)
        for row in own["thresholds"].values():
            del row["rate_measured"]
    table, rates, *_ = trigger.tables(metrics, analysis())
    assert [row[1:3] for row in table.rows] == [["–", "–"]] * 2
    assert [row[1] for row in rates.rows] == ["–", "–"]


def test_the_resolution_is_told_with_its_tails_and_the_charge():
    width = {"median": 0.01, "core": 0.2, "width_68": 0.3, "tail_low": 0.04, "tail_high": 0.05}
    tree = {name: {"value": value, "error": 0.01} for name, value in width.items()}
    one = {"resolution": tree, "resolution_q_over_pt": tree, "wrong_charge": share(0.02, 0.01, 0.04)}
    momentum, charge = trigger._resolutions({"trigger": one}, "test")
    assert momentum.rows == [["network", *(f"{value:.3f} ± 0.010" for value in width.values())]]
    assert charge.rows == [["network", "0.020 +0.020 −0.010", *momentum.rows[0][2:]]]
    assert charge.header[1] == "wrong charge"


def test_without_a_trigger_there_is_nothing_to_draw(folder, drawn):
    settings = validate({"features": ["a"], "target": "t"}, "test")
    assert list(trigger.figures(folder, settings, {"test": {}})) == []
    assert trigger.tables({"test": {}}, settings) == []
