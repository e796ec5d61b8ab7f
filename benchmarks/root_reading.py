"""ROOT files → shuffled batches of float32, against uproot and ROOT's own loaders."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.options import Options
from benchmarks.table import Figure, Row, short
from benchmarks.timing import alternate
from benchmarks.worker import once

NEEDS = ("ROOT",)
ABOUT = (
    "A ROOT file with 29 flat columns in single precision, as a TTree or an RNTuple → all events once, in random order, in "
    "batches of 1024 rows of float32. fivesigma also checks the columns and takes a fingerprint of each event. Each "
    "repetition is a new process with the file in the system's cache; a tiny file is read before the clock starts. uproot "
    "reads in steps of 100 MB with as many threads as it is fastest with, and NumPy makes the batches; `RDataFrame.AsNumpy` "
    "uses all cores; `RDataLoader` has the settings of its tutorial."
)
TASK = "benchmarks.workers.root_reading:Reading"
PEERS = {"uproot": 1.0, "RDataLoader": 5.0, "RDataFrame": None}
BATCH = 1024


def measure(options: Options) -> list[Row]:
    """A row for each kind of file and peer."""
    events = options.size(2_000_000, 100_000)
    tree, ntuple = files(events, options)
    return [*_compared("TTree", tree, events, options), *_compared("RNTuple", ntuple, events, options)]


def _compared(kind: str, path: Path, events: int, options: Options) -> list[Row]:
    contents: dict[str, float] = {}

    def contender(method: str, **settings: int) -> float:
        found, _ = once(TASK, method, path=str(path), batch=BATCH, **settings)
        contents[method] = found["content"]
        return events / float(found["seconds"])

    rates = {threads: contender("uproot", threads=threads) for threads in (1, 2, 4)}
    options.say(f"{kind}: uproot by threads: {', '.join(f'{n}: {rate / 1e6:.2f} M/s' for n, rate in rates.items())}")
    threads = max(rates, key=rates.__getitem__)
    runs: dict[str, Callable[[], float]] = {name: partial(contender, name) for name in ("fivesigma", *PEERS)}
    runs["uproot"] = partial(contender, "uproot", threads=threads)
    found = alternate(runs, options.turns())
    for peer in PEERS:
        # The loader of ROOT leaves out the last batch if it is not full.
        if not math.isclose(contents["fivesigma"], contents[peer], rel_tol=2 * BATCH / events):
            raise AssertionError(f"the readers disagree: {contents}")
    figures = {name: Figure(name, tuple(values), "events/s") for name, values in found.items()}
    what = f"{short(events)} events, {kind}"
    notes = {"uproot": f"{threads} threads"}
    return [
        Row(what, figures["fivesigma"], figures[peer], "more", target, notes.get(peer, "")) for peer, target in PEERS.items()
    ]


def files(events: int, options: Options) -> tuple[Path, Path]:
    """The same events as a TTree and as an RNTuple, made once and kept."""
    options.folder.mkdir(parents=True, exist_ok=True)
    tree, ntuple = (options.folder / f"flat-{events}-{kind}.root" for kind in ("tree", "ntuple"))
    if not (tree.is_file() and ntuple.is_file()):
        options.say(f"writing {tree.name} and {ntuple.name}")
        once(TASK, "write", tree=str(tree), ntuple=str(ntuple), events=events)
    return tree, ntuple
