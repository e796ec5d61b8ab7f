"""What is run: the built-in analyses, the articles' recipes, and the steps from one to the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fivesigma import load

SUSY = Path(__file__).parent.parent / "examples" / "susy.yaml"


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes:
        name: of its folder, and in the tables.
        analysis: a built-in one, or a file.
        step: what it changes with respect to the row before, for a reader.
        settings: overrides by dotted key.
        scanned: whether networks are trained to compare at every mass.
        steps: whether it is one of the steps; the others compare with the article on many events.
    """

    name: str
    analysis: str
    step: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    scanned: bool = False
    steps: bool = True


SMALL, MUONS, COLLISIONS = 300_000, 1_500_000, 420_000
"""Simulated muons of the steps; muons and collisions of the comparison with the articles."""


def _large(name: str, events: int) -> list[Row]:
    """The article's recipe and the built-in analysis on the same many events."""
    more = {"simulate.events": events, "baselines": None}
    return [
        Row(f"{name}-article-large", f"{name}-article", "the article's recipe", more, steps=False),
        Row(f"{name}-large", name, "the built-in analysis", more, steps=False),
    ]


def hepmass() -> list[Row]:
    """From the article's recipe to the built-in analysis."""
    ours = load("hepmass")
    features = {"features": ours.features, "new_variables": dict(ours.new_variables)}
    gelu = {"model.activation": "gelu"}
    redraw = {"parameters.mass.background": "signal", "parameters.mass.redraw": True}
    article = "hepmass-article"
    return [
        Row("hepmass-article", article, "the article's recipe"),
        Row("hepmass-turned", article, "+ collisions turned and mirrored to one orientation", features),
        Row("hepmass-gelu", article, "+ GELU for ReLU", {**features, **gelu}),
        Row("hepmass-redrawn", article, "+ the background's mass drawn anew each epoch", {**features, **gelu, **redraw}),
        Row(
            "hepmass",
            "hepmass",
            "+ 30 epochs, cosine, AdamW, dropout 0.1, batches of 256: the built-in analysis",
            {"baselines.trees": {"kind": "boosted_trees"}},
            scanned=True,
        ),
        *_large("hepmass", COLLISIONS),
    ]


_PLAIN: dict[str, Any] = {"baselines": None}
"""Without the baselines that the built-in analyses compare with."""


def muon_pt() -> list[Row]:
    """From the article's recipe to the built-in analysis: momentum."""
    few = {"simulate.events": SMALL, **_PLAIN}
    zero = {"prepare.drop_missing": None, "prepare.impute": "constant", **few}
    differences = {**zero, "features": load("muon-pt").features}
    smooth = {**differences, "target.scale": 10.0, "train.loss": "log_cosh"}
    article = "muon-pt-article"
    return [
        Row("muon-pt-article", article, "the article's recipe", few),
        Row("muon-pt-zero", article, "+ no plane dropped, zero for a missing hit", zero),
        Row("muon-pt-differences", article, "+ differences between stations for φ", differences),
        Row("muon-pt-log-cosh", article, "+ log-cosh of 10·q/pT for the squared error", smooth),
        Row("muon-pt", "muon-pt", "+ 256-128-64 GELU, 30 epochs, cosine: the built-in analysis"),
        *_large("muon-pt", MUONS),
    ]


def muon_class() -> list[Row]:
    """From the article's recipe to the built-in analysis: momentum classes."""
    return [
        Row("muon-class-article", "muon-class-article", "the article's recipe", {"simulate.events": SMALL}),
        Row(
            "muon-class-plain",
            "muon-class",
            "the built-in analysis without class weights",
            {"prepare.class_weights": None, **_PLAIN},
        ),
        Row(
            "muon-class-balanced",
            "muon-class",
            "with balanced class weights",
            {"prepare.class_weights": "balanced", **_PLAIN},
        ),
        Row("muon-class", "muon-class", "with the square root of the balanced weights: the built-in analysis"),
        *_large("muon-class", MUONS),
    ]


def susy() -> list[Row]:
    """Real events, if there are files of them."""
    return [Row("susy", str(SUSY), "the example analysis")]


GROUPS: dict[str, Callable[[], list[Row]]] = {"hepmass": hepmass, "muon-pt": muon_pt, "muon-class": muon_class, "susy": susy}
QUICK = {
    "hepmass": {"simulate.events": 2000, "train.epochs": 1},
    "muon-pt": {"simulate.events": 4000, "train.epochs": 1},
    "muon-class": {"simulate.events": 4000, "train.epochs": 1},
    "susy": {"train.epochs": 1},
}
"""Settings with which a trial is short; its numbers mean nothing."""
