"""What boosted trees would cost as logic of an FPGA: conifer's estimate for its design in VHDL."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fivesigma import extras
from fivesigma.errors import MissingExtra

LEAF = -2
"""What conifer has as the feature of a leaf."""

Tree = Mapping[str, Any]


def cost_of(structures: Sequence[Tree], outputs: int, features: int) -> dict[str, Any]:
    """Trees, nodes and, where conifer is installed, the logic of its design.

    Args:
        structures: the root of each tree as LightGBM describes it, those of one round together.
        outputs: trees of a round: one, or one per class.
        features: number of inputs.

    Returns:
        `trees`, `nodes` and `depth`, and with conifer `luts`, `registers`, `cycles` and `by`. Such a design takes a new
        event with each cycle of the clock.

    Source: Summers et al., Fast inference of boosted decision trees in FPGAs for particle physics, JINST 15 (2020) P05026.
    """
    trees = [_flat(root) for root in structures]
    found: dict[str, Any] = {
        "trees": len(trees),
        "nodes": sum(len(tree["feature"]) for tree in trees),
        "depth": max((_depth(root) for root in structures), default=0),
    }
    try:
        conifer = extras.conifer()
    except MissingExtra:
        return found
    estimators = conifer.utils.performance
    # Without metadata, for which conifer would ask for the user's name, and fail where the system knows none.
    model = conifer.model.ModelBase(ensemble(structures, outputs, features), metadata=())
    for key, estimator in (
        ("luts", estimators.vhdlLUTEstimator),
        ("registers", estimators.vhdlFFEstimator),
        ("cycles", estimators.vhdlLatencyEstimator),
    ):
        found[key] = max(int(estimator.predict(model)), 0)
    return {**found, "by": f"conifer {conifer.__version__}"}


def ensemble(structures: Sequence[Tree], outputs: int, features: int) -> dict[str, Any]:
    """Trees as conifer takes them: sums of leaves, without a link and without LightGBM's ways for missing values.

    Args:
        structures, outputs, features: as for `cost_of`.
    """
    trees = [_flat(root) for root in structures]
    # A tree of conifer may have a direction in place of one feature: each node has a weight for every feature. Nodes of the
    # same feature share one list, as there may be a hundred thousand of them.
    weights = {feature: [float(i == feature) for i in range(features)] for feature in (LEAF, *range(features))}
    for tree in trees:
        tree["weight"] = [weights[feature] for feature in tree["feature"]]
    return {
        "n_classes": 2 if outputs == 1 else outputs,
        "n_features": features,
        "n_trees": len(trees) // outputs,
        "max_depth": max((_depth(root) for root in structures), default=0),
        "init_predict": [0.0] * outputs,
        "norm": 1.0,
        "library": "lightgbm",
        "splitting_convention": "<=",
        "trees": [trees[start : start + outputs] for start in range(0, len(trees), outputs)],
    }


def _flat(root: Tree) -> dict[str, list[Any]]:
    """A tree as arrays over its nodes, the root first."""
    keys = ("feature", "threshold", "value", "children_left", "children_right")
    flat: dict[str, list[Any]] = {key: [] for key in keys}
    waiting: list[tuple[Tree, int, str]] = [(root, -1, "")]
    while waiting:
        node, parent, side = waiting.pop()
        number = len(flat["feature"])
        if parent >= 0:
            flat[side][parent] = number
        is_leaf = "split_feature" not in node
        row = (LEAF, 0.0, float(node["leaf_value"]), -1, -1) if is_leaf else _split(node)
        for key, value in zip(keys, row, strict=True):
            flat[key].append(value)
        if not is_leaf:
            waiting += [(node["right_child"], number, "children_right"), (node["left_child"], number, "children_left")]
    return flat


def _split(node: Tree) -> tuple[int, float, float, int, int]:
    """A row of a node; the numbers of its children are not known yet."""
    return int(node["split_feature"]), float(node["threshold"]), 0.0, -1, -1


def _depth(root: Tree) -> int:
    """Decisions on the longest way from the root to a leaf."""
    deepest = 0
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in _children(node)]
    return deepest


def _children(node: Tree) -> Iterator[Tree]:
    if "split_feature" in node:
        yield node["left_child"]
        yield node["right_child"]
