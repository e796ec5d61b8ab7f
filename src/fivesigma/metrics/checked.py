"""Metrics for callers from outside: what they give is checked, and converted to arrays."""

import inspect
import math
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from fivesigma.errors import EventsError

P = ParamSpec("P")
R = TypeVar("R")

_ARRAYS = ("score", "prediction", "residual", "first", "second", "target", "values", "weight")
"""Arguments with a number for each event; scores of several classes have a row."""


Target = Literal["number", "two classes", "classes"]


def checked(
    function: Callable[P, R], target: Target, *, probabilities: bool = False, of_none: bool = False
) -> Callable[P, R]:
    """The same function for lists, columns of pandas and arrays, which refuses in one sentence what has no meaning.

    Args:
        function: of some of score, prediction, residual, first, second, target, values and weight.
        target: what the target is: a number, one of two classes, or one of as many classes as the score has columns.
        probabilities: whether scores have to be probabilities.
        of_none: whether it says itself what it is without events.

    >>> checked(lambda score, weight: float(score.sum()), "number")([1, 2], [1, 1])
    3.0
    """
    signature = inspect.signature(function)

    @wraps(function)
    def call(*arguments: P.args, **options: P.kwargs) -> R:
        try:
            bound = signature.bind(*arguments, **options)
        except TypeError as error:
            known, ones = ", ".join(signature.parameters), "without event weights give ones: np.ones(len(score))"
            hint = (
                f"it takes {known}" if options.keys() - signature.parameters.keys() or "weight" not in str(error) else ones
            )
            raise EventsError(f"{function.__name__}: {error}", hint=hint) from None
        arrays = {name: _numbers(name, value) for name, value in bound.arguments.items() if name in _ARRAYS}
        lengths = {name: len(values) for name, values in arrays.items() if values.ndim}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
            raise EventsError(f"{function.__name__}: the arrays differ in their numbers of events: {listed}")
        if 0 in lengths.values() and not of_none:
            raise EventsError(f"{function.__name__}: there are no events")
        for name, values in arrays.items():
            if name == "score" and values.ndim == 2 and values.shape[1] == 1:
                raise EventsError(
                    f"{function.__name__}: score has one column", hint="give one number for each event: score[:, 0]"
                )
            if values.ndim == 0 or values.ndim > (2 if name == "score" and target == "classes" else 1):
                raise EventsError(
                    f"{function.__name__}: {name} has {values.ndim} dimensions; give one number for each event"
                )
        if target != "number" and "target" in arrays:
            scores = arrays.get("score", arrays["target"])
            _check_classes(arrays["target"], 2 if scores.ndim == 1 else scores.shape[1])
        if probabilities:
            _check_probabilities(arrays["score"])
        if "threshold" in bound.arguments:
            bound.arguments["threshold"] = _number(function.__name__, bound.arguments["threshold"])
        if not isinstance(bound.arguments.get("bins", 1), int | np.integer):
            raise EventsError(
                f"{function.__name__}: {bound.arguments['bins']!r} is no number of bins", hint="give a whole number"
            )
        if "weight" in arrays:
            arrays["weight"] = _of_usual_size(arrays["weight"])
        bound.arguments.update(arrays)
        return function(*bound.args, **bound.kwargs)

    call.__module__ = "fivesigma.metrics"  # where it is found, by pickle too
    return call


def _number(function: str, threshold: Any) -> float:
    try:
        value = float(threshold)
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        raise EventsError(f"{function}: threshold is {threshold!r}, which is no number")
    return value


def _numbers(name: str, value: Any) -> NDArray[Any]:
    """An argument as an array of finite numbers."""
    if value is None:
        raise EventsError(f"{name} is None", hint="without event weights give ones: np.ones(len(score))")
    try:
        # What a mask hides is missing, whatever lies below it.
        masked = isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value)
        values = value.astype(np.float64).filled(np.nan) if masked else np.asarray(value)
        if values.dtype.kind in "cmM":
            raise TypeError
        # In double precision: squares of whole numbers overflow, and sums of millions of weights lose digits.
        if name == "weight" or values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
    except (TypeError, ValueError):
        raise EventsError(f"{name} holds something that is no number") from None
    events = len(values) if values.ndim else 1
    absent = int((~np.isfinite(values)).reshape(events, -1).any(axis=1).sum()) if values.size else 0
    if absent:
        raise EventsError(f"{name} is missing or infinite in {absent:,} of {events:,} events", hint="leave them out")
    return values


def _of_usual_size(weight: NDArray[Any]) -> NDArray[Any]:
    """Weights whose squares neither overflow nor vanish: where they would, all are multiplied by a power of two."""
    largest = float(np.abs(weight).max(initial=0.0))
    if largest == 0 or _SMALL < largest < 1 / _SMALL:
        return weight
    scaled: NDArray[Any] = np.ldexp(weight, -math.frexp(largest)[1])
    return scaled


_SMALL = 1e-100


def _check_probabilities(score: NDArray[Any]) -> None:
    """Refuse scores that are no probabilities, or do not add up to one."""
    if score.min() < -_ROUNDED or score.max() > 1 + _ROUNDED:
        worst = score.min() if score.min() < -_ROUNDED else score.max()
        raise EventsError(f"score holds {worst:.9g}; a probability lies between 0 and 1")
    if score.ndim == 2:
        sums = score.sum(axis=1, dtype=np.float64)
        if (off := np.abs(sums - 1)).max() > _OFF:
            raise EventsError(f"the scores of an event add up to {sums[off.argmax()]:g}; probabilities add up to 1")


_ROUNDED = 1e-6
"""How far a probability may be outside of 0 to 1: single precision rounds."""
_OFF = 1e-3
"""How far the sum of the probabilities of an event may be from 1: they may have been rounded, or kept in half precision."""


def _check_classes(target: NDArray[Any], count: int) -> None:
    """Refuse targets that are no numbers of classes."""
    known = np.isin(target, np.arange(count))
    if not known.all():
        wanted = "0 (background) or 1 (signal)" if count == 2 else f"a whole number from 0 to {count - 1}"
        raise EventsError(f"target holds {target[~known][0]:g}; the number of a class is {wanted}")
