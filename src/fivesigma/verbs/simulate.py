"""The verb `simulate`: events of a simulation, into a file."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fivesigma.analysis.file import sentences
from fivesigma.analysis.simulate import MuonSimulation, ResonanceSimulation
from fivesigma.cluster.executor import Workers
from fivesigma.errors import SimulationError, did_you_mean
from fivesigma.progress import Listener
from fivesigma.runs.source import simulate_to

_SETTINGS: dict[str, type[ResonanceSimulation | MuonSimulation]] = {
    "resonance": ResonanceSimulation,
    "muons": MuonSimulation,
}


def simulate(
    process: str,
    destination: str | Path,
    workers: int | None = None,
    cluster: str | None = None,
    listener: Listener | None = None,
    **settings: Any,
) -> Path:
    """Simulate events and write them to a file; a call that was killed continues where it stopped.

    Args:
        process: `resonance` (pp → X → tt̄ and its background) or `muons` (in a CMS-like endcap).
        destination: the file; its extension gives the format. It must not exist.
        workers: processes that simulate, by default one per core; the events do not depend on it.
        cluster: address of a Dask scheduler whose workers simulate instead.
        listener: receives progress.
        settings: keys of the section `simulate`, such as `events=1000`, `seed=2`, `masses=[500, 1000]`.

    Returns:
        The file.

    Raises:
        SimulationError: if there is no such process or setting.
        OutputError: if the file exists, or cannot be written.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "muons.parquet"
    >>> simulate("muons", place, workers=1, events=100).name
    'muons.parquet'
    """
    if process not in _SETTINGS:
        raise SimulationError(f"there is no simulation {process!r}; {did_you_mean(process, _SETTINGS)}")
    try:
        checked = _SETTINGS[process].model_validate({"process": process, **settings})
    except ValidationError as error:
        raise SimulationError(sentences(error)[0]) from None
    simulate_to(checked, Path(destination), listener or Listener(), workers=Workers(workers, cluster))
    return Path(destination)
