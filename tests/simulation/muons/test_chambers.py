import numpy as np
import pytest

from fivesigma.simulation.muons import chambers, transport
from fivesigma.simulation.muons.gun import shoot


def generator(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def muons():
    return shoot(20_000, "flat-inverse-pt", (2.0, 7000.0), (1.2, 2.4), generator())


@pytest.fixture(scope="module")
def straight(muons):
    return transport.transport(muons, generator(), with_field=False, with_material=False)


@pytest.fixture(scope="module")
def bent(muons):
    return transport.transport(muons, generator())


def test_straight_muons_give_their_exact_direction_within_a_cell(muons, straight):
    hits = chambers.digitise(straight, muons.charge_over_pt, generator(), perfect=True)
    away = np.mod(hits.phi - np.rad2deg(muons.phi) + 180, 360) - 180
    for plane, name in enumerate(transport.PLANES):
        strip = max(ring.strip for ring in chambers.RINGS if ring.plane == name)
        assert np.abs(away[plane][hits.present[plane]]).max() <= strip / 2 + 1e-3
    assert np.all(hits.bend[hits.present] == 0)
    theta = np.rad2deg(np.arctan(1 / np.sinh(np.abs(muons.eta))))
    measured = hits.theta * chambers.THETA_UNIT + chambers.THETA_ZERO
    wide = np.broadcast_to(theta, measured.shape)
    # Vertex spread, wire group, offset and rounding together stay below a degree and a half.
    assert np.abs(measured - wide)[hits.present].max() < 1.5


def test_hits_lie_inside_a_ring_and_chamber(muons, straight):
    hits = chambers.digitise(straight, muons.charge_over_pt, generator(), perfect=True)
    for plane, name in enumerate(transport.PLANES):
        at = hits.present[plane]
        numbers = {ring.number for ring in chambers.RINGS if ring.plane == name}
        assert set(np.unique(hits.ring[plane][at]).astype(int)) <= numbers
        beside = np.abs(hits.phi[plane] - hits.chamber[plane])[at]
        assert np.all(beside < 0.55 * hits.width[plane][at])


def test_front_and_rear_alternate(muons, straight):
    hits = chambers.digitise(straight, muons.charge_over_pt, generator(), perfect=True)
    at = hits.present[1]
    number = np.rint(hits.chamber[1][at] / 10)
    # Chamber n of a 36-chamber ring is centred at 10 (n - 1) degrees; in ME1 even chambers are in front.
    assert np.array_equal(hits.front[1][at] == 1, np.mod(number, 2) == 1)


def test_only_strip_chambers_and_me0_measure_a_slope(muons, bent):
    hits = chambers.digitise(bent, muons.charge_over_pt, generator())
    assert np.all(hits.bend[5:11] == 0)
    assert np.std(hits.bend[0][hits.present[0]]) > 5


def test_the_slope_follows_the_charge(muons, bent):
    hits = chambers.digitise(bent, muons.charge_over_pt, generator())
    for plane in (0, 1, 2):
        at = hits.present[plane]
        assert np.corrcoef(hits.bend[plane][at], muons.charge_over_pt[at])[0, 1] < -0.4
    for plane in (3, 4):
        at = hits.present[plane]
        assert np.corrcoef(hits.bend[plane][at], muons.charge_over_pt[at])[0, 1] > 0.1


def test_efficiency_is_what_it_says(muons, straight):
    ideal = chambers.digitise(straight, muons.charge_over_pt, generator(), perfect=True).present
    stiff = np.abs(muons.charge_over_pt) < 0.15
    real = chambers.digitise(straight, muons.charge_over_pt, generator()).present
    for plane, expected in enumerate(chambers.EFFICIENCY):
        chance = real[plane][stiff].sum() / ideal[plane][stiff].sum()
        assert chance == pytest.approx(expected, abs=0.02)


def test_noise_adds_the_wanted_number_of_hits(muons, bent):
    quiet = chambers.digitise(bent, muons.charge_over_pt, generator())
    noisy = chambers.digitise(bent, muons.charge_over_pt, generator(), noise=3.0)
    added = noisy.present & ~quiet.present
    chance = added.sum() / (~quiet.present).sum()
    assert chance == pytest.approx(1 - np.exp(-3.0 / 12), abs=0.01)
    assert np.array_equal(noisy.phi[quiet.present], quiet.phi[quiet.present])


def test_dead_chambers_are_always_the_same_and_give_no_hit(muons, bent):
    alive = chambers.digitise(bent, muons.charge_over_pt, generator())
    silenced = [chambers.digitise(bent, muons.charge_over_pt, generator()) for _ in range(3)]
    endcap = muons.eta > 0
    for hits, share, seed in zip(silenced, (0.1, 0.1, 0.0), (1, 2, 1), strict=True):
        chambers.silence(hits, endcap, share, seed)
    assert np.array_equal(silenced[2].present, alive.present)
    assert not (silenced[0].present & ~alive.present).any()
    lost = 1 - silenced[0].present.sum() / alive.present.sum()
    assert lost == pytest.approx(0.1, abs=0.04)
    assert not np.array_equal(silenced[0].present, silenced[1].present)
    # A chamber is dead for every muon or for none.
    place = np.where(alive.ring[2] == 1, 1000, 0) + np.mod(np.rint(2 * alive.chamber[2]), 720) + 5000 * endcap
    for one in np.unique(place[alive.present[2]]):
        own = alive.present[2] & (place == one)
        assert silenced[0].present[2][own].mean() in (0.0, 1.0)
