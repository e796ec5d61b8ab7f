"""The trials of a search in the report of a run."""

import json

import pytest

from fivesigma.analysis.file import validate
from fivesigma.reporting import tuning
from fivesigma.runs.folder import RunFolder

ANALYSIS = validate({"features": ["a"], "labels": "label"}, "test")
SPACE = {"model.layers": {"choice": [[4], [8]]}, "train.learning_rate": {"float": [1e-4, 1e-1], "log": True}}


def trial(number, layers, rate, value, failure=None):
    setting = {"model.layers": layers, "train.learning_rate": rate}
    return {"number": number, "setting": setting, "epochs": 3, "value": value, "seconds": 1.5, "failure": failure}


TRIALS = [
    trial(1, [4], 1e-1, 0.7),
    trial(2, [8], 1e-4, 0.9),
    trial(3, [8], 1e-2, None, "it diverged"),
    trial(4, [4], 1e-3, 0.8),
]


@pytest.fixture
def search(tmp_path):
    folder = RunFolder.create(tmp_path, ANALYSIS, "test")
    tree = {"tune": {"method": "random", "objective": "accuracy", "space": SPACE}, "trials": TRIALS}
    (folder / "tune").mkdir()
    folder.write_text("tune/tune.json", json.dumps(tree))
    folder.write_text("tune/best.yaml", (folder / "analysis.yaml").read_text())
    return folder


def test_the_search_is_found_beside_the_run_with_its_best_settings(search, tmp_path):
    run = RunFolder.create(tmp_path, ANALYSIS, "test")
    assert tuning.search_of(run).path == search.path.absolute()
    assert tuning.search_of(search) is search
    other = RunFolder.create(tmp_path, ANALYSIS.model_copy(update={"description": "another"}), "test")
    assert tuning.search_of(other) is None


def test_trials_are_listed_from_the_best_to_the_failed_ones(search):
    section, trials = tuning.trials_of(search)
    assert [row["number"] for row in trials] == [2, 4, 1, 3]
    table = tuning.table(section, trials)
    assert table.header == ["trial", "accuracy", "epochs", "seconds", "model.layers", "train.learning_rate"]
    assert table.rows[0] == ["2", "0.9", "3", "1.5", "[8]", "0.0001"]
    assert table.rows[3][1] == "failed"
    assert "it diverged" in table.note


@pytest.mark.parametrize("text", ["{", "[]", '{"tune": {}, "trials": []}', '{"tune": {"objective": "loss"}, "trials": [1]}'])
def test_a_damaged_search_is_left_out(search, text):
    search.write_text("tune/tune.json", text)
    assert tuning.trials_of(search) == ({}, [])


def test_each_trial_is_a_line_through_its_settings_to_its_result(search, drawn, monkeypatch):
    figures = {}
    monkeypatch.setattr(tuning, "save", lambda folder, figure, *more: figures.update({more[0]: (figure, more[-1])}))
    tuning.parallel_coordinates(search, ANALYSIS, *tuning.trials_of(search))
    figure, numbers = figures["tuning"]
    lines = [line.get_ydata() for line in figure.axes[0].lines if len(line.get_ydata()) == 3]
    assert [[round(float(y), 3) for y in line] for line in lines] == [[0, 1, 0], [0, 0.333, 0.5], [1, 0, 1]]
    assert [row["trial"] for row in numbers] == [2, 4, 1]
    section, trials = tuning.trials_of(search)
    assert tuning.parallel_coordinates(search, ANALYSIS, section, trials[:1]) is None


@pytest.mark.parametrize(("low", "high"), [(0.8309, 0.8323), (0.5, 0.9), (1e-6, 1e-2)])
def test_the_marks_of_an_axis_differ(low, high):
    _, marks = tuning._axis([low, high], None)
    texts = [text for _, text in marks]
    assert len(set(texts)) == len(texts)
    assert float(texts[0]) == pytest.approx(low, rel=1e-2 * (high / low - 1))
