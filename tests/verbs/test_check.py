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
