"""Run tasks in threads of this process, each on a device of its own."""

import queue
import threading
from collections.abc import Callable, Hashable, Iterator
from functools import partial
from typing import Any

from fivesigma.cluster.base import Executor, OnMessage, Stopped, ignore, perform
from fivesigma.cluster.devices import alone_on, set_up

_TOLD, _DONE, _FAILED = range(3)


class DeviceThreads(Executor):
    """A fixed number of threads; the tasks of each compute on one device, such as a core, and on no other.

    XLA lets go of Python's lock, so threads that train networks fill as many cores. Compared with processes, no library is
    imported again, events need not be copied, and a network of a shape that another thread has trained is not traced again.

    A task ends at the next message it sends, or where it calls `base.stop_if_closed`, once the executor is closed.

    Args:
        workers: number of threads; they are started as tasks come in.
    """

    def __init__(self, workers: int) -> None:
        self._count = workers
        self._waiting: queue.SimpleQueue[tuple[Hashable, Callable[..., Any], tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[tuple[Any, int, Any]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._unfinished = 0
        self._closed = threading.Event()

    @property
    def workers(self) -> int:
        return self._count

    @property
    def shares_memory(self) -> bool:
        return True

    def submit(self, key: Hashable, function: Callable[..., Any], *arguments: Any) -> None:
        self._waiting.put((key, function, arguments))
        self._unfinished += 1
        if len(self._threads) < min(self._count, self._unfinished):
            set_up()
            number = len(self._threads)
            # A daemon: a command that is told to end does not wait for a compilation.
            thread = threading.Thread(target=self._work, args=(number,), name=f"device-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def results(self, on_message: OnMessage = ignore) -> Iterator[tuple[Any, Any]]:
        while self._unfinished:
            key, kind, content = self._news.get()
            if kind == _TOLD:
                on_message(key, content)
                continue
            self._unfinished -= 1
            if kind == _FAILED:
                raise content
            yield key, content

    def close(self) -> None:
        self._closed.set()
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._unfinished = 0

    def _work(self, number: int) -> None:
        """In a thread: run tasks until the executor is closed."""
        with alone_on(number):
            while not self._closed.is_set() and (task := self._waiting.get()) is not None:
                key, function, arguments = task
                try:
                    found = perform(function, arguments, partial(self._tell, key), self._closed.is_set)
                except Stopped:
                    return
                except BaseException as error:
                    self._news.put((key, _FAILED, error))
                else:
                    self._news.put((key, _DONE, found))

    def _tell(self, key: Hashable, message: Any) -> None:
        self._news.put((key, _TOLD, message))
