"""The magnetic field of the endcap, from one flux function.

The field is axially symmetric, so all of it follows from the flux through a circle around the beam.
With M the mean B_z inside radius r (flux divided by pi r^2), as a function of z and t = r/z:

    B_z = M + (t/2) dM/dt          B_r = -(r/2) (dM/dz at fixed t - (t/z) dM/dt)

and div B = 0 whatever M is. M is quadratic in u = (t - 0.36)/0.25 at a few values of z and linear in z
between them. Inside the coil it is the uniform 3.8 T of the solenoid; where the flux leaves for the
iron disks M falls steeply and the same formula yields the radial field in the iron.

The numbers come from a fit to the bending of CMS muons between the endcap stations, restricted to
fields that iron can carry. |z| up to 10.8 m, 0.16 < r/z < 0.67. In the other endcap B_z is the same and
B_r changes sign, which is why muons of both endcaps bend alike in phi.
"""

from dataclasses import dataclass

import numpy as np

RATIO_CENTRE = 0.36
RATIO_SCALE = 0.25
RATIO_LIMIT = 0.75
"""Beyond this r/z the mean field is kept constant: nothing was fitted there."""

KNOTS_Z = np.array([0.0, 3.0, 4.6, 6.1, 7.2, 7.85, 8.45, 9.1, 9.75, 9.97, 10.8])
"""Values of z, in metres, at which the mean field is given."""

KNOTS_M = np.array(
    [
        [3.800, 0.000, 0.000],
        [3.800, 0.000, 0.000],
        [2.919, 0.024, -0.681],
        [3.105, 0.157, -0.258],
        [2.310, -0.700, -0.176],
        [1.091, -0.415, -0.157],
        [1.044, -0.395, -0.157],
        [0.074, -0.121, 0.151],
        [0.145, -0.069, 0.185],
        [0.115, 0.025, 0.011],
        [0.018, 0.013, 0.023],
    ]
)
"""Constant, linear and quadratic coefficient in u of the mean field at each knot, in tesla."""


@dataclass(frozen=True)
class FieldSlice:
    """The mean field at one z: coefficients in u (tesla) and their slopes in z (tesla/metre)."""

    z: float
    coefficients: tuple[float, float, float]
    slopes: tuple[float, float, float]


def slice_at(z: float) -> FieldSlice:
    """The field near `z` (metres, 0 to 10.8); at a knot, the slope towards larger z."""
    knot = int(np.clip(np.searchsorted(KNOTS_Z, z, side="right") - 1, 0, len(KNOTS_Z) - 2))
    slopes = (KNOTS_M[knot + 1] - KNOTS_M[knot]) / (KNOTS_Z[knot + 1] - KNOTS_Z[knot])
    values = KNOTS_M[knot] + slopes * (z - KNOTS_Z[knot])
    c0, c1, c2 = (float(value) for value in values)
    s0, s1, s2 = (float(slope) for slope in slopes)
    return FieldSlice(z, (c0, c1, c2), (s0, s1, s2))


def mean_field(radius: np.ndarray, at: FieldSlice) -> np.ndarray:
    """Mean B_z in tesla inside `radius` (metres); pi r^2 times this is the flux."""
    u = _scaled_ratio(radius, at.z)
    c0, c1, c2 = at.coefficients
    return np.asarray(c0 + u * (c1 + u * c2))


def field(radius: np.ndarray, at: FieldSlice) -> tuple[np.ndarray, np.ndarray]:
    """(B_z, B_r / r) in tesla and tesla/metre at `radius` metres from the beam.

    B_r / r rather than B_r, because it is what a Cartesian stepper needs and is finite on the axis.
    """
    if not any(at.coefficients[1:]) and not any(at.slopes):
        return np.full_like(radius, at.coefficients[0]), np.zeros_like(radius)
    u = _scaled_ratio(radius, at.z)
    ratio = u * RATIO_SCALE + RATIO_CENTRE
    c0, c1, c2 = at.coefficients
    s0, s1, s2 = at.slopes
    change = (c1 + (2.0 * c2) * u) * (1.0 / RATIO_SCALE)
    change[ratio >= RATIO_LIMIT * (1.0 - 1e-6)] = 0.0
    change *= ratio
    b_z = c0 + u * (c1 + u * c2)
    b_z += 0.5 * change
    b_r_over_r = (0.5 / at.z) * change
    b_r_over_r -= 0.5 * (s0 + u * (s1 + u * s2))
    return b_z, b_r_over_r


def _scaled_ratio(radius: np.ndarray, z: float) -> np.ndarray:
    if z <= 0.0:
        return np.zeros_like(radius)
    u = radius * (1.0 / (z * RATIO_SCALE))
    u -= RATIO_CENTRE / RATIO_SCALE
    return np.minimum(u, (RATIO_LIMIT - RATIO_CENTRE) / RATIO_SCALE, out=u)
