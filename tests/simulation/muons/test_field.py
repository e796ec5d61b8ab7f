import numpy as np
import pytest

from fivesigma.simulation.muons import field
from fivesigma.simulation.muons.material import SLABS


def components(radius, z):
    """B_z and B_r in tesla at one radius and z."""
    b_z, b_r_over_r = field.field(np.atleast_1d(float(radius)), field.slice_at(z))
    return float(b_z[0]), float(b_r_over_r[0]) * radius


@pytest.mark.parametrize("z", [1.0, 3.5, 5.0, 6.5, 7.5, 8.2, 8.8, 9.4, 9.85, 10.4])
@pytest.mark.parametrize("ratio", [0.18, 0.3, 0.45, 0.62])
def test_the_field_has_no_sources(z, ratio):
    radius, step = ratio * z, 1e-4
    outward = (radius + step) * components(radius + step, z)[1]
    inward = (radius - step) * components(radius - step, z)[1]
    forward = components(radius, z + step)[0]
    backward = components(radius, z - step)[0]
    divergence = (outward - inward) / (2 * step * radius) + (forward - backward) / (2 * step)
    assert divergence == pytest.approx(0.0, abs=1e-5)


def test_the_mean_field_is_the_average_of_the_field_inside():
    at = field.slice_at(7.5)
    edges = np.linspace(0, 3.0, 20_001)
    middle = 0.5 * (edges[1:] + edges[:-1])
    b_z, _ = field.field(middle, at)
    average = np.sum(b_z * np.diff(edges**2)) / edges[-1] ** 2
    assert average == pytest.approx(float(field.mean_field(np.array([3.0]), at)[0]), rel=1e-6)


def test_the_solenoid_is_uniform():
    b_z, b_r_over_r = field.field(np.linspace(0, 2, 50), field.slice_at(2.0))
    assert np.all(b_z == 3.8)
    assert np.all(b_r_over_r == 0.0)


def test_air_and_iron_carry_believable_fields():
    for z in np.arange(0.05, 10.7, 0.05):
        in_iron = any(slab.start < z < slab.end for slab in SLABS if "disk" in slab.name)
        radius = z * np.linspace(0.18, 0.65, 40)
        b_z, b_r_over_r = field.field(radius, field.slice_at(z))
        strength = np.hypot(b_z, b_r_over_r * radius).max()
        assert strength <= (3.0 if in_iron and z > 7.2 else 4.0), f"{strength} T at z = {z} m"
