"""Baselines of events: class weights, parameters, and what is kept on disk."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fivesigma.analysis.file import validate
from fivesigma.baselines.base import Learning
from fivesigma.baselines.boosted_trees import BOOSTED_TREES, BoostedTrees
from fivesigma.baselines.lookup_table import LOOKUP_TABLE, LookupTable
from fivesigma.errors import AnalysisError, RunError
from fivesigma.runs.folder import RunFolder

TREES = BoostedTrees(kind="boosted_trees", rounds=20, leaves=8, patience=5)
CLASSES = {"features": ["x0"], "labels": {"variable": "y"}}


def table_of(**address):
    return LookupTable(kind="lookup_table", address=address, min_events=1)


def fit_trees(settings, analysis, parts):
    return BOOSTED_TREES.fit(settings, Learning(analysis, parts))


def fit_table(settings, analysis, parts):
    return LOOKUP_TABLE.fit(settings, Learning(analysis, parts))


@pytest.fixture
def parts(make_events):
    """Two classes; the sign of x0 decides below p0 = 1, that of x1 above."""
    made = {}
    for seed, part in enumerate(("train", "val"), start=1):
        generator = np.random.default_rng(seed)
        x, p = generator.normal(size=(3000, 2)), generator.choice([0.0, 2.0], (3000, 1))
        made[part] = make_events(x, (np.where(p[:, 0] < 1, x[:, 0], x[:, 1]) > 0.8).astype(int), parameters=p)
    return made


def accuracy(baseline, events):
    return ((baseline.score(events.features, events.parameters) > 0.5) == events.target).mean()


def test_trees_and_tables_are_given_the_parameters(parts):
    analysis = validate(CLASSES, "test")
    assert accuracy(fit_trees(TREES, analysis, parts), parts["val"]) > 0.93
    assert accuracy(fit_table(table_of(x0=4, x1=4, p0=1), analysis, parts), parts["val"]) > 0.93
    assert accuracy(fit_table(table_of(x0=4, x1=4), analysis, parts), parts["val"]) < 0.92


def test_balanced_classes_make_the_small_one_more_probable(parts):
    plain, weighted = (validate({**CLASSES, "prepare": {"class_weights": w}}, "test") for w in (None, "balanced"))
    grouped = validate({**CLASSES, "train": {"balance": ["class"]}}, "test")
    features, parameters = np.zeros((1, 2), np.float32), np.zeros((1, 1), np.float32)
    for fit, settings in ((fit_trees, TREES), (fit_table, table_of(x1=1))):
        each = (fit(settings, analysis, parts).score(features, parameters)[0] for analysis in (plain, weighted, grouped))
        first, second, third = each
        assert second > first
        assert third == pytest.approx(second, rel=1e-3)


@pytest.mark.parametrize("settings", [TREES, table_of(x1=3, p0=1)], ids=["trees", "table"])
def test_a_baseline_survives_its_folder(settings, parts, tmp_path):
    fit = fit_trees if settings is TREES else fit_table
    baseline, place = fit(settings, validate(CLASSES, "test"), parts), RunFolder(tmp_path / "one")
    baseline.save(place)
    events = parts["val"]
    kind, other = (BOOSTED_TREES, LOOKUP_TABLE) if settings is TREES else (LOOKUP_TABLE, BOOSTED_TREES)
    again = kind.load(place)
    assert again.describe() == baseline.describe()
    assert again.inputs == baseline.inputs
    assert_array_equal(again.score(events.features, events.parameters), baseline.score(events.features, events.parameters))
    tree = place.read_json("baseline.json")
    assert tree["kind"] == kind.name
    assert tree["rounds" if settings is TREES else "bits"] == (again.model.rounds if settings is TREES else 4)
    with pytest.raises(RunError, match="is damaged"):
        other.load(place)


def test_a_regression_answers_in_the_unit_of_its_target(make_events):
    x = np.random.default_rng(1).normal(size=(3000, 1))
    parts = {"train": make_events(x, 1e-4 * x[:, 0] + 7e-4, classes=())}
    analysis = validate({"features": ["x0"], "target": "y"}, "test")
    for baseline in (fit_trees(TREES, analysis, parts), fit_table(table_of(x0=6), analysis, parts)):
        error = baseline.score(parts["train"].features) - parts["train"].target
        assert np.abs(error).mean() < 2e-5


def test_a_quantity_that_is_no_column_is_named(parts):
    with pytest.raises(AnalysisError, match="needs 'x00', which is not a column; did you mean 'x0'"):
        fit_table(table_of(x00=3), validate(CLASSES, "test"), parts)


def test_no_events_have_no_scores(parts):
    for baseline in (fit_table(table_of(x0=2), validate(CLASSES, "test"), parts),):
        assert baseline.score(np.zeros((0, 2), np.float32), np.zeros((0, 1), np.float32)).shape == (0,)


@pytest.mark.parametrize("unit", [1e-7, 1e5])
@pytest.mark.parametrize("classes", [True, False])
def test_the_unit_of_the_weights_changes_nothing(make_events, unit, classes):
    """Weights of samples with a cross section may all be 1e-6: limits of the trees in sums of weights must not notice."""
    made = {}
    for factor in (1.0, unit):
        parts = {}
        for seed, part in enumerate(("train", "val"), start=1):
            generator = np.random.default_rng(seed)
            x = generator.normal(size=(2000, 2))
            weight = factor * generator.uniform(0.5, 1.5, 2000)
            target = (x[:, 0] + generator.normal(size=2000) > 0).astype(int) if classes else x[:, 0]
            more = {} if classes else {"classes": ()}
            parts[part] = make_events(x, target, weight, **more)
        tree = CLASSES if classes else {"features": ["x0"], "target": {"variable": "y"}}
        made[factor] = fit_trees(TREES, validate(tree, "test"), parts).score(parts["val"].features)
    assert len(np.unique(made[1.0])) > 20
    np.testing.assert_allclose(made[unit], made[1.0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["keep", "drop"])
def test_classes_are_balanced_as_they_are_learned_from(make_events, policy):
    """A class of 100 events of weight 1 and 60 of weight −1 counts as 100 where negative ones are left out."""
    target = np.repeat([0, 1, 1], [100, 100, 60])
    weight = np.repeat([1.0, 1.0, -1.0], [100, 100, 60])
    parts = {"train": make_events(np.zeros((260, 1)), target, weight)}
    tree = {**CLASSES, "prepare": {"class_weights": "balanced"}, "train": {"negative_weights": policy}}
    found = fit_table(table_of(x0=1), validate(tree, "test"), parts).score(np.zeros((1, 1), np.float32))
    assert found[0] == pytest.approx(0.5)
    tree = {**tree, "train": {"negative_weights": "abs"}}
    assert fit_table(table_of(x0=1), validate(tree, "test"), parts).score(np.zeros((1, 1), np.float32))[0] == pytest.approx(
        0.5
    )


@pytest.mark.parametrize("kind", ["trees", "table"])
def test_a_value_that_is_missing_in_new_events_alone_counts_as_the_mean(make_events, kind, tmp_path):
    generator = np.random.default_rng(3)
    x = generator.normal(5, 1, size=(3000, 2))
    x[::7, 1] = np.nan  # known to be missing at times
    parts = {"train": make_events(x, (x[:, 0] > 5).astype(int))}
    fit, settings = (fit_trees, TREES) if kind == "trees" else (fit_table, table_of(x0=6))
    found, place = fit(settings, validate(CLASSES, "test"), parts), RunFolder(tmp_path / "one")
    mean = x[:, 0].mean()
    new = np.array([[np.nan, 4.0], [mean, 4.0], [np.nan, np.nan], [mean, np.nan]], np.float32)
    score = found.score(new)
    assert_array_equal(score[[0, 2]], score[[1, 3]])
    found.save(place)
    again = (BOOSTED_TREES if kind == "trees" else LOOKUP_TABLE).load(place)
    assert_array_equal(again.score(new), score)


def test_validation_events_are_filled_and_weighted_as_those_of_the_training(make_events, monkeypatch):
    """They decide how many rounds there are, by the loss of the very function that is kept."""
    seen = {}

    def grown(settings, training, validation, classes, on_round):
        seen.update(training=training, validation=validation)
        return fitted_before(settings, training, validation, classes, on_round)

    fitted_before = BOOSTED_TREES.model.fit
    monkeypatch.setattr(BOOSTED_TREES.model, "fit", grown)
    generator = np.random.default_rng(5)
    parts = {}
    for part in ("train", "val"):
        x = generator.normal(500, 10, size=(400, 1))
        target = generator.integers(0, 2, 400)
        weight = np.where((target == 0) & (generator.random(400) < 0.4), -1.0, 1.0)
        x[::9] = np.nan if part == "val" else 500
        parts[part] = make_events(x, target, weight)
    tree = {**CLASSES, "prepare": {"class_weights": "balanced"}, "train": {"negative_weights": "abs"}}
    fit_trees(TREES, validate(tree, "test"), parts)
    assert np.isfinite(seen["validation"].inputs).all()
    assert seen["validation"].inputs[::9] == pytest.approx(500, abs=2)
    for part in seen.values():
        sums = np.bincount(part.target, part.weight)
        assert part.weight.min() > 0
        assert sums[0] / sums[1] == pytest.approx(1, abs=0.25)
