"""How fast the simulations are, and whether sharing the work changes anything: measured here and now.

Costs per core are in CPU time, so that other work on the machine does not spoil them; the gain from a second
process is in wall-clock time, which it does.
"""

import time
from dataclasses import dataclass, replace

import numpy as np

from fivesigma.cluster.cores import cores
from fivesigma.progress import Progress, silent
from fivesigma.simulation.generator import Generator
from fivesigma.simulation.muons.simulation import CHUNK, FEW_CHUNKS, TYPICAL_ACCEPTANCE, MuonSettings, simulate_chunk
from fivesigma.simulation.muons.simulation import simulate as simulate_muons
from fivesigma.simulation.resonance import BATCH_EVENTS, ResonanceSettings, reconstruct
from fivesigma.simulation.resonance import simulate as simulate_resonance
from fivesigma.validation.comparison import Comparison

CHAIN_SHARE = 0.75  # of the rate of bare Pythia
TWO_WORKERS = 1.6  # "linear": at least 80 % of twice the rate
MUON_RATE = 100_000.0  # muons per second and core
SMALL_MUONS = int(CHUNK * TYPICAL_ACCEPTANCE * (FEW_CHUNKS + 1))  # fewer would not start a second process


@dataclass(frozen=True)
class Effort:
    """How long to measure: events and repetitions."""

    generated: int = 20_000
    selected: int = 12_000
    repetitions: int = 2
    muons: int = 400_000


def resonance_rows(effort: Effort | None = None, progress: Progress = silent) -> list[Comparison]:
    """Cost of the whole chain over bare Pythia, the gain from a second process, and equal bytes."""
    effort = effort or Effort()
    rows = []
    for step, mass in enumerate((None, 1000.0)):
        progress(step, 4, "measuring the speed of the simulation of collisions")
        bare, chain = chain_rates(mass, effort.generated)
        name = "background" if mass is None else f"X of {mass:g} GeV"
        quantity = f"{name}: whole chain over bare Pythia ({chain:,.0f} and {bare:,.0f} generated events/s)"
        rows.append(Comparison("speed", quantity, CHAIN_SHARE, chain / bare, rule="at least"))
    progress(2, 4, "measuring the gain from a second process")
    rows.append(_gain_row(effort))
    progress(3, 4, "comparing the results of one and two processes")
    settings = ResonanceSettings(events=60, masses=(500.0, 1000.0))
    one, two = (simulate_resonance(settings, workers=workers) for workers in (1, 2))
    rows.append(_same_row(one, two))
    return rows


def chain_rates(mass: float | None, events: int) -> tuple[float, float]:
    """Generated events per second of CPU time: of bare Pythia, and of the chain to selected features.

    Both alternate batch by batch, so that a change of the processor's clock affects both.
    """
    settings = ResonanceSettings(events=1)
    generators = [Generator(mass, settings.width, settings.sqrt_s, settings.fidelity, seed) for seed in (1, 2)]
    random = np.random.default_rng(1)
    size = BATCH_EVENTS[settings.fidelity]
    seconds = np.zeros(2)
    for turn in range(max(events // size, 1) + 1):
        start = time.process_time()
        generators[0].skip(size)
        middle = time.process_time()
        reconstruct(generators[1].batch(size), settings.detector, random)
        if turn:  # the first pass also imports and fills caches
            seconds += middle - start, time.process_time() - middle
    bare, chain = max(events // size, 1) * size / seconds
    return float(bare), float(chain)


def _gain_row(effort: Effort) -> Comparison:
    """Rate of two workers over that of one; the best measurement of each."""
    selected = effort.selected
    settings = ResonanceSettings(events=selected, masses=(750.0, 1250.0))
    seconds: dict[int, float] = {}
    for turn in range(effort.repetitions):
        for workers in (1, 2):
            start = time.perf_counter()
            simulate_resonance(replace(settings, seed=1 + turn), workers=workers)
            seconds[workers] = min(seconds.get(workers, np.inf), time.perf_counter() - start)
    note = "this process has one core" if cores() < 2 else ""
    rates = f"{selected / seconds[2]:,.0f} and {selected / seconds[1]:,.0f} selected events/s, start-up included"
    quantity = f"two workers over one ({rates})"
    return Comparison("speed", quantity, TWO_WORKERS, seconds[1] / seconds[2], rule="at least", note=note)


def muon_rows(effort: Effort | None = None, progress: Progress = silent) -> list[Comparison]:
    """Muons per second and core through the whole chain, and equal bytes whatever the number of processes."""
    effort = effort or Effort()
    progress(0, 2, "measuring the speed of the simulation of muons")
    settings = MuonSettings(events=1, seed=1)
    simulate_chunk(settings, 0)
    chunks = max(effort.muons // CHUNK, 1)
    start = time.process_time()
    accepted = sum(len(simulate_chunk(settings, number)["event_number"]) for number in range(chunks))
    seconds = time.process_time() - start
    written, generated = accepted / seconds, chunks * CHUNK / seconds
    progress(1, 2, "comparing the results of one and two processes")
    one, two = (simulate_muons(replace(settings, events=SMALL_MUONS), workers=workers) for workers in (1, 2))
    quantity = f"accepted muons per second and core, all planes and roads ({generated:,.0f} generated)"
    rate = Comparison("speed", quantity, MUON_RATE, written, unit="1/s", rule="at least")
    return [rate, _same_row(one, two)]


def _same_row(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> Comparison:
    same = list(one) == list(two) and all(one[name].tobytes() == two[name].tobytes() for name in one)
    return Comparison("speed", "same bytes with one and two workers (1 is yes)", 1.0, float(same), rule="at least")
