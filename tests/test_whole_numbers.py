"""Arithmetic of whole numbers that doubles would round, against Python's integers."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fivesigma.errors import ExpressionError
from fivesigma.expressions import Expression
from fivesigma.whole_numbers import beyond_doubles, exactly, of_one_type

BY_HAND = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "//": lambda a, b: a // b, "%": lambda a, b: a % b}
kinds = st.sampled_from([np.int64, np.uint64, np.int32, np.uint8])
columns = kinds.flatmap(lambda kind: hnp.arrays(kind, 5))
scalars = st.integers(-(2**63), 2**64 - 1)


@given(st.sampled_from(list(BY_HAND)), columns | scalars, columns | scalars)
def test_results_are_those_of_pythons_integers_or_none(operation, left, right):
    sides = [side.tolist() if isinstance(side, np.ndarray) else [side] * 5 for side in (left, right)]
    if isinstance(left, int) and isinstance(right, int):
        return
    found = exactly(operation, left, right)
    if found is not None:
        assert found.tolist() == [BY_HAND[operation](a, b) for a, b in zip(*sides, strict=True)]
    elif operation in ("+", "-"):
        sums = [BY_HAND[operation](a, b) for a in sides[0] for b in sides[1]]
        assert min(sums) < -(2**63) or max(sums) >= 2**63


TIME = 1_700_000_000_000_000_000 + np.arange(7) * 37
WORD = (np.uint64(1) << np.uint64(63)) + np.arange(7, dtype=np.uint64)
SMALL = np.arange(7)
COLUMNS = {
    "time": TIME,
    "word": WORD,
    "small": SMALL,
    "x": SMALL * 1.5,
    "ids": ak.Array([[2**60 + 1, 3]] * 7),
    "gaps": ak.Array([[None, 2**60 + 1]] * 7),
    "few": ak.Array([[1, 3]] * 7),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time - 1700000000000000000", SMALL * 37),
        ("(time - 1700000000000000000) / 1000", SMALL * 37 / 1000),
        ("time - small", TIME - SMALL),
        ("1700000000000000001 - time", 1 - SMALL * 37),
        ("word % 2", SMALL % 2),
        ("word // 2 % 2 == 1", SMALL // 2 % 2 == 1),
        ("word - 9223372036854775808", SMALL),
        ("time > 1700000000000000100", TIME > 1_700_000_000_000_000_100),
        ("time == 1700000000000000037 + small - small", TIME == 1_700_000_000_000_000_037),
        ("time % 2 == 1 and small > 3", (TIME % 2 == 1) & (SMALL > 3)),
        ("few[0] + count(ids)", np.full(7, 3)),
        ("ismissing(word)", np.zeros(7, bool)),
        ("time / 10", TIME / 10),
        ("log10(word * 2)", np.log10(WORD * 2.0)),
        ("time > 1700000000000000000 // 1000 + 1698300000000000000", TIME > 1_700_000_000_000_000_000),
        ("0 - time == -1700000000000000000", TIME == 1_700_000_000_000_000_000),
        ("time > -9223372036854775809", np.ones(7, bool)),
        ("count(few < 18446744073709551615)", np.full(7, 2)),
        ("count(ids < 9300000000000000000)", np.full(7, 2)),
        ("few[0] < 18446744073709551615", np.ones(7, bool)),
        ("ids[0] == 1152921504606846977", np.ones(7, bool)),
        ("9007199254740993 % 2 + small", 1 + SMALL),
        ("ids[0] - 1152921504606846976", np.full(7, 1)),
        ("ids[0] % 2", np.full(7, 1)),
        ("(ids // 2 % 2)[1]", np.full(7, 1)),
        ("max(ids % 2)", np.full(7, 1)),
        ("sum(ids - ids)", np.zeros(7)),
        ("count(ids - small > 1152921504606846976)", np.where(SMALL < 1, 1, 0)),
    ],
)
def test_expressions_are_exact(text, expected):
    np.testing.assert_array_equal(Expression(text)(COLUMNS), expected)


@pytest.mark.parametrize(
    "text",
    [
        *("-time", "abs(time)", "minimum(time, x)", "time - x", "time - 0.5", "time % 0", "time + 18446744073709551615"),
        *("where(small > 3, 9007199254740993, 0)", "18446744073709551615 % small", "time // 0"),
        *("where(small > 3, time, 0)", "ids[2]", "max(ids)", "gaps[0] // 2", "gaps // 2"),
    ],
)
def test_what_would_be_rounded_is_refused(text):
    with pytest.raises(ExpressionError, match=r"whole numbers beyond 2⁵³, which it would round") as caught:
        Expression(text)(COLUMNS)
    assert "(time - 1700000000000000000) / 1000" in caught.value.hint


def test_small_numbers_and_other_types_are_left_to_doubles():
    assert not any(map(beyond_doubles, [SMALL, np.array([2**53]), COLUMNS["x"], COLUMNS["few"], 2**60, np.array([], int)]))
    assert beyond_doubles(np.array([-(2**53) - 1]))


KINDS = [np.bool_, np.int8, np.int64, np.uint64, np.float64]


@given(st.lists(st.sampled_from(KINDS).flatmap(lambda kind: hnp.arrays(kind, st.integers(0, 4))), min_size=1, max_size=3))
def test_parts_of_one_type_keep_their_numbers(parts):
    try:
        found = of_one_type(parts)
    except ValueError:
        assert any(map(beyond_doubles, parts))
        return
    assert len({part.dtype for part in found}) == 1
    for before, after in zip(parts, found, strict=True):
        for one, other in zip(before.tolist(), after.tolist(), strict=True):
            assert one == other or (one != one and other != other)


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ([TIME, SMALL.astype(np.uint64)], np.int64),
        ([WORD, SMALL], np.uint64),
        ([TIME, SMALL * 2.0], np.int64),
        ([TIME, np.array([], float)], np.int64),
        ([SMALL, SMALL * 0.5], np.float64),
        ([np.array([True]), SMALL.astype(np.int8)], np.int8),
    ],
)
def test_the_type_of_several_parts(parts, kind):
    assert {part.dtype for part in of_one_type(parts)} == {np.dtype(kind)}


@pytest.mark.parametrize(("parts", "said"), [([WORD, -SMALL], "negative"), ([TIME, SMALL * 0.5], "fractions")])
def test_numbers_without_a_common_type_are_refused(parts, said):
    with pytest.raises(ValueError, match=said):
        of_one_type(parts)
