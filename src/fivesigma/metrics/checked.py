"""Metrics for callers from outside: what they give is checked, and converted to arrays."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from fivesigma.errors import EventsError

P = ParamSpec("P")
R = TypeVar("R")

_ARRAYS = ("score", "prediction", "residual", "first", "second", "target", "weight")
"""Arguments with a number for each event; scores of several classes have a row."""


def checked(function: Callable[P, R], *, classes: bool = False) -> Callable[P, R]:
    """The same function for lists, columns of pandas and arrays, refusing in one sentence what has no meaning.

    Args:
        function: of some of score, prediction, residual, first, second, target and weight.
        classes: whether the target is the number of a class.

    >>> checked(lambda score, weight: float(score.sum()))([1, 2], [1, 1])
    3.0
    """
    signature = inspect.signature(function)

    @wraps(function)
    def call(*arguments: P.args, **options: P.kwargs) -> R:
        bound = signature.bind(*arguments, **options)
        arrays = {name: _numbers(name, value) for name, value in bound.arguments.items() if name in _ARRAYS}
        lengths = {name: len(values) for name, values in arrays.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
            raise EventsError(f"{function.__name__}: the arrays differ in their numbers of events: {listed}")
        if classes and "target" in arrays:
            scores = arrays.get("score", arrays.get("first"))
            _check_classes(arrays["target"], 2 if scores is None or scores.ndim == 1 else scores.shape[1])
        bound.arguments.update(arrays)
        return function(*bound.args, **bound.kwargs)

    call.__module__ = "fivesigma.metrics"  # where it is found, by pickle too
    return call


def _numbers(name: str, value: Any) -> NDArray[Any]:
    """An argument as an array of finite numbers, [event] or [event, class]."""
    if value is None:
        raise EventsError(f"{name} is None", hint="without event weights give ones: np.ones(len(score))")
    try:
        values = np.asarray(value)
        values = values if values.dtype.kind in "biuf" else values.astype(np.float64)
    except (TypeError, ValueError):
        raise EventsError(f"{name} holds something that is no number") from None
    if values.ndim == 0 or values.ndim > 2:
        raise EventsError(f"{name} has {values.ndim} dimensions; give one number for each event")
    absent = int((~np.isfinite(values)).reshape(len(values), -1).any(axis=1).sum())
    if absent:
        raise EventsError(f"{name} is missing or infinite in {absent:,} of {len(values):,} events", hint="leave them out")
    return values


def _check_classes(target: NDArray[Any], count: int) -> None:
    """Refuse targets that are no numbers of classes."""
    known = np.isin(target, np.arange(count))
    if not known.all():
        wanted = "0 (background) or 1 (signal)" if count == 2 else f"a whole number from 0 to {count - 1}"
        raise EventsError(f"target holds {target[~known][0]:g}; the number of a class is {wanted}")
