"""Verdicts of single comparisons, and the statistics behind them."""

import numpy as np
import pytest

from fivesigma.validation import Comparison, count_passes, published
from fivesigma.validation.statistics import correlation, deviation, effective, harmonic, mean, quantiles, uniformity


def row(found, rule="within", tolerance=0.1, error=0.01, note=""):
    return Comparison("group", "quantity", 1.0, found, error, tolerance, "GeV", rule, note)


@pytest.mark.parametrize(
    ("comparison", "verdict"),
    [
        (row(1.05), "pass"),
        (row(0.85), "fail"),
        (row(1.0, "at least", 0.0), "pass"),
        (row(0.99, "at least", 0.0), "fail"),
        (row(1.0, "at most", 0.0), "pass"),
        (row(1.01, "at most", 0.0), "fail"),
        (row(float("nan")), "fail"),
        (row(float("nan"), "at least"), "fail"),
        (row(5.0, note="too few"), "not judged"),
        (row(1.0, error=0.06), "not judged"),
        (row(1.0, error=float("nan")), "pass"),
    ],
)
def test_verdict(comparison, verdict):
    assert comparison.verdict == verdict
    assert bool(comparison.reason) == (verdict == "not judged")


def test_counts_add_up():
    assert count_passes([row(1.0), row(2.0), row(3.0), row(1.0, note="no")]) == (1, 2, 1)


def test_json_has_no_nan():
    tree = row(float("nan"), error=float("nan")).to_dict()
    assert tree["found"] is tree["error"] is None
    assert tree["verdict"] == "fail"


def test_pull_is_one_at_the_limit():
    assert row(1.1).pull == pytest.approx(1.0)
    assert np.isnan(row(1.1, tolerance=0.0).pull)


def test_quantiles_with_equal_weights_are_those_of_numpy():
    values = np.random.default_rng(1).exponential(size=5000)
    found = quantiles(values, np.full(5000, 3.0), (0.25, 0.5, 0.75))
    np.testing.assert_allclose([value for value, _ in found], np.quantile(values, [0.25, 0.5, 0.75]), rtol=1e-3)


def test_integer_weights_are_repeated_events():
    random = np.random.default_rng(2)
    values, weight = random.normal(size=3000), random.integers(1, 4, 3000)
    repeated = np.repeat(values, weight)
    weighted = quantiles(values, weight.astype(float), (0.3,))[0][0]
    assert weighted == pytest.approx(np.quantile(repeated, 0.3), abs=2e-3)
    assert mean(values, weight.astype(float))[0] == pytest.approx(repeated.mean())
    assert deviation(values, weight.astype(float))[0] == pytest.approx(repeated.std())


def test_the_errors_are_the_spread_of_repeated_samples():
    random = np.random.default_rng(3)
    found = []
    for _ in range(300):
        x = random.normal(size=2000)
        y = 0.6 * x + 0.8 * random.normal(size=2000)
        weight = random.choice([0.5, 2.0], 2000)
        found.append([quantiles(x, weight, (0.5,))[0], mean(x, weight), deviation(x, weight), correlation(x, y, weight)])
    values, errors = np.moveaxis(np.array(found), -1, 0)
    np.testing.assert_allclose(errors.mean(axis=0), values.std(axis=0), rtol=0.15)


def test_correlation_of_a_constant_is_unknown():
    assert np.isnan(correlation(np.ones(5), np.arange(5.0), np.ones(5))[0])


def test_effective_events():
    assert effective(np.full(10, 7.0)) == pytest.approx(10)
    assert effective(np.array([1.0, 1e-9])) == pytest.approx(1)


def test_uniformity_agrees_with_scipy_and_sees_a_lump():
    stats = pytest.importorskip("scipy.stats")
    angle = np.random.default_rng(4).uniform(-np.pi, np.pi, 4000)
    distance = stats.kstest(angle, "uniform", args=(-np.pi, 2 * np.pi)).statistic
    assert uniformity(angle) == pytest.approx(distance * np.sqrt(4000))
    assert uniformity(angle) < 1.95
    assert uniformity(np.concatenate([angle, np.zeros(200)])) > 1.95


def test_a_harmonic_is_found_with_its_size():
    random = np.random.default_rng(5)
    angle = random.uniform(-np.pi, np.pi, 200_000)
    kept = angle[random.random(len(angle)) < (1 + 0.2 * np.cos(2 * angle - 1)) / 1.2]
    assert harmonic(kept, 2) == pytest.approx(0.2, abs=4 * np.sqrt(2 / len(kept)))
    assert harmonic(kept, 3) == pytest.approx(0.0, abs=5 * np.sqrt(2 / len(kept)))


def test_published_files_state_their_source_and_are_whole():
    for name, words in (("hepmass_quartiles.csv", "1601.07913"), ("emtf_windows.csv", "L1TMuonSimulations")):
        assert words in published.source(name)
    assert len(published.quartiles()) == 15
    assert len(published.correlations("hepmass_correlations.csv")) == 66
    assert len(published.correlations("emtf_correlations.csv")) == 115
    assert len(published.bends()) == 9
    assert sum(published.shares("original").values()) == pytest.approx(1)
    assert published.shares("original")[0] == pytest.approx(0.343, abs=0.001)
    assert sum(published.tag_table().values()) == pytest.approx(1)
    windows = published.windows()
    assert sum(window.strips for window in windows) == 225
    assert sum(window.strips and window.stiff for window in windows) == 125
    assert all(window.p05 <= window.median <= window.p95 for window in windows)
