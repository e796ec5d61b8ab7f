"""The interface of an executor: submit independent tasks, and take each result as soon as it is ready."""

import abc
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from typing import Any, Self

OnMessage = Callable[[Any, Any], None]
"""`on_message(key, message)`: a task sent a message while it runs."""


def ignore(key: Hashable, message: Any) -> None:
    """Ignore every message."""


class Executor(abc.ABC):
    """Runs tasks; a context manager that leaves no worker behind.

    A task is a module-level function with arguments that can be pickled. It may run more than once, if
    its worker dies, so running it twice must do no harm.
    """

    @property
    @abc.abstractmethod
    def workers(self) -> int:
        """How many tasks can run at the same time."""

    @property
    def is_ready(self) -> bool:
        """Whether there are workers already."""
        return True

    @property
    def shares_memory(self) -> bool:
        """Whether tasks see this process's objects; otherwise they need large ones on disk."""
        return False

    @abc.abstractmethod
    def submit(self, key: Hashable, function: Callable[..., Any], *arguments: Any) -> None:
        """Submit `function(*arguments)`; `key`, unique among the tasks, names it in messages."""

    @abc.abstractmethod
    def results(self, on_message: OnMessage = ignore) -> Iterator[tuple[Any, Any]]:
        """Yield key and result of each task as it finishes, until none is left; more may be submitted meanwhile.

        Args:
            on_message: called in this process with every message that a task sends while it runs.

        Raises:
            Exception: what a task raised, of the type it raised.
            ClusterError: if a task killed its worker repeatedly, or the cluster is gone.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Drop the tasks that have not started, and stop those that are running."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Stopped(BaseException):
    """Raised within a task whose executor was closed; only the executor catches it."""


_channel: ContextVar[Callable[[Any], None] | None] = ContextVar("channel", default=None)
_closed: ContextVar[Callable[[], bool]] = ContextVar("closed", default=lambda: False)


def tell(message: Any) -> None:
    """Within a task: send a message (numbers, text, lists and mappings of them) to the process that waits for the result.

    Raises:
        Stopped: if nobody waits for it any more.
    """
    stop_if_closed()
    channel = _channel.get()
    if channel is not None:
        channel(message)


def stop_if_closed() -> None:
    """Within a task: end it if nobody waits for its result any more.

    Raises:
        Stopped: then.
    """
    if _closed.get()():
        raise Stopped


def perform(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    channel: Callable[[Any], None],
    closed: Callable[[], bool] = lambda: False,
) -> Any:
    """Run a task whose messages go through `channel`, until `closed` says that nobody waits for it.

    >>> perform(lambda x: tell("half way") or 2 * x, (21,), print)
    half way
    42
    """
    tokens = _channel.set(channel), _closed.set(closed)
    try:
        return function(*arguments)
    finally:
        _channel.reset(tokens[0])
        _closed.reset(tokens[1])
