"""Bootstrap replicas in which a hash of the event number gives the multiplicity of each event."""

import math

import numpy as np
from numpy.typing import NDArray

from fivesigma.hashing import as_uniform, salted

SEED = 314_159
"""Seed that makes replicas independent of the split, which hashes the same numbers."""
_CUMULATIVE = np.cumsum([math.exp(-1) / math.factorial(k) for k in range(18)])
_BITS = 12
_EDGES = np.arange((1 << _BITS) + 1) / (1 << _BITS)
_LEAST = np.searchsorted(_CUMULATIVE, _EDGES[:-1], side="right").astype(np.float64)
"""Multiplicity at the lower end of each cell of numbers whose leading bits are the same."""
_UNSURE = np.searchsorted(_CUMULATIVE, _EDGES[1:], side="left") > _LEAST
"""Cells in which there are several multiplicities, seven of 4,096."""
_ROWS = 1 << 14
"""Events at a time, whose numbers stay in the processor's cache."""


def counts(number: NDArray[np.uint64], replica: int) -> NDArray[np.float64]:
    """Multiplicity of each event in a replica, [event]: Poisson with mean one.

    It follows from a hash of the event number, so that every model is evaluated on the same replicas, whatever the order
    of its events; rows with the same number, such as two muons of an event, stay together. Resampling with
    Poisson counts is the bootstrap for samples whose size is itself random (Efron, Tibshirani, An Introduction to the
    Bootstrap, Chapman & Hall 1993, chapter 6; Hanley, MacGibbon, Comput. Methods Programs Biomed. 83 (2006) 57).

    Args:
        number: event numbers, [event].
        replica: index of the replica.

    >>> counts(np.arange(5, dtype=np.uint64), 0).tolist() == counts(np.arange(5, dtype=np.uint64), 0).tolist()
    True
    """
    found = np.empty(len(number))
    for start in range(0, len(number), _ROWS):
        hashes = salted(number[start : start + _ROWS], SEED + replica)
        cell = (hashes >> np.uint64(64 - _BITS)).astype(np.intp)
        rows = found[start : start + _ROWS]
        np.take(_LEAST, cell, out=rows)
        unsure = np.flatnonzero(_UNSURE[cell])
        rows[unsure] = np.searchsorted(_CUMULATIVE, as_uniform(hashes[unsure]), side="right")
    return found
