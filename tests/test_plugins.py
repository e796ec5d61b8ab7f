"""Registries: what an analysis file may name, and what happens with a name that nobody has added."""

from dataclasses import dataclass, replace

import pytest

import fivesigma as fs
from fivesigma import plugins
from fivesigma.analysis.file import load, validate
from fivesigma.cluster.executor import Workers
from fivesigma.cluster.serial import InThisProcess
from fivesigma.errors import AnalysisError, ClusterError, PluginError
from fivesigma.metrics import MetricSpec

TREE = {"features": ["x"], "labels": "y"}


def mean_score(score, target, weight, options):
    return fs.metrics.weighted_mean(score, weight)


SPEC = MetricSpec("mean_score", ("binary",), True, "mean of the score", function=mean_score)


@pytest.fixture
def registries(monkeypatch):
    """What a test registers is gone after it."""
    for registry in plugins.REGISTRIES.values():
        monkeypatch.setattr(registry, "registered", {})
    monkeypatch.setattr(plugins, "functions", {})
    return plugins.REGISTRIES


@pytest.mark.parametrize("group", plugins.REGISTRIES)
def test_every_built_in_kind_loads_and_has_its_name(group):
    registry = plugins.REGISTRIES[group]
    assert [kind.name for kind in registry] == registry.names()


def test_a_registered_metric_can_be_monitored_and_is_in_the_schema(registries):
    with pytest.raises(AnalysisError, match=r"train\.monitor: no metric 'mean_score'"):
        validate({**TREE, "train": {"monitor": "mean_score"}}, "test")
    fs.register("metrics", SPEC)
    assert validate({**TREE, "train": {"monitor": "mean_score"}}, "test").train.monitor == "mean_score"
    assert "mean_score" in str(fs.Analysis.model_json_schema()["$defs"]["Train"]["properties"]["monitor"])
    with pytest.raises(AnalysisError, match="does not fit a regression analysis"):
        validate({"features": ["x"], "target": "y", "train": {"monitor": "mean_score"}}, "test")


def test_names_that_are_taken_or_are_no_names_are_refused(registries):
    with pytest.raises(PluginError, match="there is a metric 'auc' already"):
        fs.register("metrics", replace(SPEC, name="auc"))
    with pytest.raises(PluginError, match="needs a `name`"):
        fs.register("metrics", replace(SPEC, name="mean score"))
    with pytest.raises(PluginError, match="did you mean 'metrics'"):
        fs.register("metric", SPEC)
    with pytest.raises(PluginError, match="needs a `name`"):
        fs.register("losses", object())
    for group in ("models", "baselines", "losses", "readers", "exporters"):
        with pytest.raises(PluginError, match=r"MetricSpec cannot be registered as a .*: it has no `"):
            fs.register(group, SPEC)
    for group in plugins.REGISTRIES:
        kind = next(iter(plugins.REGISTRIES[group]))
        fs.register(group, RenamedKind(kind))  # what is built in has all that is needed
        with pytest.raises(PluginError, match=r"it is a class|it has no"):
            fs.register(group, RenamedKind)


class RenamedKind:
    """A kind under another name."""

    name = "mine"

    def __init__(self, kind):
        self.kind = kind

    def __getattr__(self, attribute):
        return getattr(self.kind, attribute)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model.kind": "mpl"}, "model: no model kind 'mpl'; did you mean 'mlp'?"),
        ({"train.loss": "hubber"}, "train.loss: no loss 'hubber'; did you mean 'huber'?"),
        ({"train.loss": 3}, "train.loss: a mapping with a key `kind`, or the name of a kind is needed, not 3"),
        ({"tune.objective": "acuracy"}, "tune.objective: no metric 'acuracy'; did you mean 'accuracy'?"),
        (
            {"baselines.one.kind": "boosted_tree"},
            "baselines.one: no baseline kind 'boosted_tree'; did you mean 'boosted_trees'?",
        ),
        ({"baselines.one": {"rounds": 3}}, "baselines.one: `kind` is missing; there is boosted_trees"),
        (
            {"samples.train": {"files": "a", "format": "rot"}},
            "samples.train.format: no file format 'rot'; did you mean 'root'?",
        ),
        ({"train.loss": {"kind": "cross_entropy", "delta": 1}}, "train.loss: unknown key 'delta'"),
        ({"train.huber_delta": 2.0}, "`huber_delta` is called `loss: {kind: huber, delta: …}` now"),
        ({"tune.together": 2}, "`together` is called `trials_at_once` now"),
        ({"evaluate.search": {"floor": 2}}, "`floor` is called `min_background` now"),
    ],
)
def test_an_unknown_kind_is_one_sentence_with_its_place_and_the_nearest_name(settings, words):
    with pytest.raises(AnalysisError) as caught:
        load(TREE, settings)
    assert words in str(caught.value)


def test_another_kind_takes_none_of_the_keys_of_the_old_one():
    base = {**TREE, "model": {"layers": [8]}, "baselines": {"one": {"kind": "boosted_trees", "rounds": 5}}}
    analysis = load(base, {"baselines.one.address": {"x": 3}, "baselines.one.kind": "lookup_table"})
    assert analysis.baselines["one"].model_dump(exclude_unset=True) == {
        "kind": "lookup_table",
        "address": {"x": {"bits": 3}},
    }
    huber = load({"features": ["x"], "target": "y", "train": {"loss": "huber"}}, {"train.loss.delta": 2})
    assert huber.train.loss.delta == 2
    assert load(base, {"model.kind": "mlp"}).model.layers == [8]


def test_what_this_process_alone_knows_is_not_sent_to_workers(registries):
    assert not isinstance(Workers(2).executor(tasks=2), InThisProcess)
    fs.register("metrics", SPEC)
    assert isinstance(Workers(2).executor(tasks=2), InThisProcess)
    with pytest.raises(ClusterError, match="do not know metric 'mean_score'"):
        Workers(cluster="tcp://nowhere:1").executor()


def test_an_entry_point_that_cannot_be_imported_names_its_package(monkeypatch):
    @dataclass
    class Point:
        name = "broken"
        value = "gone:KIND"
        dist = None

        def load(self):
            raise ModuleNotFoundError("No module named 'gone'")

    registry = plugins.Registry("metrics", "metric", {}, ())
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Point()])
    assert registry.names() == ["broken"]
    with pytest.raises(PluginError, match="'broken' of the package 'gone:KIND' cannot be imported: ModuleNotFoundError"):
        registry.get("broken")
