"""Choose how a batch is shared between cores: measured once for each machine, network and batch, and remembered."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from fivesigma.atomic import writing
from fivesigma.cache import cache_folder
from fivesigma.cluster.devices import Layout, Team, candidates, layout_of_user, machine, threads
from fivesigma.training.program_cache import shape_of

WORTH_IT = 5_000_000
"""Events of a whole training from which a trial pays: it takes about as long as training this many."""
ROWS = 1 << 16
"""Rows that are computed in one turn of a candidate."""
TURNS = 3
WORTH_A_DEVICE = 1.1
"""How much faster several devices must be than one: they wait for the slowest core, so other programs slow them most."""

Timed = Callable[[], float]
"""Runs some steps and returns the rows per second."""


def settled(batch: int, events: int, network: Any) -> Layout | None:
    """The layout if it needs no trial: what the user set, what there is, or what was measured before.

    Args:
        batch: events of a batch.
        events: that the whole training sees, epochs included.
        network: a Keras model.
    """
    given = layout_of_user()
    if given is not None:
        return given
    if len(candidates(batch)) == 1 or ((known := _known(_key(network, batch))) is None and events < WORTH_IT):
        return Team(batch).layout
    return known


def measured(batch: int, network: Any, timed: Callable[[Layout], Timed]) -> tuple[Layout, dict[str, float]]:
    """Let every candidate run a few steps in turns, and remember the fastest.

    The candidates take turns, so that a machine that is busy for a while slows all of them; the best turn of each counts.

    Args:
        batch: events of a batch.
        network: a Keras model.
        timed: compiles a candidate's program and returns what runs it.

    Returns:
        The layout that `chosen` takes, and the rows per second of each.
    """
    runs = {str(layout): timed(layout) for layout in candidates(batch)}
    for run in runs.values():
        run()  # compiles
    rates = {name: max(each) for name, each in zip(runs, _in_turns(list(runs.values())), strict=True)}
    best = chosen(rates)
    _remember(_key(network, batch), best, rates)
    return Layout.parse(best), rates


def chosen(rates: Mapping[str, float]) -> str:
    """The fastest layout; more devices only if they are clearly faster than fewer.

    >>> chosen({"1x1": 100.0, "1xall": 120.0, "2x1": 125.0}), chosen({"1x1": 100.0, "1xall": 90.0, "2x1": 125.0})
    ('1xall', '2x1')
    """
    return max(rates, key=lambda name: rates[name] / WORTH_A_DEVICE ** (Layout.parse(name).devices > 1))


def _in_turns(runs: Sequence[Timed]) -> list[list[float]]:
    return [list(each) for each in zip(*([run() for run in runs] for _ in range(TURNS)), strict=True)]


def timer(run_window: Callable[..., Any], team: Team, variables: Any, shape: tuple[int, int, int], largest: Any) -> Timed:
    """What runs a few steps of a compiled window on made-up events, of as many columns, and tells their rate.

    Args:
        run_window: what `compiled_window` gives.
        team: the devices.
        variables: as the training begins with them; they are copied.
        shape: of a block: steps, rows, columns.
        largest: learning rate.
    """
    steps = max(1, min(shape[0], ROWS // shape[1]))
    block = np.zeros(shape, np.float32)
    block[:steps] = np.random.default_rng(1).standard_normal((steps, *shape[1:]), np.float32)
    block[:steps, :, -3], block[:steps, :, -2:] = block[:steps, :, 0] > 0, 1
    counts = np.full(shape[0], shape[1], np.float32)

    def run() -> float:
        copies, shared = team.replicated(variables), team.shared(block)
        started = time.perf_counter()
        jax.block_until_ready(run_window(copies, shared, counts, steps, largest))
        return steps * shape[1] / (time.perf_counter() - started)

    return run


def _key(network: Any, batch: int) -> str | None:
    """What the fastest layout depends on; None for a network that cannot be described."""
    shape = shape_of(network)
    if shape is None:
        return None
    return hashlib.sha256(f"{shape} {batch} {threads()} {jax.__version__}".encode()).hexdigest()[:16]


def _file() -> Any:
    return cache_folder() / f"layouts-{machine()}.json"


def _all() -> dict[str, Any]:
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _known(key: str | None) -> Layout | None:
    row = _all().get(key) if key else None
    try:
        return Layout.parse(row["layout"]) if isinstance(row, dict) else None
    except (KeyError, ValueError, AttributeError):
        return None


def _remember(key: str | None, layout: str, rates: dict[str, float]) -> None:
    if key is None:
        return
    tree = {**_all(), key: {"layout": layout, "rates": {name: round(rate) for name, rate in rates.items()}}}
    cache_folder().mkdir(parents=True, exist_ok=True)
    with writing(_file()) as part:
        part.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")
