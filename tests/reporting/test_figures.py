"""Figures and page on awkward numbers."""

import json
import re

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.errors import RunError
from fivesigma.reporting import data_figures, page, result_figures, style
from fivesigma.runs.folder import RunFolder

ANALYSIS = validate(
    {"features": ["a"], "target": {"variable": "t", "unit": "GeV"}, "units": {"a*": "cm"}, "titles": {"a": "length"}}, "test"
)


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path, ANALYSIS, "test")


def shape(edges, counts):
    return {"edges": list(edges), "counts": list(counts), "errors": list(np.sqrt(counts)), "outside": 0.0}


def test_labels_carry_title_and_unit():
    assert style.label(ANALYSIS, "a") == "length [cm]"
    assert style.label(ANALYSIS, "t") == "t [GeV]"
    assert style.label(ANALYSIS, "other") == "other"


def test_a_figure_is_saved_three_times_with_its_numbers(folder):
    figure, (axes,) = style.new_figure()
    axes.plot([0, 1])
    picture = style.save(folder, figure, "name", "Title", "Caption", {"x": [1, 2]})
    assert picture.svg.startswith("<svg")
    assert json.loads((folder / "plots" / "name.json").read_text()) == {"x": [1, 2]}
    assert (folder / "plots" / "name.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "plots" / "name.png").read_bytes().startswith(b"\x89PNG")


def test_ids_of_two_figures_never_meet_on_a_page(folder):
    pictures = []
    for name in ("one", "two"):
        figure, (axes,) = style.new_figure()
        axes.plot([0, 1], label="same")
        axes.legend()
        pictures.append(style.save(folder, figure, name, name, "", {}))
    ids = [set(re.findall(r'id="([^"]+)"', picture.svg)) for picture in pictures]
    assert ids[0]
    assert not ids[0] & ids[1]
    for picture, known in zip(pictures, ids, strict=True):
        used = set(re.findall(r'href="#([^"]+)"', picture.svg)) | set(re.findall(r"url\(#([^)]+)\)", picture.svg))
        assert used <= known


def test_histograms_without_entries_or_with_negative_bins_are_drawn(folder):
    with style.style():
        for counts in ([0, 0, 0], [5, -2, 3]):
            tree = {"all": {"edges": [0, 1, 2, 3], "counts": counts, "errors": [1, 1, 1], "outside": 0.0}}
            assert data_figures._one(folder, ANALYSIS, "x", tree, "a").svg


def test_metrics_that_do_not_exist_leave_gaps(folder):
    nothing = {"value": None, "error": None}
    rows = [
        {"low": 1.0, "high": 10.0, "events": 5, "rmse": {"value": 0.1, "error": 0.01}, "width_68": nothing, "bias": nothing},
        {"low": 10.0, "high": None, "events": 1, "rmse": nothing, "width_68": nothing, "bias": nothing},
    ]
    with style.style():
        assert result_figures._against(folder, ANALYSIS, "a", rows, "test").svg


def test_one_epoch_makes_a_learning_curve(folder):
    history = [{"epoch": 1, "loss": 0.5, "rmse": 1.0, "learning_rate": 0.1, "seconds": 1.0}]
    with style.style():
        assert result_figures.learning_curves(folder, history, ANALYSIS).svg


def test_numbers_in_tables_are_readable():
    assert [page._number(v) for v in (None, 12345, 12345.6, 0.000123456, 1.0)] == ["–", "12,345", "12,346", "0.0001235", "1"]


def test_a_run_without_anything_to_show_says_so(folder):
    with pytest.raises(RunError, match="nothing to report"):
        page.write_report(folder)


def test_text_from_the_user_is_escaped(folder):
    analysis = ANALYSIS.model_copy(update={"description": "<script>alert(1)</script>"})
    other = RunFolder.create(folder.path.parent, analysis, "test")
    other.write_text("history.jsonl", '{"epoch": 1, "loss": 1.0, "rmse": 1.0, "learning_rate": 0.1, "seconds": 1.0}\n')
    text = page.write_report(other).read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
