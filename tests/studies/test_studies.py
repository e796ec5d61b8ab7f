"""The runs behind the page of physics results: the catalogue is sound, stored runs are used again, numbers are theirs."""

import pytest
from studies.__main__ import main
from studies.catalogue import GROUPS, Row
from studies.tables import bin_with, cell

import fivesigma as fs


@pytest.mark.parametrize("group", GROUPS)
def test_every_row_is_an_analysis_and_changes_something(group):
    rows = GROUPS[group]()
    analyses = [fs.load(row.analysis, row.settings).model_dump(exclude={"name", "description"}) for row in rows]
    assert all(one != other for i, one in enumerate(analyses) for other in analyses[:i])
    assert len({row.name for row in rows}) == len(rows)
    assert [row.name for row in rows if row.steps][-1] == group


def test_the_steps_end_where_the_built_in_analysis_begins():
    """The last but one row has the built-in inputs already: what is left is the network and its training."""
    for group in ("hepmass", "muon-pt"):
        rows = [row for row in GROUPS[group]() if row.steps]
        last, before = (fs.load(row.analysis, row.settings) for row in (rows[-1], rows[-2]))
        assert last.features == before.features
        assert last.parameters == before.parameters
        assert last.target == before.target


@pytest.mark.parametrize("group", ["hepmass", "muon-pt", "muon-class"])
def test_the_article_and_the_built_in_analysis_are_compared_on_equal_events(group):
    article, ours = (fs.load(row.analysis, row.settings) for row in GROUPS[group]() if not row.steps)
    assert (article.name, ours.name) == (f"{group}-article", group)
    assert article.simulate == ours.simulate
    assert (article.split.seed, article.split.test) == (ours.split.seed, ours.split.test)


def test_wrong_words_are_one_sentence(capsys):
    assert main(["hepmas"]) == 2
    assert "hepmass" in capsys.readouterr().err
    assert main(["--data", "x=y"]) == 2
    assert "GROUP.SAMPLE=FILE" in capsys.readouterr().err


def test_numbers_as_text():
    assert cell({"value": 0.9512, "error": 0.0021}) == "0.9512 ± 0.0021"
    assert cell({"value": None, "error": None}) == "–"
    assert cell(None) == "–"
    assert cell(3) == "3"
    assert bin_with([{"low": 0, "high": 2, "x": 1}, {"low": 2, "high": 4, "x": 2}], 3)["x"] == 2
    assert bin_with([{"low": 0, "high": 2}], 3) == {}


@pytest.mark.usefixtures("undrawn")
def test_a_trial_writes_the_page_and_a_second_one_trains_nothing(tmp_path, monkeypatch):
    row = Row("muon-class", "muon-class", "a trial", {"baselines": None, "train.batch_size": 4096})
    monkeypatch.setitem(GROUPS, "muon-class", lambda: [row])
    arguments = ["muon-class", "--quick", "--output", str(tmp_path / "runs"), "--page", str(tmp_path / "page.md")]
    assert main(arguments) == 0
    page = (tmp_path / "page.md").read_text()
    assert "**Simulated** by fivesigma" in page
    assert page.count("±") >= 4
    made = sorted(tmp_path.glob("runs/*/*/*"))
    assert main(arguments) == 0
    assert sorted(tmp_path.glob("runs/*/*/*")) == made
    assert (tmp_path / "page.md").read_text() == page
