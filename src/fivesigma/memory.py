"""The memory of this process: give back to the system what is free, and look for garbage seldom."""

import gc
import sys
from functools import cache
from typing import Any


def give_back() -> None:
    """Give free memory back, where the C library keeps it for later; nothing happens elsewhere.

    Threads that have sorted or parsed large columns leave hundreds of megabytes behind.

    >>> give_back()
    """
    trim = _trim()
    if trim is not None:
        trim(0)


def collect_seldom() -> None:
    """Look for garbage after 50,000 new objects instead of 700; in a process of our own only.

    The libraries make a million objects that stay, and Python would go through them again and again: it takes a twentieth
    of the time of a short command.
    """
    gc.set_threshold(50_000, 20, 50)


@cache
def _trim() -> Any:
    """`malloc_trim` of the GNU C library, or None."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return None
