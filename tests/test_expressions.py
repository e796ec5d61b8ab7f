import contextlib
import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from fivesigma.errors import ExpressionError, FivesigmaError
from fivesigma.expressions import Expression
from fivesigma.names import column_of, quoted

columns = {"x": np.array([-2.0, 0.0, 3.0]), "y": np.array([1.0, 5.0, -0.5])}
jets = {"pt": ak.Array([[50.0, 30.0], [], [20.0]]), "b": ak.Array([[True, False], [], [True]])}


def grow(children):
    """Larger expressions from smaller ones, as text that Python understands as well."""
    binary = st.tuples(children, st.sampled_from(["+", "-", "*", "<", "<=", ">", ">=", "==", "!="]), children)
    logical = st.tuples(children, st.sampled_from(["and", "or"]), children)
    return (
        binary.map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | logical.map(lambda t: f"(({t[0]} > 0) {t[1]} ({t[2]} > 0))")
        | st.tuples(st.sampled_from(["-", "not ", "abs", "floor"]), children).map(lambda t: f"({t[0]}({t[1]}))")
        | st.tuples(children, children).map(lambda t: f"maximum({t[0]}, {t[1]})")
    )


trees = st.recursive(st.sampled_from(["x", "y", "1", "0.25", "2e3"]), grow, max_leaves=12)
values = st.floats(-1e3, 1e3)


@given(trees, values, values)
def test_a_random_expression_equals_python(text, x, y):
    known = {"abs": abs, "floor": math.floor, "maximum": max, "x": x, "y": y}
    try:
        expected = float(eval(text, {"__builtins__": {}}, known))
    except OverflowError:
        return
    found = Expression(text)({"x": np.array([x]), "y": np.array([y])})
    assert_array_equal(np.broadcast_to(found, 1).astype(float), expected)


words = ["and", "or", "not", "lambda", "import", "__class__", "**"]
pieces = st.sampled_from([*"xy01.()[]{}+-*/%<>=!&|,:;'\"\\#@\n\0 ", *words])


@settings(max_examples=300)
@given(st.text() | st.lists(pieces, max_size=40).map("".join) | st.lists(pieces, max_size=40).map(" ".join))
def test_garbage_raises_nothing_but_expression_errors(text):
    with contextlib.suppress(ExpressionError):
        Expression(text)(columns)


@pytest.mark.parametrize("start", ["-", "(", "x.", "x+", "x**", "not ", "abs(", "9"])
@pytest.mark.parametrize("depth", [50, 150, 250, 400, 900, 1900])
def test_absurd_depth_is_an_expression_error_or_a_value(start, depth):
    with contextlib.suppress(ExpressionError):
        Expression(start * depth + "x" + ")" * depth * start.count("("))(columns)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "(lambda: 1)()",
        "[x for x in y]",
        "x if y else 1",
        "x.__class__()",
        "open('f')",
        "x[-1]",
        "x[1:2]",
        "{x}",
        "f'{x}'",
        "1j",
        "...",
        "x @ y",
        "x ^ y",
        "~x > 1 << 2",
        "abs()",
        "abs(x, y)",
        "abs(*x)",
        "abs(x=1)",
        "sum(x, y)",
        "x[open('f')]",
        "`x",
        "`x` `y`",
        "``",
        "`x`.y",
        "`x`y",
        "x#y",
        "x > 1 # 2",
        "x is y",
        "x in y",
        "(x := 1)",
        "yield",
        "",
        "   ",
    ],
)
def test_what_is_not_arithmetic_is_refused(text):
    with pytest.raises(ExpressionError):
        Expression(text)


def test_root_spelling_means_the_same_as_python():
    pairs = {"x > 0 && y < 2": "x > 0 and y < 2", "x > 0 || !(y < 2)": "x > 0 or not (y < 2)", "x!=0": "x != 0"}
    for root, python in pairs.items():
        assert_array_equal(Expression(root)(columns), Expression(python)(columns))


def test_ampersand_beside_a_comparison_is_refused_because_it_binds_tighter():
    with pytest.raises(ExpressionError, match="parentheses"):
        Expression("x > 0 & y < 2")
    assert_array_equal(Expression("(x > 0) & (y < 2)")(columns), [False, False, True])


def test_names_are_columns_with_their_dots_and_without_functions_and_constants():
    assert Expression("log(jets.pt) + pi * sum(Muon_pt[0]) - x").names == {"jets.pt", "Muon_pt", "x"}


def test_a_column_may_be_called_like_a_constant():
    assert Expression("pi + 1")({"pi": np.array([1.0])}) == 2.0


def test_an_unknown_name_or_function_gets_a_suggestion():
    with pytest.raises(ExpressionError, match="did you mean 'met_pt'"):
        Expression("met_pT > 1")({"met_pt": np.ones(1)})
    with pytest.raises(ExpressionError, match="did you mean 'sqrt'"):
        Expression("sqr(x)")


def test_chained_comparisons_hold_all_together():
    assert_array_equal(Expression("-1 < x < 2")(columns), [False, True, False])


def test_missing_stays_missing_and_is_not_true():
    gap = {"x": np.array([np.nan, 1.0]), "y": np.array([1.0, 1.0])}
    assert_array_equal(Expression("x + 1")(gap), [np.nan, 2.0])
    assert_array_equal(Expression("x > 0")(gap), [False, True])
    assert_array_equal(Expression("x and y > 0")(gap), [False, True])
    assert_array_equal(Expression("x or y > 2")(gap), [False, True])
    assert_array_equal(Expression("where(x, 1, 0)")(gap), [0, 1])
    assert_array_equal(Expression("ismissing(x)")(gap), [True, False])


@given(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.sampled_from(["0", "nan", "x", "y"]))
def test_missing_values_fulfil_no_comparison(op, other):
    gap = {"x": np.array([np.nan, 1.0]), "y": np.array([2.0, np.nan])}
    for text in (f"x {op} {other}", f"{other} {op} x"):
        found = Expression(text)(gap)
        assert not found[0]
        if other in ("nan", "y"):
            assert not found[1]
    assert_array_equal(Expression("x != 0")({"x": np.array([np.nan, 0.0, 1.0])}), [False, False, True])
    lists = {"x": ak.Array([[1.0, np.nan], [], [2.0]])}
    assert_array_equal(Expression("count(x != 1)")(lists), [0, 0, 1])
    assert_array_equal(Expression("count(x[x != 1])")(lists), [0, 0, 1])


@pytest.mark.parametrize("kind", ["u1", "i1", "u4", "i8", "f4", "f8", "?"])
def test_small_unsigned_and_logical_columns_compute_like_real_numbers(kind):
    small = {"a": np.array([1, 0], kind), "b": np.array([0, 1], kind)}
    assert_array_equal(Expression("a - b")(small), [1.0, -1.0])
    assert_array_equal(Expression("-a")(small), [-1.0, 0.0])
    assert Expression("exp(20 * a)")(small)[0] == pytest.approx(math.exp(20), rel=1e-6)
    assert Expression("log(a + 1)")(small)[0] == pytest.approx(math.log(2), rel=1e-6)


def test_integers_to_a_negative_power_are_fractions():
    assert_array_equal(Expression("a ** b")({"a": np.array([2, 10]), "b": np.array([-1, 2])}), [0.5, 100.0])


def test_delta_phi_is_folded():
    assert Expression("delta_phi(x, y)")({"x": np.array([3.0]), "y": np.array([-3.0])})[0] == pytest.approx(6 - 2 * np.pi)


def test_lists_reduce_to_one_value_per_event():
    expected = {
        "count(pt)": [2, 0, 1],
        "sum(pt)": [80, 0, 20],
        "max(pt)": [50, np.nan, 20],
        "min(pt)": [30, np.nan, 20],
        "pt[0]": [50, np.nan, 20],
        "pt[1]": [30, np.nan, np.nan],
        "any(pt > 40)": [1, 0, 0],
        "all(pt > 25)": [1, 1, 0],
        "sum(pt > 25 and b)": [1, 0, 0],
        "sum(where(b, pt, 0))": [50, 0, 20],
        "sum(b) - count(pt)": [-1, 0, 0],
    }
    for text, values in expected.items():
        assert_array_equal(Expression(text)(jets), values, err_msg=text)


def test_an_absent_list_reduces_to_nan():
    absent = {"pt": ak.Array([[1.0, None, 2.0], None])}
    assert_array_equal(Expression("sum(pt)")(absent), [3.0, np.nan])
    assert_array_equal(Expression("count(pt)")(absent), [3.0, np.nan])


def test_two_dimensional_columns_are_lists_of_one_length():
    table = {"v": np.array([[1.0, 2.0], [3.0, 4.0]])}
    assert_array_equal(Expression("v[1]")(table), [2.0, 4.0])
    assert_array_equal(Expression("sum(v)")(table), [3.0, 7.0])
    with pytest.raises(ExpressionError, match="no element 2"):
        Expression("v[2]")(table)


JETS = ak.Array(
    [
        {"pt": [50.0, 30.0, np.nan], "eta": [0.1, -2.6, 1.0], "b": [True, False, True]},
        {"pt": [], "eta": [], "b": []},
        {"pt": [20.0], "eta": [2.4], "b": [False]},
        {"pt": [31.0, 30.0], "eta": [-3.0, 3.0], "b": [True, True]},
    ]
)
MET = np.array([10.0, 20.0, 30.0, 40.0])


def by_hand(reduce, keep=lambda pt, eta, b: True, value=lambda pt, eta, b: pt):
    """One value per event by loops, from the elements that are kept."""
    rows = ak.to_list(JETS)
    kept = [[value(*jet) for jet in zip(row["pt"], row["eta"], row["b"], strict=True) if keep(*jet)] for row in rows]
    return [reduce([x for x in row if x == x]) for row in kept]


def largest(row):
    return max(row, default=np.nan)


def central(pt, eta, b):
    return eta < 2.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("count(pt > 30)", by_hand(len, lambda pt, eta, b: pt > 30)),
        ("count(pt > 30 and abs(eta) < 2.5)", by_hand(len, lambda pt, eta, b: pt > 30 and abs(eta) < 2.5)),
        ("count((pt > 25) & !b)", by_hand(len, lambda pt, eta, b: pt > 25 and not b)),
        ("count((pt > 25) * (eta < 2))", by_hand(len, lambda pt, eta, b: pt > 25 and eta < 2)),
        ("count(!(eta < 2))", by_hand(len, lambda pt, eta, b: not eta < 2, lambda pt, eta, b: eta)),
        ("count(ismissing(pt))", [1, 0, 0, 0]),
        ("count(20 < pt <= 30)", by_hand(len, lambda pt, eta, b: 20 < pt <= 30)),
        ("count(where(eta < 0, pt > 30, pt > 40))", by_hand(len, lambda pt, eta, b: pt > (30 if eta < 0 else 40))),
        ("count((pt > 30)[eta < 2.5])", by_hand(len, lambda pt, eta, b: central(pt, eta, b) and pt > 30)),
        ("count(pt)", [3, 0, 1, 2]),
        ("count(b)", [3, 0, 1, 2]),
        ("count(pt * 2)", [3, 0, 1, 2]),
        ("any(pt > 30)", by_hand(any, value=lambda pt, eta, b: pt > 30)),
        ("all(eta < 2.5)", by_hand(all, value=lambda pt, eta, b: eta < 2.5)),
        ("any(pt)", [1, 0, 1, 1]),
        ("sum(pt * (eta < 2.5))", by_hand(sum, central)),
        ("sum(pt[eta < 2.5])", by_hand(sum, central)),
        ("mean(pt)", by_hand(lambda row: sum(row) / len(row) if row else np.nan)),
        ("mean(b)", [2 / 3, np.nan, 0, 1]),
        ("mean(pt > 30)", [1 / 3, np.nan, 0, 1 / 2]),
        ("max(where(eta < 2.5, pt, 0))", by_hand(largest, value=lambda pt, eta, b: pt if eta < 2.5 else 0)),
        ("max(where(met > 15, pt, 0))", [0, np.nan, 20, 31]),
        ("max(pt[eta < 2.5])", by_hand(largest, central)),
        ("min(pt)", by_hand(lambda row: min(row, default=np.nan))),
        ("max(log(-pt))", [np.nan] * 4),
        ("pt[eta < 2.5][0]", [50, np.nan, 20, 31]),
        ("pt[eta < 2.5][1]", [30, np.nan, np.nan, np.nan]),
        ("pt[eta > 2.9][0]", [np.nan, np.nan, np.nan, 30]),
        ("count(pt[eta < 2.5])", [3, 0, 1, 1]),
        ("pt[b][0]", [50, np.nan, np.nan, 31]),
        ("pt[met > 15][0]", [np.nan, np.nan, 20, 31]),
        ("(pt > 30)[0]", [1, np.nan, 0, 1]),
        ("sum(pt[eta < 2.5 and pt > 25]) / met", [8, 0, 0, 31 / 40]),
    ],
)
def test_reductions_mean_what_they_say(text, expected):
    found = Expression(text)({name: JETS[name] for name in JETS.fields} | {"met": MET})
    assert_array_equal(np.asarray(found, float), expected)


lists = st.lists(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.0, 3.0]), st.sampled_from([-1.0, 1.0])), max_size=3), max_size=4
)


@settings(max_examples=25)
@given(lists, st.sampled_from([0.5, 1.5, 2.5]))
def test_counting_selecting_and_summing_agree(rows, cut):
    listed = ak.values_astype(ak.Array([[(0.0, 0.0)], *rows]), float)[1:]
    table = {"x": listed["0"], "y": listed["1"]}

    def value(text):
        return np.asarray(Expression(text)(table), float)

    counted = [sum(x > cut for x, _ in row) for row in rows]
    for text in (f"count(x > {cut})", f"sum(x > {cut})", f"count(x[x > {cut}])", f"count(x) - count(x <= {cut})"):
        assert_array_equal(value(text), counted, err_msg=text)
    assert_array_equal(value(f"any(x > {cut})"), value(f"count(x > {cut}) > 0"))
    assert_array_equal(value(f"all(x > {cut})"), value(f"count(x > {cut}) == count(x)"))
    assert_array_equal(value(f"sum(x * (x > {cut}))"), value(f"sum(x[x > {cut}])"))
    assert_array_equal(value(f"max(x[x > {cut} and y > 0])"), value(f"max(where(x > {cut} and y > 0, x, nan))"))
    firsts = [next((x for x, y in row if y > 0), np.nan) for row in rows]
    assert_array_equal(value("x[y > 0][0]"), firsts)


def test_columns_of_two_dimensions_are_reduced_event_by_event():
    table = {"v": np.array([[1.0, 2.0], [3.0, 4.0]]), "w": np.array([10.0, 100.0])}
    assert_array_equal(Expression("sum(v * w)")(table), [30.0, 700.0])
    assert_array_equal(Expression("count(v > 1)")(table), [1.0, 2.0])
    assert_array_equal(Expression("v[v > 1][0]")(table), [2.0, 3.0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pt[mu > 1]", "differ in length"),
        ("sum(pt * mu)", "differ in length"),
        ("pt[mu]", "is not a condition"),
        ("pt[eta]", "is not a condition"),
        ("met[met > 1]", "one value per event"),
        ("count(met > 1)", r"count\(\) needs a list per event; this column has one value per event"),
        ("count(pt * (pt > 30))", "numbers that a condition is part of"),
        ("count((pt > 30) + (pt < 20))", "numbers that a condition is part of"),
        ("count(where(pt > 30, 1, 0))", "numbers that a condition is part of"),
        ("count(abs(pt > 30))", "numbers that a condition is part of"),
        ("count(nested)", "lists in lists"),
        ("nested[0]", "lists in lists"),
        ("sum(cube)", "lists in lists"),
        ("jet[0]", "several values each: 'pt', 'eta', 'b'"),
        ("max(pt, eta)", "maximum"),
        ("min(pt, eta)", "minimum"),
    ],
)
def test_what_cannot_be_reduced_is_one_sentence(text, words):
    table = {name: JETS[name] for name in JETS.fields}
    table |= {"mu": ak.Array([[1.0], [1.0], [], []]), "nested": ak.Array([[[1]], [], [[2]], []]), "met": MET}
    table |= {"cube": np.zeros((4, 2, 2)), "jet": ak.zip({name: JETS[name] for name in JETS.fields})}
    with pytest.raises(ExpressionError, match=words) as caught:
        Expression(text)(table)
    assert "\n" not in caught.value.what


ODD = ["Jets/Jets.fCoordinates.fPt", "Particle#0.index", "ns::x", "a b", "sum", "pi", "1st", "and", "x[0]", "&&!"]


@pytest.mark.parametrize("name", ODD)
def test_any_column_can_be_named_between_backticks(name):
    table = {name: np.array([1.0, 2.0]), "x": np.array([3.0, 4.0])}
    assert Expression(f"`{name}`").names == {name}
    assert Expression(f"`{name}` + x").names == {name, "x"}
    assert_array_equal(Expression(f"2 * `{name}` - x > 0 || !(`{name}` < 2)")(table), [False, True])
    assert column_of(f"`{name}`") == name
    assert column_of(quoted(name)) == name


def test_only_names_that_need_them_get_backticks():
    assert [quoted(name) for name in ("pt", "jets.pt", "a b", "jet.1", "lambda")] == [
        "pt",
        "jets.pt",
        "`a b`",
        "`jet.1`",
        "`lambda`",
    ]
    assert [column_of(text) for text in ("pt", "a/b", "`a`[0]", "`a` + `b`")] == ["pt", "a/b", "`a`[0]", "`a` + `b`"]


def test_quoted_lists_are_reduced_and_indexed():
    table = {"Jets/Jets.pt": ak.Array([[40.0, 20.0], []])}
    assert_array_equal(Expression("`Jets/Jets.pt`[0]")(table), [40.0, np.nan])
    assert_array_equal(Expression("count(`Jets/Jets.pt` > 30)")(table), [1, 0])


def test_a_column_that_wants_backticks_is_told_so():
    with pytest.raises(ExpressionError, match=r"`Jets/Jets\.pt`"):
        Expression("Jets/Jets.pt[0]")({"Jets/Jets.pt": ak.Array([[1.0]])})
    with pytest.raises(ExpressionError, match="backticks"):
        Expression("Particle#0.index > 1")


@pytest.mark.parametrize("text", ["x[0]", "sum(x)"])
def test_a_list_operation_on_one_value_per_event_is_refused(text):
    with pytest.raises(ExpressionError, match="one value per event"):
        Expression(text)(columns)


def test_text_cannot_be_computed_with():
    for text in ("name > 1", "name + 1", "abs(name)"):
        with pytest.raises(FivesigmaError, match="cannot compute"):
            Expression(text)({"name": np.array(["a", "b"], object)})


def test_an_exclamation_mark_binds_as_in_cpp():
    columns = {"pt": np.array([10.0, 30.0]), "veto": np.array([True, False])}
    np.testing.assert_array_equal(Expression("!veto && pt > 5")(columns), [False, True])
    np.testing.assert_array_equal(Expression("!(pt > 20)")(columns), [True, False])


def test_a_far_element_is_missing_and_takes_no_memory():
    jets = ak.Array([[1.0, 2.0], [], [3.0]])
    assert np.isnan(ak.to_numpy(ak.fill_none(Expression("j[999999999]")({"j": jets}), np.nan))).all()
    assert np.isnan(Expression("j[2]")({"j": jets})).all()
    assert Expression("j[1]")({"j": jets})[0] == 2.0


@pytest.mark.parametrize(
    "text", ["flags & 2", "(njet & 2) != 0", "4 | flags", "x > 1 and (flags & 4)", "(x + 1) & y", "-x | y"]
)
def test_bits_are_no_conditions(text):
    with pytest.raises(ExpressionError, match=r"'&' and '|' combine conditions, but .* is a number") as raised:
        Expression(text)
    assert "flags // 4 % 2" in raised.value.hint


def test_conditions_and_flags_are_combined_and_a_bit_is_found_by_division():
    columns = {"x": np.array([1.0, 2.0, 3.0]), "flag": np.array([1, 0, 1]), "bits": np.array([4, 2, 6])}
    for text, wanted in (
        ("(x > 1) & flag", [False, False, True]),
        ("flag & (x < 2) | (x == 2)", [True, True, False]),
        ("bits // 4 % 2 == 1", [True, False, True]),
    ):
        assert np.asarray(Expression(text)(columns)).astype(bool).tolist() == wanted


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_columns_of_any_precision_are_computed_with_in_double_precision(kind):
    generator = np.random.default_rng(1)
    columns = {name: generator.uniform(1, 200, 500).astype(kind) for name in ("a", "b")}
    lists = ak.unflatten(ak.from_numpy(columns["a"]), np.full(100, 5))
    wide = {name: column.astype(np.float64) for name, column in columns.items()}
    columns |= {"pt": lists, "x": columns["b"][::5]}
    wide |= {"pt": ak.values_astype(lists, np.float64), "x": wide["b"][::5]}
    for text in (
        "a * 1000",
        "a ** 2 - b ** 2",
        "exp(a / 100)",
        "a * 400 < 100000",
        "where(a > b, a, 0.1) * 3",
        "sum(pt)",
        "mean(pt * x)",
        "max(pt) * 1000",
        "pt[1] / 3",
    ):
        found = Expression(text)(columns)
        assert found.dtype in (np.float64, np.bool_)
        assert_array_equal(found, Expression(text)(wide), err_msg=text)


def test_negative_constants_are_rounded_to_a_column_of_single_precision_as_positive_ones_are():
    x = np.array([-99.9, -0.1, 0.1, 1 / 10], np.float32)
    for text, expected in (
        ("x == -99.9", [1, 0, 0, 0]),
        ("x != -99.9", [0, 1, 1, 1]),
        ("x == -0.1", [0, 1, 0, 0]),
        ("x >= -0.1", [0, 1, 1, 1]),
        ("x == 1/10", [0, 0, 1, 1]),
        ("x == -(1/10)", [0, 1, 0, 0]),
    ):
        assert Expression(text)({"x": x}).astype(int).tolist() == expected, text
    lists = ak.Array([[np.float32(-99.9), np.float32(1)], [np.float32(-99.9)]])
    lists = ak.values_astype(lists, np.float32)
    assert Expression("count(x == -99.9)")({"x": lists}).tolist() == [1, 1]
    assert Expression("x - 0.1")({"x": x})[2] == float(np.float32(0.1)) - 0.1  # sums are in double precision


def test_letters_that_python_takes_for_others_are_the_columns_that_are_written():
    columns = {"ϕ": np.array([1.0, 3.0]), "jet.µ": np.array([5.0, 6.0]), "φ": np.array([7.0, 8.0])}
    assert Expression("ϕ + jet.µ")(columns).tolist() == [6, 9]
    assert Expression("φ")(columns).tolist() == [7, 8]
    assert set(Expression("ϕ > 2").names) == {"ϕ"}


def test_an_element_and_the_largest_one_are_compared_in_the_precision_of_the_column():
    lists = ak.values_astype(ak.Array([[0.1, 0.2], [], [0.3]]), np.float32)
    columns = {"j": lists, "m": np.array([[0.1, 0.2], [0.2, 0.3], [0.3, 0.1]], np.float32)}
    for text, wanted in {
        "j[0] == 0.1": [True, False, False],
        "j[0] <= 0.1": [True, False, False],
        "max(j) == 0.3": [False, False, True],
        "min(m) == 0.1": [True, False, True],
        "max(m) <= 0.3": [True, True, True],
    }.items():
        assert Expression(text)(columns).tolist() == wanted, text
    assert Expression("max(j) * 1")(columns).dtype == np.float64
    assert np.isnan(Expression("j[0]")(columns)[1])


def test_true_in_a_chain_of_comparisons_is_refused():
    with pytest.raises(ExpressionError, match="a chain of comparisons holds True or False"):
        Expression("a > 0 == True")
    assert Expression("(a > 0) == True")({"a": np.array([1.0, -1.0])}).tolist() == [True, False]
