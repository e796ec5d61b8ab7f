"""Contenders that take turns, and what their repetitions say."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

PAUSE = 0.3
"""Seconds between two turns: the threads of the last contender, which wait busily for a while, go to sleep."""


def alternate(
    contenders: Mapping[str, Callable[[], float]], repetitions: int, pause: float = PAUSE
) -> dict[str, list[float]]:
    """Let every contender run once, so many times; each repetition begins with another one.

    A slow minute of the machine then meets all of them, and the ratio of one repetition is fair.

    Returns:
        name → one number per repetition, as the contender returned it.
    """
    names = list(contenders)
    found: dict[str, list[float]] = {name: [] for name in names}
    for repetition in range(repetitions):
        first = repetition % len(names)
        for name in names[first:] + names[:first]:
            time.sleep(pause)
            found[name].append(contenders[name]())
    return found


def seconds_of(action: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


@dataclass(frozen=True)
class Spread:
    """The ratios of all repetitions in short: median, least, most and the standard error of the mean."""

    median: float
    least: float
    most: float
    error: float
    repetitions: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """What some repetitions say; values that are not finite count as the worst."""
        ordered = [value if math.isfinite(value) else 0.0 for value in values]
        error = statistics.stdev(ordered) / math.sqrt(len(ordered)) if len(ordered) > 1 else 0.0
        return cls(statistics.median(ordered), min(ordered), max(ordered), error, len(ordered))
