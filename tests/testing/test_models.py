"""The suite of models: every kind of network keeps its rules, and one that breaks a rule is found."""

import dataclasses
from typing import Literal

import pytest

from fivesigma.analysis.section import Section
from fivesigma.models.backend import keras
from fivesigma.models.base import ModelKind
from fivesigma.models.custom import CUSTOM, custom
from fivesigma.models.mlp import MLP, Mlp
from fivesigma.testing import check_model


def test_the_perceptron_keeps_the_rules():
    check_model(MLP, Mlp(layers=[8], parameters="both", batch_norm=True, dropout=0.2, l2=1e-3))


class Small(Section):
    """One hidden layer."""

    kind: Literal["small"] = "small"


@keras().saving.register_keras_serializable()
class Centred(keras().layers.Layer):
    """Less the mean of all events of a call."""

    def call(self, x):
        return x - keras().ops.mean(x)


def network(inputs, *, seeded=True, link=True, outputs=0, last=True, middle=None):
    """A small network that can be made wrong in several ways."""
    k = keras()
    if seeded:
        k.utils.set_random_seed(inputs.seed)
    entry = k.Input((int(inputs),))
    x = k.layers.Dense(4, activation="relu")(entry if last else entry[:, :-1])
    x = x if middle is None else middle(k)(x)
    x = k.layers.Dense(outputs or inputs.outputs)(x)
    return k.Model(entry, k.layers.Activation(inputs.link if link else "linear")(x))


def test_a_network_of_a_script_keeps_the_rules(monkeypatch):
    monkeypatch.setattr("fivesigma.plugins.functions", {})
    check_model(CUSTOM, custom(network))


def test_a_kind_that_needs_settings_says_so():
    with pytest.raises(AssertionError, match="the settings need values; give `settings`"):
        check_model(CUSTOM)


GOOD = ModelKind("small", Small, lambda settings, inputs: network(inputs))


@pytest.mark.parametrize(
    ("ways", "rule"),
    [
        ({"seeded": False}, "the same seed gives other weights"),
        ({"link": False}, "not probabilities"),
        ({"outputs": 2}, "it must go from"),
        ({"last": False}, "the last input, which may be a parameter, changes nothing"),
        ({"middle": lambda k: k.layers.Lambda(lambda x: x * 2)}, "could not be read from a file again"),
        ({"middle": lambda k: Centred()}, "the output of an event depends on other"),
    ],
)
def test_a_model_that_breaks_a_rule_is_found(ways, rule):
    with pytest.raises(AssertionError, match=rule):
        check_model(dataclasses.replace(GOOD, build=lambda settings, inputs: network(inputs, **ways)))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"build": lambda settings, inputs: None}, "NoneType, not a keras.Model"),
        ({"build": lambda settings, inputs: keras().Sequential([keras().layers.Dense(1)])}, "without a shape"),
        ({"build": lambda settings, inputs: settings.layers}, "cannot be built for a sigmoid output and 0 parameters"),
        ({"label": lambda settings: ""}, "the label is ''"),
        ({"widest": lambda settings: 0}, "said to have 0 units"),
        ({"name": "large"}, "the default of the key `kind` is 'small'"),
    ],
)
def test_a_kind_that_is_not_whole_is_found(changes, rule):
    with pytest.raises(AssertionError, match=rule):
        check_model(dataclasses.replace(GOOD, **changes))


def test_the_model_that_is_right_passes():
    check_model(GOOD)
