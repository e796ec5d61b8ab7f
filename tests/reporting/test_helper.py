"""A second process that draws: whatever becomes of it, what was asked for is drawn."""

import os
import time

import pytest
from drawers import NAME, die, fail, note

from fivesigma.cluster.local import LocalProcesses
from fivesigma.reporting import helper as module
from fivesigma.reporting.helper import Helper


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(module, "cores", lambda: 2)
    monkeypatch.setattr(module, "registered_here", list)  # whatever other tests of this process have registered
    monkeypatch.setenv("FIVESIGMA_TESTS_PROCESS", str(os.getpid()))


def processes(path):
    return [line.split() for line in (path / NAME).read_text().splitlines()]


def test_another_process_draws_each_group_once(tmp_path):
    with Helper() as helper:
        helper.ask(note, tmp_path, "data")
        helper.wait()
        helper.ask(note, tmp_path, "data")
        helper.ask(note, tmp_path, "more")
        assert [helper.answer(note, tmp_path, group) for group in ("data", "more")] == ["data", "more"]
    groups, drawers = zip(*processes(tmp_path), strict=True)
    assert groups == ("data", "more")
    assert len(set(drawers)) == 1
    assert drawers[0] != str(os.getpid())
    with pytest.raises(ProcessLookupError):  # nothing is left behind
        os.kill(int(drawers[0]), 0)


@pytest.mark.parametrize("reason", ["one process wanted", "one core", "a kind that the script registered"])
def test_this_process_draws_where_no_other_can(reason, tmp_path, monkeypatch):
    if reason == "one core":
        monkeypatch.setattr(module, "cores", lambda: 1)
    if reason.startswith("a kind"):
        monkeypatch.setattr(module, "registered_here", lambda: ["metric 'mine'"])
    with Helper(workers=1 if reason == "one process wanted" else None) as helper:
        helper.ask(note, tmp_path, "data")
        assert not (tmp_path / NAME).exists()
        assert helper.answer(note, tmp_path, "data") == "data"
    assert processes(tmp_path) == [["data", str(os.getpid())]]


def test_if_the_other_process_dies_this_one_draws(tmp_path):
    with Helper() as helper:
        helper.ask(die, tmp_path, "data")
        assert helper.answer(die, tmp_path, "data") == "data"
        helper.ask(note, tmp_path, "more")
        assert helper.answer(note, tmp_path, "more") == "more"
    assert processes(tmp_path) == [["data", str(os.getpid())], ["more", str(os.getpid())]]


def test_a_process_that_dies_again_and_again_is_given_up(tmp_path):
    with Helper() as helper:
        for group in "abcde":
            helper.ask(die, tmp_path, group)
            time.sleep(0.3)  # meanwhile it dies
        assert [helper.answer(die, tmp_path, group) for group in "abcde"] == list("abcde")
    assert {process for _, process in processes(tmp_path)} == {str(os.getpid())}


def test_without_a_second_process_everything_is_drawn_here(tmp_path, monkeypatch):
    def start(self):
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(LocalProcesses, "_hire", start)
    with Helper() as helper:
        helper.ask(note, tmp_path, "data")
        helper.wait()
        assert helper.answer(note, tmp_path, "data") == "data"


def test_what_cannot_be_drawn_is_an_error_of_this_process(tmp_path):
    with Helper() as helper:
        helper.ask(fail, tmp_path, "data")
        helper.wait()  # a training that only waits goes on
        with pytest.raises(ValueError, match="no data") as error:
            helper.answer(fail, tmp_path, "data")
    assert not hasattr(error.value, "__notes__")
    assert processes(tmp_path)[-1][1] == str(os.getpid())


def test_what_nobody_asked_for_is_drawn_here(tmp_path):
    with Helper() as helper:
        assert helper.answer(note, tmp_path, "data") == "data"
    assert processes(tmp_path) == [["data", str(os.getpid())]]
