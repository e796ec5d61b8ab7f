"""Sector processors: which of the six per endcap looks at a muon, and in which coordinates.

Processor s covers the 60 degrees that start at 15 + 60 (s - 1) degrees, and also receives the last
column of chambers of the sector before it, so a muon there is seen by two processors.
"""

import numpy as np

from fivesigma.simulation.muons.chambers import PHI_STEP, PHI_UNIT, Hits

SECTORS = 6
SECTOR_WIDTH = 60.0
FIRST_SECTOR = 15.0
LOCAL_ORIGIN = 22.0
"""Degrees between the local zero of phi and the start of the sector: room for the neighbour's chambers."""


def home(hits: Hits) -> np.ndarray:
    """Index 0 to 5 of the sector in which the first hit of each muon lies, shape (muon,)."""
    reference = np.zeros(hits.chamber.shape[1], np.float32)
    for plane in reversed(range(len(hits.chamber))):
        np.copyto(reference, hits.chamber[plane], where=hits.present[plane])
    return np.asarray(np.mod(np.floor((reference - FIRST_SECTOR) / SECTOR_WIDTH), SECTORS))


def visible(hits: Hits, processor: np.ndarray) -> np.ndarray:
    """Whether each hit lies in a chamber wired to `processor`; shape (plane, muon)."""
    local = _wrap(hits.chamber - FIRST_SECTOR - SECTOR_WIDTH * processor)
    return np.asarray(hits.present & (local > -hits.width) & (local < SECTOR_WIDTH))


def local_phi(hits: Hits, processor: np.ndarray) -> np.ndarray:
    """phi of each hit as an integer in the coordinates of `processor`; shape (plane, muon)."""
    local = _wrap(hits.phi - FIRST_SECTOR - SECTOR_WIDTH * processor)
    step = np.array(PHI_STEP, np.float32)[:, None]
    units = np.rint((local + LOCAL_ORIGIN) / (PHI_UNIT * step)) * step
    return np.asarray(np.clip(units, 0.0, 4999.0))


def _wrap(degrees: np.ndarray) -> np.ndarray:
    """Degrees moved into [-120, 240), so that a sector and its neighbour are in one piece."""
    return np.asarray(degrees - 360.0 * np.floor((degrees + 120.0) / 360.0))
