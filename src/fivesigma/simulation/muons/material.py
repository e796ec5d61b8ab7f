"""What muons cross: calorimeters, coil and iron disks, with energy loss and multiple scattering.

Thicknesses are in metres of iron for the energy loss and in radiation lengths for the scattering, both
for a muon along the beam; the stepper lengthens them by the inclination of the track.
"""

from dataclasses import dataclass

import numpy as np

from fivesigma.simulation.muons.field import RATIO_CENTRE, RATIO_SCALE

IRON_RADIATION_LENGTH = 0.01757
"""Metres; Particle Data Group, atomic and nuclear properties of materials."""

IRON_DENSITY = 787.4
"""Mass per area of one metre of iron, in g/cm^2."""

STRAGGLING_WIDTH = 0.1535e-3 * 26 / 55.845 * IRON_DENSITY
"""Landau's xi in GeV per metre of iron, at velocity 1 (PDG, passage of particles through matter)."""

MOYAL_MEAN = 1.2703628
"""Mean of the standard Moyal distribution: Euler's constant plus ln 2."""


@dataclass(frozen=True)
class Slab:
    """One layer of material between two planes across the beam (metres).

    The iron changes as iron + iron_slope u + iron_curve u^2 with u = (r/z - 0.36)/0.25 held within
    [-1, 1.2]; the slab is only there below `max_radius` (metres) and above `min_ratio` in r/z.
    """

    name: str
    start: float
    end: float
    iron: float
    radiation_lengths: float
    iron_slope: float = 0.0
    iron_curve: float = 0.0
    max_radius: float = np.inf
    min_ratio: float = 0.0

    def presence(self, radius: np.ndarray, z: float) -> np.ndarray | None:
        """1 where there is material, 0 where there is none; None if there is material everywhere."""
        if self.max_radius == np.inf and self.min_ratio == 0.0:
            return None
        there = (radius < self.max_radius) & (radius > self.min_ratio * z)
        return there.astype(radius.dtype)

    def iron_at(self, radius: np.ndarray, z: float) -> np.ndarray | float:
        """Metres of iron of the whole slab for muons that cross `z` at `radius`."""
        if self.iron_slope == 0.0 and self.iron_curve == 0.0:
            return self.iron
        u = np.clip((radius / z - RATIO_CENTRE) / RATIO_SCALE, -1.0, 1.2)
        return np.asarray(self.iron + u * (self.iron_slope + u * self.iron_curve))


def _iron_slab(name: str, start: float, end: float, iron: float, max_radius: float = np.inf) -> Slab:
    return Slab(name, start, end, iron, iron / IRON_RADIATION_LENGTH, max_radius=max_radius)


SLABS = (
    Slab("calorimeters", 3.2, 5.6, 1.724, 120.0, iron_slope=-0.753, iron_curve=-0.200),
    Slab("coil", 5.6, 6.6, 0.09, 0.09 / IRON_RADIATION_LENGTH, min_ratio=0.5),
    _iron_slab("nose of the first disk", 6.6, 7.2, 0.60, max_radius=2.72),
    _iron_slab("first disk", 7.2, 7.85, 0.58),
    _iron_slab("second disk", 8.45, 9.1, 0.59),
    _iron_slab("third disk", 9.75, 9.97, 0.22),
)
"""In the order in which a muon meets them. Iron of the disks: 60, 61 and 20 cm; the rest is support.

The calorimeters are lead tungstate and brass, some 1.9 m of iron and thinner towards the gap to the barrel;
how they fall off with r/z was fitted together with the field, to the bending of muons below 5 GeV."""


def energy_loss(momentum: np.ndarray, iron: np.ndarray | float, straggling: np.ndarray) -> np.ndarray:
    """Energy lost in GeV by muons of `momentum` GeV along a path through `iron` metres.

    The mean is 1.45 + 0.14 ln(p/0.36 GeV) MeV cm^2/g, the relativistic rise of iron without its
    radiative part; `straggling` is a standard Moyal variable, whose right tail stands for hard knocks.
    """
    mean = np.log(momentum * (1.0 / 0.36))
    mean *= 0.14e-3 * IRON_DENSITY
    mean += 1.45e-3 * IRON_DENSITY
    mean += STRAGGLING_WIDTH * (straggling - MOYAL_MEAN)
    mean *= iron
    return mean


def moyal(count: int, random: np.random.Generator) -> np.ndarray:
    """Standard Moyal numbers, shape (count,): minus the logarithm of a squared normal number.

    Source: Walck, Hand-book on statistical distributions for experimentalists, section 26.
    """
    normal = random.standard_normal(count, dtype=np.float32)
    normal *= normal
    # A normal number of exactly zero would be an infinite loss.
    np.maximum(normal, np.float32(1e-8), out=normal)
    return np.asarray(-np.log(normal))


def scattering_angle(
    momentum: np.ndarray, radiation_lengths: np.ndarray | float, slab_radiation_lengths: float
) -> np.ndarray:
    """Width in radians of the projected multiple-scattering angle of muons of `momentum` GeV.

    The logarithm is that of the whole slab, so that cutting a slab into steps changes nothing.
    Source: Lynch and Dahl; PDG, passage of particles through matter, eq. (34.16).
    """
    # Velocity is left at 1: at 1 GeV it is 0.994.
    logarithm = 1.0 + 0.038 * np.log(slab_radiation_lengths)
    return np.asarray(13.6e-3 * logarithm * np.sqrt(radiation_lengths) / momentum)
