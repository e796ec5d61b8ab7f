import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from fivesigma import kinematics as k

pts = st.floats(0.5, 5e3)
etas = st.floats(-4.0, 4.0)
phis = st.floats(-np.pi, np.pi)
masses = st.floats(0.0, 1e3)
momenta = st.builds(k.four_vector, pts, etas, phis, masses)
# Up to gamma = 22; beyond it the rounding of E^2 - p^2 is all a test would see.
velocities = st.builds(
    lambda size, eta, phi: size * k.four_vector(1, eta, phi)[:3] / np.cosh(eta),
    st.floats(0, 0.999),
    etas,
    phis,
)


@given(pts, etas, phis, masses)
def test_components_and_polar_coordinates_say_the_same(pt, eta, phi, mass):
    p = k.four_vector(pt, eta, phi, mass)
    assert_allclose(k.transverse_momentum(p), pt, rtol=1e-12)
    assert_allclose(k.pseudorapidity(p), eta, atol=1e-12)
    assert_allclose(k.delta_phi(k.azimuth(p), phi), 0, atol=1e-12)
    assert_allclose(k.invariant_mass(p), mass, atol=1e-6 * p[3])


@given(momenta, velocities)
def test_mass_is_boost_invariant(p, velocity):
    boosted = k.boost(p, velocity)
    assert_allclose(k.invariant_mass(boosted) ** 2, k.invariant_mass(p) ** 2, atol=1e-12 * boosted[3] ** 2 * 100)


@given(momenta, momenta, velocities)
def test_boost_is_linear_and_its_inverse_undoes_it(p, q, velocity):
    scale = p[3] + q[3]
    both = k.boost(p + q, velocity)
    assert_allclose(k.boost(p, velocity) + k.boost(q, velocity), both, atol=1e-10 * scale)
    assert_allclose(k.boost(both, -velocity), p + q, atol=1e-10 * both[3])


@given(st.builds(k.four_vector, pts, etas, phis, st.floats(10.0, 1e3)))
def test_boost_by_minus_the_velocity_brings_to_rest(p):
    rest = k.boost(p, -k.velocity_of(p))
    assert_allclose(rest[:3], 0, atol=1e-8 * p[3] ** 2 / k.invariant_mass(p))
    assert_allclose(rest[3], k.invariant_mass(p), rtol=1e-5)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_delta_phi_is_in_range_and_a_difference_up_to_turns(first, second):
    difference = float(k.delta_phi(first, second))
    assert -np.pi <= difference < np.pi
    turns = (first - second - difference) / (2 * np.pi)
    assert turns == pytest.approx(round(turns), abs=1e-9)


def test_delta_phi_of_opposite_directions_is_minus_pi_from_either_side():
    assert k.delta_phi(np.pi, 0.0) == -np.pi
    assert k.delta_phi(0.0, np.pi) == -np.pi


@given(etas, phis, etas, phis, st.floats(-10, 10))
def test_delta_r_is_symmetric_and_ignores_a_common_rotation(eta1, phi1, eta2, phi2, turn):
    here = k.delta_r(eta1, phi1, eta2, phi2)
    assert_allclose(here, k.delta_r(eta2, phi2, eta1, phi1), rtol=1e-12)
    assert_allclose(here, k.delta_r(eta1, phi1 + turn, eta2, phi2 + turn), atol=1e-12)


def test_particles_along_the_beam_and_without_momentum():
    p = np.array([[0, 0, 5, 5], [0, 0, -5, 5], [0, 0, 0, 5]], float)
    assert_allclose(k.pseudorapidity(p), [np.inf, -np.inf, 0])


def test_mass_of_a_light_like_vector_is_zero_not_nan():
    p = k.four_vector(np.full(1000, 977.0), np.linspace(-4, 4, 1000), 1.0)
    p[:, 3] *= 1 - 1e-15
    assert np.all(k.invariant_mass(p) < 0.1)


def test_functions_broadcast():
    p = k.four_vector(np.ones((2, 3)), np.zeros(3), 0.0)
    assert p.shape == (2, 3, 4)
    assert k.boost(p, np.zeros(3)).shape == (2, 3, 4)
    assert_allclose(k.boost(p, np.zeros(3)), p)
