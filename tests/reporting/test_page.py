"""The page of a run: what stands on it."""

import base64
import hashlib
import json
import re
from html import unescape

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
    rows = re.findall(r'<tr>(<th scope="row">.*?)</tr>', html)
    texts = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]
    return {row[0]: row[1:] for row in texts}


def test_a_run_without_anything_to_show_says_so(tmp_path):
    folder = RunFolder.create(tmp_path, validate(REGRESSION, "test"), "test")
    with pytest.raises(RunError, match="nothing to report"):
        page.write_report(folder)


def test_text_from_the_user_is_escaped(tmp_path):
    text = page.write_report(run(tmp_path, description="<script>alert(1)</script>")).read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_only_metrics_of_the_target_carry_its_unit(tmp_path, drawn):
    one = {"rmse": number(0.2), "r_squared": number(0.5), "trigger_rate": number(0.1)}
    html = page.write_report(run(tmp_path, metrics={"train": one, "test": {**one, "rmse": number(0.3)}})).read_text()
    table = cells(html)
    assert table["rmse [GeV]"] == ["0.200 ± 0.010", "0.300 ± 0.010", "root mean squared error"]
    assert table["r_squared"][1] == "0.500 ± 0.010"
    assert table["trigger_rate"][1] == "0.100 ± 0.010"
    assert "r_squared [" not in html
    assert "trigger_rate [" not in html
    keys = re.findall(r'<li class="first"><span>(.*?)</span><b>(.*?)</b>', html)
    assert keys == [("RMSE [GeV], test events", "0.300 ± 0.010")]


def test_a_sample_is_named_as_one(tmp_path, drawn):
    folder = run(tmp_path, metrics={"train": {"rmse": number(0.2)}, "test": {"rmse": number(0.2)}})
    folder.update_metadata(events={"train": 12345, "test": 10}, evaluated={"train": 1000, "test": 10})
    html = page.write_report(folder).read_text()
    assert '<th scope="col">train (sample)</th><th scope="col">test</th>' in html
    assert "The column train uses a random sample: 1,000 of 12,345 events." in html


def test_folds_are_told_with_the_metrics_of_their_own_events(tmp_path, drawn):
    one = {"low": 0.5, "high": 1.5, "rmse": number(0.2), "width_68": number(0.1), "bias": number(0.0)}
    metrics = {"folds": {"rmse": number(0.2), "against": {"fold": [one, {**one, "low": 1.5, "rmse": number(0.4)}]}}}
    folder = run(tmp_path, metrics=metrics, split={"folds": 2})
    rows = [
        {"fold": n, "events": 1000 * n, "train": 800, "val": 200, "best_epoch": 3, "epochs": 5, "loss": 0.25} for n in (1, 2)
    ]
    folder.write_json("folds.json", {"folds": rows})
    html = page.write_report(folder).read_text()
    assert '<th scope="col">rmse [GeV]</th><th scope="col">width_68 [GeV]</th><th scope="col">bias [GeV]</th>' in html
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
        '<section id="answer"',
        "<b>Leakage?</b> a knows the answer.",
        '<section id="data"',
        '<figure id="target">',
        '<section id="training"',
        '<figure id="learning-curves"><h3>Learning curves</h3>',
        '<section id="evaluation"',
        "<h3>Metrics</h3>",
        '<h3 id="comparison">The network and its baselines (test)</h3>',
        '<section id="search"',
        "<h3>Scan: AUC, signal",
        '<figure id="scan-auc">',
        '<section id="trust"',
        "<h3>Training against unseen events</h3>",
        '<section id="provenance"',
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


def test_the_page_allows_its_own_script_and_nothing_else(tmp_path):
    html = page.write_report(run(tmp_path)).read_text()
    policy = unescape(re.search(r'Content-Security-Policy" content="(.*?)"', html)[1])
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    script = re.search(r"<script>(.*)</script>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "script-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert "innerHTML" not in script
    assert html.count("<script") == 1


def test_the_provenance_tells_how_to_make_and_cite_the_run(tmp_path):
    folder = run(tmp_path)
    html = page.write_report(folder, citation="@misc{me}").read_text()
    assert f"fivesigma run {folder / 'analysis.yaml'} --new" in html
    assert "@misc{me}" in html
    assert json.loads((folder / "manifest.json").read_text())["files"]["analysis.yaml"][0] in html


def test_figures_can_be_downloaded_without_anything_beside_the_page(tmp_path):
    html = page.write_report(run(tmp_path)).read_text()
    figure = re.search(r'<figure id="learning-curves">.*?</figure>', html, re.DOTALL)[0]
    pdf = re.search(r'href="data:application/pdf;base64,(.*?)"', figure)[1]
    assert base64.b64decode(pdf).startswith(b"%PDF")
    table = base64.b64decode(re.search(r'href="data:text/csv;base64,(.*?)"', figure)[1]).decode()
    assert table == "epoch,loss,rmse,learning_rate,seconds\n1,1,1,0.1,1\n"
    assert 'href="plots/learning-curves.png"' in figure


def test_a_run_of_an_older_version_has_a_report(tmp_path):
    folder = run(tmp_path, metrics={"test": {"rmse": number(0.2)}})
    settings = (folder / "analysis.yaml").read_text().splitlines()
    kept = [line for line in settings if not line.startswith(("published:", "style:"))]
    folder.write_text("analysis.yaml", "\n".join(kept) + "\n")
    (folder / "manifest.json").unlink()
    metadata = folder.read_json("metadata.json")
    folder.write_json("metadata.json", {key: value for key, value in metadata.items() if key != "git"})
    assert "0.200 ± 0.010" in page.write_report(folder).read_text()


def test_a_search_alone_is_reported(tmp_path):
    folder = RunFolder.create(tmp_path, validate(REGRESSION, "test"), "test")
    trials = [{"number": 1, "setting": {"train.epochs": 3}, "epochs": 3, "value": 0.5, "seconds": 1.0, "failure": None}]
    (folder / "tune").mkdir()
    folder.write_json("tune/tune.json", {"tune": {"objective": "loss", "method": "grid"}, "trials": trials})
    html = page.write_report(folder).read_text()
    assert '<section id="tuning"' in html
    assert cells(html)["1"] == ["0.5", "3", "1", "3"]


def test_formulas_in_titles_are_written_as_such_and_stay_text(tmp_path):
    titles = {"t": "$p_T$ <b> of $\\mu^+$"}
    html = page.write_report(run(tmp_path, titles=titles, metrics={"test": {"rmse": number(0.2)}})).read_text()
    assert "Regression: what is the value of p<sub>T</sub> &lt;b&gt; of μ<sup>+</sup> [GeV] in each event?" in html
