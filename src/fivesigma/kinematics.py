"""Four-vectors as plain arrays: shape [..., component], components (px, py, pz, energy), one unit throughout.

Momenta, energies and masses are in GeV with c = 1; angles are in radians. Every function is pure, works on
any number of leading axes and broadcasts like NumPy. Source of the definitions: Particle Data Group,
Review of Particle Physics, chapter "Kinematics".
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def four_vector(pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, mass: ArrayLike = 0.0) -> NDArray[np.float64]:
    """Four-vectors [..., component] from transverse momentum, pseudorapidity, azimuth and mass.

    >>> four_vector(3.0, 0.0, 0.0, 4.0)
    array([3., 0., 0., 5.])
    """
    pt, eta, phi, mass = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (pt, eta, phi, mass)))
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
    return np.stack([px, py, pz, energy], axis=-1)


def transverse_momentum(momentum: NDArray[np.float64]) -> NDArray[np.float64]:
    """Momentum perpendicular to the beam, GeV [...].

    >>> float(transverse_momentum(np.array([3.0, 4.0, 7.0, 20.0])))
    5.0
    """
    return np.hypot(momentum[..., 0], momentum[..., 1])


def pseudorapidity(momentum: NDArray[np.float64]) -> NDArray[np.float64]:
    """eta = -ln tan(theta/2) = arsinh(pz/pT) [...]; infinite along the beam, 0 without momentum."""
    pt, pz = transverse_momentum(momentum), momentum[..., 2]
    ratio = np.divide(pz, pt, out=np.asarray(np.copysign(np.inf, pz)), where=pt > 0)
    return np.where((pt > 0) | (pz != 0), np.arcsinh(ratio), 0.0)


def azimuth(momentum: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle around the beam in [-pi, pi], zero along x [...].

    >>> round(float(azimuth(np.array([0.0, 2.0, 1.0, 9.0]))), 4)
    1.5708
    """
    return np.arctan2(momentum[..., 1], momentum[..., 0])


def invariant_mass(momentum: NDArray[np.float64]) -> NDArray[np.float64]:
    """sqrt(E^2 - p^2), GeV [...]; zero where rounding leaves E^2 slightly below p^2.

    >>> float(invariant_mass(np.array([3.0, 0.0, 4.0, 13.0])))
    12.0
    """
    squared = momentum[..., 3] ** 2 - np.sum(momentum[..., :3] ** 2, axis=-1)
    mass: NDArray[np.float64] = np.sqrt(np.maximum(squared, 0.0))
    return mass


def delta_phi(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Difference of two azimuths, first minus second, brought into [-pi, pi).

    >>> round(float(delta_phi(3.0, -3.0)), 4)
    -0.2832
    """
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    # The remainder of a tiny negative number rounds up to 2 pi itself, which is out of range.
    wrapped = np.mod(difference + np.pi, 2 * np.pi) - np.pi
    return np.where(wrapped >= np.pi, -np.pi, wrapped)


def delta_r(eta1: ArrayLike, phi1: ArrayLike, eta2: ArrayLike, phi2: ArrayLike) -> NDArray[np.float64]:
    """Angular distance sqrt(delta_eta^2 + delta_phi^2) between two directions.

    >>> float(delta_r(0.0, 3.0, 4.0, 0.0))
    5.0
    """
    return np.hypot(np.asarray(eta1, np.float64) - np.asarray(eta2, np.float64), delta_phi(phi1, phi2))


def boost(momentum: NDArray[np.float64], velocity: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same particle seen from a frame moving with -velocity: a particle at rest gets `velocity`.

    Args:
        momentum: four-vectors [..., component].
        velocity: velocity in units of c, shorter than 1, [..., 3].

    >>> boost(np.array([0.0, 0.0, 0.0, 4.0]), np.array([0.6, 0.0, 0.0]))
    array([3., 0., 0., 5.])
    """
    beta_squared = np.sum(velocity**2, axis=-1)
    gamma = 1.0 / np.sqrt(1.0 - beta_squared)
    along = np.sum(velocity * momentum[..., :3], axis=-1)
    # (gamma - 1)/beta^2 without 0/0 for a vanishing velocity.
    factor = gamma**2 / (gamma + 1.0) * along + gamma * momentum[..., 3]
    space = momentum[..., :3] + factor[..., None] * velocity
    energy = gamma * (momentum[..., 3] + along)
    return np.concatenate([space, energy[..., None]], axis=-1)


def velocity_of(momentum: NDArray[np.float64]) -> NDArray[np.float64]:
    """Velocity p/E in units of c [..., 3]; boosting by its negative brings the particle to rest."""
    velocity: NDArray[np.float64] = momentum[..., :3] / momentum[..., 3:]
    return velocity
