"""The simulation against published figures of CMS muons (single muons flat in 1/pT from 2 GeV).

Sources: the track finder's extrapolation constant and pattern study (L1TMuonSimulationsMar2017), and the
summary of its four-station muons. They were taken from CMS full simulation, so each has a tolerance.
"""

import numpy as np
import pytest

from fivesigma.simulation.muons import MuonSettings, Statistics, chambers, simulate_chunks, transport
from fivesigma.simulation.muons.gun import shoot
from fivesigma.simulation.muons.roads import ZONE_EDGES

MUONS = 300_000


@pytest.fixture(scope="module")
def spectrometer():
    """(muons, crossings, phi in units of 1/60 degree with NaN where there is no hit, hits)."""
    random = np.random.default_rng(21)
    muons = shoot(MUONS, "flat-inverse-pt", (2.0, 7000.0), (1.2, 2.4), random)
    crossings = transport.transport(muons, random)
    hits = chambers.digitise(crossings, muons.charge_over_pt, random)
    phi = np.where(hits.present, 60.0 * hits.phi, np.nan)
    return muons, crossings, phi, hits


@pytest.fixture(scope="module")
def tracks():
    statistics = Statistics()
    chunks = list(simulate_chunks(MuonSettings(200_000, seed=33), workers=1, statistics=statistics))
    names = ("variables", "parameters")
    return *(np.concatenate([chunk[name] for chunk in chunks]) for name in names), statistics.acceptance


def in_zone(muons, zone, low, high):
    eta = np.abs(muons.eta)
    momentum = (muons.charge_over_pt >= low) & (muons.charge_over_pt < high)
    return (eta < ZONE_EDGES[zone]) & (eta >= ZONE_EDGES[zone + 1]) & momentum


@pytest.mark.parametrize(("zone", "tolerance"), [(0, 0.05), (1, 0.05), (2, 0.05), (3, 0.05), (4, 0.05), (5, 0.08)])
def test_the_published_extrapolation_to_the_second_station(spectrometer, zone, tolerance):
    muons, crossings, _, _ = spectrometer
    at = in_zone(muons, zone, -0.5, 0.5)
    bending = np.arctan2(crossings.y[2], crossings.x[2])[at] - muons.phi[at]
    bending = np.mod(bending + np.pi, 2 * np.pi) - np.pi
    lever = np.sinh(1.9) / np.sinh(np.abs(muons.eta[at]))
    constant = np.median(-bending / (muons.charge_over_pt[at] * lever))
    assert constant == pytest.approx(1.204, rel=tolerance)


# q/pT low and high (1/GeV), zone, plane, its partner, 5 %, median and 95 % of the difference in phi.
WINDOWS = [
    (0.07, 0.155, 0, 0, 2, 25, 58, 105),
    (0.155, 0.26, 0, 0, 2, 53, 111, 186),
    (0.07, 0.155, 1, 3, 0, -152, -88, -43),
    (0.155, 0.26, 1, 4, 0, -285, -166, -69),
    (0.155, 0.26, 2, 0, 2, 110, 177, 270),
    (0.155, 0.26, 2, 4, 0, -312, -186, -83),
    (0.07, 0.155, 3, 0, 2, 62, 106, 168),
    (0.155, 0.26, 4, 1, 2, 57, 90, 134),
    (0.07, 0.155, 5, 1, 2, 25, 44, 69),
    (0.155, 0.26, 5, 3, 1, -147, -91, -42),
    (0.155, 0.26, 5, 4, 1, -152, -83, -13),
]


@pytest.mark.parametrize("row", WINDOWS)
def test_published_windows_between_stations(spectrometer, row):
    low, high, zone, plane, partner, first, median, last = row
    muons, _, phi, _ = spectrometer
    at = in_zone(muons, zone, low, high)
    difference = np.mod(phi[plane, at] - phi[partner, at] + 10800, 21600) - 10800
    found = np.nanpercentile(difference, [5, 50, 95])
    assert found[1] == pytest.approx(median, abs=max(0.15 * abs(median), 6.0))
    assert found[2] - found[0] == pytest.approx(last - first, rel=0.3)


@pytest.mark.parametrize(
    ("plane", "ring", "published"),
    [(0, 1, -0.0142), (0, 4, -0.0254), (1, 2, -0.0109), (2, 1, -0.0227), (3, 1, 0.0140), (3, 2, 0.0136)],
)
def test_published_momentum_per_unit_of_bend(spectrometer, plane, ring, published):
    muons, _, phi, hits = spectrometer
    at = ~np.isnan(phi[plane]) & (hits.ring[plane] == ring)
    bend, charge_over_pt = hits.bend[plane, at], muons.charge_over_pt[at]
    assert np.sum(bend * charge_over_pt) / np.sum(bend**2) == pytest.approx(published, rel=0.25)


def test_published_acceptance(tracks):
    assert tracks[2] == pytest.approx(0.82, abs=0.05)


def test_published_share_and_momentum_of_four_station_muons(tracks):
    variables, parameters, _ = tracks
    four = (variables[:, [72, 74, 75, 76]] == 0).all(axis=1)
    assert four.mean() == pytest.approx(0.36, abs=0.03)
    assert parameters[four, 0].std() == pytest.approx(0.2524, rel=0.05)


def test_published_correlations_of_four_station_muons(tracks):
    variables, parameters, _ = tracks
    four = (variables[:, [72, 74, 75, 76]] == 0).all(axis=1)
    columns = {
        "phi0": variables[four, 0],
        "phi2": variables[four, 2],
        "theta0": variables[four, 12],
        "bend0": variables[four, 24],
        "ring0": variables[four, 48],
        "front2": variables[four, 62],
        "front3": variables[four, 63],
        "straight": variables[four, 84],
        "zone": variables[four, 85],
        "q/pt": parameters[four, 0],
    }
    published = {
        ("phi0", "q/pt"): 0.07,
        ("phi2", "q/pt"): -0.10,
        ("bend0", "q/pt"): -0.86,
        ("bend0", "straight"): -0.85,
        ("straight", "q/pt"): 0.94,
        ("theta0", "zone"): 0.97,
        ("theta0", "ring0"): -0.80,
        ("front2", "front3"): -0.88,
        ("phi0", "phi2"): 0.98,
    }
    for (one, other), expected in published.items():
        found = np.corrcoef(columns[one], columns[other])[0, 1]
        assert found == pytest.approx(expected, abs=0.08), (one, other)


def test_published_coverage_of_a_sector(tracks):
    variables, _, _ = tracks
    four = (variables[:, [72, 74, 75, 76]] == 0).all(axis=1)
    degrees = variables[four, 2] / 60
    assert degrees.mean() == pytest.approx(48.5, abs=1.0)
    assert np.quantile(degrees, [0.25, 0.5, 0.75]) == pytest.approx([33.6, 48.3, 63.0], abs=1.5)
    # The road's place is 32 phi units per step, less 5.5.
    assert np.mean(variables[four, 2] - 32 * variables[four, 86]) == pytest.approx(-5.5, abs=3)
