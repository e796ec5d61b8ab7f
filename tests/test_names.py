"""Names of columns."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import at_once

from fivesigma import names
from fivesigma.errors import ExpressionError
from fivesigma.names import expand_braces

letters = st.text("abc_", max_size=3)


@given(letters, st.lists(st.tuples(st.lists(letters, min_size=1, max_size=3), letters), max_size=3))
def test_braces_expand_to_the_product_of_their_choices(head, groups):
    text = head + "".join("{" + ",".join(choices) + "}" + tail for choices, tail in groups)
    expected = [head]
    for choices, tail in groups:
        expected = [start + choice + tail for start in expected for choice in choices]
    assert expand_braces(text) == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{a{b,c}}", ["ab", "ac"]),
        ("{a,{b,c}d}", ["a", "bd", "cd"]),
        ("x{1,{3..4}}{,y}", ["x1", "x1y", "x3", "x3y", "x4", "x4y"]),
        ("{a", ["{a"]),
        ("a}", ["a}"]),
        ("{a{b,c}", ["{ab", "{ac"]),
        ("{a,b}}", ["a}", "b}"]),
        ("{}", [""]),
        ("", [""]),
        ("{3..1}", []),
    ],
)
def test_braces_within_braces(text, names):
    assert expand_braces(text) == names
    if not any("{" in name or "}" in name for name in names):
        assert [again for name in names for again in expand_braces(name)] == names


@pytest.mark.parametrize("text", ["{" * 100_001, "{" * 99_000 + "}" * 99_000, "{" * 90_000, "{a," * 50 + "}" * 50])
def test_many_braces_are_answered_at_once(text):
    with at_once(), contextlib.suppress(ExpressionError):
        expand_braces(text)


@pytest.mark.parametrize("deep", [20, 21, 99_000])
def test_each_level_of_braces_is_gone_through_again_so_the_depth_is_known_before(deep, monkeypatch):
    letters = []
    pieces = names._pieces
    monkeypatch.setattr(names, "_pieces", lambda text: letters.append(len(text)) or pieces(text))
    with contextlib.suppress(ExpressionError):
        expand_braces("{" * deep + "a" + "}" * deep)
    assert sum(letters) <= max(2 * deep + 1, 20 * 42 * 2)


@given(st.integers(0, 50), st.integers(0, 20))
def test_a_range_in_braces_counts_with_both_ends(first, more):
    assert expand_braces(f"f{{{first}..{first + more}}}") == [f"f{i}" for i in range(first, first + more + 1)]


@pytest.mark.parametrize("text", ["f{1..30000000}", "f{1..300}{1..300}{1..300}", "{a,b}" * 40, "f{1..9" + "9" * 5000 + "}"])
def test_braces_that_stand_for_too_many_names_are_refused_at_once(text):
    with pytest.raises(ExpressionError, match=r"stands for more than 100,000 names") as caught:
        expand_braces(text)
    assert len(caught.value.what) < 200
