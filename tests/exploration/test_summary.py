import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fivesigma.analysis.file import load
from fivesigma.exploration.summary import (
    _is_identifier,
    classes_table,
    columns_table,
    correlations,
    doubts,
    summarise,
    suspected_event_numbers,
    suspected_markers,
)

N = 400


@pytest.fixture
def table():
    """Correlated features, two of them with missing entries."""
    generator = np.random.default_rng(1)
    x = generator.multivariate_normal(np.zeros(4), np.eye(4) * 0.5 + 0.5, N) * [1, 1e3, 1e-3, 1] + [0, 5e3, 1, 100]
    x[generator.random(N) < 0.3, 1] = np.nan
    x[generator.random(N) < 0.2, 3] = np.nan
    return x.astype(np.float32)


def test_correlations_are_those_of_numpy(make_events, table):
    found = correlations([make_events(table[:, [0, 2]])])
    assert found["names"] == ["x0", "x1"]
    assert_allclose(found["matrix"], np.corrcoef(table[:, [0, 2]].astype(float).T), atol=1e-9)


def test_with_missing_entries_each_pair_uses_the_events_that_have_both(make_events, table):
    found = correlations([make_events(table)])["matrix"]
    for i in range(4):
        for j in range(4):
            both = ~np.isnan(table[:, i]) & ~np.isnan(table[:, j])
            assert found[i][j] == pytest.approx(
                np.corrcoef(table[both, i].astype(float), table[both, j].astype(float))[0, 1]
            )


def test_a_constant_or_empty_feature_has_no_correlation(make_events, table):
    events = make_events(np.column_stack([table[:, 0], np.full(N, 0.1), np.full(N, np.nan)]))
    assert correlations([events])["matrix"] == [[pytest.approx(1), None, None], [None] * 3, [None] * 3]


def test_columns_are_described_by_their_present_values(make_events, table):
    events = make_events(table, parameters=np.arange(N)[:, None], units={"x1": "GeV"})
    rows = {row["name"]: row for row in columns_table([events], {"x1": "float"})}
    assert list(rows) == ["x0", "x1", "x2", "x3", "p0"]
    present = table[~np.isnan(table[:, 1]), 1].astype(float)
    expected = {"missing": 1 - len(present) / N, "mean": present.mean(), "std": present.std(), "median": np.median(present)}
    assert {key: rows["x1"][key] for key in expected} == pytest.approx(expected)
    assert (rows["x1"]["type"], rows["x1"]["unit"], rows["x0"]["type"]) == ("float", "GeV", "computed")


def test_classes_are_counted_in_each_part(make_events, table):
    weight = np.random.default_rng(2).normal(1, 1, N)
    events = make_events(table, target=(np.arange(N) % 4 == 0).astype(int), weight=weight)
    found = classes_table({"train": events, "test": events.take(np.arange(8))})
    assert found["train"]["signal"] == {"events": 100, "weight": pytest.approx(weight[::4].sum())}
    assert found["test"]["background"]["events"] == 6


@pytest.fixture
def parts(make_events, table):
    """Training, validation and test events; the test events lie elsewhere."""
    events = make_events(table, weight=np.where(np.arange(N) % 10, 1.0, -1.0), observers={"o": np.arange(N)})
    far = make_events(table[:40] + 1e6, observers={"o": np.arange(40)})
    return {"train": events.take(np.arange(300)), "val": events.take(np.arange(300, N)), "test": far}


def test_of_the_test_events_only_counts_are_used(parts):
    analysis = load({"features": "x{0..3}", "labels": "y"})
    found = summarise(analysis, parts, {})
    json.dumps(found, allow_nan=False)
    assert found["parts"]["test"]["events"] == 40
    del found["parts"]["test"], found["classes"]["test"], found["shares"], found["memory_bytes"]
    without = summarise(analysis, {part: parts[part] for part in ("train", "val")}, {})
    del without["shares"], without["memory_bytes"]
    assert found == without


def test_counts_and_effective_numbers_of_events(parts):
    found = summarise(load({"features": "x{0..3}", "labels": "y"}), parts, {})["parts"]["train"]
    assert found == {"events": 300, "weight": 240, "effective_events": 240**2 / 300, "negative_share": pytest.approx(0.1)}


def test_distributions_hold_all_weight_of_each_class(parts):
    found = summarise(load({"features": "x{0..3}", "labels": "y"}), parts, {})
    for name, member in (("background", 0), ("signal", 1)):
        weight = sum(p.weight[p.target == member].sum() for part, p in parts.items() if part != "test")
        row = found["observers"]["o"][name]
        assert sum(row["counts"]) + row["outside"] == pytest.approx(weight)


def test_a_regression_describes_its_target(make_events, table):
    events = make_events(table, target=np.linspace(0, 10, N), classes=())
    found = summarise(load({"features": "x{0..3}", "target": {"variable": "y", "unit": "GeV"}}), {"train": events}, {})
    assert (found["target"]["unit"], found["target"]["median"], found["classes"]) == ("GeV", pytest.approx(5), {})


def test_a_number_of_its_own_in_every_event_is_suspected_to_be_an_event_number(make_events):
    chance = np.random.default_rng(1)
    n = 3000
    columns = [
        chance.permutation(4 * n)[:n],  # numbers of selected events, in any order
        chance.integers(0, 200, n),  # a measurement in whole numbers
        chance.permutation(n) + 0.5,
        np.where(chance.random(n) < 0.1, np.nan, chance.normal(size=n)),
    ]
    events = make_events(np.stack(columns, axis=1))
    assert suspected_event_numbers({"train": events}) == suspected_event_numbers({"folds": events}) == ["x0"]
    assert [sentence for sentence in doubts({"train": events}, []) if "exclude: [x0]" in sentence]
    assert suspected_event_numbers({"train": events.take(np.arange(500))}) == []


def test_values_without_a_logarithm_are_said(make_events):
    events = make_events(np.array([[1.0, 0.0], [2.0, -1.0], [np.nan, 3.0], [4.0, 5.0]]))
    (sentence,) = doubts({"train": events}, [], ["x*"])
    assert sentence == "x1 is zero or negative in 50 % of the events; it has no logarithm there and is imputed"
    assert doubts({"train": events}, [], ["x0"]) == doubts({"train": events}, []) == []


@pytest.mark.parametrize("scale", [1e30, 3e9])
def test_large_numbers_are_whole_in_single_precision_and_no_event_numbers(make_events, scale):
    values = np.random.default_rng(1).uniform(1, 2, (3000, 1)) * scale
    assert suspected_event_numbers({"train": make_events(values)}) == []


def test_a_marker_far_from_all_values_is_suspected(make_events):
    features = np.random.default_rng(1).normal(0, 1, (500, 2))
    clean = make_events(features)
    features[::5, 0] = -999
    marked = make_events(features)
    assert suspected_markers({"train": marked}, []) == {"x0": (-999.0, pytest.approx(0.2))}
    assert suspected_markers({"train": marked}, [-999]) == {}
    assert suspected_markers({"train": clean}, []) == {}
    features[::5, 0] = np.float32(-99.9)
    features[::4, 1] = 9999
    both = {"x0": (-99.9, pytest.approx(0.2)), "x1": (9999.0, pytest.approx(0.25))}
    assert suspected_markers({"train": make_events(features)}, []) == both
    assert suspected_markers({"train": make_events(np.full((50, 1), -999.0))}, []) == {}


@pytest.mark.parametrize(
    ("column", "identifier"),
    [
        (np.arange(5000), True),
        (np.full(10, 194897), True),
        (194897 + np.arange(10) % 3, True),
        (np.arange(100) % 7, False),
        (np.linspace(0, 1e6, 50) + 0.5, False),
    ],
)
def test_numbers_of_runs_and_events_are_not_drawn(column, identifier):
    assert _is_identifier(column) == identifier
