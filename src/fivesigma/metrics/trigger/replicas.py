"""Bootstrap replicas in which a hash of the event number says how often each event counts."""

import math

import numpy as np
from numpy.typing import NDArray

from fivesigma.hashing import uniform

SEED = 314_159
"""Keeps replicas independent of the split, which hashes the same numbers."""
_CUMULATIVE = np.cumsum([math.exp(-1) / math.factorial(k) for k in range(18)])


def counts(number: NDArray[np.uint64], replica: int) -> NDArray[np.float64]:
    """How often each event stands in a replica, [event]: Poisson with mean one.

    The count follows from a hash of the event number, so that every model is judged on the same replicas, whatever the
    order of its events; rows with one number, such as the two halves of an event, stay together. Resampling with
    Poisson counts is the bootstrap for samples whose size is itself random (Efron, Tibshirani, An Introduction to the
    Bootstrap, Chapman & Hall 1993, chapter 6; Hanley, MacGibbon, Comput. Methods Programs Biomed. 83 (2006) 57).

    Args:
        number: event numbers, [event].
        replica: which replica, from 0.

    >>> counts(np.arange(5, dtype=np.uint64), 0).tolist() == counts(np.arange(5, dtype=np.uint64), 0).tolist()
    True
    """
    return np.searchsorted(_CUMULATIVE, uniform(number, SEED + replica), side="right").astype(np.float64)
