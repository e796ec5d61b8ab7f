"""The training loop: against Keras `fit`, reproducible, resumable."""

import numpy as np
import pytest

from fivesigma.analysis.train import Train
from fivesigma.errors import EventsError, RunError
from fivesigma.metrics.spec import better, monitorable
from fivesigma.metrics.summary import summarise
from fivesigma.models.backend import keras
from fivesigma.models.base import Inputs, check_model
from fivesigma.models.mlp import Mlp, mlp
from fivesigma.scores import Scores
from fivesigma.training import checkpoint, windows
from fivesigma.training import fit as loop
from fivesigma.training.apply import Apply, logits_of
from fivesigma.training.fit import FitOptions, fit
from fivesigma.training.problem import Problem
from fivesigma.training.program import compiled_window
from fivesigma.training.windows import Arrays

EVENTS, INPUTS = 330, 5


def sample(task, events=EVENTS, seed=3):
    generator = np.random.default_rng(seed)
    x = generator.normal(0, 1, (events, INPUTS)).astype(np.float32)
    if task == "binary":
        y = (x[:, 0] + 0.3 * generator.normal(0, 1, events) > 0).astype(np.float32)
    elif task == "multiclass":
        y = np.digitize(x[:, 0], [-0.5, 0.5]).astype(np.float32)
    else:
        y = (x[:, 0] - 0.5 * x[:, 1]).astype(np.float32)
    weight = generator.uniform(0.2, 2, events)
    return Arrays(x, y, weight, weight)


def network(task, seed=1, **settings):
    link = {"binary": "sigmoid", "multiclass": "softmax", "regression": "linear"}[task]
    return mlp(
        Mlp(layers=[16, 8], **settings), Inputs(INPUTS, outputs=3 if task == "multiclass" else 1, link=link, seed=seed)
    )


LOSSES = {"binary": "binary_crossentropy", "multiclass": "sparse_categorical_crossentropy", "regression": "mse"}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_unshuffled_training_is_that_of_keras_fit(task):
    data = sample(task)
    ours, theirs = network(task), network(task)
    # 330 events in batches of 64: the last batch is a partial one.
    settings = Train(epochs=3, batch_size=64, learning_rate=0.01, keep="last")
    history = fit(ours, data, None, settings, Problem(task), FitOptions(shuffle=False))
    theirs.compile(optimizer=keras().optimizers.Adam(0.01), loss=LOSSES[task])
    record = theirs.fit(data.x, data.y, sample_weight=data.weight, batch_size=64, epochs=3, shuffle=False, verbose=0)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-5)
    # Keras averages the batches' losses; ours is the mean over events by weight.
    assert history[-1]["loss"] == pytest.approx(record.history["loss"][-1], rel=0.1)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_same_seed_gives_the_same_weights_bit_for_bit(task):
    runs = []
    for _ in range(2):
        model = network(task, dropout=0.2, batch_norm=True)
        fit(model, sample(task), sample(task, seed=4), Train(epochs=2, batch_size=50, seed=7), Problem(task))
        runs.append(model.get_weights())
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_seed_gives_other_weights():
    models = [network("binary") for _ in range(2)]
    for seed, model in enumerate(models):
        fit(model, sample("binary"), None, Train(epochs=1, batch_size=50, seed=seed), Problem("binary"))
    assert not np.array_equal(models[0].get_weights()[0], models[1].get_weights()[0])


class Killed(Exception):
    pass


def test_a_resumed_training_ends_with_the_weights_of_an_uninterrupted_one(tmp_path):
    settings = Train(epochs=5, batch_size=40, optimizer="adamw", weight_decay=0.01, schedule="cosine", patience=20)
    whole = network("binary", dropout=0.3, batch_norm=True)
    fit(whole, sample("binary"), sample("binary", seed=9), settings, Problem("binary"))

    def kill(row, epochs):
        if row["epoch"] == 2:
            raise Killed

    path = tmp_path / "last.npz"
    first = network("binary", dropout=0.3, batch_norm=True)
    with pytest.raises(Killed):
        fit(
            first,
            sample("binary"),
            sample("binary", seed=9),
            settings,
            Problem("binary"),
            FitOptions(checkpoint_path=path, on_epoch=kill),
        )
    second = network("binary", dropout=0.3, batch_norm=True)
    history = fit(
        second,
        sample("binary"),
        sample("binary", seed=9),
        settings,
        Problem("binary"),
        FitOptions(checkpoint_path=path, resume=True),
    )
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5]
    for one, other in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    path = tmp_path / "last.npz"
    fit(network("binary"), sample("binary"), None, Train(epochs=1), Problem("binary"), FitOptions(checkpoint_path=path))
    with pytest.raises(RunError, match="another network"):
        other = mlp(Mlp(layers=[4]), Inputs(INPUTS, link="sigmoid"))
        fit(other, sample("binary"), None, Train(epochs=2), Problem("binary"), FitOptions(checkpoint_path=path, resume=True))


def test_weight_zero_is_as_if_the_event_were_absent():
    data = sample("regression")
    silent = Arrays(
        np.concatenate([data.x, 100 * data.x[:70]]),
        np.concatenate([data.y, data.y[:70]]),
        np.concatenate([data.weight, np.zeros(70)]),
        np.concatenate([data.event_weight, np.zeros(70)]),
    )
    rows = [
        fit(
            network("regression"), d, None, Train(epochs=1, batch_size=400), Problem("regression"), FitOptions(shuffle=False)
        )[0]
        for d in (data, silent)
    ]
    assert rows[0]["loss"] == pytest.approx(rows[1]["loss"], rel=1e-5)


def test_early_stopping_ends_and_the_best_epoch_is_kept():
    train, val = sample("binary", 60), sample("binary", 200, seed=5)
    settings = Train(epochs=200, batch_size=10, learning_rate=0.03, patience=4)
    model = network("binary")
    history = fit(model, train, val, settings, Problem("binary"))
    losses = [row["val_loss"] for row in history]
    best = int(np.argmin(losses))
    assert len(history) == best + 1 + 4 < 200
    again = network("binary")
    fit(
        again,
        train,
        val,
        settings.model_copy(update={"epochs": best + 1, "keep": "last", "patience": None}),
        Problem("binary"),
    )
    np.testing.assert_array_equal(model.get_weights()[0], again.get_weights()[0])


@pytest.mark.parametrize("monitor", monitorable("binary")[1:])
def test_every_class_metric_can_be_monitored_and_is_that_of_the_evaluation(monitor):
    model, data = network("binary"), sample("binary", seed=6)
    history = fit(model, sample("binary"), data, Train(epochs=3, monitor=monitor), Problem("binary"))
    score = np.asarray(model(data.x))[:, 0]
    found = summarise(Scores(score, data.y.astype(int), data.event_weight, ("a", "b")))[monitor].value
    values = [row[f"val_{monitor}"] for row in history]
    assert found == pytest.approx(better(values, monitor), rel=1e-5)


@pytest.mark.parametrize("monitor", monitorable("regression")[1:])
def test_every_regression_metric_can_be_monitored_and_is_that_of_the_evaluation(monitor):
    model, data = network("regression"), sample("regression", seed=6)
    history = fit(model, sample("regression"), data, Train(epochs=3, monitor=monitor), Problem("regression"))
    found = summarise(Scores(np.asarray(model(data.x))[:, 0], data.y, data.event_weight))[monitor].value
    values = [row[f"val_{monitor}"] for row in history]
    assert found == pytest.approx(better(values, monitor), rel=1e-4)


def test_a_users_own_model_with_a_sigmoid_inside_its_last_layer_can_be_trained():
    k = keras()
    model = k.Sequential([k.Input((INPUTS,)), k.layers.Dense(16, "relu"), k.layers.Dense(1, "sigmoid")])
    assert logits_of(model)[1] is None
    history = fit(model, sample("binary"), None, Train(epochs=30, batch_size=32, learning_rate=0.01), Problem("binary"))
    assert history[-1]["accuracy"] > 0.85
    assert history[-1]["loss"] < history[0]["loss"]


def test_a_regression_that_ends_in_an_activation_is_trained_as_it_is_scored():
    """A share between 0 and 1: the loss and the errors are those of what the network gives, and not of what is before it."""
    k = keras()
    data = sample("regression")
    bounded = Arrays(data.x, (1 / (1 + np.exp(-data.y))).astype(np.float32), data.weight, data.event_weight)
    hidden, last = k.layers.Dense(16, "relu"), k.layers.Activation("sigmoid")
    model = k.Sequential([k.Input((INPUTS,)), hidden, k.layers.Dense(1), last])
    history = fit(model, bounded, bounded, Train(epochs=20, batch_size=32, learning_rate=0.01), Problem("regression"))
    residuals = np.asarray(model(bounded.x))[:, 0] - bounded.y
    assert np.sqrt(np.average(residuals**2, weights=data.event_weight)) < 0.5 * np.std(bounded.y)
    kept = min(row["val_loss"] for row in history)
    found = next(row for row in history if row["val_loss"] == kept)["val_rmse"]
    assert found == pytest.approx(np.sqrt(np.average(residuals**2, weights=data.event_weight)), rel=1e-4)


def test_what_follows_the_last_activation_belongs_to_the_network():
    """Operations are no layers: the last layer of such a model is not what it ends in."""
    k = keras()
    entry = k.Input((INPUTS,))
    squashed = k.layers.Activation("sigmoid")(k.layers.Dense(1)(k.layers.Dense(8, "relu")(entry)))
    model = k.Model(entry, 0.25 * squashed + 0.5)
    assert logits_of(model) == (model, None)
    x = sample("binary").x
    found = Apply(logits_of(model)[0])(*_variables(model), x)
    np.testing.assert_allclose(found, np.asarray(model(x)), rtol=1e-6)  # compiled for another number of events


def test_the_logits_are_those_of_the_activation_that_the_model_ends_in():
    k = keras()
    entry, shared = k.Input((INPUTS,)), k.layers.Activation("sigmoid")
    first = k.layers.Dense(8)(entry)
    model = k.Model(entry, shared(k.layers.Dense(1)(shared(first))))  # one layer, called twice
    logits, link = logits_of(model)
    x = sample("binary").x
    assert link == "sigmoid"
    np.testing.assert_allclose(1 / (1 + np.exp(-np.asarray(logits([x])))), np.asarray(model(x)), rtol=1e-5)


def test_a_linear_activation_at_the_end_is_passed_over():
    """Keras advises it for networks of mixed precision, whose outputs are to be float32."""
    k = keras()
    layers = k.layers.Dense(8, "relu"), k.layers.Dense(1), k.layers.Activation("sigmoid"), k.layers.Activation("linear")
    model = k.Sequential([k.Input((INPUTS,)), *layers])
    check_model(model, Inputs(INPUTS, link="sigmoid"), "the function")
    logits, link = logits_of(model)
    x = sample("binary").x
    assert link == "sigmoid"
    np.testing.assert_allclose(1 / (1 + np.exp(-np.asarray(logits([x])))), np.asarray(model(x)), rtol=1e-5)


def test_an_activation_of_ones_own_is_no_plain_one():
    k = keras()

    class Tempered(k.layers.Activation):
        def call(self, inputs):
            return super().call(2 * inputs)

    model = k.Sequential([k.Input((INPUTS,)), k.layers.Dense(1), Tempered("sigmoid")])
    assert logits_of(model) == (model, None)


def _variables(model):
    return [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables]


def test_a_penalty_on_the_weights_makes_them_smaller():
    norms = []
    for l2 in (0.0, 0.1):
        model = network("regression", l2=l2)
        fit(model, sample("regression"), None, Train(epochs=20, batch_size=32), Problem("regression"))
        norms.append(sum(float((w**2).sum()) for w in model.get_weights() if w.ndim == 2))
    assert norms[1] < 0.7 * norms[0]


def test_a_diverging_loss_is_one_sentence():
    data = sample("regression")
    wild = Arrays(data.x * 1e30, data.y, data.weight, data.event_weight)
    with pytest.raises(EventsError, match="training loss is"):
        fit(network("regression"), wild, None, Train(epochs=3), Problem("regression"))


def test_target_scale_leaves_the_rmse_in_the_targets_unit():
    data = sample("regression")
    scaled = Arrays(data.x, data.y * 10, data.weight, data.event_weight)
    one = fit(network("regression"), scaled, scaled, Train(epochs=1), Problem("regression"))[0]
    other = fit(network("regression"), scaled, scaled, Train(epochs=1), Problem("regression", 10.0))[0]
    assert other["rmse"] == pytest.approx(one["rmse"] / 10)
    assert other["val_rmse"] == pytest.approx(one["val_rmse"] / 10)


def test_a_kill_within_an_epoch_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(windows, "WINDOW_BYTES", 2000)
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    settings = Train(epochs=3, batch_size=16, schedule="one_cycle", average=0.9)
    make = lambda: network("binary", dropout=0.3, batch_norm=True)  # noqa: E731
    whole = make()
    expected = fit(whole, sample("binary"), sample("binary", seed=9), settings, Problem("binary"))
    path, saved = tmp_path / "last.npz", []
    save = checkpoint.save

    def killing_save(place, state):
        save(place, state)
        saved.append((state.epoch, state.window))
        if state.epoch == 1 and state.window == 3:
            raise Killed

    monkeypatch.setattr(checkpoint, "save", killing_save)
    with pytest.raises(Killed):
        fit(
            make(), sample("binary"), sample("binary", seed=9), settings, Problem("binary"), FitOptions(checkpoint_path=path)
        )
    assert saved[-1] == (1, 3)
    monkeypatch.setattr(checkpoint, "save", save)
    second = make()
    history = fit(
        second,
        sample("binary"),
        sample("binary", seed=9),
        settings,
        Problem("binary"),
        FitOptions(checkpoint_path=path, resume=True),
    )
    for one, other in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(expected, history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_averaged_weights_are_the_moving_average():
    data, rate = sample("regression"), 0.05
    steps = []
    for count in range(1, 7):
        model = network("regression")
        first = model.get_weights()
        part = Arrays(data.x[: count * 30], data.y[: count * 30], data.weight[: count * 30], data.event_weight[: count * 30])
        fit(
            model,
            part,
            None,
            Train(epochs=1, batch_size=30, learning_rate=rate, keep="last"),
            Problem("regression"),
            FitOptions(shuffle=False),
        )
        steps.append(model.get_weights())
    expected = first
    for i, now in enumerate(steps, start=1):
        keep = min(0.4, (1 + i) / (10 + i))
        expected = [keep * old + (1 - keep) * new for old, new in zip(expected, now, strict=True)]
    averaged = network("regression")
    settings = Train(epochs=1, batch_size=30, learning_rate=rate, keep="last", average=0.4)
    fit(averaged, part, None, settings, Problem("regression"), FitOptions(shuffle=False))
    for one, other in zip(averaged.get_weights(), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_windows_and_epochs_share_one_program(monkeypatch):
    monkeypatch.setattr(windows, "WINDOW_BYTES", 5000)
    programs = []

    def recorded(*arguments, **settings):
        programs.append(compiled_window(*arguments, **settings))
        return programs[-1]

    monkeypatch.setattr(loop, "compiled_window", recorded)
    fit(network("binary"), sample("binary"), None, Train(epochs=3, batch_size=50), Problem("binary"))
    assert [program._cache_size() for program in programs] == [1]


@pytest.mark.parametrize("monitor", ["loss", "auc", "accuracy"])
def test_without_validation_events_the_epoch_of_the_lowest_training_loss_is_kept(monitor):
    """The training loss stands in for a metric that needs validation events: with its own direction."""
    rows = []

    def fit_once(epochs):
        model = network("binary")
        settings = Train(epochs=epochs, batch_size=50, learning_rate=0.3, optimizer="sgd", monitor=monitor)
        rows[:] = fit(model, sample("binary"), None, settings, Problem("binary"))
        return model.get_weights()

    kept = fit_once(6)
    key = "accuracy" if monitor == "accuracy" else "loss"
    values = [row[key] for row in rows]
    best = int(np.argmax(values) if key == "accuracy" else np.argmin(values)) + 1
    last = network("binary")
    settings = Train(epochs=best, batch_size=50, learning_rate=0.3, optimizer="sgd", keep="last")
    fit(last, sample("binary"), None, settings, Problem("binary"))
    for one, other in zip(kept, last.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_listener_hears_how_far_an_epoch_is(monkeypatch):
    monkeypatch.setattr(windows, "WINDOW_BYTES", 2000)
    data, settings = sample("binary"), Train(epochs=2, batch_size=16)
    heard, quiet, told = [], network("binary"), network("binary")
    fit(told, data, None, settings, Problem("binary"), FitOptions(on_window=heard.append))
    fit(quiet, data, None, settings, Problem("binary"))
    assert heard == sorted(heard)
    assert len(heard) > 4
    assert heard[0] < 0.5
    assert 1.5 < heard[-1] < 2
    for one, other in zip(told.get_weights(), quiet.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
