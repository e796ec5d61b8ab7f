"""Contenders in processes of their own, which stay alive and answer one request after the other.

Libraries quarrel over threads when they share a process, and some measure differently the second time. So each
contender gets a process, is warmed up once, and is then asked for one repetition at a time: contenders take turns.
Requests and answers are lines of JSON; what libraries print goes to a log that is only shown after a failure.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

ROOT = Path(__file__).parents[1]
STATUS = Path("/proc/self/status")


class WorkerFailed(Exception):
    """A contender could not do what it was asked for."""


class Worker:
    """A process that holds one object and calls its methods.

    Args:
        task: `module:Class`, made in the process.
        cores: processor cores it may use; all of them by default. Set before any library is loaded, so that
            libraries see a machine with so many cores.
        environment: environment variables in addition to those of this process.
        arguments: of the class, as JSON can hold them.
    """

    def __init__(
        self,
        task: str,
        *,
        cores: Collection[int] | None = None,
        environment: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the worker
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "PYTHONPATH": _search_path(), "KERAS_BACKEND": "jax", **(environment or {})},
        )
        self._send({"task": task, "arguments": arguments, "cores": sorted(cores) if cores else None})
        self.peak: float = 0.0
        try:
            self.result()
        except WorkerFailed:
            self.close()
            raise

    def call(self, method: str, **arguments: Any) -> Any:
        """Call a method and wait for what it returns."""
        self.start(method, **arguments)
        return self.result()

    def start(self, method: str, **arguments: Any) -> None:
        """Call a method without waiting, so that several workers can be busy at once."""
        self._send({"method": method, "arguments": arguments})

    def result(self) -> Any:
        """Wait for the answer to `start`; afterwards `peak` is the process's largest memory so far, in bytes."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"ended with exit code {self._process.wait()}"}
        if "error" in answer:
            self._log.seek(0)
            raise WorkerFailed(f"{answer['error']}\n{self._log.read()[-2000:]}")
        self.peak = answer["peak"]
        return answer["value"]

    def close(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # `result` says with which exit code the process ended
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()


def once(task: str, method: str, *, cores: Collection[int] | None = None, **arguments: Any) -> tuple[Any, float]:
    """What a method returns in a fresh process, and the largest memory that process needed, in bytes.

    Args:
        task: `module:Class`; the class takes no arguments.
        method: of the class, with `arguments`.
        cores: as for `Worker`.
    """
    with Worker(task, cores=cores) as worker:
        return worker.call(method, **arguments), worker.peak


def _search_path() -> str:
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def peak_memory() -> float:
    """The largest memory this process needed so far, in bytes, its finished children left out."""
    if STATUS.is_file():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) * 1024
    import resource

    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer requests until there are no more; the first one says what to make."""
    contender: Any = None
    for line in requests:
        request = json.loads(line)
        try:
            if contender is None:
                contender, value = _make(request), None
            else:
                value = getattr(contender, request["method"])(**request["arguments"])
            answer = {"value": value, "peak": peak_memory()}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
            import traceback

            traceback.print_exc()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _make(request: Mapping[str, Any]) -> Any:
    if request["cores"] is not None:
        os.sched_setaffinity(0, request["cores"])
    module, name = request["task"].split(":")
    return getattr(importlib.import_module(module), name)(**request["arguments"])


def main() -> None:
    """Serve the process that started this one, over standard input and output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not stand between the answers
    _serve(sys.stdin, answers)
    os._exit(0)  # some libraries keep threads that would hold the process up


if __name__ == "__main__":
    main()
