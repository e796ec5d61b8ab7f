"""Hyperband: many settings for a few epochs, the better ones for longer.

Source: Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar, J. Mach. Learn. Res. 18 (2018) 185,
arXiv:1603.06560, algorithm 1.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Rung:
    """`count` settings of a bracket, each trained up to `epochs` in total."""

    count: int
    epochs: int


def brackets(max_epochs: int, factor: int) -> list[list[Rung]]:
    """The rungs of every bracket, the one with the most settings first.

    Args:
        max_epochs: epochs of a setting that survives to the end (R of the paper).
        factor: one in `factor` survives each rung (η of the paper).

    >>> [[(rung.count, rung.epochs) for rung in bracket] for bracket in brackets(9, 3)]
    [[(9, 1), (3, 3), (1, 9)], [(5, 3), (1, 9)], [(3, 9)]]
    """
    most = 0
    while factor ** (most + 1) <= max_epochs:
        most += 1
    result = []
    for s in range(most, -1, -1):
        count = math.ceil((most + 1) / (s + 1) * factor**s)
        result.append(
            [Rung(max(1, count // factor**i), max(1, round(max_epochs / factor ** (s - i)))) for i in range(s + 1)]
        )
    return result


def total_epochs(max_epochs: int, factor: int) -> int:
    """Total number of epochs; settings that survive a rung continue from where they stopped.

    >>> total_epochs(9, 3)
    69
    """
    total = 0
    for bracket in brackets(max_epochs, factor):
        before = 0
        for rung in bracket:
            total += rung.count * (rung.epochs - before)
            before = rung.epochs
    return total
