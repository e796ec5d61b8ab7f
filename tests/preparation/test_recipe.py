import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from fivesigma.analysis.prepare import Prepare
from fivesigma.errors import AnalysisError, EventsError, RunError
from fivesigma.preparation.recipe import Recipe, _standardisation, constant_features, fit


@pytest.fixture
def table():
    """200 rows of four features, the last two with missing entries."""
    generator = np.random.default_rng(3)
    x = generator.normal([0, 100, -5, 1], [1, 30, 0.01, 2], (200, 4))
    x[generator.random(200) < 0.3, 2] = np.nan
    x[generator.random(200) < 0.1, 3] = np.nan
    return x.astype(np.float32)


def inputs(recipe, events):
    return recipe.apply(events.features, events.parameters)


@pytest.mark.parametrize("impute", ["mean", "median", "constant"])
@pytest.mark.parametrize(("scale", "scaler"), [("standard", StandardScaler), ("minmax", MinMaxScaler), ("none", None)])
def test_unit_weights_prepare_as_scikit_learn(make_events, table, impute, scale, scaler):
    events = make_events(table)
    filled = SimpleImputer(strategy=impute, fill_value=7.0).fit_transform(table.astype(np.float64))
    expected = scaler().fit_transform(filled) if scaler else filled
    found = inputs(fit(events, Prepare(impute=impute, fill=7.0, scale=scale)), events)
    assert found.dtype == np.float32
    assert_allclose(found, expected, rtol=1e-4, atol=2e-4)


def test_robust_scaling_uses_median_and_quartiles(make_events):
    recipe = fit(make_events(np.arange(101.0)[:, None]), Prepare(scale="robust"))
    assert (recipe.shift, recipe.scale) == ((50.0,), (50.0,))


def test_between_two_middle_values_the_median_is_halfway(make_events):
    recipe = fit(make_events([[20.0], [1], [np.nan], [2], [10]]), Prepare(impute="median", scale="robust"))
    assert recipe.fill == recipe.shift == (6.0,)


@pytest.mark.parametrize("impute", ["mean", "median"])
@pytest.mark.parametrize("scale", ["standard", "robust"])
def test_an_event_of_weight_three_counts_as_three_events(make_events, table, impute, scale):
    weight = np.random.default_rng(4).integers(0, 4, len(table))
    settings = Prepare(impute=impute, scale=scale)
    weighted = fit(make_events(table, weight=weight), settings)
    repeated = fit(make_events(np.repeat(table, weight, axis=0)), settings)
    for name in ("fill", "shift", "scale"):
        assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-10)


def test_the_scale_of_all_weights_does_not_matter(make_events, table):
    weight = np.random.default_rng(4).random(len(table))
    first, second = (fit(make_events(table, weight=w), Prepare(impute="median")) for w in (weight, 4 * weight))
    assert first == second


def test_standardised_inputs_have_mean_zero_and_spread_one(make_events, table):
    events = make_events(table, parameters=np.random.default_rng(1).uniform(500, 1500, (200, 1)))
    found = inputs(fit(events, Prepare()), events)
    assert_allclose(found.mean(axis=0), 0, atol=2e-4)
    assert_allclose(found.std(axis=0), 1, atol=2e-4)


def test_a_constant_input_becomes_zero_and_a_tiny_spread_does_not(make_events):
    x = np.stack([np.full(50, 0.1), np.zeros(50), np.random.default_rng(1).normal(0, 1e-15, 50)], axis=1)
    events = make_events(x)
    for scale in ("standard", "minmax"):
        found = inputs(fit(events, Prepare(scale=scale)), events)
        assert_allclose(found[:, :2], 0, atol=1e-6)
        assert 0.1 < found[:, 2].std() < 1.1


def test_features_that_never_change_are_said(make_events):
    x = np.random.default_rng(1).normal(0, 1, (5000, 9))
    assert constant_features(make_events(x)) == ""
    x[:, 1] = -999
    x[1:, 2], x[0, 2] = np.nan, 3  # whether it is missing says something
    x[:-1, 3] = 5
    assert constant_features(make_events(x)).startswith("x1 has one value in all training events")
    x[:] = 1
    assert constant_features(make_events(x)).startswith("x0, x1, x2, x3, x4 and 4 more have one value each")


def test_features_missing_too_often_are_dropped(make_events, table):
    recipe = fit(make_events(table), Prepare(drop_missing=0.2))
    assert (recipe.inputs, recipe.dropped) == (("x0", "x1", "x3"), ("x2",))
    assert_allclose(recipe.missing, np.isnan(table).mean(axis=0))
    with pytest.raises(EventsError, match="no feature is left"):
        fit(make_events(table[:, 2:3]), Prepare(drop_missing=0.01))


def test_a_feature_without_any_value_is_always_dropped(make_events):
    recipe = fit(make_events([[1, np.nan], [2, np.nan]]), Prepare())
    assert recipe.kept == (0,)


def test_flags_mark_what_was_missing(make_events, table):
    events = make_events(table, parameters=np.arange(200.0)[:, None])
    recipe = fit(events, Prepare(missing_flags=True))
    assert recipe.inputs == ("x0", "x1", "x2", "x3", "missing(x2)", "missing(x3)", "p0")
    assert_array_equal(inputs(recipe, events)[:, 4:6], np.isnan(table[:, 2:]))


def test_a_logarithm_is_taken_before_scaling_and_of_positive_values_only(make_events):
    x = np.array([[1.0, 5], [np.e**2, 6], [-1, 7], [0, 8]])
    events = make_events(x)
    assert_allclose(inputs(fit(events, Prepare(log="x0", scale="none")), events)[:, 0], [0, 2, 1, 1], atol=1e-6)
    with pytest.raises(AnalysisError, match="'xx0' matches no feature") as caught:
        fit(events, Prepare(log="xx0"))
    assert "x0" in caught.value.hint
    with pytest.raises(EventsError, match="feature 'x0' has no positive value"):
        fit(make_events([[-1.0], [0.0]]), Prepare(log="*"))


@pytest.fixture
def full(make_events, table):
    """A recipe with everything in it, and the events it was fitted on."""
    events = make_events(table, parameters=np.random.default_rng(1).uniform(500, 1500, (200, 2)))
    settings = Prepare(drop_missing=0.9, log=["x1", "x3"], missing_flags=True, impute="median", scale="robust")
    return fit(events, settings), events


def test_a_recipe_survives_json(full):
    recipe, _ = full
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict(), allow_nan=False))) == recipe


@pytest.mark.parametrize("tree", [{}, [], None, {"features": ["x"]}])
def test_what_is_no_recipe_is_refused(tree):
    with pytest.raises(RunError, match="not a recipe"):
        Recipe.from_dict(tree)


def test_jax_and_numpy_apply_alike(full):
    import jax.numpy as jnp

    recipe, events = full
    compiled = recipe.apply(jnp.asarray(events.features), jnp.asarray(events.parameters), jnp)
    assert str(compiled.dtype) == "float32"
    assert_allclose(np.asarray(compiled), inputs(recipe, events), rtol=1e-5, atol=1e-5)


def test_inputs_are_finite_and_depend_on_their_own_row_only(full):
    recipe, events = full
    whole = inputs(recipe, events)
    assert whole.shape == (200, len(recipe.inputs))
    assert np.isfinite(whole).all()
    assert_array_equal(inputs(recipe, events.take(np.arange(7))), whole[:7])


def test_applying_learns_nothing_from_the_events_it_is_applied_to(make_events, table):
    recipe = fit(make_events(table[:100]), Prepare())
    strange = make_events(1000 + 50 * table[100:])
    expected = (np.where(np.isnan(strange.features), recipe.fill, strange.features) - recipe.shift) / recipe.scale
    assert_allclose(inputs(recipe, strange), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("log", "flags", "drop"), [((), False, None), (("x1", "x3"), True, None), (("x3",), True, 0.2)])
@pytest.mark.parametrize("rows", [0, 1, 200, 5000])
def test_blocks_in_place_give_what_whole_arrays_give_bit_by_bit(make_events, table, log, flags, drop, rows):
    class Other:  # NumPy under another name, as JAX would come: the formulas as they are written down
        where, isnan, log, nan, concatenate = np.where, np.isnan, np.log, np.nan, np.concatenate

    events = make_events(table, parameters=table[:, :1])
    recipe = fit(events, Prepare(log=log, missing_flags=flags, drop_missing=drop))
    index = np.random.default_rng(1).integers(len(table), size=rows)
    x, p = events.features[index], events.parameters[index]
    with np.errstate(all="ignore"):
        assert_array_equal(recipe.apply(x, p), recipe.apply(x, p, Other))


def test_a_shift_is_subtracted_as_exactly_as_in_double_precision(make_events):
    generator = np.random.default_rng(8)
    x = (1e6 + generator.normal(0, 3, (500, 1))).astype(np.float32)
    recipe = fit(make_events(x), Prepare())
    exact = (x.astype(np.float64) - recipe.shift[0]) / recipe.scale[0]
    assert abs(float(np.float32(recipe.shift[0])) - recipe.shift[0]) > 1e-3
    for features in (x, x.astype(np.float64)):  # in blocks, and whole arrays
        assert_allclose(recipe.apply(features, np.zeros((500, 0))), exact, rtol=3e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("key", "change", "words"),
    [
        ("scale", lambda v: [0.0, *v[1:]], r"scale has 0, which is no positive number"),
        ("scale", lambda v: v[1:], r"scale has 2 numbers instead of 3"),
        ("shift", lambda v: [*v, 1.0], r"shift has 4 numbers instead of 3"),
        ("shift", lambda v: [float("nan"), *v[1:]], r"shift has nan, which is no finite number"),
        ("fill", lambda v: ["1", *v[1:]], r"fill has '1', which is no finite number"),
        ("parameter_scale", lambda v: [-1.0], r"parameter_scale has -1, which is no positive number"),
        ("kept", lambda v: [0, 1, 9], r"kept has 9, which is no position among 4 features"),
        ("flagged", lambda v: [-1], r"flagged has -1, which is no position among 4 features"),
        ("missing", lambda v: v[1:], r"missing has 3 numbers instead of 4"),
        ("features", lambda v: [1, *v[1:]], r"features has 1, which is no name"),
        ("shift", lambda v: 3, r"shift is no list"),
    ],
)
def test_a_damaged_recipe_is_refused_with_what_is_wrong(make_events, table, key, change, words):
    events = make_events(table, parameters=np.arange(200.0)[:, None])
    tree = fit(events, Prepare(drop_missing=0.2, missing_flags=True)).to_dict()
    Recipe.from_dict(tree)
    with pytest.raises(RunError, match=rf"recipe\.json is not a recipe: {words}"):
        Recipe.from_dict({**tree, key: change(tree[key])})


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e4), st.integers(0, 2**32 - 1))
def test_powers_of_two_are_exact_in_single_precision(mean, width, seed):
    values = np.random.default_rng(seed).normal(mean, width, 100)
    shift, scale = _standardisation(values, np.ones(100), "power_of_two")
    assert shift == int(shift)
    assert abs(shift - values.mean()) <= 0.5
    mantissa, _ = np.frexp(scale)
    assert mantissa == 0.5
    assert 2**-0.501 < scale / values.std() < 2**0.501
    whole = np.arange(-3000, 3000, dtype=np.float32) + np.float32(shift)
    inputs = (whole - np.float32(shift)) / np.float32(scale)
    assert_array_equal(inputs * np.float32(scale) + np.float32(shift), whole)


def test_powers_of_two_for_features_and_parameters(make_events, table):
    events = make_events(np.rint(table), parameters=np.random.default_rng(1).integers(500, 1500, (200, 1)))
    recipe = fit(events, Prepare(scale="power_of_two", scale_parameters="power_of_two", impute="constant", fill=0))
    standard = fit(events, Prepare(impute="constant", fill=0))
    for name in ("shift", "parameter_shift"):
        assert getattr(recipe, name) == tuple(np.rint(getattr(standard, name)))
    for name in ("scale", "parameter_scale"):
        assert all(np.frexp(value)[0] == 0.5 for value in getattr(recipe, name))
    back = inputs(recipe, events) * np.array([*recipe.scale, *recipe.parameter_scale], np.float32)
    back += np.array([*recipe.shift, *recipe.parameter_shift], np.float32)
    assert_array_equal(back, np.column_stack([np.nan_to_num(events.features), events.parameters]))
    assert Recipe.from_dict(recipe.to_dict()) == recipe


def test_a_constant_input_has_a_power_of_two_as_well(make_events):
    recipe = fit(make_events([[3.2], [3.2]]), Prepare(scale="power_of_two"))
    assert (recipe.shift, recipe.scale) == ((3.0,), (1.0,))


def test_parameters_far_from_zero_keep_their_differences(make_events):
    masses = 1e7 + np.arange(200.0)  # neighbours in single precision
    events = make_events(np.zeros((200, 1)) + np.arange(200)[:, None], parameters=masses[:, None])
    recipe = fit(events, Prepare())
    shift, scale = recipe.parameter_shift[0], recipe.parameter_scale[0]
    found = recipe.apply(events.features, events.parameters)[:, -1]
    assert_allclose(found, (masses - shift) / scale, atol=1e-5)
