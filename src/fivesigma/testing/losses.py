"""Rules for every loss: one number per event, finite everywhere, with a gradient along which it falls."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.analysis.section import Section
from fivesigma.metrics.spec import TASKS
from fivesigma.testing.rules import check_settings, never_raises, require
from fivesigma.training.losses.base import Loss, LossKind

EVENTS = 200
STEP = 1e-2
"""Step of numerical derivatives; in single precision, shorter steps measure rounding."""


def check_loss(kind: LossKind, settings: Section | None = None) -> None:
    """Check a loss for each of its tasks, on logits and on outputs of the final activation.

    Args:
        kind: the loss.
        settings: its settings; by default those of the kind.

    Raises:
        AssertionError: with the rule that is broken.
    """
    check_settings(kind)
    require(kind.tasks and set(kind.tasks) <= set(TASKS), f"{kind.name}: the tasks {kind.tasks} are not among {TASKS}")
    chosen = kind.settings() if settings is None else settings
    for task in kind.tasks:
        # A regression has no logits: its outputs are the same for both.
        for from_logits in (True, False):
            with never_raises(f"{kind.name} cannot be made for a {task} task"):
                loss = kind.make(chosen, task, from_logits)
            probabilities = task != "regression" and not from_logits
            _check_shape(kind.name, loss, task, probabilities)
            _check_gradient(kind.name, loss, task, probabilities)
            _check_extremes(kind.name, loss, task, probabilities)
            _check_direction(kind.name, loss, task, probabilities)


def _outputs(task: str, probabilities: bool, seed: int = 1) -> NDArray[np.float32]:
    """Outputs as of a network, [event, output]."""
    drawn = np.random.default_rng(seed).normal(0, 1.5, (EVENTS, 3 if task == "multiclass" else 1))
    if not probabilities:
        return drawn.astype(np.float32)
    odds = np.exp(drawn)
    found = odds / odds.sum(axis=1, keepdims=True) if task == "multiclass" else odds / (1 + odds)
    return np.asarray(0.05 + 0.9 * found, np.float32)


def _target(task: str) -> NDArray[np.float32]:
    generator = np.random.default_rng(2)
    if task == "regression":
        return generator.normal(0, 1, EVENTS).astype(np.float32)
    return generator.integers(0, 3 if task == "multiclass" else 2, EVENTS).astype(np.float32)


def _values(name: str, loss: Loss, outputs: Any, target: Any) -> NDArray[np.float64]:
    import jax

    with never_raises(f"{name} cannot be computed inside a compiled program"):
        found = jax.jit(loss)(outputs, target)
    return np.asarray(found, np.float64)


def _gradient(loss: Loss, outputs: Any, target: Any) -> NDArray[np.float64]:
    import jax

    return np.asarray(jax.grad(lambda x: loss(x, target).sum())(outputs), np.float64)


def _check_shape(name: str, loss: Loss, task: str, probabilities: bool) -> None:
    outputs, target = _outputs(task, probabilities), _target(task)
    found = _values(name, loss, outputs, target)
    require(found.shape == (EVENTS,), f"{name} gives the shape {found.shape} for {EVENTS} events, not a number for each")
    require(np.isfinite(found).all(), f"{name} of usual outputs is not finite")
    some = _values(name, loss, outputs[:7], target[:7])
    require(np.allclose(some, found[:7], rtol=1e-5, atol=1e-6), f"{name}: the loss of an event depends on other events")


def _check_gradient(name: str, loss: Loss, task: str, probabilities: bool) -> None:
    outputs, target = _outputs(task, probabilities), _target(task)
    gradient, numerical = _gradient(loss, outputs, target), np.empty(outputs.shape)
    for i in range(outputs.shape[1]):
        step = np.zeros_like(outputs)
        step[:, i] = STEP
        up, down = (_values(name, loss, outputs + sign * step, target) for sign in (1, -1))
        numerical[:, i] = (up - down) / (2 * STEP)
    # Where a loss has a corner, the two may differ.
    agree = np.isclose(gradient, numerical, rtol=0.05, atol=2e-3).mean()
    require(agree > 0.95, f"{name}: the gradient is not the slope of the loss for {100 * (1 - agree):.0f} % of the outputs")
    # In the direction of steepest descent, and so short a way that the loss does not turn.
    lower = _values(name, loss, (outputs - 1e-3 * gradient).astype(np.float32), target)
    before = _values(name, loss, outputs, target)
    require((lower <= before + 1e-5).mean() > 0.99, f"{name}: a step against the gradient makes the loss larger")


def _check_extremes(name: str, loss: Loss, task: str, probabilities: bool) -> None:
    usual, target = _outputs(task, probabilities), _target(task)
    for extreme in (0.0, 1.0) if probabilities else (-1e4, 1e4):
        outputs = np.full_like(usual, extreme)
        values, slopes = _values(name, loss, outputs, target), _gradient(loss, outputs, target)
        require(np.isfinite(values).all(), f"{name} of outputs of {extreme:g} is not finite")
        require(np.isfinite(slopes).all(), f"{name}: the gradient at outputs of {extreme:g} is not finite")


def _check_direction(name: str, loss: Loss, task: str, probabilities: bool) -> None:
    """A right answer has a smaller loss than a wrong one, from which the loss falls towards it."""
    target = _target(task)
    if task == "regression":
        right, wrong = target[:, None], target[:, None] + np.where(np.arange(EVENTS) % 2, 2, -2)[:, None]
    else:
        index = target.astype(int)
        sides = [target, 1 - target] if task == "binary" else [np.eye(3)[index], np.eye(3)[index - 1]]
        right, wrong = (0.1 + 0.8 * side.reshape(EVENTS, -1) for side in sides)
        if not probabilities:
            right, wrong = (10 * (side - 0.5) for side in (right, wrong))
    right, wrong = (side.astype(np.float32) for side in (right, wrong))
    cost = [_values(name, loss, side, target) for side in (right, wrong)]
    require((cost[0] < cost[1]).all(), f"{name}: a right answer does not have a smaller loss than a wrong one")
    slope = (_gradient(loss, wrong, target) * (wrong - right)).sum(axis=1)
    require((slope > 0).all(), f"{name}: from a wrong answer, a step towards the right one does not lower the loss")
