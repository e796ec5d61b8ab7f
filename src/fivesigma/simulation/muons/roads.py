"""The road search of the track finder: zone, straightness and place of a muon, and the hits it keeps.

A road is a zone in theta, one of nine patterns (bins of charge over momentum) and a place in phi, in
steps of 32 units ("quad-strips"). Every hit fires the places from which it lies inside the pattern's
window. A road needs a hit in the first station, in two further stations, and cathode strip chambers in
two stations; the one with the most valuable planes wins, then the straightest.

Places are bits of one 64-bit word per muon and pattern, so that a search over all places is a handful
of logical operations. The word is centred at the median hit of the muon in the zone: a road that lies
more than 32 places (17 degrees) away from it, which noise alone could make, is not looked for.
"""

from dataclasses import dataclass, fields
from functools import cache
from importlib import resources

import numpy as np

from fivesigma.simulation.muons.chambers import Hits
from fivesigma.simulation.muons.transport import PLANES

QUAD_STRIP = 32
"""Units of phi per road position."""

PATTERN_EDGES = (-0.5, -0.365, -0.26, -0.155, -0.07, 0.07, 0.155, 0.26, 0.365, 0.5)
"""Bins of charge over transverse momentum, 1/GeV, behind the nine patterns."""

STRAIGHTEST = 4
PATTERNS = len(PATTERN_EDGES) - 1

ZONE_EDGES = (2.4, 2.15, 1.98, 1.8, 1.7, 1.55, 1.2)
"""|eta| at the borders of the six zones, from the beam outwards."""

ZONES = len(ZONE_EDGES) - 1

LAST_POSITION = 154

Windows = dict[int, tuple[int, int]]

THETA_WINDOWS: dict[tuple[str, int], Windows] = {
    ("ME11", 4): {0: (4, 17), 1: (16, 26), 2: (24, 37), 3: (34, 43), 4: (40, 53)},
    ("ME11", 1): {0: (4, 17), 1: (16, 26), 2: (24, 37), 3: (34, 43), 4: (40, 53)},
    ("ME12", 2): {4: (46, 54), 5: (52, 88)},
    ("ME2", 1): {0: (4, 17), 1: (16, 25), 2: (24, 36), 3: (34, 43), 4: (40, 49)},
    ("ME2", 2): {5: (53, 88)},
    ("ME3", 1): {0: (4, 17), 1: (16, 25), 2: (24, 36), 3: (34, 40)},
    ("ME3", 2): {4: (44, 54), 5: (52, 88)},
    ("ME4", 1): {0: (4, 17), 1: (16, 25), 2: (24, 35)},
    ("ME4", 2): {3: (38, 43), 4: (41, 54), 5: (52, 88)},
    ("RE1", 2): {4: (52, 56), 5: (52, 84)},
    ("RE2", 2): {5: (56, 88)},
    ("RE2", 3): {5: (56, 88)},
    ("RE3", 1): {0: (4, 17), 1: (16, 25), 2: (24, 36)},
    ("RE3", 2): {3: (36, 40), 4: (40, 52), 5: (48, 84)},
    ("RE3", 3): {3: (36, 40), 4: (40, 52), 5: (48, 84)},
    ("RE4", 1): {0: (4, 17), 1: (16, 25), 2: (24, 31)},
    ("RE4", 2): {3: (36, 44), 4: (44, 52), 5: (52, 84)},
    ("RE4", 3): {3: (36, 44), 4: (44, 52), 5: (52, 84)},
    ("GE11", 1): {1: (16, 26), 2: (24, 37), 3: (35, 45), 4: (40, 52)},
    ("GE21", 1): {0: (7, 19), 1: (18, 24), 2: (23, 36), 3: (34, 46)},
    ("ME0", 1): {0: (4, 17), 1: (16, 23)},
}
"""(plane, ring) to zone to first and last theta, in theta units."""

STATIONS = ((0, 1, 5, 9, 11), (2, 6, 10), (3, 7), (4, 8))
"""Planes of each of the four stations."""

VALUE = ((11,), (0,), (1, 9), (2,), (5, 6, 10), (3, 7), (4, 8))
"""Groups of planes, the most valuable first: ME0, ME1/1, ME1/2 and GE1/1, ME2, and so on outwards."""


@dataclass(frozen=True)
class Roads:
    """The best road of each muon, shape (muon,), and the hits it keeps, shape (plane, muon).

    `value` orders roads, 0 where there is none: planes first, then straightness.
    """

    value: np.ndarray
    pattern: np.ndarray
    zone: np.ndarray
    position: np.ndarray
    kept: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """Whether there is a road, shape (muon,)."""
        return np.asarray(self.value > 0)

    def replace(self, muons: np.ndarray, other: "Roads", chosen: np.ndarray) -> None:
        """Overwrite the roads of `muons` with the `chosen` ones of `other`, in place."""
        for column in fields(self):
            getattr(self, column.name)[..., muons] = getattr(other, column.name)[..., chosen]


@cache
def patterns() -> np.ndarray:
    """First and last offset of a hit from its road in quad-strips, shape (pattern, zone, plane, 2).

    Planes outside a zone have a first offset above the last. The numbers are percentiles of the
    simulation itself; `pattern_table.build` derives them and `road_patterns.csv` holds them.
    """
    table = np.empty((PATTERNS, ZONES, len(PLANES), 2), np.int32)
    table[..., 0], table[..., 1] = 1, 0
    text = resources.files(__package__).joinpath("road_patterns.csv").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith(("#", "pattern")):
            continue
        pattern, zone, plane, first, last = line.split(",")
        table[int(pattern), int(zone), PLANES.index(plane)] = int(first), int(last)
    return table


def quad_strip(phi: np.ndarray) -> np.ndarray:
    """Quad-strip of a hit from its integer phi."""
    return np.asarray((phi.astype(np.int32) + QUAD_STRIP // 2) // QUAD_STRIP)


@cache
def _zone_table() -> np.ndarray:
    """Zones of a hit as bits, shape (plane, ring, theta)."""
    table = np.zeros((len(PLANES), 5, 128), np.uint8)
    for (plane, ring), windows in THETA_WINDOWS.items():
        for zone, (first, last) in windows.items():
            table[PLANES.index(plane), ring, first : last + 1] |= np.uint8(1 << zone)
    return table


def zones_of(hits: Hits, seen: np.ndarray) -> np.ndarray:
    """Zones to which each hit belongs, as bits; 0 where it is not `seen`. Shape (plane, muon)."""
    planes = np.arange(len(PLANES))[:, None]
    bits = _zone_table()[planes, hits.ring.astype(np.int8), hits.theta.astype(np.int16)]
    return np.asarray(bits * seen)


def search(hits: Hits, seen: np.ndarray, phi: np.ndarray, table: np.ndarray | None = None) -> Roads:
    """The best road of each muon.

    Args:
        seen: whether the processor sees the hit, shape (plane, muon).
        phi: integer phi in the processor's coordinates, shape (plane, muon).
        table: pattern windows as in `patterns()`, the default.
    """
    windows = patterns() if table is None else table
    bits = zones_of(hits, seen)
    strip = quad_strip(phi)
    count = phi.shape[1]
    best = np.full(count, -1, np.int32)
    zone, pattern, position = (np.zeros(count, np.int32) for _ in range(3))
    for number in range(ZONES):
        in_zone = (bits & np.uint8(1 << number)) != 0
        muons = np.flatnonzero(enough_stations(in_zone))
        if len(muons) == 0:
            continue
        reference = _median(strip[:, muons], in_zone[:, muons])
        fired = _fire(strip[:, muons] - reference, in_zone[:, muons], windows[:, number])
        code, chosen, place = _best_road(fired)
        # At equal value the inner zone wins, hence not >=.
        better = (code > best[muons]) & (code > 0)
        winners = muons[better]
        best[winners], zone[winners] = code[better], number
        pattern[winners] = chosen[better]
        position[winners] = (place + reference)[better] - 32
    best[(best < 0) | (position < 0) | (position > LAST_POSITION)] = 0
    kept = _kept(bits, strip, zone, pattern, position, windows) & (best > 0)
    return Roads(best, pattern, zone, position, kept)


def _median(strip: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Median over the planes of the valid quad-strips, the lower one of two; shape (muon,)."""
    ordered = np.sort(np.where(valid, strip, np.int32(1 << 20)).T, axis=1)
    middle = (valid.sum(axis=0) - 1) // 2
    return np.asarray(np.take_along_axis(ordered, middle[:, None], axis=1)[:, 0])


def _any_plane(fired: np.ndarray, planes: tuple[int, ...]) -> np.ndarray:
    result = fired[planes[0]]
    for plane in planes[1:]:
        result = result | fired[plane]
    return np.asarray(result)


def enough_stations(fired: np.ndarray) -> np.ndarray:
    """Whether a road has enough stations, bit by bit; works on booleans and on words of positions."""
    one, two, three, four = (_any_plane(fired, planes) for planes in STATIONS)
    two_more = (two & three) | (two & four) | (three & four)
    # Cathode strip chambers of one station, then of a second one farther out.
    some = fired[0] | fired[1]
    two_strips = some & fired[2]
    some = some | fired[2]
    two_strips = two_strips | (some & fired[3])
    some = some | fired[3]
    two_strips = two_strips | (some & fired[4])
    return np.asarray(one & two_more & two_strips)


def _fire(delta: np.ndarray, in_zone: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """Words of positions, shape (plane, pattern, muon): bit 32 is the position of the reference.

    delta: quad-strips of the hit from the reference, shape (plane, muon); windows: (pattern, plane, 2).
    """
    near = in_zone & (np.abs(delta) < 48)
    left = np.where(near & (delta > 0), delta, 0).astype(np.uint64)
    right = np.where(near & (delta < 0), -delta, 0).astype(np.uint64)
    fired = np.zeros((len(PLANES), PATTERNS, delta.shape[1]), np.uint64)
    for plane in range(len(PLANES)):
        if not near[plane].any():
            continue
        words = np.array([_word(*pair) for pair in windows[:, plane].tolist()], np.uint64)
        all_or_none = np.where(near[plane], np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(0))
        fired[plane] = ((words[:, None] << left[plane]) >> right[plane]) & all_or_none
    return fired


def _word(first: int, last: int) -> int:
    """Positions from which a hit at the reference lies between `first` and `last` quad-strips away."""
    if first > last:
        return 0
    return ((1 << (last - first + 1)) - 1) << (32 - last)


def _best_road(fired: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(value, pattern, bit of the position) of the best road of each muon; value 0 if there is none."""
    places = enough_stations(fired)
    code = np.zeros(places.shape[1], np.int32)
    exists = _any_pattern(places) != 0
    for planes in VALUE:
        narrowed = places & _any_plane(fired, planes)
        has = _any_pattern(narrowed) != 0
        places = np.where(has, narrowed, places)
        code = code * 2 + has
    distance = np.abs(np.arange(PATTERNS) - STRAIGHTEST)
    straightness = (STRAIGHTEST - distance + 1).astype(np.int8)
    # Of two equally straight patterns argmax takes the first, as the track finder does.
    pattern = np.argmax(np.where(places != 0, straightness[:, None], np.int8(0)), axis=0)
    chosen = np.take_along_axis(places, pattern[None], axis=0)[0]
    code = (code * 8 + straightness[pattern]) * exists
    return code, pattern, _middle_bit(chosen)


def _any_pattern(places: np.ndarray) -> np.ndarray:
    return np.asarray(np.bitwise_or.reduce(places, axis=0))


def _middle_bit(word: np.ndarray) -> np.ndarray:
    """Index of the middle one of the set bits, the upper one of two; 0 for an empty word."""
    one = np.uint64(1)
    middle = np.bitwise_count(word).astype(np.int16) // 2
    rest = word.copy()
    while (middle > 0).any():
        rest = np.where(middle > 0, rest & (rest - one), rest)
        middle -= 1
    lowest = rest & (~rest + one)
    return np.asarray(np.bitwise_count(lowest - np.minimum(lowest, one)), np.int32)


def _kept(
    bits: np.ndarray,
    strip: np.ndarray,
    zone: np.ndarray,
    pattern: np.ndarray,
    position: np.ndarray,
    windows: np.ndarray,
) -> np.ndarray:
    """Whether each hit lies in the zone and in the window of the chosen road; shape (plane, muon)."""
    limits = windows[pattern, zone]
    offset = (strip - position).T
    inside = (offset >= limits[..., 0]) & (offset <= limits[..., 1])
    return np.asarray(((bits >> zone.astype(np.uint8)) & 1).astype(bool) & inside.T)
