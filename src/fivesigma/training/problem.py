"""What a network learns: the task, and the scale of a regression's target."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """The task of a training, and the scale of its target.

    Attributes:
        task: `binary`, `multiclass` or `regression`.
        scale, shift: the network of a regression learns (target − shift) × scale; 1 and 0 for classes.
    """

    task: str
    scale: float = 1.0
    shift: float = 0.0
