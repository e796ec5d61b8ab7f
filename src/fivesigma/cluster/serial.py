"""Run tasks in this process, one after another, when their results are asked for."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from fivesigma.cluster.base import Executor, OnMessage, ignore, perform


class InThisProcess(Executor):
    """Runs each task when its result is requested, in the order of submission."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Hashable, Callable[..., Any], tuple[Any, ...]]] = deque()

    @property
    def workers(self) -> int:
        return 1

    @property
    def shares_memory(self) -> bool:
        return True

    def submit(self, key: Hashable, function: Callable[..., Any], *arguments: Any) -> None:
        self._waiting.append((key, function, arguments))

    def close(self) -> None:
        self._waiting.clear()

    def results(self, on_message: OnMessage = ignore) -> Iterator[tuple[Any, Any]]:
        while self._waiting:
            key, function, arguments = self._waiting.popleft()
            yield key, perform(function, arguments, lambda message, key=key: on_message(key, message))  # type: ignore[misc]
