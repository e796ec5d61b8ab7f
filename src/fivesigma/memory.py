"""The memory of this process: give back to the system what is free, keep large arrays in files, look for garbage seldom."""

import gc
import mmap
import shutil
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:  # every command imports this module, `--help` too
    from numpy.typing import NDArray


def give_back() -> None:
    """Give back what the C library keeps for later, and what has been read of arrays in files; where it can be done.

    Threads that have sorted or parsed large columns leave hundreds of megabytes behind.

    >>> give_back()
    """
    with _lock:
        pages = list(_in_files)
    for each in pages:
        each.madvise(mmap.MADV_DONTNEED)
    trim = _trim()
    if trim is not None:
        trim(0)


def in_file(values: "NDArray[Any]", folder: Path) -> "NDArray[Any]":
    """The same values, read-only, in a file that has no name and goes with them; the system reads what is needed of it.

    Args:
        values: that need no memory for a while.
        folder: on the disk where the file is; if less than four times their size is free, the values stay where they are.

    >>> import numpy as np
    >>> in_file(np.arange(3.0), Path(tempfile.gettempdir())).tolist()
    [0.0, 1.0, 2.0]
    """
    import numpy as np

    if not values.nbytes or _is_in_file(values) or not hasattr(mmap.mmap, "madvise"):
        return values
    values = np.ascontiguousarray(values)
    try:
        if shutil.disk_usage(folder).free < _ROOM * values.nbytes:
            return values
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(values.data)
            file.flush()
            pages = mmap.mmap(file.fileno(), values.nbytes, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return values  # no such disk: it has cost memory before, and does now
    with _lock:
        _in_files.add(pages)
    return np.frombuffer(pages, values.dtype).reshape(values.shape)


def _is_in_file(values: "NDArray[Any]") -> bool:
    base: Any = values
    while hasattr(base, "base"):
        base = base.base
    return isinstance(getattr(base, "obj", base), mmap.mmap)


_ROOM = 4
"""As many times the size of the values must be free on the disk."""
_in_files: WeakSet[mmap.mmap] = WeakSet()
_lock = threading.Lock()


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
