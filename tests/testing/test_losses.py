"""The suite of losses: every loss that there is keeps its rules, and one that breaks a rule is found."""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp
import pytest
from pydantic import BaseModel

from fivesigma import plugins
from fivesigma.analysis.section import Section
from fivesigma.testing import check_loss
from fivesigma.training.losses.base import CLASSES, REGRESSION, LossKind
from fivesigma.training.losses.huber import HUBER, Huber


@pytest.mark.parametrize("name", plugins.losses.names())
def test_every_loss_keeps_the_rules(name):
    check_loss(plugins.losses.get(name))


def test_settings_of_its_own_are_checked_too():
    check_loss(HUBER, Huber(delta=0.3))


class Squares(Section):
    """The squared error."""

    kind: Literal["squares"] = "squares"


class Loose(BaseModel):
    """Settings that take any key."""

    kind: Literal["squares"] = "squares"


class Nameless(Section):
    """Settings without a kind."""

    power: float = 2.0


def residual(outputs, target):
    return outputs[:, 0] - target


@jax.custom_jvp
def _square(x):
    return x**2


@_square.defjvp
def _wrong_slope(values, tangents):
    return values[0] ** 2, values[0] * tangents[0]


GOOD = LossKind("squares", Squares, REGRESSION, lambda settings, task, logits: lambda o, t: residual(o, t) ** 2)


@pytest.mark.parametrize(
    ("loss", "rule"),
    [
        (lambda o, t: (residual(o, t) ** 2).mean(), "not a number for each"),
        (lambda o, t: (o - t) ** 2, "not a number for each"),
        (lambda o, t: residual(o, t) ** 2 - jnp.mean(residual(o, t)), "the loss of an event depends on other events"),
        (lambda o, t: jnp.log(jnp.cosh(residual(o, t))), "of outputs of -10000 is not finite"),
        (lambda o, t: jnp.sqrt(jnp.maximum(residual(o, t), 0)), "the gradient|is not finite"),
        (lambda o, t: _square(residual(o, t)), "the gradient is not the slope"),
        (lambda o, t: -(residual(o, t) ** 2), "a right answer does not have a smaller loss"),
        (lambda o, t: residual(o, t) ** 2 if o[0, 0] > t[0] else t, "cannot be computed inside a compiled program"),
    ],
)
def test_a_loss_that_breaks_a_rule_is_found(loss, rule):
    with pytest.raises(AssertionError, match=rule):
        check_loss(dataclasses.replace(GOOD, make=lambda settings, task, logits: loss))


def test_a_loss_of_logits_that_is_given_probabilities_is_found():
    make = plugins.losses.get("cross_entropy").make
    wrong = LossKind("squares", Squares, CLASSES, lambda settings, task, logits: make(settings, task, False))
    with pytest.raises(AssertionError, match="a step towards the right one does not lower the loss"):
        check_loss(wrong)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"settings": Loose}, "the settings are no `Section`"),
        ({"settings": Nameless}, "the settings have no key `kind`"),
        ({"name": "cubes"}, "the default of the key `kind` is 'squares'"),
        ({"tasks": ("ranking",)}, "are not among"),
    ],
)
def test_a_kind_that_is_not_whole_is_found(changes, rule):
    with pytest.raises(AssertionError, match=rule):
        check_loss(dataclasses.replace(GOOD, **changes))


def test_the_loss_that_is_right_passes():
    check_loss(GOOD)
