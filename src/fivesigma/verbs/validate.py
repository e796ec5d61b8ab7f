"""The verb `validate`: compare a simulation with published numbers."""

from collections.abc import Callable
from pathlib import Path

from fivesigma.cluster.executor import Workers
from fivesigma.errors import SimulationError, did_you_mean
from fivesigma.progress import Listener
from fivesigma.validation.of_muons import MUON_EVENTS, validate_muons
from fivesigma.validation.of_resonance import RESONANCE_EVENTS, validate_resonance
from fivesigma.validation.publish import OUTPUT, Validation

_VALIDATIONS: dict[str, tuple[Callable[..., Validation], int]] = {
    "resonance": (validate_resonance, RESONANCE_EVENTS),
    "muons": (validate_muons, MUON_EVENTS),
}
"""Simulation → how it is validated, and with how many events."""


def validate(
    simulation: str,
    output: str | Path = OUTPUT,
    events: int | None = None,
    data: str | Path | None = None,
    workers: int | None = None,
    listener: Listener | None = None,
    speed: bool = True,
) -> Validation:
    """Compare a simulation with published numbers.

    Args:
        simulation: `resonance` (collisions, with the HEPMASS sample) or `muons` (with the CMS endcap track finder).
        output: folder in which one named after the simulation is made.
        events: selected events to simulate, kept in the cache; by default enough for every comparison.
        data: a file of events to compare instead.
        workers: processes that simulate; by default one per core.
        listener: receives messages and progress.
        speed: whether to measure the speed of the simulation, which takes minutes however few the events are.

    Returns:
        The page, and the comparisons on it.

    Raises:
        SimulationError: if there is no such simulation.
    """
    if simulation not in _VALIDATIONS:
        raise SimulationError(f"there is no simulation {simulation!r}; {did_you_mean(simulation, _VALIDATIONS)}")
    run, usual = _VALIDATIONS[simulation]
    return run(output, events or usual, data, Workers(workers), listener, speed)
