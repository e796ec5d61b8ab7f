"""The page of a run: what stands on it."""

import json
import re

import pytest

from fivesigma.analysis.file import validate
from fivesigma.errors import RunError
from fivesigma.metrics.result import versioned
from fivesigma.reporting import page
from fivesigma.runs.folder import RunFolder

REGRESSION = {"features": ["a"], "target": {"variable": "t", "unit": "GeV"}}
ROW = '{"epoch": 1, "loss": 1.0, "rmse": 1.0, "learning_rate": 0.1, "seconds": 1.0}\n'


def run(path, *, metrics=None, **more):
    folder = RunFolder.create(path, validate({**REGRESSION, **more}, "test"), "test")
    folder.write_text("history.jsonl", ROW)
    if metrics is not None:
        folder.write_json("metrics.json", versioned(metrics))
    return folder


def number(value, error=0.01):
    return {"value": value, "error": error}


def cells(html):
    """First cell of each row → the others."""
    rows = re.findall(r"<tr>(<td>.*?)</tr>", html)
    texts = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    return {row[0]: row[1:] for row in texts}


def test_a_run_without_anything_to_show_says_so(tmp_path):
    folder = RunFolder.create(tmp_path, validate(REGRESSION, "test"), "test")
    with pytest.raises(RunError, match="nothing to report"):
        page.write_report(folder)


def test_text_from_the_user_is_escaped(tmp_path):
    text = page.write_report(run(tmp_path, description="<script>alert(1)</script>")).read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_only_metrics_of_the_target_carry_its_unit(tmp_path, drawn):
    one = {"rmse": number(0.2), "r_squared": number(0.5), "trigger_rate": number(0.1)}
    html = page.write_report(run(tmp_path, metrics={"train": one, "test": {**one, "rmse": number(0.3)}})).read_text()
    table = cells(html)
    assert table["rmse [GeV]"] == ["0.200 ± 0.010", "0.300 ± 0.010", "root mean squared error"]
    assert table["r_squared"][1] == "0.500 ± 0.010"
    assert table["trigger_rate"][1] == "0.100 ± 0.010"
    assert "r_squared [" not in html
    assert "trigger_rate [" not in html
    tiles = re.findall(r'<div class="tile"><b>(.*?)</b><span>(.*?)</span>', html)
    assert tiles == [("0.300 ± 0.010", "test rmse [GeV]")]


def test_a_sample_is_named_as_one(tmp_path, drawn):
    folder = run(tmp_path, metrics={"train": {"rmse": number(0.2)}, "test": {"rmse": number(0.2)}})
    folder.update_metadata(events={"train": 12345, "test": 10}, evaluated={"train": 1000, "test": 10})
    html = page.write_report(folder).read_text()
    assert "<th>train (sample)</th><th>test</th>" in html
    assert "The train column is for a random sample: 1,000 of 12,345 events." in html


def test_folds_are_told_with_the_metrics_of_their_own_events(tmp_path, drawn):
    one = {"low": 0.5, "high": 1.5, "rmse": number(0.2), "width_68": number(0.1), "bias": number(0.0)}
    metrics = {"folds": {"rmse": number(0.2), "against": {"fold": [one, {**one, "low": 1.5, "rmse": number(0.4)}]}}}
    folder = run(tmp_path, metrics=metrics, split={"folds": 2})
    rows = [
        {"fold": n, "events": 1000 * n, "train": 800, "val": 200, "best_epoch": 3, "epochs": 5, "loss": 0.25} for n in (1, 2)
    ]
    folder.write_json("folds.json", {"folds": rows})
    html = page.write_report(folder).read_text()
    assert "<th>rmse [GeV]</th><th>width_68 [GeV]</th><th>bias [GeV]</th>" in html
    table = cells(html)
    assert table["1"][:6] == ["1,000", "800", "200", "3 of 5", "0.25", "0.200 ± 0.010"]
    assert table["2"][5] == "0.400 ± 0.010"


def test_sections_stand_in_their_order_and_figures_in_their_sections(tmp_path, drawn):
    overtraining = {"all": {"distance": 0.1, "p_value": 0.5, "first": 100.0, "second": 50.0}}
    one = {"rmse": number(0.2), "baselines": {"trees": {"rmse": number(0.4)}}, "overtraining": overtraining}
    folder = run(tmp_path, metrics={"test": one}, parameters={"m": {}})
    explored = {
        "classes": {},
        "target": {"variable": "t", "histogram": {"edges": [0, 1, 2], "counts": [1, 2], "errors": [1, 1], "outside": 0.0}},
        "parameters": {},
        "columns": [],
        "distributions": {},
        "observers": {},
        "correlations": {"names": [], "matrix": [], "events": 0},
        "parts": {"train": {"events": 12345, "weight": 1.5, "effective_events": 10.0, "negative_share": 0.25}},
        "memory_bytes": 2e6,
        "shares": {},
        "suspicions": ["a knows the answer"],
    }
    folder.write_json("explore.json", explored)
    scanned = {"parameters": {"m": ""}, "hypotheses": {"m=1": [1.0]}}
    scanned["networks"] = {"parameterised": {"trained_on": [], "auc": number(0.9), "at": {"m=1": {"auc": number(0.9)}}}}
    (folder / "scan").mkdir()
    folder.write_json("scan/scan.json", scanned)
    told = []
    html = page.write_report(folder, lambda done, total, text: told.append(text)).read_text()
    marks = [
        "<b>Leakage?</b> a knows the answer.",
        '<section id="results">',
        "<h3>Metrics</h3>",
        "<h3>Scan: AUC, signal",
        '<h3 id="comparison">The network and its baselines (test)</h3>',
        "<h3>Training against unseen events</h3>",
        '<figure id="learning-curves"><h3>Learning curves</h3><svg></svg>',
        '<figure id="scan-auc">',
        '<section id="data">',
        '<figure id="target">',
        '<section id="setup">',
        "Resolved analysis",
    ]
    places = [html.index(mark) for mark in marks]
    assert places == sorted(places)
    assert all(html.count(mark) == 1 for mark in marks)
    table = cells(html)
    assert table["rmse [GeV]"] == ["0.200 ± 0.010", "0.400 ± 0.010"]
    assert table["m=1"] == ["0.900 ± 0.010 *"]
    assert table["train"] == ["12,345", "1.5", "10", "25 %"]
    assert told == ["drawing t", "drawing Learning curves", "drawing AUC at each hypothesis"]


def test_metrics_of_a_later_version_are_refused(tmp_path):
    folder = run(tmp_path)
    folder.write_text("metrics.json", json.dumps({"version": 99, "test": {}}))
    with pytest.raises(RunError, match="version 99"):
        page.write_report(folder)
