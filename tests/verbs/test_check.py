"""The verb `check`: every key and name before anything is read."""

from pathlib import Path

import pytest

import fivesigma as fs


def test_check_reads_the_names_in_the_files(toy, command):
    assert command("check", toy)[0] == 0
    code, _, err = command("check", toy, "--set", "observers=[summ]")
    assert code == 2
    assert "'sum'" in err


@pytest.mark.parametrize("name", fs.builtin_names())
def test_every_built_in_analysis_is_valid(name):
    assert fs.load(name).features


def test_a_title_that_is_no_formula_is_a_warning(toy, command):
    code, out, err = command("check", toy, "--set", "titles.x0=$x_0$", "--set", "titles.x1=$x_{1$", "--set", "units.x2=$^$")
    assert (code, err) == (0, "")
    for text in ("$x_{1$", "$^$"):
        assert f"warning: {text!r} is no formula that can be drawn, so figures show it as it is written" in out
    assert "'$x_0$'" not in out


def test_a_file_without_events_and_a_selection_that_leaves_none_are_said(toy, command):
    head = Path("train.csv").read_text().splitlines()[0]
    Path("empty.csv").write_text(head + "\n")
    code, out, err = command("check", toy, "--data", "test=empty.csv")
    assert (code, "empty.csv has no events" in out) == (0, True), out + err
    code, out, err = command("check", toy, "--set", "selection=x0 > 1000")
    assert (code, "none of the first 1,500 events of" in out) == (0, True), out + err
