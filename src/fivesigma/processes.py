"""Worker processes that are safe to start from a script, a notebook, or beside JAX."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any


class _Process(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        with _without_main():
            return SpawnProcess._Popen(process_obj)


class Context(SpawnContext):
    """Spawned processes that do not import the user's script again.

    Spawned, not forked: the threads of JAX do not survive a fork. Python would import the main
    script in every worker, so that a script without `if __name__ == "__main__":` starts itself
    over and over; our workers need nothing of it.
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


def pool(
    workers: int,
    initializer: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
    context: Context | None = None,
) -> ProcessPoolExecutor:
    """An executor over worker processes of this machine.

    Args:
        workers: number of processes.
        initializer, arguments: called once in every worker.
        context: to share a counter with the workers, the context it was made with.
    """
    return ProcessPoolExecutor(
        workers, mp_context=context or Context(), initializer=_begin, initargs=(initializer, arguments)
    )


def _begin(initializer: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """In a worker: end when the parent is killed, which would otherwise leave it waiting for work for ever."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if initializer is not None:
        initializer(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
