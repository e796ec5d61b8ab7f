"""The verb `train`: killed and resumed; and a network that the calling script builds is a run like any other."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fivesigma as fs
from fivesigma import plugins
from fivesigma.errors import AnalysisError
from fivesigma.metrics import Metric, MetricSpec
from fivesigma.models.backend import keras
from fivesigma.models.custom import custom

from ..conftest import write_csv


def build(inputs):
    """Two paths that meet: no multilayer perceptron."""
    layers = keras().layers
    entry = layers.Input((inputs,))
    wide = layers.Dense(8, "tanh", kernel_initializer=keras().initializers.GlorotUniform(seed=inputs.seed))(entry)
    both = layers.Concatenate()([entry, wide])
    end = layers.Dense(inputs.outputs, kernel_initializer=keras().initializers.GlorotUniform(seed=inputs.seed + 1))(both)
    return keras().Model(entry, layers.Activation(inputs.link)(end))


@pytest.fixture(autouse=True)
def functions(monkeypatch):
    """What a test registers is gone after it."""
    monkeypatch.setattr(plugins, "functions", {})


def test_a_users_network_is_a_run_like_any_other(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = fs.train(toy, model=build)
    assert not run.folder.has("metrics.json")
    assert run.analysis.model.function == "tests.verbs.test_train:build"
    assert run.analysis.model.file == __file__
    assert len(run.analysis.model.sha256) == 64
    assert fs.evaluate(run).metrics["test"]["auc"]["value"] > 0.8
    assert "tests.verbs.test_train:build" in fs.report(run).read_text()
    write_csv(tmp_path / "new.csv", 200, seed=5)
    assert fs.predict(run, str(tmp_path / "new.csv"), tmp_path / "out.parquet", workers=1) == 200
    assert any(layer.name.startswith("concatenate") for layer in run.network().model.layers)
    # The same function trains to the same weights, and goes on with its own unfinished run.
    again = fs.train(toy, model=build, new=True)
    for one, other in zip(run.network().model.get_weights(), again.network().model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("undrawn")
def test_an_interrupted_training_of_it_goes_on(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    class Stop(fs.Listener):
        def epoch(self, row, epochs):
            if row["epoch"] == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fs.run(toy, model=build, listener=Stop())
    whole, resumed = fs.run(toy, model=build, new=True), fs.run(toy, model=build, resume=True)
    assert resumed.path != whole.path
    for one, other in zip(whole.network().model.get_weights(), resumed.network().model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("undrawn")
def test_folds_and_parameters_work_with_it(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = fs.run(toy, {"split.folds": 2, "train.epochs": 1}, model=build)
    assert run.metrics["folds"]["auc"]["value"] > 0.7


def test_another_process_can_use_the_run_but_not_train_it(toy, tmp_path, monkeypatch, command):
    run = fs.train(toy, model=build, output=tmp_path / "runs")
    monkeypatch.setattr(plugins, "functions", {})
    assert command("evaluate", run.path)[0] == 0
    code, _, err = command("train", run.path / "analysis.yaml", "--new")
    assert code == 2
    assert "is built by tests.verbs.test_train:build" in err
    assert "run the script again" in err


WIDTH = 4


def width():
    return WIDTH


def uses(wide, activation):
    def build(inputs):
        layers = keras().layers
        wider = [layers.Dense(units, activation) for units in [wide, width()]]
        return keras().Sequential([layers.Input((inputs,)), *wider, layers.Dense(inputs.outputs, inputs.link)])

    return build


def test_what_a_function_uses_belongs_to_the_network(monkeypatch):
    digest = custom(uses(8, "relu")).sha256
    assert custom(uses(8, "relu")).sha256 == digest
    assert custom(uses(8, "tanh")).sha256 != digest  # a variable of the closure
    assert custom(uses(9, "relu")).sha256 != digest
    monkeypatch.setitem(globals(), "WIDTH", 5)  # a variable of the module, in a function that it calls
    assert custom(uses(8, "relu")).sha256 != digest


SCRIPT = """
import dataclasses
import enum
import functools
import pathlib
import types
import nets.blocks
import numpy as np
import settings
from os import environ
class Limited:
    __slots__ = ("width", "unset")
    def __init__(self, width): self.width = width
ONE = [1]
ONE.append(ONE)
def one(x): return x
def two(x): return one(x) + len(ONE)
@functools.lru_cache
def three(x): return two(x) * {value}
first = lambda x: x + 1
second = lambda x: x * {value}
def plain(n): return one(two(three(n)))
def lambdas(n): return first(second(n), environ)
@functools.wraps(plain)
def wrapped(n): return plain(n)
def cached(n): return three(n)
partial = functools.partial(plain, n={value})
class Net:
    def __init__(self, n): self.n = {value}
class Builder:
    def __init__(self, n): self.n = n
    def __call__(self, n): return n
    def build(self, n): return self.n
builder = Builder({value})
method = builder.build
@dataclasses.dataclass(slots=True)
class Sizes: width: int = {value}
SIZES, SPACE, TABLE, OWN = Sizes(), types.SimpleNamespace(width={value}), np.array([1, {value}]), Builder({value})
class Widths(enum.Enum): first = {value}
WIDTHS = Widths.first
def of_module(n): return n * settings.WIDTH
def of_inner_module(n): return settings.settings.WIDTH + n
def of_function(n): return settings.wide(n)
def of_class(n): return n * settings.Config.width
def of_dataclass(n): return n * SIZES.width
def of_space(n): return n * SPACE.width
def of_array(n): return n * TABLE[1]
def of_enum(n): return n * WIDTHS.value
def of_object(n): return n * OWN.n
def of_module_twice(n): return n * settings.DEPTH + other_of_module(n)
def other_of_module(n): return n * settings.WIDTH
class Base:
    def block(self, n): return n * {value}
class Wide(Base): width = 1
def of_base(n): return Wide().block(n)
class Factory:
    def __init__(self): self.n = 1
    def block(self, n): return n * {value}
    def build(self, n): return self.block(n)
of_method = Factory().build
head = functools.partial(plain, n={value})
def of_partial(n): return head()
def first_choice(n): return n * {value}
CHOICES = {{"a": [first_choice]}}
def of_choice(n): return CHOICES["a"][0](n)
def doubled(f):
    @functools.wraps(f)
    def inner(n): return f({value} * n)
    return inner
@doubled
def of_decorator(n): return n
def of_namespace(n): return n * nets.blocks.WIDTH
class Odd(dict):
    __getattr__ = dict.__getitem__
ODD, PATH, LIMITED = Odd(width={value}), pathlib.Path("{value}"), Limited({value})
def of_odd(n): return n * ODD.width
def of_path(n): return n, PATH
def of_slots(n): return n * LIMITED.width
one_line, other = (lambda n: [n, {value}][n in {{1, 2, {value}}}]), lambda n: n
"""
SETTINGS = """
import settings
WIDTH = {value}
DEPTH = 1
def wide(n): return n * WIDTH
class Config:
    width = {value}
"""
DIGESTS = """
import json, sys
import script
from fivesigma.models.custom import custom
names = ["plain", "lambdas", "wrapped", "cached", "partial", "Net", "builder", "three", "method", "one_line"]
names += [name for name in vars(script) if name.startswith("of_")]
print(json.dumps([custom(getattr(script, name)).sha256 for name in names]))
"""


def test_the_hash_of_a_function_is_that_of_what_it_uses_in_every_process(tmp_path):
    def digests(value, seed):
        (tmp_path / "script.py").write_text(SCRIPT.format(value=value))
        (tmp_path / "settings.py").write_text(SETTINGS.format(value=value))
        (tmp_path / "nets").mkdir(exist_ok=True)
        (tmp_path / "nets" / "blocks.py").write_text(f"WIDTH = {value}")
        environment = {
            **os.environ,
            "PYTHONHASHSEED": str(seed),
            "SEED": str(seed),  # the environment is none of the network's
            "PYTHONPATH": str(tmp_path),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [sys.executable, "-c", DIGESTS]
        return json.loads(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)

    first = digests(2, 1)
    assert None not in first
    assert first == digests(2, 4)
    assert not set(first) & set(digests(3, 1))
    assert len(set(first)) == len(first)


def test_functions_in_one_line_are_different_networks():
    small, large = (lambda inputs: uses(8, "relu")(inputs)), lambda inputs: uses(64, "relu")(inputs)
    assert custom(small).sha256 != custom(large).sha256


def test_a_network_with_other_values_begins_a_run_of_its_own(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    class Stop(fs.Listener):
        def epoch(self, row, epochs):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fs.train(toy, model=uses(16, "relu"), listener=Stop())
    other = fs.train(toy, model=uses(32, "relu"))
    assert other.network().model.layers[0].units == 32
    assert fs.train(toy, model=uses(16, "relu")).path != other.path  # which goes on


def test_settings_beside_a_function_are_refused(toy):
    with pytest.raises(AnalysisError, match=r"'model\.layers' would change nothing"):
        fs.train(toy, {"model.layers": [9], "train.epochs": 1}, model=build)
    with pytest.raises(AnalysisError, match=r"'model\.dropout' would change nothing"):
        fs.run(toy, {"model.dropout": 0.1}, model=build)


def with_lambda(inputs):
    layers = keras().layers
    doubled = layers.Lambda(lambda x: 2 * x, output_shape=(int(inputs),))
    return keras().Sequential([layers.Input((inputs,)), doubled, layers.Dense(1, "sigmoid")])


def with_a_function(inputs):
    layers = keras().layers
    last = layers.Dense(1, "sigmoid")
    return keras().Sequential([layers.Input((inputs,)), layers.Dense(4, lambda x: keras().ops.tanh(x)), last])


def with_a_registered_function(inputs):
    layers = keras().layers
    saving = keras().saving
    bent = saving.register_keras_serializable("mine")(_bent)
    return keras().Sequential([layers.Input((inputs,)), layers.Dense(4, bent), layers.Dense(1, "sigmoid")])


def _bent(x):
    return keras().ops.tanh(x) + 0.1 * x


def test_a_function_that_a_script_registers_is_not_known_to_others(toy):
    with pytest.raises(AnalysisError, match="could not be read from a file again"):
        fs.train(toy, {"train.epochs": 1}, model=with_a_registered_function)
    assert "mine>_bent" in keras().saving.get_custom_objects()  # the script still has it


def test_a_run_whose_metric_nobody_knows_any_more_is_not_called_damaged(toy, tmp_path, monkeypatch, command):
    monkeypatch.setattr(plugins.metrics, "registered", {})
    spec = MetricSpec("brier", ("binary",), False, "mean squared distance", function=lambda s, t, w, o: Metric(0.1, 0.1))
    fs.register("metrics", spec)
    run = fs.train(toy, {"train.monitor": "brier", "train.epochs": 1}, output=tmp_path / "runs")
    monkeypatch.setattr(plugins.metrics, "registered", {})
    code, _, err = command("evaluate", run.path)
    assert code == 2
    assert "needs something that is not here" in err
    assert "no metric 'brier'" in err
    assert "damaged" not in err
    assert "train again" not in err


def no_model(inputs):
    return "network"


def without_sigmoid(inputs):
    layers = keras().layers
    return keras().Sequential([layers.Input((inputs,)), layers.Dense(1)])


def too_many_outputs(inputs):
    layers = keras().layers
    return keras().Sequential([layers.Input((inputs,)), layers.Dense(3, "softmax")])


def with_a_dictionary(inputs):
    layers = keras().layers
    entry = keras().Input((inputs,))
    return keras().Model(entry, {"p": layers.Dense(1, "sigmoid")(entry)})


def with_an_operation(inputs):
    layers = keras().layers
    entry = keras().Input((inputs,))
    return keras().Model(entry, keras().ops.sigmoid(layers.Dense(1)(layers.Dense(4, "tanh")(entry))))


def frozen(inputs):
    model = build(inputs)
    model.trainable = False
    return model


def test_a_model_that_ends_in_an_operation_is_trained_and_scored_as_it_is(toy, tmp_path):
    settings = {"train.epochs": 1, "parameters": None}
    network = fs.train(toy, settings, model=with_an_operation, output=tmp_path / "runs").network()
    x = np.random.default_rng(1).normal(size=(50, len(network.recipe.inputs))).astype(np.float32)
    expected = network.model(network.recipe.apply(x, np.zeros((50, 0))))
    np.testing.assert_allclose(network.score(x), np.asarray(expected)[:, 0], rtol=1e-5)


def test_a_network_that_cannot_change_is_said(toy, tmp_path):
    class Heard(fs.Listener):
        said = ""

        def say(self, text):
            self.said += text

    heard = Heard()
    fs.train(toy, {"train.epochs": 1}, model=frozen, output=tmp_path / "runs", listener=heard)
    assert "warning: the network has no weights that can be trained: it stays as it was built" in heard.said


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (with_a_dictionary, "to a dictionary of"),
        (no_model, "returned str, not a keras.Model"),
        (without_sigmoid, "whose outputs are not probabilities"),
        (with_lambda, "could not be read from a file again"),
        (with_a_function, "could not be read from a file again"),
        (too_many_outputs, r"must go from \(None, 3\) to \(None, 1\)"),
        ("mlp", "model='mlp' is not a function"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(toy, tmp_path, function, words):
    with pytest.raises(AnalysisError, match=words):
        fs.train(toy, model=function, output=tmp_path / "runs")


def test_a_keras_model_for_a_function_is_one_sentence(toy, tmp_path):
    layers = keras().layers
    model = keras().Sequential([layers.Input((2,)), layers.Dense(1, "sigmoid")])
    with pytest.raises(AnalysisError, match="a function that builds one is needed"):
        fs.train(toy, model=model, output=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_run_folder_of_an_older_version_opens(toy, tmp_path):
    """Keys that have another name now, and metrics without a version."""
    run = fs.run(toy, output=tmp_path / "runs")
    path = run.path / "analysis.yaml"
    path.write_text(path.read_text().replace("trials_at_once:", "together:").replace("loss:\n    kind: auto", "loss: auto"))
    metrics = json.loads((run.path / "metrics.json").read_text())
    assert metrics.pop("version") == 2
    (run.path / "metrics.json").write_text(json.dumps(metrics))
    old = fs.Run(run.path)
    assert old.analysis.tune.trials_at_once == 4
    assert old.results.judged == "test"
    fs.report(old)
    (run.path / "metrics.json").write_text(json.dumps({"version": 99, **metrics}))
    with pytest.raises(fs.FivesigmaError, match=r"metrics\.json has version 99, and this fivesigma reads up to 2"):
        fs.report(old)


@pytest.mark.usefixtures("undrawn")
def test_an_interrupted_training_is_resumed_and_ends_the_same(toy, command, monkeypatch):
    whole = Path(command("run", toy, "--output", "whole")[1].splitlines()[-1])
    from fivesigma.cli.console import Terminal

    say = Terminal.epoch

    def interrupt(self, row, epochs):
        if row["epoch"] == 2:
            raise KeyboardInterrupt
        say(self, row, epochs)

    monkeypatch.setattr(Terminal, "epoch", interrupt)
    code, _, err = command("run", toy)
    assert code == 130
    assert "interrupted" in err
    (stopped,) = Path("runs/toy").iterdir()
    assert json.loads((stopped / "UNFINISHED").read_text())["step"] == "train"
    monkeypatch.setattr(Terminal, "epoch", say)
    _, out, _ = command("run", toy)
    assert "continuing the run" in out
    assert Path(out.splitlines()[-1]) == stopped
    assert (stopped / "metrics.json").read_text() == (whole / "metrics.json").read_text()


MONITOR_AUC = ("split.val=0.3", "train.monitor=auc", "train.epochs=8", "train.batch_size=16", "train.learning_rate=0.05")


def settings(*pairs):
    return [word for pair in pairs for word in ("--set", pair)]


def test_the_epoch_that_is_said_to_be_kept_is_that_of_the_network(toy, command):
    code, out, err = command("train", toy, *settings(*MONITOR_AUC))
    assert code == 0
    run = fs.Run(Path(out.splitlines()[-1]))
    best = max(run.history, key=lambda row: row["val_auc"])
    assert best is not min(run.history, key=lambda row: row["val_loss"])
    assert f"kept epoch {best['epoch']:.0f} (validation AUC {best['val_auc']:.4f})" in err + out
    code, out, err = command("train", toy, *settings(*MONITOR_AUC, "train.keep=last", "train.monitor=loss"))
    assert "kept epoch 8 (validation loss" in err + out


def test_the_epoch_that_is_kept_of_each_fold_is_that_of_its_monitor(toy, command):
    code, out, err = command("train", toy, *settings(*MONITOR_AUC[1:], "split={folds: 3}"))
    assert code == 0, err
    run = Path(out.splitlines()[-1])
    rows = json.loads((run / "folds.json").read_text())["folds"]
    for row in rows:
        lines = (run / "folds" / f"fold-{row['fold']}" / "history.jsonl").read_text().splitlines()
        best = max(map(json.loads, lines), key=lambda each: each["val_auc"])
        assert (row["best_epoch"], row["loss"]) == (best["epoch"], pytest.approx(best["val_loss"]))
        assert f"epoch {best['epoch']:.0f} (validation AUC {best['val_auc']:.4f})" in err + out
