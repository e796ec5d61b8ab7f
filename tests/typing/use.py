"""A script of a user, checked by mypy --strict as it would be from outside: `make types`. It is never run."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import fivesigma as fs


class Lines(fs.Listener):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def use() -> None:
    """Call what a user calls, and say what comes back."""
    analysis = assert_type(fs.load("hepmass"), fs.Analysis)
    run = assert_type(fs.run(analysis, {"train.epochs": 2}, workers=2), fs.Run)
    assert_type(fs.train("my.yaml", model=lambda inputs: None), fs.Run)
    assert_type(fs.evaluate(run), fs.Run)
    assert_type(fs.report(run, pdf=True), Path)
    assert_type(fs.scan(run), fs.Run)
    assert_type(fs.tune("my.yaml"), fs.Run)
    assert_type(fs.explore("my.yaml"), fs.Run)
    assert_type(fs.prepare("my.yaml", destination="shards"), Path)
    assert_type(fs.predict(run, "new.root", "scored.root", keep=True), int)
    assert_type(fs.package(run, "run.zip"), Path)
    assert_type(fs.simulate("muons", "muons.npz", events=1000), Path)
    assert_type(fs.read("my.yaml"), fs.Events)
    assert_type(fs.builtin_names(), list[str])
    assert_type(run.metrics, dict[str, Any])
    assert_type(fs.compare(run, run), dict[str, Any])

    score: NDArray[np.float64] = np.linspace(0, 1, 4)
    area = fs.metrics.auc(score, np.array([0, 1, 0, 1]), np.ones(4))
    assert_type(area.value, float)
    assert_type(area.error, float)

    description = fs.describe("events.root")
    assert_type(description.columns[0].name, str)
    network = run.network()
    assert_type(network.score(np.zeros((2, 3), np.float32)), NDArray[np.float32])

    try:
        fs.check("my.yaml", listener=Lines())
    except fs.FivesigmaError as error:
        assert_type(error.what, str)
