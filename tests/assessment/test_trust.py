"""What is said of the scores beside the metrics."""

import numpy as np
import pytest

from fivesigma.analysis.file import validate
from fivesigma.assessment.trust import Trust
from fivesigma.runs.folder import RunFolder
from fivesigma.scores import Scores

TREE = {
    "features": ["x"],
    "labels": {"variable": "y", "names": ["QCD", "X"]},
    "observers": ["f26"],
    "titles": {"f26": "m_WWbb"},
    "evaluate": {"sculpting": ["f26"]},
}


@pytest.mark.parametrize("known", [True, False])
def test_a_score_that_shapes_the_background_is_said_by_the_title_of_the_observer(tmp_path, known):
    generator = np.random.default_rng(1)
    target = generator.integers(0, 2, 4000)
    mass = generator.normal(0, 1, 4000)
    score = 1 / (1 + np.exp(-(2 * target - 1 + (1.5 * mass if known else 0) + generator.normal(0, 1, 4000))))
    trust = Trust(RunFolder(tmp_path), validate(TREE, "test"))
    scores = Scores(score.astype(np.float32), target, np.ones(4000), ("QCD", "X"), observers={"f26": mass})
    trust.add("train", scores)
    trust.add("test", scores)
    found = trust.sentences()
    assert len(found) == known
    if known:
        assert "sculpts the background: its distribution of m_WWbb" in found[0]


def test_a_cut_that_no_background_passes_is_no_comparison(tmp_path):
    generator = np.random.default_rng(1)
    target = generator.integers(0, 2, 400)
    trust = Trust(RunFolder(tmp_path), validate(TREE, "test"))
    scores = Scores(
        target.astype(np.float32), target, np.ones(400), ("QCD", "X"), observers={"f26": generator.normal(0, 1, 400)}
    )
    trust.add("train", scores)
    trust.add("test", scores)
    assert trust.sentences() == []


def test_at_a_hypothesis_the_cut_is_passed_by_half_of_its_own_signal(tmp_path):
    generator = np.random.default_rng(2)
    target, mass = generator.integers(0, 2, 4000), generator.choice([500.0, 900.0], 4000)
    score = generator.uniform(0, 0.5, 4000) + 0.5 * (mass > 600)
    columns = {"parameters": mass[:, None].astype(np.float32), "parameter_names": ("mass",)}
    at = {(value,): score.astype(np.float32) for value in (500.0, 900.0, 1300.0)}
    # What is not tested at a hypothesis may have no score there.
    at[900.0,] = np.where((target == 1) & (mass < 600), np.nan, at[900.0,]).astype(np.float32)
    scores = Scores(score.astype(np.float32), target, np.ones(4000), ("QCD", "X"), **columns, at_hypothesis=at)
    scores.observers["f26"] = generator.normal(size=4000)
    found = Trust(RunFolder(tmp_path), validate(TREE, "test")).add("train", scores).metrics["sculpting"]["f26"]
    assert list(found) == ["mass=500", "mass=900"]  # there is no signal of 1300
    for value, row in zip((500, 900), found.values(), strict=True):
        assert np.mean(score[(target == 1) & (mass == value)] >= row["cut"]) == pytest.approx(0.5, abs=0.01)
        assert np.isfinite(row["divergence"].value)
