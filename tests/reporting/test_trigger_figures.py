"""Figures and tables of a trigger on awkward numbers."""

import json

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.metrics.summary import as_json
from fivesigma.metrics.trigger.calibration import Calibration
from fivesigma.metrics.trigger.muons import Muons
from fivesigma.metrics.trigger.summary import judge, reductions
from fivesigma.reporting import style
from fivesigma.reporting import trigger_figures as trigger_figures_module
from fivesigma.reporting.comparison_tables import comparison_tables
from fivesigma.reporting.trigger_figures import trigger_figures
from fivesigma.runs.folder import RunFolder

TREE = {
    "features": ["a"],
    "target": "t",
    "observers": ["pt", "eta"],
    "evaluate": {"trigger": {"pt": "pt", "eta": "eta", "thresholds": [5], "threshold": 20, "eta_bins": [1, 2, 3]}},
    "baselines": {"a-table": {"kind": "lookup_table", "address": {"a": 2}}},
}


def not_written(folder, figure, name, title, caption, numbers):
    """The figures of a whole run are drawn and written by the tests of journeys."""
    json.dumps(numbers, allow_nan=False)
    return style.Picture(name, title, caption, "")


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
    others = {**other.metrics, "rate_reduction": gain["rate_reduction"], "rate_reductions": gain["rate_reductions"]}
    metrics = {"test": {"trigger": ours.metrics, "baselines": {"a-table": {"trigger": others}}}}
    drawn = {"trigger": {**other.curves, "rate_reduction": gain["curve"]}}
    return as_json(metrics), as_json({"test": {"trigger": ours.curves, "baselines": {"a-table": drawn}}})


@pytest.mark.parametrize("more", [{}, {"eta": False, "charge": False}], ids=["all", "least"])
def test_every_figure_there_are_numbers_for_is_drawn(tmp_path, monkeypatch, more):
    monkeypatch.setattr(trigger_figures_module, "save", not_written)
    trigger = {**TREE["evaluate"]["trigger"], **({"eta": None} if more.get("eta") is False else {})}
    analysis = validate({**TREE, "evaluate": {"trigger": trigger}}, "test")
    metrics, shapes = results(analysis, **more)
    with style.style():
        names = [picture.name for picture in trigger_figures(RunFolder(tmp_path), analysis, shapes)]
    assert names[:3] == ["turn-on", "turn-on-models", "trigger-rate"]
    assert ("efficiency-eta" in names) == ("resolution-eta" in names) == more.get("eta", True)
    assert ("wrong-charge" in names) == more.get("charge", True)
    titles = [table.title for table in comparison_tables(metrics, analysis)]
    assert any("charge" in title for title in titles) == more.get("charge", True)


def test_tables_show_values_with_their_errors_and_units():
    analysis = validate({**TREE, "evaluate": {"trigger": {**TREE["evaluate"]["trigger"], "total_rate": 500}}}, "test")
    metrics, _ = results(analysis)
    table = next(table for table in comparison_tables(metrics, analysis) if table.title == "Trigger at 20 GeV (test)")
    assert table.header[1] == "rate [kHz]"
    assert [row[0] for row in table.rows] == ["network", "a-table"]
    assert table.rows[0][2] == "–"
    assert "±" in table.rows[1][2]
    assert "+" in table.rows[1][3]


def test_without_a_trigger_there_is_nothing_to_draw(tmp_path):
    analysis = validate({"features": ["a"], "target": "t"}, "test")
    assert list(trigger_figures(RunFolder(tmp_path), analysis, {"test": {}})) == []
    assert comparison_tables({"test": {}}, analysis) == []
