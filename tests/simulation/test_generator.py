import numpy as np
import pytest
from numpy.testing import assert_allclose

from fivesigma.errors import SimulationError
from fivesigma.kinematics import invariant_mass, transverse_momentum
from fivesigma.simulation.generator import Generator, commands, decay_heavy_quarks, read

pytest.importorskip("pythia8mc")
EVENTS = 400


@pytest.fixture(scope="module", params=[(None, "parton"), (700.0, "parton"), (700.0, "hadron")], ids=str)
def case(request):
    mass, fidelity = request.param
    return mass, fidelity, Generator(mass, 0.01, 13000.0, fidelity, seed=3).batch(EVENTS)


def charge_in_thirds(identity):
    """Electric charge of leptons, quarks and diquarks from their Particle Data Group number."""
    size, sign = abs(int(identity)), np.sign(identity)
    if size in (11, 13, 15):
        return -3 * sign
    if size < 10:
        return sign * (2 if size % 2 == 0 else -1)
    if 1000 < size < 10000 and (size // 10) % 10 == 0:
        return sum(charge_in_thirds(digit * sign) for digit in (size // 1000, size // 100 % 10))
    return 0


def test_energy_and_momentum_are_conserved(case):
    particles = case[2].particles
    total = np.zeros((EVENTS, 4))
    np.add.at(total, particles.event, particles.momentum)
    assert_allclose(total, np.tile([0, 0, 0, 13000.0], (EVENTS, 1)), atol=0.05)


def test_charge_is_that_of_two_protons(case):
    if case[1] != "parton":
        pytest.skip("hadrons' charges are Pythia's own table")
    particles = case[2].particles
    charge = np.zeros(EVENTS)
    np.add.at(charge, particles.event, [charge_in_thirds(i) for i in particles.identity])
    assert_allclose(charge, 6)


def test_every_event_has_one_w_to_electron_or_muon(case):
    particles = case[2].particles
    assert not np.any(np.abs(particles.identity) == 15)
    if case[1] == "parton":
        neutrino = np.isin(np.abs(particles.identity), (12, 14))
        assert np.array_equal(particles.event[neutrino], np.arange(EVENTS))
        # The W's lepton has the neutrino's generation and the opposite sign of number.
        numbers = particles.identity[neutrino]
        partner = particles.identity == (-np.sign(numbers) * (np.abs(numbers) - 1))[particles.event]
        assert np.all(np.bincount(particles.event[partner], minlength=EVENTS) >= 1)


def test_lepton_charges_alternate(case):
    particles = case[2].particles
    if case[1] == "parton":
        neutrino = np.isin(np.abs(particles.identity), (12, 14))
        sign = np.sign(particles.identity[neutrino])  # a neutrino comes with a positive lepton
        assert_allclose(sign, np.tile([1, -1], EVENTS // 2))


def test_w_mass_from_its_lepton_and_neutrino(case):
    if case[1] != "parton":
        pytest.skip("neutrinos of hadron decays are not told apart")
    particles = case[2].particles
    kind = np.abs(particles.identity)
    mass = np.zeros(EVENTS)
    for event in range(EVENTS):
        own = particles.event == event
        lepton = np.flatnonzero(own & ((kind == 11) | (kind == 13)))
        hardest = lepton[np.argmax(particles.momentum[lepton, 3])]
        mass[event] = invariant_mass(particles.momentum[hardest] + particles.momentum[own & np.isin(kind, (12, 14))][0])
    assert np.median(mass) == pytest.approx(80.4, abs=0.8)


def test_hard_mass_is_the_resonance_or_above_threshold(case):
    mass, _, generated = case
    if mass is None:
        # Twice the top mass, less a few widths.
        assert generated.hard_mass.min() > 310
        assert generated.hard_mass.max() > 600
    else:
        assert np.median(generated.hard_mass) == pytest.approx(mass, rel=0.003)
        quartiles = np.percentile(generated.hard_mass, [25, 75])
        # Between the quartiles of a Breit-Wigner lies one full width.
        assert quartiles[1] - quartiles[0] == pytest.approx(0.01 * mass, rel=0.3)


def test_two_bottom_quarks_at_every_fidelity(case):
    particles = case[2].particles
    bottom = np.abs(particles.quark_identity) == 5
    # All but the few tops that decay to a strange or down quark.
    assert np.mean(np.bincount(particles.quark_event[bottom], minlength=EVENTS) >= 2) > 0.98
    assert np.all(np.diff(particles.quark_event) >= 0)


def test_weights_are_one(case):
    assert_allclose(case[2].weight, np.ones(EVENTS))


def test_neutrinos_of_heavy_flavour_decays_are_those_of_hadronised_events():
    """What parton level puts in by hand against what Pythia does, in the missing momentum they add."""
    added = []
    for fidelity in ("parton", "hadron"):
        particles = Generator(None, 0.01, 13000.0, fidelity, seed=5).batch(1500).particles
        neutrino = np.isin(np.abs(particles.identity), (12, 14, 16))
        momentum, event = particles.momentum[neutrino], particles.event[neutrino]
        # The W's own neutrino is mostly the hardest of its event: leave that one out.
        order = np.lexsort((-transverse_momentum(momentum), event))
        others = order[np.append(False, np.diff(event[order]) == 0)]
        total = np.zeros((1500, 4))
        np.add.at(total, event[others], momentum[others])
        added.append(transverse_momentum(total))
    assert np.mean(added[0] > 5) == pytest.approx(np.mean(added[1] > 5), rel=0.2)
    assert np.mean(added[0]) == pytest.approx(np.mean(added[1]), rel=0.25)


def test_a_heavy_quark_and_its_neutrino_share_the_momentum():
    generator = Generator(None, 0.01, 13000.0, "parton", seed=3)
    before = read(generator._pythia.nextBatch(100), hadrons=False).particles
    after = decay_heavy_quarks(before, np.random.default_rng(1))
    assert len(after.event) > len(before.event)
    assert np.all(np.diff(after.event) >= 0)
    for event in range(100):
        one, two = before.momentum[before.event == event], after.momentum[after.event == event]
        assert_allclose(one.sum(axis=0), two.sum(axis=0), atol=1e-8)


def test_underlying_event_adds_particles():
    full = Generator(None, 0.01, 13000.0, "full", seed=3).batch(20).particles
    hadron = Generator(None, 0.01, 13000.0, "hadron", seed=3).batch(20).particles
    assert len(full.event) > 1.3 * len(hadron.event)


def test_cross_section_is_that_of_top_pairs():
    generator = Generator(None, 0.01, 13000.0, "parton", seed=3)
    generator.batch(2000)
    # About 500 pb at leading order, times 2 x 0.22 x 0.68 for one W to e or mu and the other to quarks.
    assert generator.cross_section() == pytest.approx(150, rel=0.25)


def test_setup_is_the_same_for_signal_and_background_but_for_the_process():
    signal, background = (commands(mass, 0.01, 13000.0, "parton", 1) for mass in (500.0, None))
    differing = set(signal) ^ set(background)
    assert all(setting.startswith(("HiggsSM", "25:", "Top:")) for setting in differing)


def test_an_unknown_setting_is_an_error():
    generator = Generator(None, 0.01, 13000.0, "parton", seed=3)
    with pytest.raises(SimulationError, match="NoSuch:setting"):
        generator._obey(("NoSuch:setting = on",))
