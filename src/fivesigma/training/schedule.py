"""The optimiser, and how its learning rate changes from step to step."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from fivesigma.analysis.train import Train
from fivesigma.models.backend import keras

RISE, START, END = 0.3, 1 / 25, 1e-6
"""One-cycle: share of the steps in which the rate rises, and its first and last value relative to the largest."""


def optimizer_for(settings: Train) -> Any:
    """Make the Keras optimiser of the `train` section; every training step sets its learning rate."""
    optimizers = keras().optimizers
    more: dict[str, Any] = {"global_clipnorm": settings.clip_norm} if settings.clip_norm else {}
    if settings.weight_decay:
        more["weight_decay"] = settings.weight_decay
    match settings.optimizer:
        case "adam":
            return optimizers.Adam(settings.learning_rate, **more)
        case "adamw":
            return optimizers.AdamW(settings.learning_rate, **{"weight_decay": 0.0, **more})
        case _:
            return optimizers.SGD(settings.learning_rate, momentum=0.9, nesterov=True, **more)


def doubts(settings: Train) -> list[str]:
    """Sentences on a warm-up that does nothing, or nothing but rise.

    >>> doubts(Train(schedule="one_cycle", warmup_epochs=2))
    ['train.warmup_epochs changes nothing here: the schedule one_cycle has a rise of its own']
    """
    if not settings.warmup_epochs:
        return []
    if settings.schedule == "one_cycle":
        return ["train.warmup_epochs changes nothing here: the schedule one_cycle has a rise of its own"]
    if settings.warmup_epochs >= settings.epochs:
        both = f"train.warmup_epochs ({settings.warmup_epochs:g}) is not below train.epochs ({settings.epochs})"
        return [f"the learning rate rises to the end of the training, as {both}"]
    return []


def relative_rate(settings: Train, steps_per_epoch: int, ends: Sequence[int] = ()) -> Callable[[Any], Any]:
    """The learning rate of a step, relative to `train.learning_rate`.

    Args:
        settings: schedule, epochs and warm-up.
        steps_per_epoch: gradient steps in one epoch, which turn epochs into steps.
        ends: epochs after which the schedule begins anew, the last one included; by default there is one schedule.

    Returns:
        step → factor, for a number or a JAX array. `constant` and `cosine` begin with a linear warm-up of
        `warmup_epochs`; the cosine goes down to zero (Loshchilov and Hutter, arXiv:1608.03983, eq. 5).
        `one_cycle` rises from 1/25 over the first 30 % of the steps and falls to 1e-6, both along a
        cosine (Smith and Topin, arXiv:1708.07120, with the annealing of fast.ai and PyTorch).

    >>> factor = relative_rate(Train(schedule="one_cycle", epochs=10), 100)
    >>> [round(float(factor(step)), 3) for step in (0, 300, 1000)]
    [0.04, 1.0, 0.0]
    """
    if len(ends) > 1:
        return _repeated(settings, steps_per_epoch, ends)
    total = settings.epochs * steps_per_epoch
    if settings.schedule == "one_cycle":
        rise = RISE * total
        return lambda step: jnp.where(
            step < rise, _cosine(START, 1.0, step / rise), _cosine(1.0, END, (step - rise) / (total - rise))
        )
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    end = 1.0 if settings.schedule == "constant" else 0.0
    return lambda step: jnp.where(
        step < warmup, step / max(warmup, 1), _cosine(1.0, end, (step - warmup) / max(total - warmup, 1))
    )


def _repeated(settings: Train, steps_per_epoch: int, ends: Sequence[int]) -> Callable[[Any], Any]:
    """One schedule after the other; only the first one begins with the warm-up."""
    starts = [0, *ends[:-1]]
    lengths = [end - start for start, end in zip(starts, ends, strict=True)]
    each = [
        relative_rate(
            settings.model_copy(update={"epochs": length, "warmup_epochs": 0.0 if i else settings.warmup_epochs}),
            steps_per_epoch,
        )
        for i, length in enumerate(lengths)
    ]

    def factor(step: Any) -> Any:
        value = each[0](step)
        for start, later in zip(starts[1:], each[1:], strict=True):
            value = jnp.where(step >= start * steps_per_epoch, later(step - start * steps_per_epoch), value)
        return value

    return factor


def _cosine(start: float, end: float, share: Any) -> Any:
    """From `start` to `end` along half a cosine, as `share` goes from 0 to 1."""
    return end + (start - end) * 0.5 * (1 + jnp.cos(math.pi * jnp.clip(share, 0, 1)))
