"""The figures of a run: the same ones, whichever process draws them."""

import hashlib
from pathlib import Path

import pytest

from fivesigma.reporting import figures, helper
from fivesigma.runs.folder import RunFolder


@pytest.fixture
def finished(toy, command):
    """The folder of a complete run."""
    return RunFolder(Path(command("run", toy)[1].splitlines()[-1]))


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "plots").iterdir()}


def test_a_helper_draws_the_same_figures(finished, monkeypatch):
    alone, before = figures.figures(finished), hashes(finished)
    monkeypatch.setattr(helper, "cores", lambda: 2)
    for path in (finished / "plots").iterdir():
        path.unlink()
    with helper.Helper() as second:
        second.ask(figures.prepare, finished.path, "nothing")
        second.ask(figures.draw, finished.path, "data")
        told = []
        together = figures.figures(finished, lambda done, total, text: told.append(text), second)
    assert figures.by_section(together) == figures.by_section(alone)
    assert [each.features for each in together] == [each.features for each in alone]
    assert [each.pages for each in together] == [each.pages for each in alone]
    assert hashes(finished) == before
    assert told  # this process tells what it draws itself
    assert not any("Classes" in text or "Learning" in text for text in told)
