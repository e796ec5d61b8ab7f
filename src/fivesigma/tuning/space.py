"""The search space of an analysis: for each key, the values that may be tried."""

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fivesigma.analysis.analysis import Analysis
from fivesigma.analysis.file import load
from fivesigma.analysis.tune import Choice, FloatRange, IntRange
from fivesigma.errors import AnalysisError

Range = Choice | IntRange | FloatRange
Setting = dict[str, Any]
"""Dotted key → value: one point of the space, ready to override an analysis."""


def values_of(key: str, values: Range) -> list[Any]:
    """All values of a discrete range.

    Raises:
        AnalysisError: for a continuous range, which has no list of values, and for one of very many.
    """
    count = _count(values)
    if count is not None and count > MOST_VALUES:
        raise AnalysisError(
            f"tune.space: {key!r} has {count:,} values, too many for a grid",
            hint="give it a larger `step`, or another method",
        )
    if isinstance(values, Choice):
        return list(values.choice)
    if isinstance(values, IntRange):
        return list(range(values.int[0], values.int[1] + 1, values.step))
    if values.step is not None:
        low, high = values.float
        return [float_at(values, i) for i in range(steps_of(low, high, values.step))]
    raise AnalysisError(
        f"tune.space: {key!r} is continuous, so there is no grid of its values", hint="give it a `step`, or a `choice`"
    )


MOST_VALUES = 1_000_000
"""Values of one key in a grid, at most."""


def _count(values: Range) -> int | None:
    """Number of values, or None if the range is continuous."""
    if isinstance(values, Choice):
        return len(values.choice)
    if isinstance(values, IntRange):
        return (values.int[1] - values.int[0]) // values.step + 1
    return None if values.step is None else steps_of(*values.float, values.step)


def float_at(values: FloatRange, i: int) -> float:
    """The i-th value of a range with a step: 0.3 for three steps of 0.1, although 3 × 0.1 is a little more."""
    assert values.step is not None
    low, high = values.float
    return min(float(f"{low + i * values.step:.15g}"), high)


def steps_of(low: float, high: float, step: float) -> int:
    return math.floor((high - low) / step + 1e-9) + 1


def draw(space: Mapping[str, Range], generator: np.random.Generator) -> Setting:
    """Draw one point at random; logarithmic ranges are uniform in the logarithm."""
    return {key: _draw_value(values, generator) for key, values in space.items()}


def _draw_value(values: Range, generator: np.random.Generator) -> Any:
    if isinstance(values, Choice):
        return values.choice[int(generator.integers(len(values.choice)))]
    if isinstance(values, IntRange):
        low, high = values.int
        if values.log:
            return round(math.exp(generator.uniform(math.log(low), math.log(high))))
        return int(low + values.step * generator.integers((high - low) // values.step + 1))
    low_float, high_float = values.float
    if values.log:
        return math.exp(generator.uniform(math.log(low_float), math.log(high_float)))
    if values.step is not None:
        return float_at(values, int(generator.integers(steps_of(low_float, high_float, values.step))))
    return float(generator.uniform(low_float, high_float))


def check_values(analysis: Analysis) -> None:
    """Refuse values that no analysis can have, before anything is read.

    Every value of a choice and both ends of a range are tried, with the other settings as they are and, if that fails, at
    random points of the space, as some settings must fit each other.

    Raises:
        AnalysisError: naming the key and the value.
    """
    space = analysis.tune.space
    generator = np.random.default_rng(1)
    for key, values in space.items():
        for value in _ends(values):
            points = [{key: value}, *({**draw(space, generator), key: value} for _ in range(TRIED))]
            problems = []
            for point in points:
                try:
                    load(analysis, point)
                    break
                except AnalysisError as error:
                    problems.append(error)
            else:
                raise AnalysisError(f"tune.space: {key}={value!r}: {problems[0].what}", hint=problems[0].hint)


def _ends(values: Range) -> Sequence[Any]:
    """All values of a choice; of a range the first and the last that can be drawn."""
    if isinstance(values, Choice):
        return values.choice
    if isinstance(values, IntRange):
        low, high = values.int
        return low, high if values.log else low + (high - low) // values.step * values.step
    if values.step is not None:
        return float_at(values, 0), float_at(values, steps_of(*values.float, values.step) - 1)
    first, last = values.float
    return first + INSIDE * (last - first), last - INSIDE * (last - first)


INSIDE = 1e-6
"""A continuous range is tried so far inside its ends, which are never drawn."""
TRIED = 5
"""Random points at which a value is tried that does not fit the settings of the analysis."""


def size(space: Mapping[str, Range]) -> int | None:
    """Number of points, or None if a range is continuous."""
    counts = [_count(values) for values in space.values()]
    return None if None in counts else math.prod(count for count in counts if count is not None)


def grid(space: Mapping[str, Range]) -> Iterator[Setting]:
    """Every point of a discrete space; the last key varies fastest."""
    lists = [values_of(key, values) for key, values in space.items()]
    for point in itertools.product(*lists):
        yield dict(zip(space, point, strict=True))


def distinct(space: Mapping[str, Range], count: int, seed: int, known: Collection[Setting] = ()) -> list[Setting]:
    """`count` different points in random order; all points if the space is smaller.

    Args:
        space: key → range.
        count: number of points.
        seed: the same seed draws the same points.
        known: points that are not wanted again.
    """
    generator = np.random.default_rng(seed)
    total, old = size(space), {repr(point) for point in known}
    if total is not None and total <= 4 * (count + len(old)):
        points = [point for point in grid(space) if repr(point) not in old]
        order = generator.permutation(len(points))
        return [points[i] for i in order[:count]]
    found: dict[str, Setting] = {}
    while len(found) < count:
        point = draw(space, generator)
        if repr(point) not in old:
            found.setdefault(repr(point), point)
    return list(found.values())
