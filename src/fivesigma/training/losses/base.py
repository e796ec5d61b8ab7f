"""What a loss is: settings, and a function of outputs and targets that JAX differentiates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fivesigma.analysis.section import Section

Loss = Callable[[Any, Any], Any]
"""(outputs [event, output], target [event]) → loss [event]; in `jax.numpy`."""

CLASSES, REGRESSION = ("binary", "multiclass"), ("regression",)


@dataclass(frozen=True)
class LossKind:
    """A loss; what a plug-in registers in the group `losses`.

    Attributes:
        name: what `train.loss` says.
        settings: a `Section` with a field `kind`, and the keys that the loss takes.
        tasks: the tasks it can train, among `binary`, `multiclass` and `regression`.
        make: (settings, task, from logits) → the loss. With logits, the outputs are those before the last sigmoid or
            softmax; without, they are the outputs of the last layer. A regression's outputs and targets are
            (value − shift) × scale, as `target.scale` says.
    """

    name: str
    settings: type[Section]
    tasks: tuple[str, ...]
    make: Callable[[Any, str, bool], Loss]
