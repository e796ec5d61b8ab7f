"""The muon gun: where muons start, where they go and with which momentum."""

from dataclasses import dataclass

import numpy as np

from fivesigma.errors import SimulationError, did_you_mean

SPECTRA = ("flat-inverse-pt", "flat-pt", "prompt")

PROMPT_INDEX = 3.5
"""Prompt muons fall as dN/dpT proportional to pT^-3.5 in the range that a trigger threshold sees."""

VERTEX_SPREAD_Z = 0.045
"""Standard deviation of the collision point along the beam, in metres."""


@dataclass(frozen=True)
class Muons:
    """Muons at the collision point; every array has shape (muon,).

    charge_over_pt in 1/GeV, phi in radians within [-pi, pi), eta signed by the endcap, vertex_z in
    metres, positive along +z.
    """

    charge_over_pt: np.ndarray
    phi: np.ndarray
    eta: np.ndarray
    vertex_z: np.ndarray

    def __len__(self) -> int:
        return len(self.charge_over_pt)


def shoot(
    count: int,
    spectrum: str,
    pt_range: tuple[float, float],
    eta_range: tuple[float, float],
    random: np.random.Generator,
) -> Muons:
    """Draw `count` muons: charge and endcap with equal probability, phi and |eta| uniform.

    Args:
        spectrum: one of `SPECTRA`, see `transverse_momentum`.
        pt_range: smallest and largest transverse momentum, in GeV.
        eta_range: smallest and largest |eta|.
    """
    momentum = transverse_momentum(random.random(count), spectrum, pt_range)
    charge = _random_sign(count, random)
    endcap = _random_sign(count, random)
    eta = random.uniform(*eta_range, count)
    phi = random.uniform(-np.pi, np.pi, count)
    vertex_z = random.normal(0.0, VERTEX_SPREAD_Z, count)
    return Muons(charge / momentum, phi, endcap * eta, vertex_z)


def transverse_momentum(fraction: np.ndarray, spectrum: str, pt_range: tuple[float, float]) -> np.ndarray:
    """The transverse momentum in GeV below which the given fraction of muons lies.

    "flat-inverse-pt" is uniform in 1/pT, "flat-pt" uniform in pT and "prompt" falls as pT^-3.5.

    >>> transverse_momentum(np.array([0.0, 0.5, 1.0]), "flat-pt", (2.0, 10.0)).tolist()
    [2.0, 6.0, 10.0]
    """
    low, high = pt_range
    # All three are power laws pT^-n, whose cumulative distribution is linear in pT^(1-n).
    indices = {"flat-inverse-pt": 2.0, "flat-pt": 0.0, "prompt": PROMPT_INDEX}
    if spectrum not in indices:
        raise SimulationError(f"unknown muon spectrum {spectrum!r}", did_you_mean(spectrum, indices))
    power = 1.0 - indices[spectrum]
    lower_end, upper_end = low**power, high**power
    return np.asarray((lower_end + fraction * (upper_end - lower_end)) ** (1.0 / power))


def _random_sign(count: int, random: np.random.Generator) -> np.ndarray:
    return np.where(random.random(count) < 0.5, -1.0, 1.0)
