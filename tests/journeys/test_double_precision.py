"""The numbers of a run against a twin of its evaluation in double precision, which shares no code with it."""

import numpy as np
import pytest
from sklearn import metrics

import fivesigma as fs

TWIN_OF_SCORES = 2e-6
"""Largest difference of a score, in units of the scale of the scores."""
TWIN_OF_METRICS = 1e-6
"""Largest relative difference of a metric."""

pytestmark = pytest.mark.usefixtures("undrawn")


def twin(run, rows):
    """Scores of some events by the run's network, recipe included, in double precision."""
    network = run.network()
    recipe = network.recipe
    x = np.stack([rows[recipe.features[i]] for i in recipe.kept], axis=1).astype(np.float64)
    x = np.where(np.isnan(x), np.array(recipe.fill), x)
    x = (x - np.array(recipe.shift)) / np.array(recipe.scale)
    for layer in network.model.layers:
        if weights := layer.get_weights():
            x = x @ weights[0].astype(np.float64) + weights[1].astype(np.float64)
        name = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if name == "relu":
            x = np.maximum(x, 0)
        elif name == "sigmoid":
            x = 1 / (1 + np.exp(-x))
        elif name == "softmax":
            x = np.exp(x - x.max(axis=1, keepdims=True))
            x /= x.sum(axis=1, keepdims=True)
        else:
            assert name == "linear"
    x = x / network.target_scale + network.target_shift
    return x[:, 0] if x.shape[1] == 1 else x


def judged(command, toy, *settings):
    """A run, its predictions for the test, the rows of these events in their file, and the twin's scores."""
    place = command("run", toy, "--set", "train.epochs=2", *settings)[1].splitlines()[-1]
    run = fs.Run(place)
    predicted = run.predictions("test")
    table = np.genfromtxt("test.csv", delimiter=",", names=True)
    rows = table[np.searchsorted(table["event"], predicted["event_number"])]
    np.testing.assert_array_equal(rows["event"], predicted["event_number"])
    return run, predicted, rows, twin(run, rows)


def agree(run, name, wanted):
    assert run.metrics["test"][name]["value"] == pytest.approx(wanted, rel=TWIN_OF_METRICS), name


def test_two_classes(toy, command):
    run, predicted, rows, scores = judged(command, toy)
    np.testing.assert_allclose(predicted["score"], scores, rtol=0, atol=TWIN_OF_SCORES)
    weight, label = rows["w"], rows["label"]
    agree(run, "auc", metrics.roc_auc_score(label, scores, sample_weight=weight))
    agree(run, "log_loss", metrics.log_loss(label, scores, sample_weight=weight))
    agree(run, "accuracy", metrics.accuracy_score(label, scores >= 0.5, sample_weight=weight))


def test_several_classes(toy, command):
    classes = ("--set", "labels.variable=where(x0 > 1, 2, label)", "--set", "labels.names=[a, b, c]")
    run, predicted, rows, scores = judged(command, toy, *classes, "--set", "allow_truth=[label, x0]")
    for i, name in enumerate("abc"):
        np.testing.assert_allclose(predicted[f"score_{name}"], scores[:, i], rtol=0, atol=TWIN_OF_SCORES)
    target = np.where(rows["x0"] > 1, 2, rows["label"])
    agree(run, "log_loss", metrics.log_loss(target, scores, sample_weight=rows["w"]))
    agree(run, "f1_macro", metrics.f1_score(target, scores.argmax(axis=1), sample_weight=rows["w"], average="macro"))


def test_a_regression(toy, command):
    run, predicted, rows, scores = judged(
        command, toy, "--set", "labels=null", "--set", "target.variable=2 * x0 + 50 * x2 * x1"
    )
    target = 2 * rows["x0"] + 50 * rows["x2"] * rows["x1"]
    np.testing.assert_allclose(predicted["prediction"], scores, rtol=0, atol=TWIN_OF_SCORES * target.std())
    agree(run, "rmse", metrics.mean_squared_error(target, scores, sample_weight=rows["w"]) ** 0.5)
    agree(run, "mae", metrics.mean_absolute_error(target, scores, sample_weight=rows["w"]))
    agree(run, "r_squared", metrics.r2_score(target, scores, sample_weight=rows["w"]))
