"""The columns of the muon archive: 87 variables of a track and 3 parameters of the truth."""

import numpy as np

from fivesigma.simulation.muons.chambers import CSC_PLANES, Hits
from fivesigma.simulation.muons.finder import Tracks
from fivesigma.simulation.muons.gun import Muons
from fivesigma.simulation.muons.transport import PLANES

BLOCKS = ("phi", "theta", "bend", "time", "ring", "front", "mask")

VARIABLES = (
    *(f"{block}_{plane}" for block in BLOCKS for plane in PLANES),
    "straightness",
    "zone",
    "road_phi",
)
"""Names of the 87 columns, in order."""

PARAMETERS = ("gen_q_over_pt", "gen_phi", "gen_eta")
"""The truth: charge over transverse momentum, phi and eta where the muon was born."""

_BLOCK_UNITS = {
    "phi": "1/60 deg",
    "theta": "0.285 deg",
    "bend": "1/8 strip",
    "time": "bunch crossing",
    "ring": "",
    "front": "",
    "mask": "",
}

UNITS = {
    **{name: _BLOCK_UNITS[name.split("_")[0]] for name in VARIABLES[:-3]},
    "straightness": "",
    "zone": "",
    "road_phi": "quad-strip",
    "gen_q_over_pt": "1/GeV",
    "gen_phi": "rad",
    "gen_eta": "",
}
"""Unit of every column; an empty string for numbers without one."""

INNER_BEND_SCALE = 0.026331 / 0.014264
"""The wider strips of ME1/1a: its bend is carried on the scale of ME1/1b."""

SMALL_BEND = 8.0
"""Behind the first station only the sign of the bend is kept, and nothing if it is not larger than this."""


def variables(hits: Hits, tracks: Tracks, muons: np.ndarray) -> np.ndarray:
    """The 87 columns of the given muons (indices), float32 of shape (row, 87)."""
    planes = len(PLANES)
    result = np.empty((len(muons), len(VARIABLES)), np.float32)
    road = tracks.road
    kept = road.kept[:, muons]
    bend = carried_bend(hits)
    for block, values in enumerate((tracks.phi, hits.theta, bend, hits.time, hits.ring, hits.front)):
        part = np.where(kept, values[:, muons], np.float32(np.nan))
        result[:, block * planes : (block + 1) * planes] = part.T
    result[:, 6 * planes : 7 * planes] = ~kept.T
    result[:, 7 * planes] = road.pattern[muons]
    result[:, 7 * planes + 1] = road.zone[muons]
    result[:, 7 * planes + 2] = road.position[muons]
    return result


def parameters(muons: Muons, selected: np.ndarray) -> np.ndarray:
    """The 3 columns of the truth for the given muons (indices), float32 of shape (row, 3)."""
    columns = (muons.charge_over_pt, muons.phi, muons.eta)
    return np.stack([column[selected] for column in columns], axis=1).astype(np.float32)


def carried_bend(hits: Hits) -> np.ndarray:
    """The bend as the track finder carries it, shape (plane, muon)."""
    bend = hits.bend.copy()
    bend[0] = np.where(hits.ring[0] == 4, bend[0] * np.float32(INNER_BEND_SCALE), bend[0])
    outer = bend[2:CSC_PLANES]
    bend[2:CSC_PLANES] = np.where(np.abs(outer) > SMALL_BEND, np.sign(outer), 0.0)
    # No negative zeros: a bend of -0 would print differently from 0.
    bend += 0.0
    return bend
