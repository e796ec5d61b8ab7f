"""Start processes safely from a script, a notebook, or beside JAX."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any


class _Process(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        with _without_main(), _interrupts_blocked():
            return SpawnProcess._Popen(process_obj)


class Context(SpawnContext):
    """Spawned processes that neither import the user's script again nor receive Ctrl-C.

    Spawned, not forked: the threads of JAX do not survive a fork. Python would import the main
    script in every worker, so that a script without `if __name__ == "__main__":` starts itself
    over and over; our workers need nothing of it. Ctrl-C reaches every process of a terminal; the
    parent alone answers it and ends its workers.
    """

    Process = _Process


@contextmanager
def _without_main() -> Iterator[None]:
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """A new process inherits the signal mask; an interrupt that comes meanwhile is delivered here afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which would unblock them when it is started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
