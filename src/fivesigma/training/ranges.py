"""Let the variables of a network see training events after an epoch, in one compiled program."""

from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from fivesigma.cluster.devices import Layout, Team
from fivesigma.models.stages import Arrays, Stages
from fivesigma.training.program_cache import cached_program
from fivesigma.training.windows import TARGET

ROWS = 1 << 13
"""Events of a call."""
SAMPLE = 1 << 16
"""Events that are enough to judge an epoch within a stage."""


def tracer(network: Any, stages: Stages) -> Callable[[Arrays, Arrays, Iterable[NDArray[np.float32]]], Arrays]:
    """Compile what finds the variables for some events.

    Args:
        network: the Keras model of the stages.
        stages: of its kind.

    Returns:
        (trainable, other, tables) → other. A table is [event, input + 3], as `Arrays.table` has it.
    """
    # The program depends on the network and on the kind of its stages alone, not on their strengths.
    # One device: the largest value among several would be a message between them for every call.
    team = Team(ROWS, alone=True, layout=Layout(1, all_threads=True))
    compiled = cached_program(
        network,
        ("trace", type(stages).__name__, team.layout),
        lambda: jax.jit(stages.trace, compiler_options=team.compiler_options),
    )

    def trace(trainable: Arrays, other: Arrays, tables: Iterable[NDArray[np.float32]]) -> Arrays:
        trainable, other = team.replicated((list(trainable), stages.reset(other)))
        for table in tables:
            for start in range(0, len(table), ROWS):
                x = table[start : start + ROWS, :TARGET]
                if len(x) < ROWS:  # an event that is seen again changes nothing
                    x = np.concatenate([x, np.broadcast_to(x[:1], (ROWS - len(x), x.shape[1]))])
                other = compiled(trainable, other, x)
        return [np.asarray(value) for value in other]

    return trace
