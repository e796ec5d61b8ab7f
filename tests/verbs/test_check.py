"""The verb `check`: every key and name before anything is read."""

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
