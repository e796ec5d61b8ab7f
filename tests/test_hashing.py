import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from fivesigma.hashing import HashSet, Sieve, fingerprints, hashes_of_inputs, mix, uniform

numbers = hnp.arrays(np.uint64, st.integers(0, 60))
tables = hnp.arrays(np.float32, st.tuples(st.integers(1, 30), st.integers(1, 5)), elements=st.floats(width=32))


@given(numbers)
def test_mixing_keeps_different_numbers_different(values):
    assert len(np.unique(mix(values))) == len(np.unique(values))


@given(numbers, st.integers(0, 1000), st.randoms())
def test_a_place_depends_on_its_own_number_only(values, seed, random):
    order = np.array(random.sample(range(len(values)), len(values)), int)
    places = uniform(values, seed)
    assert_array_equal(uniform(values[order], seed), places[order])
    assert ((places >= 0) & (places < 1)).all()


def test_consecutive_numbers_fill_the_interval_evenly_and_each_seed_differently():
    first, second = (uniform(np.arange(100_000, dtype=np.uint64), seed) for seed in (0, 1))
    for places in (first, second):
        counts = np.histogram(places, 100, (0, 1))[0]
        # Chi-squared of 99 degrees of freedom: mean 99, spread 14.
        assert ((counts - 1000) ** 2 / 1000).sum() < 99 + 5 * 14
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(len(first))


@given(tables, st.randoms())
def test_a_fingerprint_depends_on_the_row_only(table, random):
    order = np.array(random.sample(range(len(table)), len(table)), int)
    assert_array_equal(fingerprints(list(table[order].T)), fingerprints(list(table.T))[order])


@given(tables)
def test_rows_have_equal_fingerprints_exactly_if_they_are_equal(table):
    table = np.concatenate([table, table[:1]])
    rows = [tuple("nan" if np.isnan(value) else float(value) + 0.0 for value in row) for row in table]
    assert len(set(fingerprints(list(table.T)).tolist())) == len(set(rows))


@given(tables, st.integers(1, 7))
def test_fingerprints_are_those_of_mixing_column_by_column(table, rows):
    expected = np.zeros(len(table), np.uint64)
    for column in table.T:
        expected = mix(expected ^ np.where(np.isnan(column), np.float32(np.nan), column + np.float32(0)).view(np.uint32))
    assert_array_equal(fingerprints(list(table.T)), expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fivesigma.hashing._ROWS", rows)
        assert_array_equal(fingerprints(list(table.T)), expected)


def test_zero_has_one_sign_and_missing_is_one_value():
    other_nan = np.array([0xFFC00001], np.uint32).view(np.float32)
    assert_array_equal(fingerprints([np.float32([-0.0])]), fingerprints([np.float32([0.0])]))
    assert_array_equal(fingerprints([other_nan]), fingerprints([np.float32([np.nan])]))


def test_columns_that_change_places_change_the_fingerprint():
    a, b = np.float32([1.0]), np.float32([2.0])
    assert fingerprints([a, b]) != fingerprints([b, a])


def test_no_columns_have_no_fingerprints():
    assert len(fingerprints([])) == 0


@pytest.mark.parametrize(("features", "digits", "other"), [(2, 9, 1e-6), (3, 8, 1e-4), (28, 6, 0.01)])
def test_inputs_with_fewer_digits_are_alike_and_others_are_not(features, digits, other):
    x = np.random.default_rng(1).normal(size=(5_000, features)).astype(np.float32)
    x[::7, 1] = np.nan
    own = hashes_of_inputs(x)
    text = np.array([[float(f"{value:.{digits}g}") for value in row] for row in x], np.float32)
    assert (hashes_of_inputs(text) == own).mean() > 0.96
    assert (hashes_of_inputs(x * np.float32(1 + other)) == own).mean() < 0.02
    assert len(np.unique(own)) == len(own)


def test_numbers_with_few_digits_survive_another_rounding():
    short = np.round(np.random.default_rng(1).normal(size=(5_000, 6)), 2).astype(np.float32)
    assert_array_equal(hashes_of_inputs(np.nextafter(short, np.float32(9))), hashes_of_inputs(short))
    assert_array_equal(hashes_of_inputs(np.zeros((2, 0), np.float32)), [0, 0])


def test_chunks_of_inputs_have_the_hashes_of_the_whole():
    x = np.random.default_rng(2).normal(size=(20_000, 2)).astype(np.float32)
    assert_array_equal(hashes_of_inputs(x), np.concatenate([hashes_of_inputs(part) for part in np.array_split(x, 7)]))


@pytest.mark.parametrize("size", [0, 1, 2, 1000, 100_000])
def test_a_set_finds_its_hashes_and_no_others_in_four_bytes_each(size):
    hashes = mix(np.arange(size, dtype=np.uint64))
    made, first = HashSet.of(hashes)
    arrays = made.to_arrays()
    assert arrays["steps"].nbytes <= 4 * size
    again = HashSet.from_arrays(**arrays)
    found, place = again.find(hashes)
    assert found.all()
    assert_array_equal(first[place], np.arange(size))
    assert not again.find(mix(np.arange(size, size + 100_000, dtype=np.uint64)))[0].any()


@pytest.mark.parametrize("size", [0, 1, 2, 1000, 300_000])
def test_a_set_made_in_place_is_the_same(size, monkeypatch):
    monkeypatch.setattr("fivesigma.hashing._BLOCK", 1000)
    hashes = mix(np.random.default_rng(1).integers(0, max(size // 2, 1), size).astype(np.uint64))
    wanted, found = HashSet.of(hashes)[0], HashSet.of_many(hashes.copy())
    for name, values in wanted.to_arrays().items():
        assert_array_equal(found.to_arrays()[name], values)
    assert_array_equal(found.rest, wanted.rest)
    assert_array_equal(found.starts, wanted.starts)
    assert len(found) == len(np.unique(hashes))
    assert found.find(hashes)[0].all()


@settings(max_examples=200)
@given(
    keys=st.lists(st.integers(0, 2**20 - 1), unique=True, max_size=400),
    others=st.lists(st.integers(0, 2**20 - 1), max_size=100),
    extra=st.integers(0, 44),
)
def test_a_set_of_any_keys_finds_what_python_finds(keys, others, extra):
    bits = 20 + extra
    made = HashSet.of_keys(bits, np.array(sorted(keys), np.uint64))
    wanted = np.array([*keys, *others], np.uint64)
    found, place = made.find(wanted << np.uint64(64 - bits))
    assert found.tolist() == [key in set(keys) for key in wanted.tolist()]
    assert [sorted(keys)[i] for i in place[found]] == wanted[found].tolist()
    again = HashSet.from_arrays(**made.to_arrays())
    assert_array_equal(again.rest, made.rest)
    assert_array_equal(again.starts, made.starts)


@pytest.mark.parametrize(
    ("bits", "steps"),
    [
        (0, np.ones(3, np.uint32)),
        (200, np.ones(3, np.uint32)),
        ([26, 26], np.ones(3, np.uint32)),
        (26, np.ones(3)),
        (26, np.array([2**32 - 1] * 3, np.uint32)),
        (26, np.array([5, 2**64 - 1], np.uint64)),
    ],
)
def test_arrays_that_are_no_set_are_refused(bits, steps):
    with pytest.raises(ValueError, match=r"hashes|broadcast"):
        HashSet.from_arrays(np.array(bits), steps)


def test_a_set_of_hashes_that_lie_far_apart_is_kept_whole():
    hashes = np.array([0, 2**64 - 1], np.uint64)
    assert HashSet.from_arrays(**HashSet.of(hashes)[0].to_arrays()).find(hashes)[0].all()
    assert HashSet.from_arrays(**HashSet.of_keys(64, hashes).to_arrays()).find(hashes)[0].all()


@pytest.mark.parametrize("count", [1, 2, 1000, 65_537, 1_100_000])
def test_a_sieve_lets_all_through_that_were_added_and_few_others(count):
    sieve, hashes = Sieve.for_number(count), mix(np.arange(count, dtype=np.uint64))
    for part in np.array_split(hashes, 3):
        sieve.add(part)
    assert sieve.passes(hashes).all()
    others = mix(np.arange(2_000_000, 2_200_000, dtype=np.uint64))
    assert sieve.passes(others).mean() < 1 / 15
    assert Sieve(sieve.marks).passes(hashes).all()
    assert not Sieve.for_number(count).passes(hashes).any()


@pytest.mark.parametrize(
    "marks", [np.zeros(3, np.uint8), np.zeros(4, np.int8), np.zeros((2, 2), np.uint8), np.zeros(0, np.uint8)]
)
def test_a_damaged_sieve_is_refused(marks):
    with pytest.raises(ValueError, match="no table of marks"):
        Sieve(marks)


def test_some_inputs_are_rounded_as_among_all():
    x = np.random.default_rng(1).normal(size=(5_000, 28)).astype(np.float32)
    near = (x * (1 + 1e-4 * np.random.default_rng(2).normal(size=x.shape))).astype(np.float32)
    same = hashes_of_inputs(x) == hashes_of_inputs(near)
    assert 0.2 < same.mean() < 0.95
    leading = hashes_of_inputs(x[:, :4], of=28) == hashes_of_inputs(near[:, :4], of=28)
    assert leading[same].all()
    assert not (hashes_of_inputs(x[:, :4]) == hashes_of_inputs(near[:, :4]))[same].all()
