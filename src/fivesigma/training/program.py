"""A window of gradient steps as one compiled program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fivesigma.cluster.devices import Team
from fivesigma.training.losses.base import Loss

Variables = dict[str, Any]
"""`trainable`, `other`, `optimizer` and `average`: lists of arrays. What training changes."""


@dataclass(frozen=True)
class Step:
    """The ingredients of a gradient step.

    Attributes:
        network: a Keras model that gives logits or predictions.
        optimizer: a built Keras optimiser.
        loss: (outputs, target) → loss per event.
        task: `binary`, `multiclass` or `regression`.
        rate: step → learning rate relative to the largest.
        average: decay of the moving average of the weights; None for no average.
        decision_boundary: the output that separates two classes: 0 for a logit, 0.5 for a probability.
    """

    network: Any
    optimizer: Any
    loss: Loss
    task: str
    rate: Callable[[Any], Any]
    average: float | None
    decision_boundary: float


def compiled_window(step: Step, team: Team, many: bool = False) -> Callable[..., tuple[Variables, Any]]:
    """Compile a program for any number of gradient steps.

    Args:
        step: the ingredients of a step.
        team: the devices that share every batch.
        many: train several networks of this shape at once: variables, learning rate and sums then have a first
            axis over the networks.

    Returns:
        (variables, block, counts, steps, learning rate) → (variables, sums); `block` and `counts` are
        those of a `Window`. The sums are Σ w·loss, Σ w, Σ W·figure and Σ W, w being the training weight, W the
        event's own, and the figure 1 for a correct answer and 0 otherwise, or the squared error.
    """
    network, optimizer = step.network, step.optimizer
    iteration, learning_rate = _positions(optimizer)

    def objective(trainable: Any, other: Any, rows: Any, count: Any) -> Any:
        x, y, weight, event_weight = rows[:, :-3], rows[:, -3], rows[:, -2], rows[:, -1]
        outputs, other, penalties = network.stateless_call(trainable, other, x, training=True, return_losses=True)
        weighted = (weight * step.loss(outputs, y)).sum()
        figure = (event_weight * _figure(outputs, y, step.task, step.decision_boundary)).sum()
        sums = jnp.stack([weighted, weight.sum(), figure, event_weight.sum()])
        return weighted / count + sum(penalties) / parts, (other, sums)

    at_once = team.processes > 1 and not _has_moving_values(network)
    parts = team.size if at_once else 1  # every device adds its share of the penalties
    gradient = jax.grad(objective, has_aux=True)
    if at_once:
        gradient = _exchanged_at_once(gradient, team)

    def one_step(variables: Variables, sums: Any, rows: Any, count: Any, largest: Any) -> tuple[Variables, Any]:
        gradients, (other, more) = gradient(variables["trainable"], variables["other"], rows, count)
        state = list(variables["optimizer"])
        state[learning_rate] = (largest * step.rate(state[iteration])).astype(state[learning_rate].dtype)
        trainable, state = optimizer.stateless_apply(state, gradients, variables["trainable"])
        averaged = _averaged(variables["average"], trainable, state[iteration], step.average)
        return {"trainable": trainable, "other": other, "optimizer": state, "average": averaged}, sums + more

    def window(variables: Variables, block: Any, counts: Any, steps: Any, largest: Any) -> tuple[Variables, Any]:
        def body(i: Any, carry: Any) -> Any:
            variables, sums = carry
            return one_step(variables, sums, block[i], counts[i], largest)

        # The number of steps is not part of the program: a shorter last window needs no other one.
        result: tuple[Variables, Any] = jax.lax.fori_loop(0, steps, body, (variables, jnp.zeros(4)))
        return result

    same = team.everywhere
    program = jax.vmap(window, in_axes=(0, None, None, None, 0)) if many else window
    compiled: Callable[..., tuple[Variables, Any]] = jax.jit(
        program,
        **team.shardings((same, team.by_row, same, same, same), same),
        donate_argnums=0,
        compiler_options=team.compiler_options,
    )
    return compiled


def _has_moving_values(network: Any) -> bool:
    """Whether the network has averages over events, as batch normalisation does."""
    return any("float" in str(variable.dtype) for variable in network.non_trainable_variables)


def _exchanged_at_once(gradient: Callable[..., Any], team: Team) -> Callable[..., Any]:
    """Compute the same gradient with one message between the processes per step.

    The compiler would send every weight matrix in a message of its own, and the cost is in the number of messages. Batch
    normalisation needs more than sums of gradients, so it is left to the compiler. Each device draws its own dropout.
    """
    rows, same = jax.sharding.PartitionSpec("rows"), jax.sharding.PartitionSpec()

    def of_my_rows(trainable: Any, other: Any, block: Any, count: Any) -> Any:
        place = jax.lax.axis_index("rows").astype(jnp.uint32)
        mine = [value.at[0].add(place * SEED_STEP) for value in other]
        gradients, (after, sums) = gradient(trainable, mine, block, count)
        flat = jax.lax.psum(jnp.concatenate([part.ravel() for part in [*gradients, sums]]), "rows")
        ends = np.cumsum([part.size for part in [*gradients, sums]])[:-1]
        *parts, sums = jnp.split(flat, ends)
        gradients = [part.reshape(old.shape) for part, old in zip(parts, gradients, strict=True)]
        return gradients, ([value.at[0].add(-place * SEED_STEP) for value in after], sums)

    exchanged: Callable[..., Any] = jax.shard_map(
        of_my_rows, mesh=team.mesh, in_specs=(same, same, rows, same), out_specs=(same, (same, same)), check_vma=False
    )
    return exchanged


SEED_STEP = np.uint32(0x9E3779B9)
"""Keeps the dropout of one device apart from that of the next."""


def _positions(optimizer: Any) -> tuple[int, int]:
    """Where the number of steps and the learning rate stand among the optimiser's variables."""
    names = [variable.path.rsplit("/", 1)[-1] for variable in optimizer.variables]
    return names.index("iteration"), names.index("learning_rate")


def _averaged(before: Any, now: Any, step: Any, decay: float | None) -> Any:
    """Exponential moving average; a shorter one in the first steps, so that it forgets the random start."""
    if decay is None:
        return before
    keep = jnp.minimum(decay, (1 + step) / (10 + step)).astype(jnp.float32)
    return [keep * old + (1 - keep) * new for old, new in zip(before, now, strict=True)]


def _figure(outputs: Any, y: Any, task: str, decision_boundary: float) -> Any:
    """The quantity averaged besides the loss: correct or not, or the squared error, per event."""
    if task == "binary":
        return ((outputs[:, 0] > decision_boundary) == (y > 0.5)).astype(jnp.float32)
    if task == "multiclass":
        return (outputs.argmax(axis=1) == y.astype(jnp.int32)).astype(jnp.float32)
    return (outputs[:, 0] - y) ** 2
