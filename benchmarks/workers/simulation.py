"""The simulations as contenders against themselves, with one process and with several."""

import time


class Simulation:
    """Simulates the same events again and again."""

    def resonance(self, events: int, workers: int) -> float:
        """Seconds of so many selected collisions, the start of processes included."""
        from fivesigma.simulation.resonance import ResonanceSettings, simulate

        started = time.perf_counter()
        simulate(ResonanceSettings(events=events), workers=workers)
        return time.perf_counter() - started

    def muons(self, events: int, workers: int) -> float:
        """Seconds of so many accepted muons, the start of processes included; chunks are made and dropped."""
        from fivesigma.simulation.muons.simulation import MuonSettings, simulate_chunks

        started = time.perf_counter()
        for _ in simulate_chunks(MuonSettings(events=events), workers=workers):
            pass
        return time.perf_counter() - started
