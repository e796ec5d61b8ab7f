"""The comparisons of collisions, on columns that are known to fit or not to fit."""

import numpy as np
import pytest

from fivesigma.simulation.resonance import FEATURES
from fivesigma.validation import published, resonance


@pytest.fixture(scope="module")
def made_up():
    """60,000 rows with the published quartiles and tags, independent of each other; every group has as many rows."""
    random = np.random.default_rng(1)
    n = 60_000
    columns = {name: random.uniform(-np.pi, np.pi, n) for name in FEATURES}
    for name, (low, middle, high) in published.quartiles().items():
        knots = [2 * low - middle, low, middle, high, 2 * high - middle]
        columns[name] = np.interp(random.random(n), [0, 0.25, 0.5, 0.75, 1], knots)
    columns["jet3_pt"] = random.exponential(50.0, n)
    columns["jets_no"] = np.exp(random.normal(*resonance.LOG_JETS, n))
    cells, shares = zip(*published.tag_table().items(), strict=True)
    for i, tags in enumerate(np.array(cells)[random.choice(len(cells), n, p=shares)].T):
        columns[f"jet{i + 1}_btag"] = tags.astype(float)
    columns["label"] = (np.arange(n) % 6 > 0).astype(np.int8)
    columns["mass"] = np.array([750, *resonance.MASSES])[np.arange(n) % 6].astype(np.float32)
    return columns


def verdicts(rows, group):
    return [row.verdict for row in rows if row.group == group]


def test_what_was_made_to_fit_fits(made_up):
    rows = resonance.features(made_up)
    for group in ("quartiles", "number of jets", "b-tags"):
        assert set(verdicts(rows, group)) == {"pass"}, group
    assert verdicts(rows, "angles") == ["pass"] * 8
    assert len(verdicts(rows, "quartiles")) == 45
    # Independent columns have no correlation, so the strong published ones are missed.
    found = {row.quantity: row for row in rows if row.group == "correlations"}
    assert found["m_jj, m_jjj"].verdict == "fail"
    assert found["met, m_lv"].verdict == "pass"


def test_what_is_shifted_is_found(made_up):
    changed = {**made_up, "lep_pt": made_up["lep_pt"] * 1.15, "met_phi": np.abs(made_up["met_phi"])}
    failed = {row.quantity for row in resonance.features(changed) if row.verdict == "fail" and row.group != "correlations"}
    harmonics = {f"largest harmonic of the {kind} (met_phi, order 1)" for kind in ("background", "signal")}
    assert failed == {"lep_pt 25 %", "lep_pt 50 %", "lep_pt 75 %", "met_phi: Kolmogorov distance × √n", *harmonics}


def test_the_mixture_has_the_published_shares(made_up):
    sample = resonance.Sample.of(made_up)
    for mixture in ("original", "uci"):
        weight = sample.weights(mixture)
        assert weight.sum() == pytest.approx(1)
        assert weight[sample.group == 0].sum() == pytest.approx(published.shares(mixture)[0])


def test_a_few_events_are_not_judged(made_up):
    few = {name: column[:60] for name, column in made_up.items()}
    quartiles = verdicts(resonance.features(few), "quartiles")
    assert quartiles.count("not judged") > 25


def test_areas_need_enough_training_events():
    good = {0: (0.957, 0.001), 500: (0.765, 0.002), 750: (0.93, 0.001), 1000: (0.97, 0.001), 1250: (0.99, 0.001)}
    rows = resonance.area_rows("parameterised", good, 900_000)
    assert [row.verdict for row in rows] == ["pass"] * 4 + ["pass", "fail"]  # 1500 GeV is missing
    assert {row.verdict for row in resonance.area_rows("parameterised", good, 5000)} == {"not judged"}
    without = resonance.area_rows("without mass", {0: (0.87, 0.001), 500: (0.7, 0.001)}, 900_000)
    assert [row.verdict for row in without][:2] == ["fail", "not judged"]
