from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fivesigma.errors import SimulationError
from fivesigma.kinematics import azimuth, delta_r, four_vector, pseudorapidity, transverse_momentum
from fivesigma.simulation import detector as d
from fivesigma.simulation import reconstruction as r

PERFECT = d.Detector(
    lepton_resolution=0,
    jet_stochastic=0,
    jet_constant=0,
    jet_scale=1,
    met_resolution=0,
    tag_slope=10,
    tag_offset=0,
    tag_forward_factor=1,
    tag_charm=0,
    tag_light=0,
)
"""Measures every momentum exactly and tags every b jet within the tracker."""


def particles(rows, quarks=()):
    """Particles from rows of (event, identity, pT, eta, phi)."""
    table = np.array(rows, float).reshape(-1, 5)
    flavours = np.array(quarks, float).reshape(-1, 5)
    return d.Particles(
        events=int(table[:, 0].max(initial=-1)) + 1,
        event=table[:, 0].astype(np.int64),
        identity=table[:, 1].astype(np.int32),
        momentum=four_vector(*table[:, 2:].T),
        quark_event=flavours[:, 0].astype(np.int64),
        quark_identity=flavours[:, 1].astype(np.int32),
        quark_momentum=four_vector(*flavours[:, 2:].T),
    )


EVENT = [
    (0, 13, 50, 0.5, 0.0),
    (0, -14, 40, 1.0, 2.0),
    (0, 5, 90, -1.0, 1.5),
    (0, -5, 60, 0.2, -2.0),
    (0, 21, 45, 1.5, 3.0),
    (0, 2, 30, -0.5, -1.0),
]
QUARKS = [row for row in EVENT if abs(row[1]) == 5]


def random():
    return np.random.default_rng(1)


def test_without_smearing_everything_is_exact():
    truth = particles(EVENT, QUARKS)
    seen = d.measure(truth, PERFECT, random())
    assert_array_equal(seen.event, [0])
    assert_array_equal(seen.lepton_identity, [13])
    assert_allclose(seen.lepton, truth.momentum[:1])
    assert_allclose(seen.missing, truth.momentum[1:2, :2])
    assert_allclose(seen.jets, truth.momentum[None, 2:6], atol=1e-12)
    assert_array_equal(seen.tagged, [[True, True, False, False]])


def test_smearing_has_the_stated_width_and_balances_the_missing_momentum():
    n = 4000
    rows = [(i, identity, pt, eta, phi) for i in range(n) for _, identity, pt, eta, phi in EVENT]
    seen = d.measure(particles(rows), replace(PERFECT, jet_stochastic=0.5, jet_constant=0.03), random())
    leading = np.max(transverse_momentum(seen.jets), axis=1)
    expected = 90 * d.jet_resolution(np.array(90.0), d.Detector(jet_stochastic=0.5, jet_constant=0.03))
    assert np.std(leading) == pytest.approx(expected, rel=0.05)
    # What is seen sums to the truth: nothing is created by mismeasurement.
    seen = r.take(seen, np.min(transverse_momentum(seen.jets), axis=1) > 0)  # no jet fell below the threshold
    visible = seen.lepton[:, :2] + np.sum(seen.jets, axis=1)[:, :2] + seen.missing
    truth = np.sum(particles(EVENT).momentum, axis=0)[:2]
    assert_allclose(visible, np.broadcast_to(truth, visible.shape), atol=1e-9)


def test_missing_momentum_noise_has_the_stated_width():
    rows = [(i, *row[1:]) for i in range(4000) for row in EVENT]
    seen = d.measure(particles(rows), replace(PERFECT, met_resolution=7.0), random())
    assert_allclose(np.std(seen.missing, axis=0), 7.0, rtol=0.05)


@pytest.mark.parametrize(
    ("extra", "kept"),
    [
        ((0, 211, 4.9, 0.6, 0.1), True),  # under a tenth of the lepton's pT
        ((0, 211, 5.1, 0.6, 0.1), False),  # above it
        ((0, 211, 5.1, 0.5, 0.51), True),  # outside the cone
        ((0, -14, 30, 0.6, 0.1), True),  # a neutrino is not seen
        ((0, 11, 20, -2.0, -0.3), False),  # a second isolated lepton
        ((0, 11, 14, -2.0, -0.3), True),  # a second one, too soft
        ((0, 11, 20, -2.6, -0.3), True),  # a second one, outside the tracker
        ((0, 11, 20, -1.0, 1.6), True),  # a second one, in a jet
    ],
)
def test_exactly_one_isolated_lepton(extra, kept):
    seen = d.measure(particles([*EVENT, extra]), PERFECT, random())
    assert len(seen.event) == kept


def test_many_soft_particles_do_not_count_for_isolation():
    soft = [(0, 211, 0.4, 0.5 + 0.01 * i, 0.1) for i in range(30)]
    assert len(d.measure(particles(EVENT + soft), PERFECT, random()).event) == 1


def test_events_without_a_lepton_or_without_particles_are_dropped():
    later = [(3, *row[1:]) for row in EVENT]
    seen = d.measure(particles(EVENT[2:] + later), PERFECT, random())
    assert_array_equal(seen.event, [3])
    assert len(d.measure(particles(EVENT[2:]), PERFECT, random()).event) == 0
    assert len(d.measure(particles([]), PERFECT, random()).event) == 0


def test_jets_outside_acceptance_are_dropped_and_the_others_ordered():
    extra = [(0, 21, 19.9, 0.0, -0.4), (0, 21, 70.0, 3.1, 0.5)]
    seen = d.measure(particles(EVENT + extra), PERFECT, random())
    assert_allclose(transverse_momentum(seen.jets[0]), [90, 60, 45, 30])


def test_events_do_not_mix():
    one, two = (
        particles(EVENT, QUARKS),
        [(1, identity, pt + 5, -eta, phi + 1) for _, identity, pt, eta, phi in EVENT],
    )
    both = d.measure(particles([*EVENT, *two], [*QUARKS, *(r for r in two if abs(r[1]) == 5)]), PERFECT, random())
    alone = d.measure(one, PERFECT, random())
    assert_allclose(both.jets[0], alone.jets[0])
    assert_allclose(both.missing[0], alone.missing[0])
    assert_array_equal(both.tagged, [[True, True, False, False]] * 2)


def anti_kt(momenta, radius):
    """Anti-kT by its definition, with rapidity and the E scheme; the slow twin of FastJet."""
    left, jets = [np.array(p) for p in momenta], []
    while left:
        pt = np.array([np.hypot(p[0], p[1]) for p in left])
        y = np.array([0.5 * np.log((p[3] + p[2]) / (p[3] - p[2])) for p in left])
        phi = np.array([np.arctan2(p[1], p[0]) for p in left])
        distance = np.diag(pt**-2.0)
        for i in range(len(left)):
            for j in range(i):
                distance[i, j] = min(pt[i] ** -2, pt[j] ** -2) * delta_r(y[i], phi[i], y[j], phi[j]) ** 2 / radius**2
                distance[j, i] = np.inf
        i, j = np.unravel_index(np.argmin(distance), distance.shape)
        if i == j:
            jets.append(left.pop(i))
        else:
            merged = left[i] + left[j]
            left = [p for n, p in enumerate(left) if n not in (i, j)] + [merged]
    return sorted(jets, key=lambda p: -np.hypot(p[0], p[1]))


def test_jets_agree_with_the_definition_of_anti_kt():
    rng = random()
    momentum = four_vector(rng.exponential(20, (5, 30)), rng.normal(0, 1, (5, 30)), rng.uniform(-3.1, 3.1, (5, 30)))
    event, jets = d.cluster(np.repeat(np.arange(5), 30), momentum.reshape(-1, 4), d.Detector())
    for i in range(5):
        expected = [p for p in anti_kt(momentum[i], 0.6) if np.hypot(p[0], p[1]) > 8]
        found = jets[event == i]
        assert_allclose(found[np.argsort(-transverse_momentum(found))], expected, rtol=1e-9, atol=1e-9)


def test_flavour_is_that_of_the_heaviest_quark_nearby():
    jets = four_vector([50.0, 50.0, 50.0], [0.0, 0.0, 0.0], [0.0, 1.5, 3.0])
    quarks = [(0, -4, 20, 0.1, 0.1), (0, 5, 20, 0.0, 0.2), (0, 4, 20, 0.0, 1.6), (0, 5, 0.5, 0.0, 3.0)]
    truth = particles(EVENT, quarks)
    assert_array_equal(d.jet_flavour(np.zeros(3, np.int64), jets, truth, PERFECT), [5, 4, 0])


def test_tag_probability():
    setup = d.Detector(tag_plateau=0.7, tag_offset=0.4)
    pt = np.array([5.0, 12.5, 50.0, 1e4, 1e4, 1e4, 1e4, 1e4])
    eta = np.array([0.0, 0.0, 0.0, 0.0, -2.0, 2.6, 0.0, 0.0])
    flavour = np.array([5, 5, 5, 5, 5, 5, 4, 0])
    chance = d.tag_probability(pt, eta, flavour, setup)
    assert_allclose(chance, [0, 0, 0.7 * np.tanh(1.2), 0.7, 0.56, 0, 0.28, 0.002], atol=1e-12)


def test_same_event_pairs_against_a_loop():
    rng = random()
    event, ordered = rng.integers(0, 6, 20), np.sort(rng.integers(0, 6, 30))
    expected = [(i, j) for i in range(20) for j in range(30) if event[i] == ordered[j]]
    assert_array_equal(np.transpose(d.same_event_pairs(event, ordered)), expected)


def test_smearing_keeps_directions():
    seen = d.measure(particles(EVENT), d.Detector(), random())
    assert_allclose(pseudorapidity(seen.lepton), 0.5)
    assert_allclose(azimuth(seen.lepton), 0.0, atol=1e-12)


@pytest.mark.parametrize("wrong", [{"jet_scale": -1.0}, {"met_resolution": np.nan}, {"jet_radius": 0.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(SimulationError, match=next(iter(wrong))):
        d.Detector(**wrong)
