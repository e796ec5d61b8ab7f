"""Simulated collisions in the layout of the UCI files, made once, as every contender of a comparison reads them."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.options import Options

EVENTS = 420_000
"""Selected events of the simulation; the article's recipe gets 56 % of them to learn from."""

QUICK = 40_000
NEEDS = ("pythia8mc", "fastjet")


def collisions(options: Options) -> Path:
    """The file with the events: the one given, or the simulation's, which takes some minutes the first time."""
    from fivesigma.analysis.simulate import ResonanceSimulation
    from fivesigma.progress import Listener
    from fivesigma.runs.source import simulated_file

    if options.data is not None:
        return options.data.resolve()
    events = options.size(EVENTS, QUICK)
    options.say(f"simulating {events:,} collisions, unless they are in the cache")
    return simulated_file(ResonanceSimulation(process="resonance", events=events, layout="uci"), Listener())


def arrays(options: Options, events: int) -> Path:
    """Network inputs and labels as `.npz`: x, y of the training events and x_val, y_val of the validation events.

    Args:
        events: so many of the file's events at most, divided 70 to 30 as in the article.
    """
    from fivesigma.preparation.recipe import fit

    analysis, parts = parts_of(str(collisions(options)), events)
    recipe = fit(parts["train"], analysis.prepare)
    named = {}
    for part, ending in (("train", ""), ("val", "_val")):
        named["x" + ending] = recipe.apply(parts[part].features, parts[part].parameters)
        named["y" + ending] = parts[part].target.astype(np.float32)
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / f"collisions-{events}.npz"
    np.savez(path, **named)
    return path


def parts_of(source: str, events: int) -> tuple[Any, Any]:
    """The article's analysis and its training and validation events; hardly any are left for a test.

    Args:
        source: the file of the events.
        events: how many of them, from the beginning.
    """
    from fivesigma.analysis.file import load
    from fivesigma.data.load import load_samples
    from fivesigma.preparation.split import split

    analysis = load("hepmass-article", {"split.test": 0.001, "split.val": 0.3}, {"train": source})
    loaded = load_samples(analysis)[0]
    chosen = loaded.events.take(np.arange(min(events, len(loaded.events))))
    parts = split([(loaded.use, chosen)], analysis.split)
    return analysis, {name: parts[name] for name in ("train", "val")}
