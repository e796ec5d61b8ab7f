"""Run tasks on a Dask cluster, whose scheduler repeats a task elsewhere when a worker dies."""

import logging
import os
import threading
import uuid
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from fivesigma import extras
from fivesigma.cluster.base import Executor, OnMessage, ignore, perform
from fivesigma.errors import ClusterError
from fivesigma.version import __version__

ANSWER_WITHIN = 8.0
"""Seconds that the scheduler has to answer."""

LOOK_EVERY = 1.0
"""Seconds between looks whether the scheduler is still there."""


class DaskCluster(Executor):
    """The workers of a Dask scheduler.

    Args:
        address: address of the scheduler, such as `tcp://node:8786`.

    Raises:
        ClusterError: if no scheduler answers there, or its workers have another version of fivesigma.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._distributed = extras.distributed()
        self._client = _connect(self._distributed, address)
        self._name = f"fivesigma-{uuid.uuid4().hex[:8]}"
        self._keys: list[Hashable] = []
        self._futures: dict[int, Any] = {}
        self._news: SimpleQueue[tuple[int, Any, bool]] = SimpleQueue()
        try:
            self._check_versions()
            self._client.subscribe_topic(self._name, lambda event: self._news.put((*event[1], False)))
        except BaseException:
            self.close()
            raise

    @property
    def workers(self) -> int:
        return max(1, sum(int(count) for count in self._client.nthreads().values()))

    @property
    def is_ready(self) -> bool:
        return bool(self._client.nthreads())

    def submit(self, key: Hashable, function: Callable[..., Any], *arguments: Any) -> None:
        number = len(self._keys)
        self._keys.append(key)
        future = self._client.submit(
            _work, self._name, number, function, arguments, key=f"{self._name}-{number}", pure=False
        )
        self._futures[number] = future
        future.add_done_callback(lambda _: self._news.put((number, None, True)))

    def results(self, on_message: OnMessage = ignore) -> Iterator[tuple[Any, Any]]:
        while self._futures:
            number, message, is_done = self._next()
            if number not in self._futures:
                continue  # told by a worker that was given up as dead
            if not is_done:
                on_message(self._keys[number], message)
                continue
            yield self._keys[number], self._result(number)

    def close(self) -> None:
        with suppress(Exception):
            if self._futures:
                self._client.cancel(list(self._futures.values()), force=True)
        self._futures.clear()
        with suppress(Exception):
            self._client.close(timeout=LOOK_EVERY)

    def _next(self) -> tuple[int, Any, bool]:
        while True:
            with suppress(Empty):
                return self._news.get(timeout=LOOK_EVERY)
            if self._client.status != "running":
                raise self._lost()

    def _result(self, number: int) -> Any:
        future = self._futures.pop(number)
        if future.status == "finished":
            return future.result()
        if future.status != "error":
            raise self._lost()
        error = future.exception()
        if isinstance(error, self._distributed.scheduler.KilledWorker):
            raise ClusterError(
                f"{self._keys[number]}: {error.allowed_failures + 1} workers of {self._address} died in it",
                hint="the workers may be short of memory or time; their logs say more",
            )
        raise error

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"the connection to the cluster {self._address} was lost", hint="the same command goes on where this one stopped"
        )

    def _check_versions(self) -> None:
        """Workers that join later are not checked; Dask itself reports a different version of Python or Dask."""
        try:
            found = set(self._client.run(_version).values())
        except Exception as error:
            raise ClusterError(
                f"the workers of {self._address} cannot use fivesigma: {' '.join(str(error).split())[:200]}",
                hint=f"install fivesigma {__version__} where they run",
            ) from None
        if found - {__version__}:
            raise ClusterError(
                f"the workers of {self._address} have fivesigma {', '.join(sorted(found))}, not {__version__}",
                hint="install the same version everywhere",
            )


def _connect(distributed: Any, address: str) -> Any:
    """Connect to the scheduler.

    In a thread, because Dask waits for ever if something else listens on the port."""
    # Dask logs every lost connection at length; what there is to say, the errors here say.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    outcome: SimpleQueue[Any] = SimpleQueue()

    def attempt() -> None:
        try:
            outcome.put(distributed.Client(address, timeout=ANSWER_WITHIN, set_as_default=False))
        except Exception as error:
            outcome.put(error)

    threading.Thread(target=attempt, daemon=True).start()
    try:
        found = outcome.get(timeout=ANSWER_WITHIN + 1)
    except Empty:
        found = TimeoutError("what listens there is no Dask scheduler")
    if isinstance(found, Exception):
        reason = " ".join(str(found).split())[:120] or type(found).__name__
        raise ClusterError(
            f"no Dask scheduler answers at {address} ({reason})",
            hint="start one with `dask scheduler`, and give the address it prints: --cluster tcp://host:8786",
        )
    return found


def _version() -> str:
    return __version__


def _work(topic: str, number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """On a worker: run a task; its messages go through the scheduler's event log."""
    import distributed

    # Before JAX is imported: Dask runs as many tasks at a time as a worker has threads.
    os.environ.setdefault("FIVESIGMA_THREADS", "1")
    worker = distributed.get_worker()
    return perform(function, arguments, lambda message: worker.log_event(topic, [number, message]))
