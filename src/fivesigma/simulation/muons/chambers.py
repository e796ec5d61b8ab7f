"""Muon chambers: what each detector plane reports of a muon that crosses it.

Units of the report are those of the trigger: phi in 1/60 degree, theta in 36.5/128 degree above 8.5
degrees, bend in eighths of a strip over the six layers of a cathode strip chamber.
"""

from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

from fivesigma.hashing import uniform
from fivesigma.simulation.muons.transport import PLANE_Z, PLANES, Crossings

PHI_UNIT = 1.0 / 60.0
"""Degrees per unit of phi."""

THETA_UNIT = 36.5 / 128.0
THETA_ZERO = 8.5
"""theta in degrees = integer * THETA_UNIT + THETA_ZERO."""

CSC_PLANES = 5
"""The first five planes are cathode strip chambers, the only ones that measure a slope."""

ME0 = PLANES.index("ME0")

SOFT_LOSS = 0.15
SOFT_LOSS_RANGE = (0.20, 0.50)
"""Strongly bent and scattered segments are lost: nothing up to the first |q/pT| in 1/GeV, then a share
that rises linearly to `SOFT_LOSS` at the second."""


@dataclass(frozen=True)
class Ring:
    """One ring of equal chambers in a plane.

    Radii in metres, all angles in degrees: `width` is the spacing of chamber centres, `first` one of the
    centres, `usable` the sensitive width of a chamber, `strip` the cell in phi (half a cathode strip) and
    `wire` the cell in theta. `pitch` is the cathode strip, `lever` the depth in metres over which the
    bend is measured and `bend_noise` the width of its error in eighths of a strip.
    """

    plane: str
    number: int
    radius: tuple[float, float]
    width: float
    first: float
    usable: float
    strip: float
    wire: float
    pitch: float = 0.0
    lever: float = 0.0
    bend_noise: float = 0.0


def _csc(
    ring: tuple[str, int],
    radius: tuple[float, float],
    width: float,
    usable: float,
    pitch_mrad: float,
    wire: float,
    bend_noise: float,
) -> Ring:
    """A ring of cathode strip chambers.

    Args:
        ring: its plane, and its number in the station.
        radius: inner and outer, m.
        width: of a chamber in φ as sectors count it, and `usable` what its strips cover, degrees.
        usable: see `width`.
        pitch_mrad: of the strips, mrad.
        wire: resolution of the wire groups in θ, degrees.
        bend_noise: of the bend, eighths of a strip.
    """
    pitch = float(np.rad2deg(pitch_mrad * 1e-3))
    lever = 0.132 if ring[0] == "ME11" else 0.1524
    first = 5.0 if width == 20.0 else 0.0
    return Ring(*ring, radius, width, first, usable, pitch / 2, wire, pitch, lever, bend_noise)


RINGS = (
    _csc(("ME11", 4), (1.02, 1.50), 10, 10.67, 3.878, 0.284, 1.9),
    _csc(("ME11", 1), (1.50, 2.785), 10, 10.67, 2.958, 0.284, 2.4),
    _csc(("ME12", 2), (2.834, 4.563), 10, 10.85, 2.327, 0.173, 1.7),
    _csc(("ME2", 1), (1.498, 3.415), 20, 21.3, 4.654, 0.108, 3.3),
    _csc(("ME2", 2), (3.677, 6.879), 10, 10.66, 2.327, 0.246, 7.0),
    _csc(("ME3", 1), (1.701, 3.416), 20, 21.3, 4.654, 0.101, 3.8),
    _csc(("ME3", 2), (3.677, 6.879), 10, 10.66, 2.327, 0.232, 6.0),
    _csc(("ME4", 1), (1.906, 3.417), 20, 21.3, 4.654, 0.082, 3.0),
    _csc(("ME4", 2), (3.677, 6.879), 10, 10.66, 2.327, 0.221, 5.0),
    Ring("RE1", 2, (2.82, 4.66), 10, 0, 10.3, 0.3125, 4 * THETA_UNIT),
    Ring("RE2", 2, (3.30, 4.75), 10, 0, 10.3, 0.3125, 4 * THETA_UNIT),
    Ring("RE2", 3, (4.90, 6.90), 10, 0, 10.3, 0.3125, 4 * THETA_UNIT),
    Ring("RE3", 1, (1.55, 3.30), 20, 5, 20.3, 0.2, THETA_UNIT),
    Ring("RE3", 2, (3.40, 4.75), 10, 0, 10.3, 0.3125, 4 * THETA_UNIT),
    Ring("RE3", 3, (4.90, 6.90), 10, 0, 10.3, 0.3125, 4 * THETA_UNIT),
    Ring("RE4", 1, (1.70, 3.30), 20, 5, 20.3, 0.2, THETA_UNIT),
    Ring("RE4", 2, (3.50, 4.75), 10, 0, 10.3, 0.3125, 4 * THETA_UNIT),
    Ring("RE4", 3, (4.90, 6.90), 10, 0, 10.3, 0.3125, 4 * THETA_UNIT),
    Ring("GE11", 1, (1.30, 2.50), 10, 0, 10.15, 0.0521, 1.2),
    Ring("GE21", 1, (1.36, 3.30), 20, 5, 20.3, 0.0521, 1.2),
    Ring("ME0", 1, (0.60, 1.50), 20, 5, 20.3, 0.0426, 0.28, 0.0852, 0.12, 1.0),
)
"""Geometry of the chambers of one endcap: CMS muon technical design reports, and for RE3/1, RE4/1,
GE1/1, GE2/1 and ME0 the design report of the phase-2 upgrade. The bend noise is set by the published q/pT
per unit of bend of each ring: the regression through zero falls as noise widens the bend."""

HALF_GAP = (0.1465, 0.137, 0.124, 0.124, 0.124, *(7 * (0.0,)))
"""Half the distance in z between front and rear chambers of each plane, in metres."""

FRONT_IS_EVEN = (True, True, True, False, False, True, True, False, False, True, True, True)
"""Whether the chambers in front, nearer to the collision, are those with an even number."""

EFFICIENCY = (0.945, 0.91, 0.94, 0.925, 0.93, *(4 * (0.88,)), 0.94, 0.94, 0.94)
"""Probability that a plane reports a stiff muon that crosses one of its chambers, dead areas included."""

THETA_SMEARING = (0.35, 0.25, 0.1, 0.1, 0.1, *(7 * (0.0,)))
"""Extra width of theta in theta units: wire groups hit by delta rays, tilted wires."""

THETA_OFFSET = (0.15, -0.4, -0.4, -0.5, -0.25, *(7 * (0.0,)))
"""Mean shift of theta in theta units, from the published means of four-station muons: the trigger's table
rounds down, and the wires of ME1/1 are tilted by 29 degrees."""

EARLY = ((0.01, 0.0), (0.01, 0.0), (0.01, 0.0), (0.02, -0.0003), (0.0, 0.0024), *(7 * ((0.0, 0.0),)))
"""Probability that a hit is assigned to the bunch crossing before its own: constant, and slope per unit
of theta. The figures follow the published correlations of the times with theta and ring."""

PHI_STEP = (*(5 * (1,)), *(4 * (4,)), *(3 * (1,)))
"""The trigger carries phi of resistive plates in steps of four units."""

BEND_TAIL_FRACTION = 0.12
BEND_TAIL_WIDTH = 10.0
"""Segments confused by delta rays: this share of bends is smeared by this many eighths of a strip."""

BEND_LIMIT = 142
"""Largest bend the trigger carries, in eighths of a strip."""


NOISE = 0.2
"""Mean number of hits per muon, in all twelve planes, that are unrelated to it, at 2·10³⁴ cm⁻²s⁻¹.

In the five planes of cathode strip chambers it is 0.09: the rates of track segments from backgrounds that were calculated
for 10³⁴ cm⁻²s⁻¹ (CMS TN/96-070: 30, 7, 16, 12, 18, 7 and 56 kHz per chamber of ME1/1, ME1/2, ME2/1, ME2/2, ME3/1, ME3/2 and
ME4/1; the 265 kHz of ME4/2 were due to a shielding that was not built), doubled, summed over the chambers of a sector, in
three bunch crossings. The other planes are given as many."""


@dataclass(frozen=True)
class Hits:
    """Hits in all planes; arrays of shape (plane, muon), meaningful only where `present`.

    phi: degrees around the beam; chamber: centre of the chamber in degrees; theta, bend, ring, front
    (1 front, 0 rear) and time (bunch crossing) as the trigger carries them. bend is the measured one,
    before the stations behind the first keep only its sign.
    """

    present: np.ndarray
    phi: np.ndarray
    chamber: np.ndarray
    width: np.ndarray
    theta: np.ndarray
    bend: np.ndarray
    ring: np.ndarray
    front: np.ndarray
    time: np.ndarray

    def select(self, muons: np.ndarray) -> "Hits":
        """The hits of the given muons (indices) only."""
        return Hits(*(getattr(self, column.name)[:, muons] for column in fields(self)))


def digitise(
    crossings: Crossings,
    charge_over_pt: np.ndarray,
    random: np.random.Generator,
    noise: float = 0.0,
    perfect: bool = False,
) -> Hits:
    """Hits of all planes.

    Args:
        noise: mean number of extra hits per muon, spread over the planes; those in a plane that the
            muon itself has hit are left out.
        perfect: every chamber fires, on time and without errors other than its granularity.
    """
    reports = [_digitise_plane(plane, crossings, charge_over_pt, random, perfect) for plane in range(len(PLANES))]
    hits = Hits(*(np.stack(column) for column in zip(*reports, strict=True)))
    if noise > 0.0:
        _add_noise(hits, noise, random)
    return hits


def silence(hits: Hits, endcap: np.ndarray, share: float, seed: int) -> None:
    """Remove the hits of dead chambers, in place; a hash of seed and chamber says which ones are dead.

    Args:
        endcap: 1 for the positive, 0 for the negative one, shape (muon,).
        share: of the chambers that are dead, in all planes alike.
        seed: of the simulation: the same chambers are dead in all of it.
    """
    if share <= 0:
        return
    # ME1/1a and ME1/1b are one chamber.
    ring = np.where(hits.ring == 4, 1, hits.ring).astype(np.int64)
    position = np.mod(np.rint(2 * hits.chamber), 720).astype(np.int64)
    plane = np.arange(len(PLANES))[:, None]
    number = ((plane * 8 + ring) * 1024 + position) * 2 + endcap.astype(np.int64)
    hits.present[uniform(number.astype(np.uint64), seed) < share] = False


def _rings_of(plane: int) -> list[Ring]:
    return [ring for ring in RINGS if ring.plane == PLANES[plane]]


def _digitise_plane(
    plane: int, crossings: Crossings, charge_over_pt: np.ndarray, random: np.random.Generator, perfect: bool
) -> tuple[np.ndarray, ...]:
    """The hits in one plane, in the order of the fields of `Hits`, arrays of shape (muon,)."""
    x, y = crossings.x[plane], crossings.y[plane]
    slope_x, slope_y = crossings.slope_x[plane], crossings.slope_y[plane]
    radius = np.sqrt(x * x + y * y)
    phi = np.rad2deg(np.arctan2(y, x))
    # Change of phi along z in degrees per metre, and of the radius.
    turning = np.rad2deg((x * slope_y - y * slope_x) / (radius * radius))
    opening = (x * slope_x + y * slope_y) / radius
    rings = _rings_of(plane)
    nearest = _RingTable(rings, _nearest_ring(radius, rings))
    chamber, front, covered = _choose_chamber(plane, phi, nearest, random)
    # From the plane to the chamber, which sits in front of it or behind it.
    offset = np.where(front == 1, -HALF_GAP[plane], HALF_GAP[plane]).astype(np.float32)
    radius_there = radius + opening * offset
    which = _ring_at(radius_there, rings)
    inside = which < len(rings)
    which[~inside] = 0
    look_up = _RingTable(rings, which)
    inside &= look_up("width") == nearest("width")
    bend = _measure_bend(plane, turning, look_up, random, perfect)
    measured_phi = _cells(phi + turning * offset - chamber, look_up("strip")) + chamber
    if plane < 2:
        # The first station is corrected along the measured slope to the middle of front and rear.
        measured_phi -= bend * (look_up("pitch") / 8.0 / look_up("lever")) * offset
    theta = np.rad2deg(np.arctan2(radius_there, PLANE_Z[plane] + offset))
    measured_theta = _measure_theta(plane, theta, look_up, random, perfect)
    present = crossings.reached[plane] & inside & covered
    time = np.zeros(len(phi), np.float32)
    if not perfect:
        present &= random.random(len(phi), np.float32) < _efficiency(plane, charge_over_pt)
        constant, slope = EARLY[plane]
        early = np.clip(constant + slope * measured_theta, 0.0, 0.1)
        time = np.where(random.random(len(phi), np.float32) < early, -1, 0).astype(np.float32)
    numbers = look_up("number")
    return present, measured_phi, chamber, look_up("width"), measured_theta, bend, numbers, front, time


class _RingTable:
    """Looks up a property of the ring that each muon crosses; arrays of shape (muon,)."""

    def __init__(self, rings: list[Ring], which: np.ndarray) -> None:
        self._rings = rings
        self._which = which

    def __call__(self, name: str) -> np.ndarray:
        values = np.array([getattr(ring, name) for ring in self._rings], np.float32)
        return np.asarray(values[self._which])


def _ring_at(radius: np.ndarray, rings: list[Ring]) -> np.ndarray:
    """Index of the ring at `radius`, or the number of rings where there is none."""
    which = np.full(radius.shape, len(rings), np.int8)
    for index, ring in enumerate(rings):
        low, high = ring.radius
        which[(radius >= low) & (radius < high)] = index
    return which


def _nearest_ring(radius: np.ndarray, rings: list[Ring]) -> np.ndarray:
    """Index of the ring at `radius`, or of the nearer one in the gap between two."""
    which = np.zeros(radius.shape, np.int8)
    for inner, outer in pairwise(rings):
        which += radius >= 0.5 * (inner.radius[1] + outer.radius[0])
    return which


def _choose_chamber(
    plane: int, phi: np.ndarray, look_up: _RingTable, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(centre of the chamber in degrees, 1 if it is a front one, whether phi is inside it).

    Neighbouring chambers overlap, one in front and one behind; in the overlap either is taken.
    """
    width, first = look_up("width"), look_up("first")
    position = (phi - first) / width
    number = np.rint(position)
    beside = position - number
    reach = look_up("usable") / width
    shared = np.abs(beside) > 1.0 - 0.5 * reach
    swap = shared & (random.random(len(phi), np.float32) < 0.5)
    number = np.where(swap, number + np.sign(beside), number)
    # Chamber 1 of a ring is the one centred at `first`.
    is_even = number - 2.0 * np.floor(0.5 * number) == 1.0
    front = is_even == FRONT_IS_EVEN[plane]
    covered = np.abs(position - number) <= 0.5 * reach
    return number * width + first, front.astype(np.float32), covered


def _measure_bend(
    plane: int, turning: np.ndarray, look_up: _RingTable, random: np.random.Generator, perfect: bool
) -> np.ndarray:
    """Slope of the segment in eighths of a strip over the depth of the chamber, rounded."""
    if plane >= CSC_PLANES and plane != ME0:
        return np.zeros_like(turning)
    bend = turning * (look_up("lever") * 8.0 / look_up("pitch"))
    if not perfect:
        count = len(turning)
        bad = random.random(count, np.float32) < BEND_TAIL_FRACTION
        width = np.where(bad, np.float32(BEND_TAIL_WIDTH), look_up("bend_noise"))
        bend += width * random.standard_normal(count, np.float32)
    return np.asarray(np.clip(np.rint(bend), -BEND_LIMIT, BEND_LIMIT))


def _measure_theta(
    plane: int, theta: np.ndarray, look_up: _RingTable, random: np.random.Generator, perfect: bool
) -> np.ndarray:
    """Polar angle in theta units, read from the middle of its wire group."""
    measured = (_cells(theta, look_up("wire")) - THETA_ZERO) / THETA_UNIT + THETA_OFFSET[plane]
    if not perfect and THETA_SMEARING[plane] > 0.0:
        measured += THETA_SMEARING[plane] * random.standard_normal(len(theta), np.float32)
    return np.asarray(np.clip(np.rint(measured), 1.0, 127.0))


def _cells(value: np.ndarray, size: np.ndarray) -> np.ndarray:
    """`value` moved to the middle of its cell of `size`."""
    return np.asarray((np.floor(value / size) + np.float32(0.5)) * size)


def _efficiency(plane: int, charge_over_pt: np.ndarray) -> np.ndarray:
    start, end = SOFT_LOSS_RANGE
    softness = np.clip((np.abs(charge_over_pt) - start) / (end - start), 0.0, 1.0)
    return np.asarray(EFFICIENCY[plane] * (1.0 - SOFT_LOSS * softness))


def _add_noise(hits: Hits, noise: float, random: np.random.Generator) -> None:
    """Add hits unrelated to the muon to empty planes.

    There are no noise hits in planes with a true hit: the track finder takes the hit nearer to its road.
    """
    planes, count = hits.present.shape
    for plane in range(planes):
        fires = (random.random(count) < 1.0 - np.exp(-noise / planes)) & ~hits.present[plane]
        muons = np.flatnonzero(fires)
        rings = _rings_of(plane)
        look_up = _RingTable(rings, random.integers(0, len(rings), len(muons)).astype(np.int8))
        # Within half a sector of the muon: what is farther away meets another processor.
        away = random.uniform(-30.0, 30.0, len(muons)).astype(np.float32)
        phi = np.mod(hits.phi[plane, muons] + away + 180.0, 360.0) - 180.0
        chamber, front, _ = _choose_chamber(plane, phi, look_up, random)
        radius = random.uniform(*look_up("radius").T)
        theta = np.rad2deg(np.arctan2(radius, PLANE_Z[plane])).astype(np.float32)
        slope = random.standard_normal(len(muons), np.float32) * 20.0
        hits.present[plane, muons] = True
        hits.phi[plane, muons] = _cells(phi - chamber, look_up("strip")) + chamber
        hits.chamber[plane, muons] = chamber
        hits.width[plane, muons] = look_up("width")
        hits.theta[plane, muons] = _measure_theta(plane, theta, look_up, random, perfect=False)
        has_slope = plane < CSC_PLANES or plane == ME0
        hits.bend[plane, muons] = np.clip(np.rint(slope), -BEND_LIMIT, BEND_LIMIT) if has_slope else 0.0
        hits.ring[plane, muons] = look_up("number")
        hits.front[plane, muons] = front
        hits.time[plane, muons] = 0.0
