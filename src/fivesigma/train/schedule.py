"""The optimiser with its learning-rate schedule."""

from typing import Any

from fivesigma.analysis import Train
from fivesigma.models.backend import keras


def optimizer_for(settings: Train, steps_per_epoch: int) -> Any:
    """A Keras optimiser as the `train` section asks for.

    Args:
        settings: optimiser, learning rate, schedule, clipping.
        steps_per_epoch: gradient steps in one epoch, which turn epochs into steps.
    """
    optimizers = keras().optimizers
    rate = learning_rate(settings, steps_per_epoch)
    more: dict[str, Any] = {"global_clipnorm": settings.clip_norm} if settings.clip_norm else {}
    if settings.weight_decay:
        more["weight_decay"] = settings.weight_decay
    match settings.optimizer:
        case "adam":
            return optimizers.Adam(rate, **more)
        case "adamw":
            return optimizers.AdamW(rate, **{"weight_decay": 0.0, **more})
        case _:
            return optimizers.SGD(rate, momentum=0.9, nesterov=True, **more)


def learning_rate(settings: Train, steps_per_epoch: int) -> Any:
    """A number, or a schedule: linear warm-up, then constant or the cosine.

    Source: Loshchilov and Hutter, arXiv:1608.03983, eq. (5), one cycle down to zero.
    """
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    if settings.schedule == "constant" and not warmup:
        return settings.learning_rate
    total = settings.epochs * steps_per_epoch
    return keras().optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else settings.learning_rate,
        decay_steps=max(total - warmup, 1),
        warmup_target=settings.learning_rate if warmup else None,
        warmup_steps=warmup,
        alpha=1.0 if settings.schedule == "constant" else 0.0,  # the share of the rate that is left at the end
    )
