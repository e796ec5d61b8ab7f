"""Settings of the muon simulation, and the chain from the gun to the archive, chunk by chunk.

A chunk is a fixed number of generated muons with a random stream of its own, derived from the seed and
the number of the chunk, so the result does not depend on how many processes share the work.
"""

import math
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from fivesigma.cluster.base import Executor
from fivesigma.cluster.executor import executor
from fivesigma.errors import SimulationError, did_you_mean
from fivesigma.progress import Progress, silent
from fivesigma.simulation.muons import archive, chambers, finder, gun
from fivesigma.simulation.muons.transport import transport

CHUNK = 20_000
"""Generated muons per chunk; small enough for the arrays of a chunk to stay in the processor's cache."""

TYPICAL_ACCEPTANCE = 0.82
"""Only to guess the number of chunks; the true acceptance follows from the settings."""

FEW_CHUNKS = 8
"""Starting processes takes longer than this many chunks."""

HOPELESS = 10
"""Give up if this many chunks in a row contain no accepted muon."""

AHEAD = 3
"""Chunks per worker that are made before the reader asks for them."""

TASK = "simulating muons"


@dataclass(frozen=True)
class MuonSettings:
    """Settings of the muon simulation.

    Args:
        events: number of muons written, that is, accepted by the track finder.
        spectrum: "flat-inverse-pt" (uniform in 1/pT), "flat-pt" or "prompt" (falling as pT^-3.5).
        pt_min, pt_max: range of the transverse momentum, in GeV.
        eta_min, eta_max: range of |eta|; both endcaps are filled.
        seed: any non-negative integer; the same seed gives the same bytes.
        noise: mean number of hits per muon that are unrelated to it.
        dead_chambers: share of the chambers that never give a hit; the seed says which.
    """

    events: int
    spectrum: str = "flat-inverse-pt"
    pt_min: float = 2.0
    pt_max: float = 7000.0
    eta_min: float = 1.2
    eta_max: float = 2.5
    seed: int = 1
    noise: float = chambers.NOISE
    dead_chambers: float = 0.0

    def __post_init__(self) -> None:
        if not _is_whole(self.events) or self.events < 1:
            raise SimulationError(f"cannot simulate {self.events} muons", "events must be 1, 2, 3, ...")
        if self.spectrum not in gun.SPECTRA:
            hint = did_you_mean(self.spectrum, gun.SPECTRA)
            raise SimulationError(f"unknown muon spectrum {self.spectrum!r}", hint)
        if not 1.0 <= self.pt_min < self.pt_max < math.inf:
            raise SimulationError(
                f"no muons with transverse momentum from {self.pt_min:g} to {self.pt_max:g} GeV",
                "pt_min must be at least 1 GeV (softer muons stop in the calorimeters) and below pt_max",
            )
        if not 1.2 <= self.eta_min < self.eta_max <= 2.5:
            raise SimulationError(
                f"no muons with |eta| from {self.eta_min:g} to {self.eta_max:g}",
                "the endcap covers 1.2 to 2.5, and eta_min must be below eta_max",
            )
        if not _is_whole(self.seed) or self.seed < 0:
            raise SimulationError(f"{self.seed} cannot be a seed", "use 0 or a positive integer")
        if not 0.0 <= self.noise <= 12.0:
            raise SimulationError(f"cannot add {self.noise:g} noise hits per muon", "there are 12 planes: use 0 to 12")
        if not 0.0 <= self.dead_chambers < 1.0:
            raise SimulationError(f"{self.dead_chambers:g} cannot be the share of dead chambers", "use 0 to 0.99")


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


@dataclass
class Statistics:
    """Numbers of generated and accepted muons; updated while chunks are drawn."""

    generated: int = 0
    accepted: int = 0

    @property
    def acceptance(self) -> float:
        """Accepted over generated muons; 0 before the first chunk."""
        return self.accepted / self.generated if self.generated else 0.0


def simulate(
    settings: MuonSettings, workers: int | None = None, progress: Progress = silent, cluster: str | None = None
) -> dict[str, np.ndarray]:
    """All muons of `settings` in memory.

    Args:
        workers: number of processes, by default one per core; the result does not depend on it.
        cluster: address of a Dask scheduler whose workers make the chunks.

    Returns:
        "variables" (float32, event x 87, columns `VARIABLES`, NaN where there is no hit), "parameters"
        (float32, event x 3, columns `PARAMETERS`) and "event_number" (uint64), the place of the muon
        among the generated ones.
    """
    chunks = list(simulate_chunks(settings, workers, progress, cluster=cluster))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def simulate_chunks(
    settings: MuonSettings,
    workers: int | None = None,
    progress: Progress = silent,
    statistics: Statistics | None = None,
    cluster: str | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """The muons of `settings`, some thousand at a time, as dictionaries like that of `simulate`.

    Args:
        statistics: updated before each chunk is returned; its acceptance is final at the end.
    """
    counter = Statistics() if statistics is None else statistics
    expected = math.ceil(settings.events / (TYPICAL_ACCEPTANCE * CHUNK))
    pool = executor(workers, cluster, tasks=1 if expected <= FEW_CHUNKS else expected, ahead=1)
    source = _in_order(settings, pool)
    return _until_enough(source, settings, counter, progress)


def simulate_chunk(settings: MuonSettings, number: int) -> dict[str, np.ndarray]:
    """The accepted muons among generated muons number * CHUNK to (number + 1) * CHUNK - 1."""
    sequence = np.random.SeedSequence(settings.seed, spawn_key=(number,))
    random = np.random.Generator(np.random.SFC64(sequence))
    momenta = (settings.pt_min, settings.pt_max)
    muons = gun.shoot(CHUNK, settings.spectrum, momenta, (settings.eta_min, settings.eta_max), random)
    hits = chambers.digitise(transport(muons, random), muons.charge_over_pt, random, settings.noise)
    chambers.silence(hits, muons.eta > 0, settings.dead_chambers, settings.seed)
    tracks = finder.find(hits)
    accepted = np.flatnonzero(tracks.road.found)
    return {
        "variables": archive.variables(hits, tracks, accepted),
        "parameters": archive.parameters(muons, accepted),
        "event_number": (accepted + number * CHUNK).astype(np.uint64),
    }


def _until_enough(
    source: Generator[dict[str, np.ndarray], None, None],
    settings: MuonSettings,
    counter: Statistics,
    progress: Progress,
) -> Iterator[dict[str, np.ndarray]]:
    """Stop the endless `source` after the requested number of muons, and count."""
    counter.generated = counter.accepted = 0
    progress(0, settings.events, TASK)
    with closing(source):
        for number, chunk in enumerate(source):
            missing = settings.events - counter.accepted
            is_last = len(chunk["event_number"]) >= missing
            if is_last:
                chunk = {name: values[:missing] for name, values in chunk.items()}
            counter.accepted += len(chunk["event_number"])
            # The last chunk counts up to the last muon that was used.
            counter.generated = int(chunk["event_number"][-1]) + 1 if is_last else (number + 1) * CHUNK
            if counter.accepted == 0 and number + 1 >= HOPELESS:
                raise SimulationError(
                    f"none of {counter.generated} muons crossed enough chambers",
                    "use a larger pt_max or a wider range of eta",
                )
            progress(counter.accepted, settings.events, TASK)
            yield chunk
            if is_last:
                return


def _in_order(settings: MuonSettings, pool: Executor) -> Generator[dict[str, np.ndarray], None, None]:
    """Endless chunks in order, at most a few ahead of the reader."""
    ready: dict[int, dict[str, np.ndarray]] = {}
    begun = given = 0
    results = pool.results()
    with pool:
        while True:
            while begun - given < AHEAD * pool.workers:
                pool.submit(begun, simulate_chunk, settings, begun)
                begun += 1
            number, chunk = next(results)
            ready[number] = chunk
            while given in ready:
                yield ready.pop(given)
                given += 1
