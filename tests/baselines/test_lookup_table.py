"""A lookup table against a dictionary of lists."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from fivesigma.baselines.lookup_table import LookupTable, Table, fill, sizes


def table_of(address, **more):
    return LookupTable(kind="lookup_table", address=address, **{"min_events": 1, **more})


def sample(seed, n=400, missing=0.2):
    generator = np.random.default_rng(seed)
    columns = np.column_stack(
        [generator.integers(0, 5, n), np.round(generator.normal(0, 3, n)), generator.integers(0, 2, n)]
    )
    columns = columns.astype(float)
    columns[generator.uniform(size=n) < missing, 1] = np.nan
    return columns, generator.normal(size=n), generator.exponential(1, n)


ADDRESS = {"zone": 3, "dphi": {"bits": 4, "low": -7.5, "high": 7.5}, "front": 1}


def slow_code(value):
    """Steps of equal width between −7.5 and 7.5 for 15 codes, one for missing: as the settings above say."""
    if np.isnan(value):
        return "missing"
    edges = np.linspace(-7.5, 7.5, 16)[1:-1]
    return sum(1 for edge in edges if value >= edge)


def slow_table(columns, target, weight, quantile=None):
    entries = defaultdict(list)
    for (zone, dphi, front), t, w in zip(columns, target, weight, strict=True):
        entries[zone, slow_code(dphi), front].append((t, w))
    answers = {}
    for key, found in entries.items():
        found.sort()
        total = sum(w for _, w in found)
        if quantile is None:
            answers[key] = sum(t * w for t, w in found) / total
        else:
            passed, reached = 0.0, []
            for t, w in found:
                # All values at which the share is reached: two if it is reached exactly between them.
                if passed <= (quantile + 1e-9) * total and passed + w >= (quantile - 1e-9) * total:
                    reached.append(t)
                passed += w
            answers[key] = (reached[0] + reached[-1]) / 2
    return answers


@pytest.mark.parametrize("quantile", [None, 0.1, 0.5, 0.9])
@given(seed=st.integers(0, 1000))
def test_every_address_answers_as_a_dictionary_would(quantile, seed):
    columns, target, weight = sample(seed)
    more = {} if quantile is None else {"fill": "quantile", "quantile": quantile}
    found = fill(columns, target, weight, table_of(ADDRESS, **more)).score(columns)
    slow = slow_table(columns, target, weight, quantile)
    expected = [slow[zone, slow_code(dphi), front] for zone, dphi, front in columns]
    assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_median_of_two_is_their_middle():
    settings = table_of({"x": 1}, fill="quantile")
    assert fill(np.zeros((2, 1)), np.array([-1.0, 3.0]), np.ones(2), settings).score(np.zeros((1, 1))).tolist() == [1.0]


def test_classes_are_answered_by_their_shares():
    columns, _, weight = sample(3)
    target = np.random.default_rng(4).integers(0, 3, len(columns))
    found = fill(columns, target, weight, table_of(ADDRESS), 3).score(columns)
    assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    for i in range(3):
        one = fill(columns, (target == i).astype(float), weight, table_of(ADDRESS)).score(columns)
        assert_allclose(found[:, i], one, rtol=1e-5, atol=1e-7)


def test_an_address_without_training_events_answers_more_coarsely():
    columns = np.array([[0.0], [1.0], [2.0], [3.0]])
    table = fill(
        np.delete(columns, 1, axis=0),
        np.array([10.0, 20.0, 30.0]),
        np.ones(3),
        table_of({"x": {"bits": 2, "low": -0.5, "high": 3.5}}),
    )
    assert table.score(columns).tolist() == [10.0, 10.0, 20.0, 30.0]
    table = fill(columns[:1], np.array([10.0]), np.ones(1), table_of({"x": {"bits": 2, "low": -0.5, "high": 3.5}}))
    assert table.score(columns).tolist() == [10.0] * 4


def test_addresses_with_too_few_events_are_left_to_coarser_ones():
    columns = np.repeat([[0.0], [1.0]], [9, 1], axis=0)
    target = np.repeat([1.0, 11.0], [9, 1])
    exact, careful = (fill(columns, target, np.ones(10), table_of({"x": 1}, min_events=n)) for n in (1, 2))
    assert exact.score(np.array([[1.0]])).tolist() == [11.0]
    assert careful.score(np.array([[1.0]])).tolist() == [2.0]


def test_a_quantity_of_few_values_gets_a_code_for_each():
    columns = np.array([[0.0], [4.0], [5.0], [1000.0]] * 5)
    table = fill(columns, columns[:, 0], np.ones(20), table_of({"zone": 2}))
    assert table.score(columns).tolist() == columns[:, 0].tolist()


def test_codes_of_equal_population_hold_as_many_events():
    values = np.random.default_rng(1).exponential(1, (64_000, 1))
    level = fill(values, values[:, 0], np.ones(64_000), table_of({"x": 6})).levels[0]
    counts = np.bincount(level.address(values).astype(int))
    assert len(counts) == 64
    assert (abs(counts - 1000) <= 1).all()


def test_no_table_uses_more_codes_than_its_bits_allow():
    columns, target, weight = sample(5, 5000)
    for bits in (1, 2, 5):
        table = fill(columns, target, weight, table_of({"a": bits, "b": bits, "c": bits}))
        for fewer, level in enumerate(table.levels):
            assert all(q.codes <= 2 ** max(bits - fewer, 0) for q in level.quantities)


def test_weights_and_order_do_not_matter():
    columns, target, weight = sample(6)
    order = np.random.default_rng(7).permutation(len(columns))
    plain = fill(columns, target, weight, table_of(ADDRESS))
    for other in (
        fill(columns[order], target[order], weight[order], table_of(ADDRESS)),
        fill(columns, target, 1e3 * weight, table_of(ADDRESS)),
        fill(np.tile(columns, (2, 1)), np.tile(target, 2), np.tile(weight / 2, 2), table_of(ADDRESS)),
    ):
        assert_allclose(other.score(columns), plain.score(columns), rtol=1e-6)


def test_a_table_survives_its_arrays():
    columns, target, weight = sample(8)
    table = fill(columns, target, weight, table_of(ADDRESS, min_events=3))
    again = Table.from_arrays(table.to_arrays())
    assert_array_equal(again.score(columns), table.score(columns))
    assert sizes(again) == sizes(table)
    with pytest.raises(KeyError):
        Table.from_arrays({key: a for key, a in table.to_arrays().items() if "answers" not in key})


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"x": {"bits": 3, "low": 1.0}}, "both"),
        ({"x": {"bits": 3, "low": 1, "high": 1}}, "`low` must be below `high`"),
        ({f"x{i}": 16 for i in range(4)}, "64 bits, more than 60"),
        ({"x": 0}, "greater than 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(address, words):
    with pytest.raises(ValueError, match=words):
        table_of(address)
