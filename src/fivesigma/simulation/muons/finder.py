"""The track finder: every sector processor that sees a muon searches a road, and the best one is kept."""

from dataclasses import dataclass

import numpy as np

from fivesigma.simulation.muons import roads, sectors
from fivesigma.simulation.muons.chambers import Hits


@dataclass(frozen=True)
class Tracks:
    """The best road of each muon, and phi of its hits in the coordinates of the winning processor.

    processor has shape (muon,), phi shape (plane, muon).
    """

    road: roads.Roads
    processor: np.ndarray
    phi: np.ndarray


def find(hits: Hits) -> Tracks:
    """Search the roads of all muons.

    Of two processors that find equally good roads, the one with the lower index reports the muon: the
    last sector yields to the first, and every other one to the sector before it.
    """
    home = sectors.home(hits)
    best = _search(hits, home.copy())
    for neighbour in (1, -1):
        other = np.mod(home + neighbour, sectors.SECTORS)
        muons = np.flatnonzero(roads.enough_stations(sectors.visible(hits, other)))
        if len(muons) > 0:
            _keep_better(best, _search(hits.select(muons), other[muons]), muons)
    return best


def _search(hits: Hits, processor: np.ndarray) -> Tracks:
    seen = sectors.visible(hits, processor)
    phi = sectors.local_phi(hits, processor)
    return Tracks(roads.search(hits, seen, phi), processor, phi)


def _keep_better(best: Tracks, other: Tracks, muons: np.ndarray) -> None:
    """Replace tracks in `best` by better ones in `other`, which holds the given muons only."""
    value, previous = other.road.value, best.road.value[muons]
    equal = (value == previous) & (value > 0)
    better = (value > previous) | (equal & (other.processor < best.processor[muons]))
    winners = muons[better]
    best.processor[winners] = other.processor[better]
    best.phi[:, winners] = other.phi[:, better]
    best.road.replace(winners, other.road, better)
