"""Boosted trees as logic: conifer's trees are LightGBM's, and its estimate counts their nodes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fivesigma import extras
from fivesigma.baselines.base import Sample
from fivesigma.baselines.boosted_trees import BoostedTrees, grow
from fivesigma.baselines.logic import cost_of, ensemble
from fivesigma.errors import MissingExtra

STUMP = {
    "split_feature": 1,
    "threshold": 0.5,
    "left_child": {"leaf_value": -1.0},
    "right_child": {
        "split_feature": 0,
        "threshold": 2.0,
        "left_child": {"leaf_value": 3.0},
        "right_child": {"leaf_value": 4.0},
    },
}


def structures_of(trees):
    return [tree["tree_structure"] for tree in trees._booster.dump_model()["tree_info"]]


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_conifer_adds_the_leaves_that_lightgbm_adds(classes):
    conifer = extras.conifer()
    generator = np.random.default_rng(1)
    x = generator.normal(size=(1500, 4)).astype(np.float32)
    target = x[:, 0] * x[:, 1] + 0.3 * generator.normal(size=1500)
    target = np.digitize(target, np.quantile(target, np.arange(1, classes) / classes)) if classes else target
    settings = BoostedTrees(kind="boosted_trees", rounds=12, leaves=9)
    trees = grow(Sample(x, target, np.ones(1500)), None, settings, classes)
    outputs = classes if classes > 2 else 1
    model = conifer.model.ModelBase(ensemble(structures_of(trees), outputs, 4))
    some = x[:200].astype(np.float64)
    assert_allclose(model.decision_function(some), trees._booster.predict(some, raw_score=True), atol=1e-6)
    cost = trees.cost()
    assert cost["trees"] == 12 * outputs
    assert cost["nodes"] == 12 * outputs * (2 * 9 - 1)  # a tree of n leaves has n − 1 decisions
    assert cost["nodes"] == model.n_nodes()
    assert cost["depth"] == max(tree.max_depth() for round_ in model.trees for tree in round_)


def test_the_estimate_is_that_of_conifer_for_vhdl():
    cost = cost_of([STUMP] * 20, 1, 2)
    assert {key: cost[key] for key in ("trees", "nodes", "depth")} == {"trees": 20, "nodes": 100, "depth": 2}
    assert cost["luts"] == round(-54.69561067 + 8.03061793 * 20 + 13.99964128 * 100)
    assert cost["cycles"] == 2 + 2 + 5  # a level of comparisons each, then sums of pairs
    assert cost["by"].startswith("conifer 1.")


def test_trees_of_no_decision_cost_nothing():
    cost = cost_of([{"leaf_value": 1.0}], 1, 2)
    assert (cost["depth"], cost["nodes"], cost["luts"]) == (0, 1, 0)


def test_without_conifer_trees_and_nodes_are_counted(monkeypatch):
    def missing():
        raise MissingExtra("no conifer", hint="pip install")

    monkeypatch.setattr(extras, "conifer", missing)
    assert cost_of([STUMP, {"leaf_value": 0.5}], 1, 2) == {"trees": 2, "nodes": 6, "depth": 2}
