"""The verb `compare`: two runs side by side."""

import pytest


@pytest.mark.usefixtures("undrawn")
def test_compare_shows_what_differs(toy, command):
    first = command("run", toy)[1].splitlines()[-1]
    second = command("run", toy, "--set", "train.epochs=1")[1].splitlines()[-1]
    code, out, _ = command("compare", first, second)
    assert code == 0
    assert "train.epochs" in out
    assert "test auc" in out
