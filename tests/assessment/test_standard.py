"""The standard metrics of every part."""

import numpy as np
from numpy.testing import assert_allclose

from fivesigma.analysis.file import validate
from fivesigma.assessment.standard import StandardMetrics
from fivesigma.scores import Scores


def test_residuals_of_all_parts_share_their_edges():
    assessment = StandardMetrics(validate({"features": ["x"], "target": "t"}, "test"))
    generator = np.random.default_rng(1)
    edges = []
    for part, width in (("train", 1.0), ("val", 1.3), ("test", 2.0)):
        target = generator.normal(0, 1, 500)
        scores = Scores((target + width * generator.normal(0, 1, 500)).astype(np.float32), target, np.ones(500))
        edges.append(assessment.add(part, scores).curves["residual"]["edges"])
    assert edges[0] == edges[1] == edges[2]
    assert_allclose(edges[0][-1], 6, rtol=0.15)


def test_classes_are_judged_at_the_composition_of_the_training():
    analysis = validate({"features": ["x"], "labels": {"variable": "y", "names": ["QCD", "X"]}}, "test")
    target = np.arange(400) % 4 == 0
    scores = Scores(np.where(target, 0.8, 0.2).astype(np.float32), target.astype(int), np.ones(400), ("QCD", "X"))
    found = StandardMetrics(analysis, [0.5, 0.5]).add("test", scores).metrics["training_balance"]
    assert found["shares"] == {"QCD": 0.5, "X": 0.5}
    assert_allclose(found["log_loss"].value, -np.log(0.8), rtol=1e-6)
    assert_allclose(found["log_loss_of_constant"].value, np.log(2))
    assert_allclose(found["gain"].value, np.log(2) + np.log(0.8), rtol=1e-6)


def test_bins_in_which_no_event_is_are_said():
    analysis = {"features": ["x"], "labels": "y", "observers": ["m"], "evaluate": {"against": {"m": [50, 60, 70]}}}
    generator = np.random.default_rng(1)

    def sentences(scale):
        assessment = StandardMetrics(validate(analysis, "test"))
        for part in ("train", "test"):
            mass, target = scale * generator.uniform(0.05, 0.07, 100), np.arange(100) % 2
            score = generator.uniform(0, 1, 100).astype(np.float32)
            assessment.add(part, Scores(score, target, np.ones(100), ("background", "signal"), observers={"m": mass}))
        return assessment.sentences()

    assert sentences(1000) == []
    (said,) = sentences(1)
    assert said.startswith("no event has m between 50 and 70, the bins of evaluate.against: its values lie between 0.05")
    assert said.endswith("perhaps in another unit")
