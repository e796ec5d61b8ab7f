"""Which run a command works on."""

import json
import os
from pathlib import Path

import pytest

from fivesigma.analysis.file import load
from fivesigma.runs.context import RunContext
from fivesigma.runs.folder import MARKER, RunFolder
from fivesigma.runs.session import RunSession


def test_a_run_that_is_continued_belongs_to_the_command_before_its_events_are_read(toy, monkeypatch):
    monkeypatch.chdir(toy.parent)
    analysis, context = load(toy), RunContext.of("runs", None)
    stopped = RunFolder.create(Path("runs"), analysis, "a run that was killed")
    (stopped.path / MARKER).write_text(json.dumps({"step": "explore", "pid": 2**22 + 1, "host": os.uname().nodename}))
    first = RunSession.start(analysis, context, needs="run")
    assert first.folder.path == stopped.path
    marker = json.loads((stopped.path / MARKER).read_text())
    assert (marker["step"], marker["pid"]) == ("explore", os.getpid())
    # For another process the marker is that of a living one.
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert RunSession.start(analysis, context, needs="run").folder.path != stopped.path


@pytest.mark.parametrize("step", ["explore", "train"])
def test_a_finished_run_gets_no_mark_by_being_looked_at(toy, monkeypatch, step):
    monkeypatch.chdir(toy.parent)
    analysis, context = load(toy), RunContext.of("runs", None)
    made = RunFolder.create(Path("runs"), analysis, "a run of which the first step is done")
    made.finish()
    assert RunSession.start(analysis, context, needs=step).folder.unfinished is None


@pytest.mark.parametrize(("step", "goes_on"), [("train", True), ("baselines", True), ("evaluate", False)])
def test_a_training_that_was_stopped_at_its_baselines_goes_on(toy, monkeypatch, step, goes_on):
    """The network is there already; a run that was stopped later has nothing left to train."""
    monkeypatch.chdir(toy.parent)
    analysis, context = load(toy), RunContext.of("runs", None)
    stopped = RunFolder.create(Path("runs"), analysis, "a training that was killed")
    stopped.write_text("model.keras", "")
    (stopped.path / MARKER).write_text(json.dumps({"step": step, "pid": 2**22 + 1, "host": os.uname().nodename}))
    assert (RunSession.start(analysis, context, needs="train").folder.path == stopped.path) == goes_on
