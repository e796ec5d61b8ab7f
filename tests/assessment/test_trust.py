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
