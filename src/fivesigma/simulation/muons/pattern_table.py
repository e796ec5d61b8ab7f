"""How the windows of the road patterns are derived; run once, its result is `road_patterns.csv`.

To write the table anew, after a change of the field, the material or the chambers:
`python -m fivesigma.simulation.muons.pattern_table > road_patterns.csv`.
"""

import sys

import numpy as np

from fivesigma.simulation.muons.chambers import PHI_UNIT, Hits, digitise
from fivesigma.simulation.muons.gun import Muons, shoot
from fivesigma.simulation.muons.roads import (
    PATTERN_EDGES,
    PATTERNS,
    ZONE_EDGES,
    ZONES,
    quad_strip,
    zones_of,
)
from fivesigma.simulation.muons.sectors import (
    FIRST_SECTOR,
    LOCAL_ORIGIN,
    SECTOR_WIDTH,
    local_phi,
    visible,
)
from fivesigma.simulation.muons.transport import PLANES, transport

PERCENTILES = (5.0, 95.0)
SMALLEST_SAMPLE = 100
"""A window from fewer hits than this would be an accident; the plane is left out of the zone."""


def build(count: int, seed: int = 2017, chunk: int = 50_000) -> np.ndarray:
    """Windows from `count` muons flat in 1/pT from 2 GeV, shape (pattern, zone, plane, 2)."""
    random = np.random.Generator(np.random.SFC64(seed))
    # Offsets of all hits from the road of the truth, counted in bins of one quad-strip from -64 to 63.
    counts = np.zeros((PATTERNS, ZONES, len(PLANES), 128), np.int64)
    for _ in range(-(-count // chunk)):
        muons = shoot(chunk, "flat-inverse-pt", (2.0, 7000.0), (1.2, 2.4), random)
        hits = digitise(transport(muons, random), muons.charge_over_pt, random)
        _count(counts, muons, hits)
    return _windows(counts)


def true_road(muons: Muons) -> np.ndarray:
    """phi in degrees at which a muon should cross the second station.

    1.204 rad GeV is the published extrapolation at |eta| 1.9; the lever arm goes as 1/sinh|eta|.
    """
    stretch = np.sinh(1.9) / np.sinh(np.abs(muons.eta))
    return np.asarray(np.rad2deg(muons.phi - 1.204 * muons.charge_over_pt * stretch))


def _count(counts: np.ndarray, muons: Muons, hits: Hits) -> None:
    # Degrees from the start of sector 0, in [0, 360); the processor is the one in whose sector the road is.
    around = np.mod(true_road(muons) - FIRST_SECTOR, 360.0)
    processor = np.floor(around / SECTOR_WIDTH)
    local = around - SECTOR_WIDTH * processor + LOCAL_ORIGIN
    seen = visible(hits, processor)
    offset = quad_strip(local_phi(hits, processor)) - quad_strip(np.rint(local / PHI_UNIT))
    zone = ZONES - np.digitize(np.abs(muons.eta), ZONE_EDGES[::-1])
    pattern = np.clip(np.digitize(muons.charge_over_pt, PATTERN_EDGES) - 1, 0, PATTERNS - 1)
    valid = seen & (((zones_of(hits, seen) >> zone.astype(np.uint8)) & 1) == 1) & (np.abs(offset) < 64)
    for plane in range(len(PLANES)):
        at = valid[plane]
        np.add.at(counts, (pattern[at], zone[at], plane, offset[plane, at] + 64), 1)


def _windows(counts: np.ndarray) -> np.ndarray:
    """Percentiles of the counted offsets; symmetric under a change of the charge."""
    counts = counts + _mirrored(counts)
    total = counts.sum(axis=-1, keepdims=True)
    below = np.cumsum(counts, axis=-1) / np.maximum(total, 1)
    first = np.argmax(below >= PERCENTILES[0] / 100.0, axis=-1) - 64
    last = np.argmax(below >= PERCENTILES[1] / 100.0, axis=-1) - 64
    enough = total[..., 0] >= SMALLEST_SAMPLE
    return np.stack([np.where(enough, first, 1), np.where(enough, last, 0)], axis=-1)


def _mirrored(counts: np.ndarray) -> np.ndarray:
    """The counts of the opposite charge, mirrored: bin 64 is an offset of zero."""
    mirrored = np.zeros_like(counts)
    mirrored[..., 1:] = counts[::-1, ..., :0:-1]
    return mirrored


def as_text(windows: np.ndarray) -> str:
    """The table as comma-separated text, without the planes outside a zone."""
    lines = [
        "# First and last quad-strip (32 phi units) of a hit relative to its road.",
        "# Written by python -m fivesigma.simulation.muons.pattern_table",
        "pattern,zone,plane,first,last",
    ]
    for pattern, zone, plane in np.ndindex(windows.shape[:3]):
        first, last = windows[pattern, zone, plane]
        if first <= last:
            lines.append(f"{pattern},{zone},{PLANES[plane]},{first},{last}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_text(build(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000)))
