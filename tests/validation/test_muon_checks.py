"""The comparisons of muons, on a small spectrometer sample."""

from dataclasses import replace

import numpy as np
import pytest

from fivesigma.simulation.muons import MuonSettings, simulate
from fivesigma.validation import muons, shapes


@pytest.fixture(scope="module")
def seen():
    return muons.observe(60_000, seed=5)


@pytest.fixture(scope="module")
def results(seen):
    return muons.window_results(seen)


def test_small_samples_are_not_judged_but_the_field_is(seen, results):
    rows = muons.spectrometer_rows(seen, results)
    assert {row.verdict for row in rows if row.group != "field"} == {"not judged"}
    assert {row.verdict for row in rows if row.group == "field"} == {"pass"}


def test_the_calibration_shows_already_in_a_small_sample(seen, results):
    for rows in (muons.extrapolation_rows(seen), muons.class_rows(seen)):
        assert all(abs(row.found - row.target) < row.tolerance + 3 * row.error for row in rows)
    assert all(row.found > 0.85 for row in muons.window_rows(results))
    assert muons.bend_rows(seen)[-1].found >= 7


def test_a_spectrometer_without_field_fails(seen):
    straight = replace(seen, turned=np.zeros_like(seen.turned))
    assert {row.verdict for row in muons.extrapolation_rows(straight)} == {"fail"}
    rng = np.random.default_rng(1)
    blind = replace(seen, phi=np.where(np.isnan(seen.phi), np.nan, rng.normal(0, 3, seen.phi.shape)).astype(np.float32))
    rows = muons.window_rows(muons.window_results(blind))
    assert rows[0].verdict == rows[1].verdict == "fail"


def test_the_same_seed_sees_the_same_muons():
    one, two, other = (muons.observe(1, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.phi, two.phi)
    assert not np.array_equal(one.charge_over_pt, other.charge_over_pt)


def test_windows_without_muons_count_as_missed(seen):
    nobody = replace(seen, eta=np.full_like(seen.eta, 5.0))
    results = muons.window_results(nobody)
    assert not any(result.inside for result in results)
    assert all(row["found"] == [None, None, None] for row in shapes.windows(results))


def test_tracks():
    made = simulate(MuonSettings(30_000, seed=8), workers=1)
    generated = int(made["event_number"].max()) + 1
    rows = {row.quantity: row for row in muons.track_rows(made["variables"], made["parameters"], generated)}
    assert {row.verdict for row in rows.values()} == {"not judged"}
    assert rows["acceptance"].found == pytest.approx(0.857, abs=0.01)
    assert rows["share with four hits"].inside
    unknown = muons.track_rows(made["variables"], made["parameters"], 0)[0]
    assert np.isnan(unknown.found)


def test_the_field_is_believable():
    iron, air = muons.field_maxima()
    assert 1.5 < iron < 3.0
    assert 3.79 < air < 4.0
    profile = shapes.field_profile()
    assert max(max(size) for size in profile["field"].values()) <= max(iron, air) + 0.01
