from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivesigma.simulation.muons import field, transport
from fivesigma.simulation.muons.gun import Muons, shoot


def generator(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def gun(count: int = 2000, pt: tuple[float, float] = (2.0, 7000.0)) -> Muons:
    return shoot(count, "flat-inverse-pt", pt, (1.2, 2.4), generator())


def phi_of(crossings):
    return np.arctan2(crossings.y, crossings.x)


def turned(angle):
    """An angle difference moved into [-pi, pi)."""
    return np.mod(angle + np.pi, 2 * np.pi) - np.pi


def test_without_field_and_material_muons_fly_straight_to_the_planes():
    muons = gun()
    crossings = transport.transport(muons, generator(), with_field=False, with_material=False)
    for plane, z in enumerate(transport.PLANE_Z):
        distance = z - np.sign(muons.eta) * muons.vertex_z
        radius = np.hypot(crossings.x[plane], crossings.y[plane])
        assert radius == pytest.approx(distance / np.sinh(np.abs(muons.eta)), rel=1e-5)
    assert np.abs(turned(phi_of(crossings) - muons.phi)).max() < 1e-5
    assert crossings.reached.all()


def test_an_infinitely_stiff_muon_does_not_bend():
    muons = gun(500)
    stiff = Muons(np.sign(muons.charge_over_pt) * 1e-7, muons.phi, muons.eta, muons.vertex_z)
    crossings = transport.transport(stiff, generator())
    assert np.abs(turned(phi_of(crossings) - muons.phi)).max() < 1e-5


def test_the_other_charge_bends_the_other_way():
    muons = gun()
    opposite = Muons(-muons.charge_over_pt, muons.phi, muons.eta, muons.vertex_z)
    one = transport.transport(muons, generator(), with_material=False)
    other = transport.transport(opposite, generator(), with_material=False)
    there, back = turned(phi_of(one) - muons.phi), turned(phi_of(other) - muons.phi)
    assert np.abs(turned(there + back)).max() < 2e-5


def test_both_endcaps_bend_alike():
    muons = gun()
    centred = Muons(muons.charge_over_pt, muons.phi, np.abs(muons.eta), 0 * muons.vertex_z)
    mirrored = Muons(centred.charge_over_pt, centred.phi, -centred.eta, centred.vertex_z)
    one = transport.transport(centred, generator())
    other = transport.transport(mirrored, generator())
    assert np.array_equal(one.x, other.x)


def test_in_the_solenoid_muons_follow_a_helix():
    muons = gun(1000)
    centred = Muons(muons.charge_over_pt, muons.phi, np.abs(muons.eta), 0 * muons.vertex_z)
    state = transport.start(centred)
    for step in transport.STEPS:
        if step.end > 3.0 + 1e-9:
            break
        transport.advance(state, step, generator(), with_field=True, with_material=False)
    # phi advances along the helix by half the angle by which the momentum turns.
    momentum_turn = -transport.BENDING * 3.8 * centred.charge_over_pt * 3.0 / np.sinh(centred.eta)
    phi = np.arctan2(state.y, state.x)
    assert np.abs(turned(phi - centred.phi - momentum_turn / 2)).max() < 2e-4


def test_the_canonical_angular_momentum_is_conserved():
    muons = gun(1000, (2.0, 50.0))
    state = transport.start(muons)
    for step in transport.STEPS:
        transport.advance(state, step, generator(), with_field=True, with_material=False)
    last = field.slice_at(transport.STEPS[-1].end)
    radius = np.hypot(state.x, state.y)
    kinetic = state.x * state.py - state.y * state.px
    flux = 0.5 * field.mean_field(radius, last) * radius**2
    assert kinetic == pytest.approx(-transport.BENDING * state.charge * flux, abs=0.02)


def test_finer_steps_change_nothing_that_a_chamber_could_see():
    muons = gun(2000)
    coarse = transport.transport(muons, generator(), with_material=False)
    fine = transport.transport(muons, generator(), steps=transport.plan(0.05), with_material=False)
    difference = np.rad2deg(np.abs(turned(phi_of(coarse) - phi_of(fine)))) * 60
    # phi units; a half-strip is about four of them.
    assert difference.max() < 1.0
    assert difference[:, np.abs(muons.charge_over_pt) < 0.25].max() < 0.5


def test_momentum_only_falls():
    muons = gun(2000)
    state, random = transport.start(muons), generator()
    before = np.sqrt(state.px**2 + state.py**2 + state.pz**2)
    for step in transport.STEPS:
        transport.advance(state, step, random, with_field=True, with_material=True)
        after = np.sqrt(state.px**2 + state.py**2 + state.pz**2)
        moving = state.alive
        assert np.all(after[moving] <= before[moving] * (1 + 1e-5))
        before = after


def test_a_stopped_muon_reaches_no_further_plane():
    crossings = transport.transport(gun(5000, (1.0, 2.5)), generator())
    order = np.argsort(transport.PLANE_Z)
    reached = crossings.reached[order].astype(int)
    assert np.all(np.diff(reached, axis=0) <= 0)
    assert not crossings.reached.all()


@settings(max_examples=20, deadline=None)
@given(st.floats(-3.0, 3.0))
def test_a_rotation_of_the_start_rotates_everything(angle):
    muons = gun(200)
    rotated = Muons(muons.charge_over_pt, muons.phi + angle, muons.eta, muons.vertex_z)
    one, other = transport.transport(muons, generator()), transport.transport(rotated, generator())
    assert np.abs(turned(phi_of(other) - phi_of(one) - angle))[one.reached & other.reached].max() < 5e-3


def test_steps_are_gapless_and_pass_every_plane_once():
    steps = transport.STEPS
    assert all(before.end == after.start for before, after in pairwise(steps))
    planes = [step.plane for step in steps if step.plane is not None]
    assert sorted(planes) == list(range(12))
