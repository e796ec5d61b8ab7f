"""Tasks for the tests of the executors: functions of a module, as workers need them."""

import os
import signal
import time

import numpy as np

from fivesigma.cluster.base import tell
from fivesigma.errors import ColumnNotFound


def square(x):
    return x * x


def square_after(x, seconds):
    time.sleep(seconds)
    return x * x


def end_after(path, seconds):
    time.sleep(seconds)
    path.write_text("")


def talk(x):
    tell(x)
    tell({"twice": 2.0 * x})
    return x


def refuse():
    raise ColumnNotFound("jet_pT", "events.root", ["jet_pt"])


def divide_by_zero():
    return 1 / 0


def die(marks, times):
    """Kill the worker, the first `times` times; each death leaves a mark."""
    deaths = len(list(marks.iterdir()))
    if deaths < times:
        (marks / str(deaths)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return deaths


def threads():
    return os.environ["FIVESIGMA_THREADS"], os.environ["OMP_NUM_THREADS"]


def process():
    time.sleep(0.2)
    return os.getpid()


def arrays(size):
    """Arrays of every kind, nested, one of them twice."""
    one = np.arange(2.0 * size).reshape(size, 2)
    return {
        "plain": one,
        "again": [one],
        "strided": one[::2, 1],
        "fortran": np.asfortranarray(one),
        "empty": one[:0],
        "text": np.array(["a", "bc"]),
        "number": size,
    }
