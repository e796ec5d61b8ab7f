"""Simulated muons against published figures of the CMS endcap track finder: arrays in, comparisons out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivesigma.progress import Progress, silent
from fivesigma.simulation.muons import chambers, field, gun, material, sectors
from fivesigma.simulation.muons.archive import PARAMETERS, VARIABLES
from fivesigma.simulation.muons.roads import ZONE_EDGES, ZONES
from fivesigma.simulation.muons.simulation import CHUNK
from fivesigma.simulation.muons.transport import PLANES, transport
from fivesigma.validation import published
from fivesigma.validation.comparison import Comparison
from fivesigma.validation.published import Window
from fivesigma.validation.statistics import correlation, deviation, quantiles

ENOUGH = 400_000
"""Muons from which on the comparisons are judged."""

EXTRAPOLATION = 1.204
"""rad GeV: phi(ME2) = phi - 1.204 (q/pT) sinh 1.9/sinh|eta|; the track finder's constant."""
EXTRAPOLATION_TOLERANCE = (0.05, 0.05, 0.05, 0.05, 0.05, 0.08)  # relative, by zone

WINDOW_MEDIAN = (0.15, 6.0)  # relative, or in phi units, whichever is larger
WINDOW_WIDTH = 0.30  # relative
WINDOW_MUONS = 50
STIFF_SHARE, ALL_SHARE = 0.95, 0.80

BEND_TOLERANCE, BEND_RINGS = 0.25, 7

CLASS_EDGES = (0.0, 10.0, 30.0, 100.0, np.inf)  # GeV
CLASS_SHARES = (0.800, 0.133, 0.047, 0.020)  # before selection, flat in 1/pT from 2 GeV
CLASS_TOLERANCE = 0.005

ACCEPTANCE = (0.82, 0.05)
FOUR_HITS = (0.36, 0.03)
FOUR_HIT_DEVIATION = (0.2524, 0.05)  # 1/GeV, relative tolerance
FOUR_PLANES = ("ME11", "ME2", "ME3", "ME4")
CORRELATION_RMS = 0.05

FIELD_IRON, FIELD_AIR = 3.0, 4.0  # tesla


@dataclass(frozen=True)
class Spectrometer:
    """Muons of the gun with their hits in every plane, before the road search.

    charge_over_pt (1/GeV), eta: shape (muon,); turned: change of phi from the collision to the middle of ME2, in
    radians, shape (muon,); phi in trigger units, NaN where the sector processor sees no hit, bend and ring: shape
    (plane, muon).
    """

    charge_over_pt: np.ndarray
    eta: np.ndarray
    turned: np.ndarray
    phi: np.ndarray
    bend: np.ndarray
    ring: np.ndarray

    def __len__(self) -> int:
        return len(self.eta)

    def zone(self, number: int) -> NDArray[np.bool_]:
        """Muons whose |eta| lies in a zone."""
        absolute = np.abs(self.eta)
        return np.asarray((absolute < ZONE_EDGES[number]) & (absolute >= ZONE_EDGES[number + 1]))


def observe(muons: int, seed: int, progress: Progress = silent) -> Spectrometer:
    """Shoot at least this many muons, flat in 1/pT from 2 GeV, through the spectrometer.

    Args:
        seed: any whole number from 0.
        progress: called after each chunk.
    """
    chunks = []
    total = max(1, -(-muons // CHUNK))
    for number in range(total):
        progress(number, total, "observing muons in the spectrometer")
        chunks.append(_observe_chunk(np.random.default_rng([seed, number])))
    columns = (np.concatenate([chunk[i] for chunk in chunks], axis=-1) for i in range(6))
    return Spectrometer(*columns)


def _observe_chunk(random: np.random.Generator) -> tuple[np.ndarray, ...]:
    """The fields of `Spectrometer` for one chunk."""
    muons = gun.shoot(CHUNK, "flat-inverse-pt", (2.0, 7000.0), (1.2, 2.5), random)
    crossings = transport(muons, random)
    hits = chambers.digitise(crossings, muons.charge_over_pt, random)
    processor = sectors.home(hits)
    seen = sectors.visible(hits, processor)
    phi = np.where(seen, sectors.local_phi(hits, processor), np.float32(np.nan))
    station = PLANES.index("ME2")
    turned = np.angle(np.exp(1j * (np.arctan2(crossings.y[station], crossings.x[station]) - muons.phi)))
    turned = np.where(crossings.reached[station], turned, np.nan)
    return muons.charge_over_pt, muons.eta, turned, phi.astype(np.float32), hits.bend, hits.ring


@dataclass(frozen=True)
class WindowResult:
    """A published window and the simulated one; NaN where there are too few muons. Units of 1/60 degree."""

    window: Window
    found: tuple[float, float, float]
    median_error: float

    @property
    def median_inside(self) -> bool:
        """Whether the median is within the larger of 15 % and 6 units."""
        allowed = max(WINDOW_MEDIAN[0] * abs(self.window.median), WINDOW_MEDIAN[1])
        return abs(self.found[1] - self.window.median) <= allowed

    @property
    def width_inside(self) -> bool:
        """Whether the distance from 5 % to 95 % is within 30 %."""
        published_width = self.window.p95 - self.window.p05
        return abs(self.found[2] - self.found[0] - published_width) <= WINDOW_WIDTH * published_width

    @property
    def inside(self) -> bool:
        """Whether it agrees: median and width for strip chambers, the median for the other planes."""
        return self.median_inside and (self.width_inside or not self.window.strips)


def window_results(seen: Spectrometer) -> list[WindowResult]:
    """The simulated 5 %, median and 95 % for every published window."""
    zones = {number: seen.zone(number) for number in range(ZONES)}
    results = []
    for window in published.windows():
        at = np.logical_or.reduce([zones[number] for number in window.muons])
        at &= (seen.charge_over_pt >= window.low) & (seen.charge_over_pt < window.high)
        index = np.flatnonzero(at)
        difference = seen.phi[PLANES.index(window.plane), index] - seen.phi[PLANES.index(window.reference), index]
        difference = difference[~np.isnan(difference)].astype(np.float64)
        if len(difference) < WINDOW_MUONS:
            nan = float("nan")
            results.append(WindowResult(window, (nan, nan, nan), nan))
            continue
        low, middle, high = quantiles(difference, np.ones(len(difference)), (0.05, 0.5, 0.95))
        results.append(WindowResult(window, (low[0], middle[0], high[0]), middle[1]))
    return results


def spectrometer_rows(seen: Spectrometer, results: Sequence[WindowResult]) -> list[Comparison]:
    """All comparisons before the road search."""
    note = too_few(len(seen))
    return [
        *extrapolation_rows(seen, note),
        *window_rows(results, note),
        *bend_rows(seen, note),
        *class_rows(seen, note),
        *field_rows(),
    ]


def too_few(muons: int) -> str:
    """The note of rows with too few muons for a comparison."""
    return "" if muons >= ENOUGH else f"too few: {muons:,} of {ENOUGH:,} muons"


def extrapolation_rows(seen: Spectrometer, note: str = "") -> list[Comparison]:
    """The track finder's extrapolation to ME2, as its constant per zone."""
    lever = np.sinh(1.9) / np.sinh(np.abs(seen.eta))
    constant = -seen.turned / (seen.charge_over_pt * lever)
    rows = []
    for number, tolerance in enumerate(EXTRAPOLATION_TOLERANCE):
        values = constant[seen.zone(number) & ~np.isnan(constant)]
        value, error = quantiles(values, np.ones(len(values)), (0.5,))[0]
        quantity = f"constant in zone {number}"
        allowed = tolerance * EXTRAPOLATION
        rows.append(Comparison("extrapolation to ME2", quantity, EXTRAPOLATION, value, error, allowed, "rad GeV", note=note))
    return rows


def window_rows(results: Sequence[WindowResult], note: str = "") -> list[Comparison]:
    """Shares of the published windows that the simulation agrees with."""
    rows = []
    for strips, planes in ((True, "CSC median and width"), (False, "RPC, GEM, ME0 median")):
        for stiff, momenta, share in ((True, "|q/pT| < 0.26", STIFF_SHARE), (False, "all", ALL_SHARE)):
            chosen = [r.inside for r in results if r.window.strips == strips and (r.window.stiff or not stiff)]
            quantity = f"{planes}, {momenta}: {sum(chosen)} of {len(chosen)} windows"
            rows.append(Comparison("windows in φ", quantity, share, sum(chosen) / len(chosen), rule="at least", note=note))
    return rows


def bend_rows(seen: Spectrometer, note: str = "") -> list[Comparison]:
    """q/pT per unit of bend, ring by ring, and the number of rings that agree."""
    rings = []
    for (plane, ring), target in published.bends().items():
        number = PLANES.index(plane)
        at = ~np.isnan(seen.phi[number]) & (seen.ring[number] == ring)
        bend, momentum = seen.bend[number, at].astype(np.float64), seen.charge_over_pt[at]
        total = max(float(np.sum(bend * bend)), 1e-12)
        slope = float(np.sum(bend * momentum)) / total
        error = float(np.sqrt(np.sum((bend * (momentum - slope * bend)) ** 2))) / total
        allowed = BEND_TOLERANCE * abs(target)
        name, counted = f"{plane}/{ring}", note or f"{BEND_RINGS} of 9 must agree, see below"
        rings.append(Comparison("q/pT per unit of bend", name, target, slope, error, allowed, "1/GeV", note=counted))
    agree = sum(row.inside for row in rings)
    count = Comparison("q/pT per unit of bend", "rings within 25 %", BEND_RINGS, agree, rule="at least", note=note)
    return [*rings, count]


def class_rows(seen: Spectrometer, note: str = "") -> list[Comparison]:
    """Shares of four momentum classes before any selection."""
    counts, _ = np.histogram(1 / np.abs(seen.charge_over_pt), CLASS_EDGES)
    rows = []
    for low, high, target, count in zip(CLASS_EDGES[:-1], CLASS_EDGES[1:], CLASS_SHARES, counts, strict=True):
        share = float(count) / len(seen)
        name = f"pT {low:g} to {high:g} GeV" if np.isfinite(high) else f"pT above {low:g} GeV"
        error = float(np.sqrt(share * (1 - share) / len(seen)))
        rows.append(Comparison("class shares", name, target, share, error, CLASS_TOLERANCE, note=note))
    return rows


def field_rows() -> list[Comparison]:
    """Largest field in iron and in air on the paths of muons of |eta| 1.2 to 2.5."""
    iron, air = field_maxima()
    return [
        Comparison("field", "largest in iron", FIELD_IRON, iron, unit="T", rule="at most"),
        Comparison("field", "largest in air", FIELD_AIR, air, unit="T", rule="at most"),
    ]


def field_maxima(spacing: float = 0.01) -> tuple[float, float]:
    """Largest |B| in tesla in the iron disks and outside them, on a grid of this spacing in z, metres."""
    ratio = 1 / np.sinh(np.linspace(1.2, 2.5, 131))
    disks = [slab for slab in material.SLABS if "disk" in slab.name]
    largest = {True: 0.0, False: 0.0}
    for z in np.arange(spacing / 2, field.KNOTS_Z[-1], spacing):
        radius = ratio * z
        b_z, b_r_over_r = field.field(radius, field.slice_at(float(z)))
        size = np.hypot(b_z, b_r_over_r * radius)
        inside = np.zeros(len(radius), bool)
        for slab in disks:
            inside |= (slab.start <= z < slab.end) & (radius < slab.max_radius)
        for iron in (True, False):
            largest[iron] = max(largest[iron], float(np.max(size[inside == iron], initial=0.0)))
    return largest[True], largest[False]


def track_rows(variables: np.ndarray, parameters: np.ndarray, generated: int) -> list[Comparison]:
    """All comparisons of the accepted muons.

    Args:
        variables: float32 (muon, 87); parameters: float32 (muon, 3).
        generated: number of generated muons; 0 if unknown.
    """
    note = too_few(len(variables))
    share = len(variables) / generated if generated else float("nan")
    error = float(np.sqrt(share * (1 - share) / generated)) if generated else float("nan")
    unknown = "" if generated else "the file does not say how many muons were generated"
    four = four_hits(variables)
    fraction = float(four.mean())
    fraction_error = float(np.sqrt(fraction * (1 - fraction) / len(four)))
    spread, spread_error = deviation(parameters[four, 0].astype(np.float64), np.ones(int(four.sum())))
    allowed = FOUR_HIT_DEVIATION[1] * FOUR_HIT_DEVIATION[0]
    found = correlations(variables, parameters)
    difference = np.array([value - target for target, value in found.values()])
    rms = float(np.sqrt(np.nanmean(difference**2)))
    quantity = f"RMS difference of {len(found)} correlations"
    return [
        Comparison("tracks", "acceptance", ACCEPTANCE[0], share, error, ACCEPTANCE[1], note=note or unknown),
        Comparison("tracks", "share with four hits", FOUR_HITS[0], fraction, fraction_error, FOUR_HITS[1], note=note),
        Comparison(
            "tracks", "std(q/pT), four hits", FOUR_HIT_DEVIATION[0], spread, spread_error, allowed, "1/GeV", note=note
        ),
        Comparison("tracks", quantity, CORRELATION_RMS, rms, 1 / float(np.sqrt(four.sum())), rule="at most", note=note),
    ]


def four_hits(variables: np.ndarray) -> NDArray[np.bool_]:
    """Muons with a hit in each of ME1/1, ME2, ME3 and ME4."""
    masks = [VARIABLES.index(f"mask_{plane}") for plane in FOUR_PLANES]
    return np.asarray((variables[:, masks] == 0).all(axis=1))


def correlations(variables: np.ndarray, parameters: np.ndarray) -> dict[tuple[str, str], tuple[float, float]]:
    """(published, simulated) correlation of the muons with four hits, by pair of columns."""
    four = four_hits(variables)
    names = {name for pair in published.correlations("emtf_correlations.csv") for name in pair}
    columns = {name: variables[four, VARIABLES.index(name)].astype(np.float64) for name in names & set(VARIABLES)}
    columns |= {name: parameters[four, PARAMETERS.index(name)].astype(np.float64) for name in names & set(PARAMETERS)}
    weight = np.ones(int(four.sum()))
    return {
        (one, other): (target, correlation(columns[one], columns[other], weight)[0])
        for (one, other), target in published.correlations("emtf_correlations.csv").items()
    }
