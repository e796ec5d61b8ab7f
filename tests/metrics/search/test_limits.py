"""Workspaces, limits and discovery significance against pyhf and closed forms."""

import numpy as np
import pytest
from scipy import optimize, stats

from fivesigma import extras
from fivesigma.errors import MissingExtra
from fivesigma.metrics.search import limits as module
from fivesigma.metrics.search.limits import BANDS, POI, _crossings, _inverse, limits, wanted
from fivesigma.metrics.search.significance import Yields, asimov, binned, excluded
from fivesigma.metrics.search.workspace import LEAST, Shift, _mirrored, changes, raised, scale_of_limit, workspace

pyhf = pytest.importorskip("pyhf", reason="the extra `limits` is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver is deprecated:DeprecationWarning")


def yields(signal, background, background_error=None, signal_error=None):
    signal, background = np.atleast_1d(signal).astype(float), np.atleast_1d(background).astype(float)
    none = np.zeros(len(signal))
    return Yields(
        signal,
        background,
        none if signal_error is None else np.atleast_1d(signal_error).astype(float),
        none if background_error is None else np.atleast_1d(background_error).astype(float),
    )


def found(nominal, **more):
    return limits(workspace(nominal, **more), scale_of_limit(nominal))


THREE = yields([3.0, 4.0, 5.0], [60.0, 20.0, 6.0], [3.0, 1.5, 1.0])


@pytest.mark.parametrize(("s", "b"), [(10.0, 100.0), (5.0, 2.0), (1.0, 0.5), (300.0, 5e4)])
def test_a_count_without_uncertainty_has_the_limit_and_the_significance_of_the_closed_form(s, b):
    one = found(yields(s, b))
    assert one.discovery == pytest.approx(asimov(s, b), rel=1e-4)
    for band, limit in zip(BANDS, one.expected, strict=True):
        # q̃(μ) of an Asimov count of background is 2[μs − b ln(1 + μs/b)], its root at the limit N + Φ⁻¹(1 − αΦ(N)).
        root = band + stats.norm.isf(0.05 * stats.norm.cdf(band))
        exact = optimize.brentq(lambda mu, root=root: 2 * (mu * s - b * np.log1p(mu * s / b)) - root**2, 1e-6, 1e3 * b**0.5)
        assert limit == pytest.approx(exact, rel=1e-3)


def test_the_median_is_where_half_the_background_has_a_cls_of_five_per_cent():
    root = wanted(0)
    assert stats.norm.sf(root) / 0.5 == pytest.approx(0.05)


@pytest.mark.parametrize(("s", "b", "sigma"), [(10.0, 20.0, 5.0), (5.0, 8.0, 1.0)])
def test_the_formula_with_uncertainty_is_the_discovery_significance_of_pyhf(s, b, sigma):
    model = pyhf.simplemodels.uncorrelated_background([s], [b], [sigma])
    nominal = model.config.suggested_init()
    data = model.expected_data(nominal)
    expected = pyhf.infer.hypotest(0.0, data, model, test_stat="q0")
    assert asimov(s, b, sigma) == pytest.approx(stats.norm.isf(float(expected)), rel=1e-3)


def test_limits_are_those_of_pyhf():
    tree = workspace(THREE, systematic=0.1)
    ours = limits(tree, scale_of_limit(THREE))
    whole = pyhf.Workspace(tree)
    model = whole.model()
    for i, limit in enumerate(ours.expected):
        _, bands = pyhf.infer.hypotest(limit, whole.data(model), model, test_stat="qtilde", return_expected_set=True)
        assert float(bands[i]) == pytest.approx(0.05, abs=3e-4)
    data = model.expected_data(model.config.suggested_init())
    p_value = pyhf.infer.hypotest(0.0, data, model, test_stat="q0")
    assert ours.discovery == pytest.approx(stats.norm.isf(float(p_value)), rel=1e-3)


def test_a_fit_that_fails_is_left_to_pyhf_and_gives_the_same(monkeypatch):
    shifts = {
        "energy": Shift(up=yields([3.3, 4.1, 5.0], [63.0, 21.0, 5.5]), down=yields([2.8, 3.9, 5.0], [58.0, 19.0, 6.6]))
    }
    ours = found(THREE, systematic=0.1, shifts=shifts)
    monkeypatch.setattr(module, "MOST_ITERATIONS", 0)
    theirs = found(THREE, systematic=0.1, shifts=shifts)
    assert theirs != ours
    assert ours.expected == pytest.approx(theirs.expected, rel=1e-4)
    assert ours.discovery == pytest.approx(theirs.discovery, rel=1e-4)


def test_many_bins_without_uncertainty_add_up_in_quadrature():
    exact = yields([3.0, 4.0, 5.0], [60.0, 20.0, 6.0])
    assert found(exact).discovery == pytest.approx(float(binned(exact, None)), rel=1e-4)


def test_uncertainties_cost_and_signal_pays():
    free, known, stronger = found(THREE, systematic=0.3), found(THREE), found(yields(2 * THREE.signal, THREE.background))
    assert free.expected[2] > known.expected[2] > stronger.expected[2]
    assert free.discovery < known.discovery < stronger.discovery
    assert (np.diff(free.expected) > 0).all()


@pytest.mark.parametrize("factor", [0.01, 50.0])
def test_the_strength_scales_inversely_with_the_signal(factor):
    scaled = yields(factor * THREE.signal, THREE.background, THREE.background_error)
    np.testing.assert_allclose(np.multiply(found(scaled).expected, factor), found(THREE).expected, rtol=3e-3)


def test_bins_split_in_two_halves_say_the_same():
    one, half = yields([8.0], [40.0]), yields([4.0, 4.0], [20.0, 20.0])
    np.testing.assert_allclose(found(half).expected, found(one).expected, rtol=3e-3)


def shifted(nominal, background, signal=1.0):
    return Yields(nominal.signal * signal, nominal.background * background, nominal.signal_error, nominal.background_error)


def test_a_workspace_keeps_to_the_schema_whatever_is_in_it():
    shape = np.array([1.3, 1.0, 0.1])
    shifts = {
        "tilt": Shift(shifted(THREE, shape), shifted(THREE, 1 / shape)),
        "one-sided": Shift(shifted(THREE, np.array([1.0, 1.0, 4.0]))),
        "norm": Shift(shifted(THREE, 1.06, 1.02), shifted(THREE, 0.94, 0.98)),
        "nothing": Shift(shifted(THREE, 1.0)),
    }
    tree = workspace(THREE, systematic=0.1, shifts=shifts, classes=("ttbar", "X"))
    pyhf.schema.validate(tree, "workspace.json")
    signal, background = (sample["modifiers"] for sample in tree["channels"][0]["samples"])
    assert [(m["name"], m["type"]) for m in background] == [
        ("staterror_score", "staterror"),
        ("ttbar_norm", "normsys"),
        ("tilt", "histosys"),
        ("one-sided", "histosys"),
        ("norm", "normsys"),
    ]
    assert [(m["name"], m["type"]) for m in signal] == [("mu", "normfactor"), ("norm", "normsys")]
    assert signal[1]["data"] == pytest.approx({"hi": 1.02, "lo": 0.98})
    mirrored = background[3]["data"]["lo_data"]
    assert mirrored == pytest.approx([60.0, 20.0, LEAST * 6.0])  # mirrored it would be negative
    assert found(THREE, systematic=0.1, shifts=shifts).expected[2] > found(THREE, systematic=0.1).expected[2]


def test_what_a_variation_leaves_is_one_per_cent_at_least_and_the_changes_are_those_of_the_fit():
    up = yields([3.0, 4.0, 5.0], [60.0, 20.0, 15.0])  # mirrored, −3 are left of 6
    tree = workspace(THREE, shifts={"generator": Shift(up)})
    data = tree["channels"][0]["samples"][1]["modifiers"][-1]["data"]
    assert data == {"hi_data": [60.0, 20.0, 15.0], "lo_data": pytest.approx([60.0, 20.0, 6 * LEAST])}
    assert raised(THREE, Shift(up)) == 1
    down = _mirrored(THREE, up)
    assert raised(THREE, Shift(up, down)) == 1
    (_, minus) = changes(THREE, Shift(up, down))["background"]
    assert minus == {"total": pytest.approx((80.06 - 86) / 86), "least": pytest.approx(LEAST - 1), "most": 0.0}
    # The same factor everywhere is no template.
    small = Shift(THREE, yields(THREE.signal, LEAST / 10 * THREE.background))
    assert raised(THREE, small) == 0
    assert workspace(THREE, shifts={"x": small})["channels"][0]["samples"][1]["modifiers"][-1]["type"] == "normsys"


def test_an_uncertainty_with_the_name_of_the_background_is_another_one():
    own = Shift(yields(THREE.signal, 1.3 * THREE.background), yields(THREE.signal, 0.7 * THREE.background))
    trees = [workspace(THREE, systematic=0.1, shifts={name: own}) for name in ("other", "background_norm")]
    names = [[m["name"] for m in tree["channels"][0]["samples"][1]["modifiers"]] for tree in trees]
    assert names == [
        ["staterror_score", "background_norm", "other"],
        ["staterror_score", "background_norm_total", "background_norm"],
    ]
    one, other = (limits(tree, scale_of_limit(THREE)) for tree in trees)
    assert one.expected == pytest.approx(other.expected)


def test_a_relative_shift_is_the_systematic_of_the_background():
    shift = {"background": Shift(shifted(THREE, 1.1), shifted(THREE, 0.9))}
    np.testing.assert_allclose(found(THREE, shifts=shift).expected, found(THREE, systematic=0.1).expected, rtol=1e-4)


def saturating(x):
    return 4 * (1 - np.exp(-x / 4))


def with_a_kink(x):
    return x if x < 1.2 else 1.2 + 0.3 * (x - 1.2)


def with_a_jump(x):
    return x if x < 1.5 else x + 1


@pytest.mark.parametrize("start", [0.01, 1.0, 2.0, 30.0])
@pytest.mark.parametrize("rising", [saturating, with_a_kink, with_a_jump, np.arctan])
def test_all_levels_are_found_on_curves_that_are_not_straight(rising, start):
    levels = [wanted(band) for band in BANDS] if rising is not np.arctan else [0.5, 1.0, 1.3]
    exact = [optimize.brentq(lambda x, level=level: rising(x) - level, 1e-6, 100) for level in levels]
    assert _crossings(rising, levels, start) == pytest.approx(exact, rel=3e-3)


def ratio(tree, strength):
    """√q̃ of an Asimov data set of background, by pyhf's own fit."""
    model = pyhf.Workspace(tree).model()
    without = list(model.config.suggested_init())
    without[model.config.poi_index] = 0.0
    data = model.expected_data(without)
    _, fit = pyhf.infer.mle.fixed_poi_fit(strength, data, model, return_fitted_val=True)
    return float(np.sqrt(fit - pyhf.infer.mle.twice_nll(without, data, model)[0]))


@pytest.mark.parametrize("systematic", [0.3, 0.5, 0.8])
@pytest.mark.parametrize(
    ("signal", "background", "error"), [(5.0, 100.0, 5.0), (5.0, 100.0, 20.0), ([5, 5], [100, 10], [10, 2])]
)
def test_limits_with_a_large_uncertainty_are_where_the_likelihood_says(signal, background, error, systematic):
    nominal = yields(signal, background, error)
    tree = workspace(nominal, systematic=systematic)
    one = limits(tree, scale_of_limit(nominal))
    assert (np.diff([0.0, *one.expected]) > 0).all()
    for band, limit in zip(BANDS, one.expected, strict=True):
        assert ratio(tree, limit) == pytest.approx(wanted(band), rel=5e-3)


@pytest.mark.parametrize(
    ("signal", "background", "error", "systematic", "relative"),
    [(1e5, 1e7, 1e5, 0.05, 0.2), (1e4, 1e6, 1e5, 0.1, 0.5), (1e4, 1e6, 1e5, 0.1, 0.3), (10.0, 100.0, 30.0, 0.1, 0.5)],
)
def test_limits_of_many_events_with_large_uncertainties_do_not_depend_on_the_start(
    signal, background, error, systematic, relative
):
    """The sum of yields is known far better than each of them: the fit is in a narrow valley."""
    nominal = yields(signal, background, error)
    both = (yields(factor * signal, factor * background, error) for factor in (1 + relative, 1 - relative))
    tree = workspace(nominal, systematic=systematic, shifts={"both": Shift(*both)})
    start = scale_of_limit(nominal)
    near, far = (limits(tree, factor * start).expected for factor in (1, 5))
    assert far == pytest.approx(near, rel=2e-3)
    # pyhf's likelihood, and a method that needs no gradient, from many starts.
    model = pyhf.Workspace(tree).model()
    others = np.array([i for i in range(model.config.npars) if i != model.config.poi_index])
    without = np.array(model.config.suggested_init())
    without[model.config.poi_index] = 0.0
    data = model.expected_data(without)

    def likelihood(some):
        point = np.full(model.config.npars, near[2])
        point[others] = some
        return float(pyhf.infer.mle.twice_nll(point, data, model)[0] - pyhf.infer.mle.twice_nll(without, data, model)[0])

    settings = {"method": "Nelder-Mead", "options": {"xatol": 1e-10, "fatol": 1e-9, "maxfev": 5000}}
    starts = [
        without[others] + np.where(without[others] == 1, -shift * error / background, -shift)
        for shift in (0.0, 0.5, 1.0, 2.0)
    ]
    fits = [optimize.minimize(likelihood, some, **settings) for some in starts]
    fits = [optimize.minimize(likelihood, fit.x, **settings) for _ in range(2) for fit in fits]
    assert np.sqrt(min(fit.fun for fit in fits)) == pytest.approx(wanted(0), rel=0.01)


def test_a_limit_beyond_the_bound_of_the_workspace_is_found_by_pyhf_too(monkeypatch):
    tree = workspace(THREE, systematic=0.1)
    expected = limits(tree, scale_of_limit(THREE))
    tree["measurements"][0]["config"]["parameters"][0]["bounds"] = [[0.0, 1.0]]
    assert tree["measurements"][0]["config"]["poi"] == POI
    monkeypatch.setattr(module, "MOST_ITERATIONS", 0)
    assert limits(tree, scale_of_limit(THREE)).expected == pytest.approx(expected.expected, rel=1e-3)


@pytest.mark.parametrize("again", [0, 1])
def test_a_straight_line_is_found_although_one_of_its_points_is_known_twice(again):
    line = [(1.0, 2.0), (2.0, 4.0)]
    assert _inverse([line[again], *line], 3.0) == pytest.approx(1.5)


def test_the_backend_of_the_user_is_left_alone():
    pyhf.set_backend("numpy", precision="32b")
    try:
        found(yields(5.0, 10.0))
        assert pyhf.tensorlib.precision == "32b"
    finally:
        pyhf.set_backend("numpy", precision="64b")


def test_a_signal_that_cannot_be_excluded_is_said():
    with pytest.raises(ValueError, match=r"excluded|bounds"):
        limits(workspace(yields(0.0, 10.0)), 1.0)


def test_without_pyhf_the_install_command_is_said(monkeypatch):
    def gone(name):
        raise ImportError(name)

    monkeypatch.setattr(extras.importlib, "import_module", gone)
    with pytest.raises(MissingExtra, match=r"fivesigma\[limits\]"):
        found(THREE)


@pytest.mark.parametrize(("background", "error"), [(60.0, 18.0), (600.0, 180.0), (6000.0, 1800.0)])
@pytest.mark.parametrize("systematic", [0.0, 0.1])
def test_a_background_that_is_known_to_thirty_percent_has_a_limit(background, error, systematic):
    # At the largest `max_mc_error`: with the signal of the limit, the background that fits best would be below zero.
    yields = Yields(*(np.array([value]) for value in (10.0, background, 0.0, error)))
    found = limits(workspace(yields, systematic=systematic), scale_of_limit(yields))
    assert found.expected[2] == pytest.approx(float(excluded(yields, systematic)), rel=2e-3)


@pytest.mark.parametrize("factor", [2.0, 3.0])
def test_a_systematic_effect_that_doubles_the_background_has_a_limit(factor):
    columns = ([3.0, 4.0, 5.0], [60.0, 20.0, 6.0], [0.0, 0.0, 0.0], [3.0, 1.5, 1.0])
    signal, background, *errors = (np.array(column) for column in columns)
    shift = Shift(Yields(signal, factor * background, *errors), Yields(signal, background / factor, *errors))
    yields = Yields(signal, background, *errors)
    found = limits(workspace(yields, shifts={"large": shift}), scale_of_limit(yields))
    assert found.expected[2] > limits(workspace(yields), scale_of_limit(yields)).expected[2]


def test_a_fit_that_fails_in_every_way_is_a_sentence(monkeypatch):
    def fails(*arguments, **options):
        return optimize.OptimizeResult(x=arguments[1], fun=0.0, success=False, message="no")

    monkeypatch.setattr(module, "MOST_ITERATIONS", 0)
    monkeypatch.setattr(optimize, "minimize", fails)
    with pytest.raises(ValueError, match="the fit of the binned score does not converge"):
        found(THREE, systematic=0.1)


def test_a_fit_that_does_not_fail_is_not_left_to_pyhf(monkeypatch):
    expected = found(THREE, systematic=0.1)

    def never(*arguments, **options):
        raise AssertionError("pyhf's own fit")

    monkeypatch.setattr(pyhf.infer.mle, "fixed_poi_fit", never)
    assert found(THREE, systematic=0.1) == expected


def test_a_variation_in_one_direction_is_mirrored_with_its_errors():
    nominal, up = yields([3.0], [10.0], [1.0], [0.3]), yields([3.3], [11.0], [2.0], [0.4])
    mirrored = _mirrored(nominal, up)
    assert (mirrored.signal, mirrored.background) == (pytest.approx([2.7]), pytest.approx([9.0]))
    assert (mirrored.signal_error, mirrored.background_error) == ([0.4], [2.0])
