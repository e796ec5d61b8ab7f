"""A search on made-up scores: yields, choices, invariances."""

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivesigma.analysis.search import Search
from fivesigma.metrics.search.counts import Counts
from fivesigma.metrics.search.expected import ALL, Scale, expected
from fivesigma.metrics.search.limits import limits
from fivesigma.metrics.search.search import Reached, Spread, choose, in_bins, results
from fivesigma.metrics.search.significance import Yields, asimov, excluded
from fivesigma.metrics.search.workspace import Shift, scale_of_limit, workspace
from fivesigma.metrics.summary import as_json
from fivesigma.scores import Scores, reordered

SETTINGS = Search(systematic=0.1, bins=10)
MASSES = (500.0, 1000.0)


def scores(events=6000, seed=1, negative=0.0):
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 2, events)
    mass = generator.choice(MASSES, events)

    def of(separation):
        return (1 / (1 + np.exp(-generator.normal(separation * (2 * target - 1), 1.5)))).astype(np.float32)

    weight = generator.uniform(0.5, 1.5, events)
    weight[generator.random(events) < negative] *= -1
    return Scores(
        score=of(1.0),
        target=target,
        weight=weight,
        classes=("background", "signal"),
        parameters=mass[:, None].astype(np.float32),
        parameter_names=("mass",),
        at_hypothesis={(values,): of(1.0 + values / 1000) for values in MASSES},
    )


def test_the_scale_gives_the_yields_that_are_asked_for_and_multiplies_the_rest():
    sample = scores()
    found = expected(sample, Scale(5.0, (None, 30.0)))
    assert list(found) == ["mass=500", "mass=1000"]
    for name, own in found.items():
        assert own.total(1).value == pytest.approx(30.0), name
        assert own.total(0).value == pytest.approx(5 * sample.weight[sample.target == 0].sum())
    own = found["mass=500"]
    assert (own.target == 1).sum() == ((sample.target == 1) & (sample.parameters[:, 0] == 500)).sum()


def test_without_hypotheses_there_is_one_test_of_all():
    plain = replace(scores(), at_hypothesis={}, parameters=np.zeros((6000, 0), np.float32), parameter_names=())
    assert list(expected(plain, Scale())) == [ALL]


def test_a_variation_keeps_the_factors_of_the_nominal_events_so_that_yields_change():
    sample = scores()
    nominal = expected(sample, Scale(1.0, (1000.0, 10.0)))
    varied = expected(replace(sample, weight=1.2 * sample.weight), Scale(1.0, (1000.0, 10.0)), nominal)
    assert varied["mass=500"].total(0).value == pytest.approx(1200.0)


def test_what_is_chosen_on_some_events_is_told_on_others():
    one, other = (expected(scores(seed=seed), Scale(1.0, (1000.0, 50.0)))["mass=1000"] for seed in (1, 2))
    choice = choose(one, SETTINGS)
    metrics, shapes = results(other, choice, SETTINGS)
    passed = other.score >= choice.cut
    s = other.weight[passed & (other.target == 1)].sum()
    b = other.weight[passed & (other.target == 0)].sum()
    error = np.sqrt((other.weight[passed & (other.target == 0)] ** 2).sum())
    assert metrics["best_cut"].value == pytest.approx(asimov(s, b, np.hypot(error, 0.1 * b)))
    assert metrics["best_cut_known"].value == pytest.approx(asimov(s, b))
    scan = one.counts(choice.cuts).above()
    allowed = scan.background_error <= SETTINGS.max_mc_error / 2**0.5 * scan.background
    assert choice.cut == choice.cuts[np.where(allowed, scan.significance(0.1), 0).argmax()]
    assert metrics["binned_known"].value > metrics["binned"].value > metrics["best_cut"].value
    bins = shapes["bins"]
    assert bins["edges"][0] == 0
    assert bins["edges"][-1] == 1
    assert np.sum(bins["background"]) == pytest.approx(1000)
    assert np.sum(bins["signal"]) == pytest.approx(50)
    assert np.nanmax(shapes["scan"]["significance"]) >= metrics["best_cut"].value - 1e-12
    place = list(shapes["scan"]["cut"]).index(choice.cut)
    assert shapes["scan"]["error"][place] == pytest.approx(metrics["best_cut"].error, rel=0.15)
    json.dumps(as_json([metrics, shapes]), allow_nan=False)


def test_a_score_of_one_is_in_the_highest_bin():
    sample = scores()
    sample = replace(sample, at_hypothesis={(500.0,): np.where(sample.target == 1, 1.0, 0.25).astype(np.float32)})
    own = expected(sample, Scale())["mass=500"]
    _, bins = in_bins(own, choose(expected(scores(), Scale())["mass=500"], SETTINGS))
    assert bins.signal[-1] == pytest.approx(own.total(1).value)


def test_bins_rest_on_enough_of_the_events_that_count():
    for seed in range(8):
        one, other = (
            expected(scores(1500, seed=each), Scale(1.0, (300.0, 50.0)))["mass=1000"] for each in (seed, seed + 50)
        )
        _, bins = in_bins(other, choose(one, Search(bins=40)))
        assert (bins.background_error <= SETTINGS.max_mc_error * bins.background).all(), seed
        assert (bins.background >= SETTINGS.min_background).all(), seed


def test_a_bin_with_too_little_background_joins_its_neighbour():
    choice = choose(expected(scores(), Scale(1.0, (1000.0, 50.0)))["mass=1000"], SETTINGS)
    few = expected(scores(60, seed=4), Scale(1.0, (1000.0, 50.0)))["mass=1000"]
    found, bins = in_bins(few, choice)
    assert len(found.edges[0]) < len(choice.edges[0])
    assert set(found.edges[0]) <= set(choice.edges[0])
    assert (bins.background > 0).all()
    assert bins.background.sum() == pytest.approx(1000)


def test_bins_are_not_fewer_than_the_best_cut_makes():
    # The heavy process hides above every edge but the lowest, the best cut is below the first one.
    own = expected(scores(4000), Scale(1.0, (1000.0, 50.0)))["mass=1000"]
    heavy = (own.target == 0) & (own.score < np.quantile(own.score[own.target == 1], 0.08))
    own = replace(own, weight=np.where(heavy, 400.0, 1.0) * own.weight, process=np.where(heavy, 1, 0))
    choice = choose(own, SETTINGS)
    assert 0 < choice.index[0] < 20, "the cut is below the lowest edge"
    assert choice.edges[0].tolist() == [0.0, choice.cut, 1.0]
    metrics, _ = results(own, choice, SETTINGS)
    assert metrics["binned"].value >= metrics["best_cut"].value
    assert len(choose(own, SETTINGS.model_copy(update={"bins": 1})).edges[0]) == 2, "one bin is what was asked for"


def test_too_little_background_is_said():
    with pytest.raises(ValueError, match="no cut leaves 50000 background events"):
        choose(expected(scores(), Scale())["mass=500"], Search(min_background=50_000))


def numbers(sample, scale=None):
    own = expected(sample, scale or Scale(1.0, (1000.0, 50.0)))["mass=1000"]
    metrics, shapes = results(own, choose(own, SETTINGS), SETTINGS)
    names = ("best_cut", "binned", "best_cut_known", "binned_known")
    return [metrics[name].value for name in names], shapes["bins"]["edges"]


@given(st.floats(1e-3, 1e3))
def test_with_yields_given_the_scale_of_the_weights_does_not_matter(factor):
    sample = scores(1500)
    one, other = numbers(sample), numbers(replace(sample, weight=factor * sample.weight))
    np.testing.assert_allclose(one[0], other[0], rtol=1e-9)
    np.testing.assert_allclose(one[1], other[1])


@pytest.mark.parametrize("negative", [0.0, 0.05])
def test_the_order_of_events_does_not_matter(negative):
    sample = scores(negative=negative)
    order = np.random.default_rng(3).permutation(len(sample))
    changed = replace(
        sample,
        score=sample.score[order],
        target=sample.target[order],
        weight=sample.weight[order],
        parameters=sample.parameters[order],
        at_hypothesis={k: v[order] for k, v in sample.at_hypothesis.items()},
    )
    np.testing.assert_allclose(numbers(changed)[0], numbers(sample)[0], rtol=1e-9)


def test_an_event_split_in_two_halves_is_the_same_event_but_for_what_is_known_of_it():
    sample = scores()
    own = expected(sample, Scale(1.0, (1000.0, 50.0)))["mass=1000"]
    choice = choose(own, SETTINGS)
    twice = {name: np.tile(getattr(own, name), 2) for name in ("score", "target", "process", "group")}
    halves = replace(own, **twice, weight=np.tile(own.weight / 2, 2))
    one, other = results(own, choice, SETTINGS)[0], results(halves, choice, SETTINGS)[0]
    for name in ("best_cut_known", "binned_known"):
        assert other[name].value == pytest.approx(one[name].value)
    # As many events as before are said to stand behind it, so its error counts as smaller.
    assert other["background"].error == pytest.approx(one["background"].error / 2**0.5)


def test_negative_weights_are_kept():
    sample = scores(negative=0.1)
    own = expected(sample, Scale())["mass=500"]
    assert own.total(0).value == pytest.approx(sample.weight[sample.target == 0].sum())
    _, bins = in_bins(own, choose(own, SETTINGS))
    assert bins.background.sum() == pytest.approx(own.total(0).value)
    assert (bins.background > 0).all()


def test_the_signal_of_the_workspace_is_that_of_the_events_where_some_of_it_is_negative():
    sample = scores(20_000)
    sample.weight[(sample.target == 1) & (sample.score < 0.5)] *= -1
    own = expected(sample, Scale())["mass=500"]
    _, bins = in_bins(own, choose(own, SETTINGS))
    assert (bins.signal >= 0).all()
    assert bins.signal.sum() == pytest.approx(own.total(1).value)
    assert workspace(bins)["channels"][0]["samples"][0]["data"] == bins.signal.tolist()


def test_a_signal_that_is_negative_where_it_counts_is_a_sentence():
    chosen, judged = scores(seed=1), scores(seed=2)
    judged.weight[judged.target == 1] *= -1
    choice = choose(expected(chosen, Scale())["mass=500"], SETTINGS)
    with pytest.raises(ValueError, match="signal that is evaluated sum to less than zero"):
        results(expected(judged, Scale())["mass=500"], choice, SETTINGS)


def heavy(seed):
    """A light background, and a heavy one of which few events are simulated and none looks like signal."""
    generator = np.random.default_rng(seed)
    counts, weights = (3000, 2000, 40), (0.02, 2.3, 100.0)
    target = np.repeat([1, 0, 0], counts)
    score = 1 / (1 + np.exp(-generator.normal(np.repeat([2.0, -1.0, -2.5], counts), 1.0)))
    weight = np.repeat(weights, counts) * generator.uniform(0.8, 1.2, len(target))
    return Scores(score.astype(np.float32), target, weight, ("background", "signal"))


def test_a_cut_that_a_heavy_process_may_pass_unseen_is_not_offered():
    """Where no heavy event passes by chance, Z is not that of the light background alone."""
    for seed in range(5):
        deciding, judged = (expected(heavy(each), Scale())[ALL] for each in (seed, seed + 100))
        choice = choose(deciding, Search(systematic=0.0))
        metrics, shapes = results(judged, choice, Search(systematic=0.0))
        passed = (judged.score >= metrics["cut"]) & (judged.target == 0)
        assert metrics["background"].error <= 0.3 * metrics["background"].value
        assert metrics["background"].error > 90  # as if at least one heavy event passed
        assert metrics["effective_background"] < passed.sum()
        assert (shapes["bins"]["background_error"] > 90).all()


def test_samples_tell_processes_apart_that_weights_do_not():
    sample = scores()
    plain = expected(sample, Scale())["mass=500"]
    own = expected(sample, Scale(), sample=np.arange(len(sample.target)) % 2)["mass=500"]
    assert own.process.max() > plain.process.max()


def test_with_groups_each_is_judged_by_what_the_others_choose():
    sample = scores()
    group = np.arange(len(sample.target)) % 3
    own = expected(sample, Scale(1.0, (1000.0, 50.0)), group=group)["mass=1000"]
    choice = choose(own, SETTINGS)
    assert len(choice.index) == len(choice.edges) == 3
    for k in range(3):
        others = replace(
            own, **{name: getattr(own, name)[own.group != k] for name in ("score", "target", "process", "group")}
        )
        others = replace(others, weight=1.5 * own.weight[own.group != k], group=np.zeros(len(others.score), int))
        alone = choose(others, SETTINGS)
        # Cuts are tried at the quantiles of other events, so the choices agree to a step or two.
        assert choice.cuts[choice.index[k]] == pytest.approx(alone.cut, abs=0.03)
    changed = replace(own, score=np.where((own.group == 0) & (own.target == 0) & (own.score > 0.5), 0.1, own.score))
    again = choose(changed, SETTINGS)
    assert again.index[0] == choice.index[0]  # its own events have no say
    assert again.index[1:] != choice.index[1:]
    metrics, shapes = results(own, choice, SETTINGS)
    above = sum(
        own.weight[(own.group == k) & (own.target == 0) & (own.score >= cut)].sum() for k, cut in enumerate(metrics["cuts"])
    )
    assert metrics["background"].value == pytest.approx(above)
    assert np.sum(shapes["bins"]["background"]) == pytest.approx(1000)


@pytest.mark.parametrize("groups", [1, 2])
def test_each_of_several_groups_has_a_cut_of_its_own(groups):
    sample = scores(3000)
    own = expected(sample, Scale(1.0, (1000.0, 50.0)), group=np.arange(3000) % groups)["mass=1000"]
    choice = choose(own, SETTINGS)
    metrics, _ = results(own, choice, SETTINGS)
    assert metrics.get("cuts", [metrics["cut"]]) == choice.cuts[list(choice.index)].tolist()
    assert ("cuts" in metrics) == (groups > 1)
    assert metrics["cut"] == pytest.approx(choice.cut)


def test_the_error_of_a_limit_allows_for_an_event_that_is_missing_by_chance():
    # A process of weight one with 100 events, and one of weight 30 without any.
    signal, background = np.array([[20.0], [1.0]]), np.array([[[100.0], [100.0]], [[0.0], [0.0]]])
    counts = Counts(np.zeros(1), signal, background, np.array([1.0, 30.0]))
    nominal = Reached(counts, [0], [np.zeros(1, np.intp)], counts, counts)
    alike = replace(counts, signal=signal[None], background=background[None])
    found = Spread(nominal, replace(nominal, bins=alike), replace(nominal, bins=counts.one_more())).limit_error(0.1)

    def limit(b, variance):
        return float(excluded(Yields(*(np.array([column]) for column in (20.0, b, 0.0, variance**0.5))), 0.1))

    light, heavy = (np.log(limit(*more) / limit(100.0, 1000.0)) for more in ((101.0, 1001.0), (130.0, 1900.0)))
    assert found == pytest.approx((light**2 / 101 + heavy**2) ** 0.5)


FALLING = np.array([[40.0, 45.0, 50.0, 55.0, 60.0], [1000.0, 900.0, 800.0, 700.0, 600.0]])
"""Signal and background of bins that are alike, so that a common uncertainty costs much."""


@pytest.mark.parametrize(("systematic", "shape"), [(0.2, 0.0), (0.2, 0.2), (0.1, 0.0)])
def test_the_errors_of_limit_and_discovery_are_the_spread_of_fits_of_repeated_simulations(systematic, shape):
    pytest.importorskip("pyhf", reason="the extra `limits` is not installed")
    signal, background = FALLING
    sums = np.stack([signal, signal**2 / 2000]), np.stack([background, background**2 / 4000])[None]
    counts = Counts(np.arange(5.0), *sums, np.array([0.2]))
    change = shape * np.linspace(-1, 1, 5)

    def fitted(yields):
        shifts = {"shape": Shift(replace(yields, background=yields.background * (1 + change)))} if shape else {}
        found = limits(workspace(yields, systematic=systematic, shifts=shifts), scale_of_limit(yields))
        return found.expected[2], found.discovery

    each = counts.replicas(60, np.random.default_rng(3)).inside()
    columns = (each.signal, each.background, each.signal_error, each.background_error)
    fits = np.log([fitted(Yields(*rows)) for rows in zip(*columns, strict=True)])
    nominal = Reached(counts, [0], [np.zeros(5, np.intp)], counts, counts)
    replicas = replace(nominal, bins=counts.replicas(1000, np.random.default_rng(4)))
    spread = Spread(nominal, replicas, replace(nominal, bins=counts.one_more()))
    shapes = change[None] if shape else None
    quoted = spread.limit_error(systematic, shapes), spread.discovery_error(systematic, shapes)
    # The spread of 60 fits is known to 9 %; with a shape the limit's is estimated for Gaussian errors.
    np.testing.assert_allclose(quoted, fits.std(axis=0), rtol=0.3)


def test_a_cut_above_which_the_events_that_count_are_few_moves_down_to_its_own_line():
    choice = choose(expected(scores(), Scale(1.0, (1000.0, 50.0)))["mass=1000"], SETTINGS)
    few = expected(scores(400, seed=4), Scale(1.0, (1000.0, 50.0)))["mass=1000"]
    metrics, shapes = results(few, choice, SETTINGS)
    assert metrics["cut"] < choice.cut
    assert metrics["effective_background"] >= 1 / 0.3**2
    place = list(shapes["scan"]["cut"]).index(metrics["cut"])
    assert shapes["scan"]["significance"][place] == pytest.approx(metrics["best_cut"].value)


@pytest.mark.parametrize("events", [0, 1, 2, 5])
@pytest.mark.parametrize("target", [None, 0, 1])
def test_few_events_or_one_class_are_a_sentence_or_numbers(events, target):
    sample = scores()
    rows = np.flatnonzero(sample.target == target)[:events] if target is not None else np.arange(events)
    few = reordered(sample, rows)
    plain = choose(expected(sample, Scale())["mass=500"], SETTINGS)
    with contextlib.suppress(ValueError):
        choose(expected(few, Scale())["mass=500"], SETTINGS)
    with contextlib.suppress(ValueError):
        json.dumps(as_json(results(expected(few, Scale())["mass=500"], plain, SETTINGS)), allow_nan=False)


def test_without_signal_on_the_events_that_count_nothing_is_found_nor_excluded():
    sample = scores()
    background = reordered(sample, np.flatnonzero(sample.target == 0))
    choice = choose(expected(sample, Scale())["mass=500"], SETTINGS)
    metrics, _ = results(expected(background, Scale())["mass=500"], choice, SETTINGS)
    assert metrics["best_cut"].value == metrics["binned"].value == 0


def test_too_little_background_among_the_events_that_count_is_said():
    choice = choose(expected(scores(), Scale())["mass=500"], SETTINGS)
    few = expected(scores(12, seed=4), Scale())["mass=500"]
    with pytest.raises(ValueError, match=r"no cut leaves .* among the events that are evaluated"):
        results(few, choice, SETTINGS)


def test_a_number_without_replicas_has_no_error():
    nothing = Spread(None, None, None)
    for values, nominal in ((np.array([np.nan]), 1.0), (np.array([1.0, 2.0]), np.nan)):
        assert np.isnan(nothing._error(values, np.zeros(0), nominal, lambda reached: reached))
