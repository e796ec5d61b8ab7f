from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fivesigma.kinematics import boost, delta_r, four_vector, invariant_mass, transverse_momentum
from fivesigma.simulation import reconstruction as r
from fivesigma.simulation.detector import Measured


def random_events(events=200, seed=3):
    """Events with 4 to 9 jets, two of them tagged, in random directions."""
    rng = np.random.default_rng(seed)
    jets = four_vector(
        np.sort(rng.exponential(60, (events, 9)) + 20)[:, ::-1],
        rng.normal(0, 1, (events, 9)),
        rng.uniform(-np.pi, np.pi, (events, 9)),
        rng.exponential(8, (events, 9)),
    )
    count = rng.integers(4, 10, events)
    jets[np.arange(9) >= count[:, None]] = 0
    tagged = np.zeros((events, 9), bool)
    for event in range(events):
        tagged[event, rng.choice(count[event], 2, replace=False)] = True
    lepton = four_vector(rng.exponential(50, events) + 15, rng.normal(0, 1, events), rng.uniform(-3, 3, events))
    identity = np.full(events, 13, np.int32)
    return Measured(np.arange(events), lepton, identity, rng.normal(0, 40, (events, 2)), jets, tagged)


def slow_hadronic_top(jets, tagged):
    """All combinations of one event, one after another."""
    present = [i for i in range(len(jets)) if jets[i, 3] > 0]
    tags = [i for i in present if tagged[i]]
    untagged = [i for i in present if not tagged[i]]
    choices = [(b, i, j) for b in tags for i, j in combinations(untagged, 2)]
    b, i, j = min(choices, key=lambda c: abs(float(invariant_mass(jets[list(c)].sum(axis=0))) - 175.0))
    other = tags[1 - tags.index(b)]
    return jets[i] + jets[j], jets[b] + jets[i] + jets[j], jets[other]


def test_hadronic_top_agrees_with_a_loop():
    measured = random_events()
    fast = r.hadronic_top(measured.jets, measured.tagged)
    for event in range(len(measured.jets)):
        for quick, slow in zip(fast, slow_hadronic_top(measured.jets[event], measured.tagged[event]), strict=True):
            assert_allclose(quick[event], slow)


def test_neutrino_agrees_with_a_loop_over_four_vectors():
    measured = random_events(50)
    neutrino = r.neutrino_momentum(measured.lepton, measured.missing)
    assert_allclose(neutrino[:, :2], measured.missing)
    assert_allclose(invariant_mass(neutrino), 0, atol=1e-4)
    for event in range(50):
        pt, phi = np.hypot(*measured.missing[event]), np.arctan2(*measured.missing[event, ::-1])
        grid = four_vector(pt, np.linspace(-3, 3, 121), phi)
        miss = np.abs(invariant_mass(grid + measured.lepton[event]) - 80.4)
        found = abs(invariant_mass(neutrino[event] + measured.lepton[event]) - 80.4)
        assert_allclose(found, miss.min(), atol=1e-6)


def decay(parent, masses, direction):
    """A two-body decay of `parent`, back to back along `direction` in its rest frame."""
    mass = float(invariant_mass(parent))
    momentum = np.sqrt((mass**2 - sum(masses) ** 2) * (mass**2 - (masses[0] - masses[1]) ** 2)) / (2 * mass)
    unit = np.array(direction, float) / np.linalg.norm(direction)
    rest = [np.append(sign * momentum * unit, np.hypot(momentum, m)) for sign, m in zip((1, -1), masses, strict=True)]
    return [boost(p, parent[:3] / parent[3]) for p in rest]


def top_pair(mass=800.0):
    """An undisturbed X -> t tbar -> b l nu, b q q event, its jets in falling pT with the tags in place."""
    resonance = np.array([0.0, 0.0, 150.0, np.hypot(150.0, mass)])
    leptonic, hadronic = decay(resonance, (175.0, 175.0), (1, 0.3, 0.2))
    w_lepton, b1 = decay(leptonic, (80.4, 0.0), (0.2, 1, 0.1))
    w_quarks, b2 = decay(hadronic, (80.4, 0.0), (-0.3, -1, 0.4))
    lepton, neutrino = decay(w_lepton, (0.0, 0.0), (0.1, 0.8, 1))
    quark1, quark2 = decay(w_quarks, (0.0, 0.0), (1, 0.2, -0.7))
    jets, tags = np.array([b1, b2, quark1, quark2]), np.array([True, True, False, False])
    order = np.argsort(-transverse_momentum(jets))
    seen = Measured(
        np.array([0]),
        lepton[None],
        np.array([11], np.int32),
        neutrino[None, :2],
        jets[order][None],
        tags[order][None],
    )
    return seen, neutrino


def test_a_perfect_event_gives_back_the_masses_it_was_made_of():
    measured, neutrino = top_pair()
    found = r.features(measured)
    assert found["m_jj"][0] == pytest.approx(80.4, rel=1e-5)
    assert found["m_jjj"][0] == pytest.approx(175.0, rel=1e-5)
    # The neutrino is known to a step of its scan, or to its second solution.
    assert found["m_lv"][0] == pytest.approx(80.4, abs=2.0)
    scanned = r.neutrino_momentum(measured.lepton, measured.missing)[0]
    if delta_r(*direction(scanned), *direction(neutrino)) < 0.1:
        assert found["m_jlv"][0] == pytest.approx(175.0, abs=5.0)
        assert found["m_wwbb"][0] == pytest.approx(800.0, abs=20.0)
    else:
        assert found["m_wwbb"][0] > 500


def direction(p):
    return np.arcsinh(p[2] / np.hypot(p[0], p[1])), np.arctan2(p[1], p[0])


def test_selection_wants_four_jets_and_two_tags_among_all():
    measured = random_events(4)
    measured.jets[0, 3:] = 0
    measured.tagged[1] = False
    measured.tagged[2] = [True] * 3 + [False] * 6
    assert_array_equal(r.select(measured).event, [3])


def test_jet_count_leaves_out_tags_beyond_the_fourth():
    jets = np.zeros((1, 7, 4))
    jets[0, :6, 3] = 1.0
    assert r.jet_count(jets, np.array([[1, 1, 0, 0, 0, 0, 0]], bool)) == 6
    assert r.jet_count(jets, np.array([[0, 1, 0, 0, 1, 0, 0]], bool)) == 5
    assert r.jet_count(jets, np.array([[0, 0, 0, 0, 1, 1, 0]], bool)) == 4


def test_masses_ignore_a_rotation_around_the_beam():
    measured = random_events()
    angle = 1.234
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def turned(p):
        return np.concatenate([p[..., :2] @ turn.T, p[..., 2:]], axis=-1)

    rotated = Measured(
        measured.event,
        turned(measured.lepton),
        measured.lepton_identity,
        measured.missing @ turn.T,
        turned(measured.jets),
        measured.tagged,
    )
    before, after = r.features(measured), r.features(rotated)
    for name in ("m_jj", "m_jjj", "m_lv", "m_wwbb", "lep_pt", "met", "jet3_pt"):
        assert_allclose(before[name], after[name], rtol=1e-4)


def test_features_are_the_27_in_uci_order_and_finite():
    names = list(r.FEATURE_UNITS)
    assert len(names) == 27
    assert names[:6] == ["lep_pt", "lep_eta", "lep_phi", "met", "met_phi", "jets_no"]
    assert names[6:10] == ["jet1_pt", "jet1_eta", "jet1_phi", "jet1_btag"]
    assert names[21:] == ["jet4_btag", "m_jj", "m_jjj", "m_lv", "m_jlv", "m_wwbb"]
    found = r.features(random_events())
    assert list(found) == names
    assert all(column.dtype == np.float32 and np.all(np.isfinite(column)) for column in found.values())


def test_no_event_at_all_is_fine():
    measured = r.take(random_events(), np.zeros(200, bool))
    assert all(len(column) == 0 for column in r.features(r.select(measured)).values())
