"""Run tasks in worker processes of this machine; a killed worker loses its own task only."""

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from fivesigma.cluster.base import Executor, OnMessage, ignore, perform
from fivesigma.cluster.cores import share
from fivesigma.cluster.spawn import Context
from fivesigma.errors import ClusterError
from fivesigma.extras import COMMAND
from fivesigma.memory import collect_seldom

DEATHS = 3
"""A task that has killed its worker so many times is given up."""

PATIENCE = 5.0
"""Seconds that a worker has to end when it is told to."""

_TOLD, _DONE, _FAILED = range(3)


@dataclass(eq=False)
class _Task:
    key: Hashable
    work: bytes
    deaths: int = 0


@dataclass(eq=False)
class _Worker:
    process: Any
    connection: Any
    tasks: deque[_Task] = field(default_factory=deque)
    """The first one is being worked on."""


class LocalProcesses(Executor):
    """A fixed number of worker processes, each with a pipe of its own.

    Nothing is shared between workers, so the death of one touches no other, and it is known which
    task it was working on. `concurrent.futures.ProcessPoolExecutor` would end all of them.

    Args:
        workers: number of processes; they are started as tasks come in.
        ahead: tasks waiting at each worker besides the one it works on; 1 for short tasks, so that no
            worker has to wait for this process.
        threads: of each worker; by default its share of the cores. The user's own setting comes first.
    """

    def __init__(self, workers: int, ahead: int = 0, threads: int | None = None) -> None:
        self._count, self._ahead = workers, ahead
        self._context = Context()
        self._waiting: deque[_Task] = deque()
        self._staff: list[_Worker] = []
        names = ("FIVESIGMA_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        self._environment = {COMMAND: "1", **dict.fromkeys(names, str(threads or share(workers)))}

    @property
    def workers(self) -> int:
        return self._count

    def submit(self, key: Hashable, function: Callable[..., Any], *arguments: Any) -> None:
        self._waiting.append(_Task(key, pickle.dumps((function, arguments))))
        self._assign()

    def results(self, on_message: OnMessage = ignore) -> Iterator[tuple[Any, Any]]:
        while self._waiting or any(worker.tasks for worker in self._staff):
            self._assign()
            yield from self._from(self._ready(None), on_message)

    def finished(self) -> Iterator[tuple[Any, Any]]:
        """Yield key and result of each task that has finished by now, without waiting for others.

        A worker waits until a large result is taken from it, and so does its next task.

        Raises:
            Exception, ClusterError: as `results`.
        """
        while ready := self._ready(0):
            yield from self._from(ready, ignore)

    def _ready(self, timeout: float | None) -> list[_Worker]:
        """Workers from which a message has arrived; waits for the first one, at most `timeout` seconds."""
        busy = {worker.connection: worker for worker in self._staff if worker.tasks}
        return [busy[connection] for connection in wait(list(busy), timeout)]

    def _from(self, ready: list[_Worker], on_message: OnMessage) -> Iterator[tuple[Any, Any]]:
        for worker in ready:
            if worker in self._staff:
                yield from self._receive(worker, on_message)

    def close(self) -> None:
        for worker in self._staff:
            worker.process.terminate()
        for worker in self._staff:
            worker.process.join(PATIENCE)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
        self._staff.clear()
        self._waiting.clear()

    def _assign(self) -> None:
        """Give waiting tasks to idle workers, and start workers that have not been started yet."""
        for depth in range(1 + self._ahead):
            while self._waiting:
                free = next((worker for worker in self._staff if len(worker.tasks) <= depth), None)
                if free is None and len(self._staff) < self._count:
                    free = self._hire()
                if free is None:
                    break
                self._give(free)

    def _hire(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._environment), daemon=True)
        process.start()
        theirs.close()
        self._staff.append(_Worker(process, ours))
        return self._staff[-1]

    def _give(self, worker: _Worker) -> None:
        task = self._waiting.popleft()
        try:
            worker.connection.send_bytes(task.work)
        except OSError:  # it died since its last task, or while reading this one
            self._waiting.appendleft(task)
            self._bury(worker)
        else:
            worker.tasks.append(task)

    def _receive(self, worker: _Worker, on_message: OnMessage) -> Iterator[tuple[Any, Any]]:
        """Take one message from a worker; a result, or the end of the worker, completes its first task."""
        try:
            kind, content = _received(worker.connection)
        except (EOFError, OSError):
            self._bury(worker)
            return
        if kind == _TOLD:
            on_message(worker.tasks[0].key, content)
            return
        task = worker.tasks.popleft()
        self._assign()
        if kind == _FAILED:
            raise content
        yield task.key, content

    def _bury(self, worker: _Worker) -> None:
        """Handle the death of a worker: its tasks run again, unless the first one has killed a worker too often."""
        self._staff.remove(worker)
        worker.connection.close()
        worker.process.join()
        if worker.tasks:
            first = worker.tasks[0]
            first.deaths += 1
            if first.deaths >= DEATHS:
                raise ClusterError(
                    f"{first.key}: its worker process died {DEATHS} times ({_cause(worker.process.exitcode)})",
                    hint="the machine may be short of memory: use fewer workers",
                )
        self._waiting.extendleft(reversed(worker.tasks))


def _cause(code: int | None) -> str:
    """Describe an exit code.

    >>> _cause(-9), _cause(3)
    ('signal 9', 'exit code 3')
    """
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _serve(connection: "Connection[Any, Any]", environment: dict[str, str]) -> None:
    """In a worker: run the tasks that come through the pipe until its other end is closed."""
    # Before NumPy or JAX is imported, which read these once. What the user has set stays.
    for name, value in environment.items():
        os.environ.setdefault(name, value)
    collect_seldom()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def told(message: Any) -> None:
        _send(connection, _packed((_TOLD, message)))

    with suppress(EOFError, OSError):
        while True:
            _send(connection, _answer(connection.recv_bytes(), told))


_Packed = tuple[bytes, list[Any]]
"""A pickle, and the arrays in it as they lie in memory: copied into the pipe and nowhere else."""


def _packed(message: Any) -> _Packed:
    arrays: list[pickle.PickleBuffer] = []
    text = pickle.dumps(message, protocol=5, buffer_callback=arrays.append)
    return text, [array.raw() for array in arrays]


def _send(connection: "Connection[Any, Any]", packed: _Packed) -> None:
    text, arrays = packed
    connection.send_bytes(pickle.dumps((text, [array.nbytes for array in arrays])))
    for array in arrays:
        connection.send_bytes(array)


def _received(connection: "Connection[Any, Any]") -> Any:
    """Read a whole message; its arrays are writable."""
    text, sizes = pickle.loads(connection.recv_bytes())
    arrays = [bytearray(size) for size in sizes]
    for array in arrays:
        connection.recv_bytes_into(array)
    return pickle.loads(text, buffers=arrays)


def _answer(work: bytes, told: Callable[[Any], None]) -> _Packed:
    """The pickled result of a task, or its pickled exception."""
    try:
        function, arguments = pickle.loads(work)
        return _packed((_DONE, perform(function, arguments, told)))
    except Exception as error:
        error.add_note(f"In a worker process:\n{''.join(traceback.format_exception(error))}")
        try:
            answer = pickle.dumps((_FAILED, error))
            pickle.loads(answer)
        except Exception:
            answer = pickle.dumps((_FAILED, RuntimeError(f"{type(error).__name__}: {error}")))
        return answer, []


def _end_with_parent() -> None:
    """End when the parent is killed; a worker in the middle of a task would otherwise finish it for nobody."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
