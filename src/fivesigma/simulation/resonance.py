"""Simulated collisions pp -> X -> t tbar against Standard-Model pp -> t tbar, in the lepton + jets channel.

The sample is made of chunks with a seed of their own, derived from (seed, process, chunk): which worker
makes a chunk, and when, changes nothing, and a larger sample contains the events of a smaller one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fivesigma import extras
from fivesigma.cluster.base import Executor, tell
from fivesigma.cluster.executor import executor
from fivesigma.errors import SimulationError, did_you_mean
from fivesigma.progress import Progress, silent
from fivesigma.simulation.chunk_store import ChunkStore
from fivesigma.simulation.detector import Detector, measure
from fivesigma.simulation.generator import FIDELITIES, LIBRARIES, PYTHIA_SEEDS, Generated, Generator
from fivesigma.simulation.reconstruction import FEATURE_UNITS, features, select

FEATURES: tuple[str, ...] = tuple(FEATURE_UNITS)
"""Names of the 27 features, in the order of the UCI columns f0 to f26."""

UNITS: dict[str, str] = {
    "label": "",
    **FEATURE_UNITS,
    "mass": "GeV",
    "weight": "",
    "truth_mtt": "GeV",
    "truth_lepton_charge": "",
    "truth_lepton_id": "",
    "truth_xsec_pb": "pb",
    "truth_efficiency": "",
    "event_number": "",
}
"""Unit of each column of a sample; "" for a pure number."""

MASS_MIN = 345.0  # GeV, twice the top quark's mass: a lighter resonance cannot decay to a pair
SQRT_S_MIN = 1000.0  # GeV
WIDTH_MAX = 0.3  # of the mass; beyond it a Breit-Wigner peak describes nothing

# Selected events per chunk: two seconds of work or more, so that setting up Pythia (0.14 to 0.26 s) costs
# little.
CHUNK_EVENTS = {"parton": 2000, "hadron": 1000, "full": 250}
# Generated events per batch: the step in which a worker reports progress.
BATCH_EVENTS = {"parton": 1000, "hadron": 500, "full": 100}
# A chunk gives up when it selects fewer than one event in this many.
HOPELESS = 20_000

TASK = "simulating collisions"

_CHUNK_STREAM, _MASS_STREAM, _ORDER_STREAM = 0, 1, 2
_PROCESS_NUMBERS = 1 << 32  # event numbers of one process: more than anyone simulates

Columns = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class ResonanceSettings:
    """Settings of the collision simulation.

    Attributes:
        events: number of selected events, signal and background together.
        masses: resonance masses in GeV, sharing the signal evenly; empty for background only. Above a quarter
            of sqrt_s gluons are so rare that most events come from the low tail of the Breit-Wigner.
        background: whether half of the events are Standard-Model top pairs.
        width: width of the resonance over its mass.
        sqrt_s: energy of the proton collisions, GeV.
        seed: any whole number from 0; the same settings give the same bytes.
        fidelity: "parton" (shower and jets of partons), "hadron" (hadronised) or "full" (and the
            underlying event); each costs about five times the one before.
        detector: acceptance, resolutions and efficiencies.
    """

    events: int
    masses: tuple[float, ...] = (500.0, 750.0, 1000.0, 1250.0, 1500.0)
    background: bool = True
    width: float = 0.01
    sqrt_s: float = 13000.0
    seed: int = 1
    fidelity: str = "parton"
    detector: Detector = field(default_factory=Detector)


@dataclass(frozen=True)
class Process:
    """One process of a sample: the background (mass None) or the resonance of one mass."""

    number: int
    mass: float | None
    events: int


@dataclass(frozen=True)
class Chunk:
    """A piece of one process that one worker simulates: its first `events` events."""

    process: Process
    number: int
    events: int


@dataclass(frozen=True)
class Made:
    """The events of one chunk, events generated and selected, and the cross section in pb."""

    columns: Columns
    generated: int
    selected: int
    cross_section: float


def simulate(
    settings: ResonanceSettings,
    workers: int | None = None,
    progress: Progress = silent,
    store: Path | None = None,
    cluster: str | None = None,
) -> dict[str, NDArray[np.generic]]:
    """A sample of selected events in random order, as columns of equal length.

    Columns: `label` (int8, 1 signal, 0 background); the 27 `FEATURES` in GeV, radians or pure numbers
    (float32); `mass` (float32: the resonance's, for background drawn at random from the signal masses; absent
    when there are no masses); `weight` (float64, Pythia's); `truth_mtt` (float32, GeV, mass of the top pair
    in the hard process); `truth_lepton_charge` (int8), `truth_lepton_id` (int8, Particle Data Group number);
    `truth_xsec_pb` (float64, Pythia's leading-order cross section of the event's process times the branching
    fraction to e or mu + jets: for the signal that of a scalar with a Standard-Model Higgs boson's couplings
    narrowed to the width); `truth_efficiency` (float64, fraction of the process' events that are selected);
    `event_number` (uint64, unique).

    Args:
        workers: worker processes; None for one per core, 1 to stay in this process. Changes nothing else.
        progress: called with the number of selected events so far, the number requested and a text, after every batch.
        store: a folder that keeps finished chunks, so that the same call continues after the process was killed
            (the result is the same to the byte); None to keep nothing. Only this process writes to it, so workers
            elsewhere need no access. The caller removes it.
        cluster: address of a Dask scheduler whose workers make the chunks.

    Raises:
        SimulationError: if the settings cannot be simulated.
        ClusterError: if there are no workers, or a chunk kills them repeatedly.
        MissingExtra: if Pythia or FastJet is not installed.
    """
    check(settings)
    processes = plan(settings)
    chunks = [chunk for process in processes for chunk in split(process, CHUNK_EVENTS[settings.fidelity])]
    kept = _store(settings, store)
    made = {chunk: found for chunk in chunks if (found := _kept(kept, chunk)) is not None}
    missing = [chunk for chunk in chunks if chunk not in made]
    done = sum(chunk.events for chunk in made)
    with executor(workers, cluster, tasks=len(missing)) as pool:
        made |= _run(settings, missing, pool, kept, lambda more: progress(done + more, settings.events, TASK))
    return _shuffle(_merge(settings, processes, chunks, [made[chunk] for chunk in chunks]), settings.seed)


def check(settings: ResonanceSettings) -> None:
    """Raise SimulationError, in one sentence, for settings that no simulation can satisfy."""
    if settings.events < 1:
        raise SimulationError(f"events = {settings.events}: there must be at least one event")
    if settings.fidelity not in FIDELITIES:
        hint = did_you_mean(settings.fidelity, FIDELITIES)
        raise SimulationError(f"unknown fidelity {settings.fidelity!r}; {hint}")
    if not settings.masses and not settings.background:
        raise SimulationError("neither masses nor background: there is no process to simulate")
    if not (np.isfinite(settings.sqrt_s) and settings.sqrt_s >= SQRT_S_MIN):
        raise SimulationError(f"sqrt_s = {settings.sqrt_s:g} GeV is below {SQRT_S_MIN:g} GeV")
    if not 0 < settings.width <= WIDTH_MAX:
        raise SimulationError(f"width = {settings.width:g} (relative to the mass) is not in 0 to {WIDTH_MAX:g}")
    if settings.seed < 0:
        raise SimulationError(f"seed = {settings.seed} is negative")
    for mass in settings.masses:
        if not MASS_MIN < mass <= settings.sqrt_s / 2:
            limits = f"above {MASS_MIN:g} GeV (two top quarks) and up to sqrt_s/2 = {settings.sqrt_s / 2:g} GeV"
            raise SimulationError(f"resonance mass {mass:g} GeV is out of range: it must be {limits}")
    if len({_mass_key(mass) for mass in settings.masses}) < len(settings.masses):
        raise SimulationError(f"a resonance mass is given twice: {', '.join(f'{m:g}' for m in settings.masses)}")


def plan(settings: ResonanceSettings) -> list[Process]:
    """The processes with their numbers of events: background first, then the masses in the order given."""
    signal = settings.events
    if settings.background:
        signal = settings.events // 2 if settings.masses else 0
    processes = [Process(0, None, settings.events - signal)]
    for i, mass in enumerate(settings.masses):
        # The first masses get one more each when the signal does not divide evenly.
        share = signal // len(settings.masses) + (i < signal % len(settings.masses))
        processes.append(Process(i + 1, float(mass), share))
    return [process for process in processes if process.events]


def split(process: Process, size: int) -> Iterator[Chunk]:
    """Chunks of `size` selected events; the last one has what is left."""
    for number, start in enumerate(range(0, process.events, size)):
        yield Chunk(process, number, min(size, process.events - start))


def _mass_key(mass: float | None) -> int:
    """An integer that identifies a process in seeds: its mass in MeV, 0 for background."""
    return 0 if mass is None else round(mass * 1000)


def make_chunk(settings: ResonanceSettings, chunk: Chunk, report: Callable[[int], None]) -> Made:
    """Generate, measure and select until the chunk has its events.

    Args:
        report: called after each batch with the number of its events that were used.
    """
    key = (_CHUNK_STREAM, _mass_key(chunk.process.mass), chunk.number)
    for_pythia, for_detector = np.random.SeedSequence(settings.seed, spawn_key=key).spawn(2)
    seed = 1 + int(for_pythia.generate_state(1)[0]) % PYTHIA_SEEDS
    random = np.random.default_rng(for_detector)
    generator = Generator(chunk.process.mass, settings.width, settings.sqrt_s, settings.fidelity, seed)
    size = BATCH_EVENTS[settings.fidelity]
    parts: list[Columns] = []
    generated = selected = 0
    while selected < chunk.events:
        part = reconstruct(generator.batch(size), settings.detector, random)
        parts.append(part)
        before, generated, selected = selected, generated + size, selected + len(part["weight"])
        if generated > HOPELESS * (selected + 1):
            raise SimulationError(f"the detector settings select {selected} of {generated} generated events")
        report(min(selected, chunk.events) - min(before, chunk.events))
    columns = {name: np.concatenate([part[name] for part in parts])[: chunk.events] for name in parts[0]}
    return Made(columns, generated, selected, generator.cross_section())


def reconstruct(generated: Generated, detector: Detector, random: np.random.Generator) -> Columns:
    """Features, weight and truth of the events of a batch that the detector selects."""
    measured = select(measure(generated.particles, detector, random))
    identity = measured.lepton_identity
    return {
        **features(measured),
        "weight": generated.weight[measured.event],
        "truth_mtt": generated.hard_mass[measured.event].astype(np.float32),
        # Particle Data Group numbers are positive for the negative lepton.
        "truth_lepton_charge": -np.sign(identity).astype(np.int8),
        "truth_lepton_id": identity.astype(np.int8),
    }


def _store(settings: ResonanceSettings, folder: Path | None) -> ChunkStore | None:
    """The store of these settings; a change of the sizes below, or of a library's version, gives other chunks, too."""
    if folder is None:
        return None
    sizes = CHUNK_EVENTS[settings.fidelity], BATCH_EVENTS[settings.fidelity]
    return ChunkStore(folder, (settings, *sizes, extras.versions(LIBRARIES)))


def _kept(store: ChunkStore | None, chunk: Chunk) -> Made | None:
    """Load a chunk that an earlier run has finished."""
    found = store.load(_chunk_name(chunk)) if store is not None else None
    if found is None:
        return None
    generated, selected = (int(value) for value in found.pop("counts"))
    cross_section = float(found.pop("cross_section"))
    return Made(found, generated, selected, cross_section)


def _keep(store: ChunkStore | None, chunk: Chunk, made: Made) -> None:
    """Save a finished chunk for the next call, if there is a store."""
    if store is not None:
        numbers = {"counts": np.array([made.generated, made.selected]), "cross_section": np.array(made.cross_section)}
        store.save(_chunk_name(chunk), {**made.columns, **numbers})


def _chunk_name(chunk: Chunk) -> str:
    return f"{chunk.process.number}-{chunk.number}"


def _run(
    settings: ResonanceSettings,
    chunks: list[Chunk],
    pool: Executor,
    store: ChunkStore | None,
    report: Callable[[int], None],
) -> dict[Chunk, Made]:
    """Make the chunks, and save each when it is finished."""
    named = {f"simulating collisions, chunk {_chunk_name(chunk)}": chunk for chunk in chunks}
    selected = dict.fromkeys(named, 0)

    def on_message(name: str, events: int) -> None:
        selected[name] = events
        report(sum(selected.values()))

    made: dict[Chunk, Made] = {}
    if chunks:
        report(0)
    for name, chunk in named.items():
        pool.submit(name, _work, settings, chunk)
    for name, result in pool.results(on_message):
        made[named[name]] = result
        _keep(store, named[name], result)
        on_message(name, named[name].events)
    return made


def _work(settings: ResonanceSettings, chunk: Chunk) -> Made:
    """Make one chunk, in any process, and report the number of its events."""
    done = 0

    def report(events: int) -> None:
        nonlocal done
        done += events
        tell(done)

    return make_chunk(settings, chunk, report)


def _merge(settings: ResonanceSettings, processes: list[Process], chunks: list[Chunk], made: list[Made]) -> Columns:
    """All events in the order of processes and chunks, with the columns that belong to a whole process."""
    parts = []
    for process in processes:
        own = [m for chunk, m in zip(chunks, made, strict=True) if chunk.process == process]
        parts.append(_process_columns(settings, process, own))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _process_columns(settings: ResonanceSettings, process: Process, made: list[Made]) -> Columns:
    """The columns of one process."""
    n, signal = process.events, process.mass is not None
    generated = np.array([m.generated for m in made], np.float64)
    cross_section = np.average([m.cross_section for m in made], weights=generated)
    efficiency = sum(m.selected for m in made) / generated.sum()
    columns: Columns = {"label": np.full(n, signal, np.int8)}
    for name in made[0].columns:
        columns[name] = np.concatenate([m.columns[name] for m in made])
    if signal:
        columns["mass"] = np.full(n, process.mass, np.float32)
    elif settings.masses:
        random = _random(settings.seed, _MASS_STREAM)
        columns["mass"] = np.array(settings.masses, np.float32)[random.integers(len(settings.masses), size=n)]
    columns["truth_xsec_pb"] = np.full(n, cross_section)
    columns["truth_efficiency"] = np.full(n, efficiency)
    columns["event_number"] = np.arange(n, dtype=np.uint64) + np.uint64(process.number * _PROCESS_NUMBERS)
    return {name: columns[name] for name in UNITS if name in columns}


def _shuffle(columns: Columns, seed: int) -> Columns:
    """The same events in an order drawn from the seed."""
    order = _random(seed, _ORDER_STREAM).permutation(len(columns["label"]))
    return {name: column[order] for name, column in columns.items()}


def _random(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream,)))
