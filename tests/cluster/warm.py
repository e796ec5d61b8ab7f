"""Processes that start at once: copies of one that has imported the libraries already.

A worker or a command imports for two seconds, and the tests start hundreds. The process that is copied has computed
nothing, so a copy does what a new one does, but for the number of threads of NumPy, which its import settles.
`tests/cluster`, `tests/cli` and FIVESIGMA_TEST_AS_USERS take new ones, and so do systems other than Linux, where not every
library may be copied.
"""

import atexit
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from multiprocessing import forkserver, process
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

from fivesigma.cluster.spawn import _interrupts_blocked, _without_main

IMPORTED = ["jax", "keras", "matplotlib.figure", "numpy", "polars", "pyarrow.parquet", "pydantic", "scipy.stats", "uproot"]


def _as_started(environment, target, arguments):
    os.environ.clear()
    os.environ.update(environment)
    target(*arguments)


def possible():
    """Whether processes are to be copied."""
    return not os.environ.get("FIVESIGMA_TEST_AS_USERS") and sys.platform == "linux"


def _get_ready():
    """Start the process that is copied, if it does not run yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "jax")
        multiprocessing.set_forkserver_preload(IMPORTED)
        forkserver.ensure_running()


class _Process(ForkServerProcess):
    def __init__(self, *, target, args, **more):
        super().__init__(target=_as_started, args=(dict(os.environ), target, args), **more)

    @staticmethod
    def _Popen(started):
        _get_ready()
        with _without_main(), _interrupts_blocked():
            return ForkServerProcess._Popen(started)


class Context(ForkServerContext):
    """As `fivesigma.cluster.spawn.Context`, but for how a process starts."""

    Process = _Process


class Command:
    """`fivesigma …` in a process of its own, as `subprocess.Popen` with pipes has it.

    Args:
        arguments: of the command.
        cwd: folder to run in.
        env: the whole environment.
    """

    def __init__(self, arguments, cwd=None, env=None):
        _get_ready()
        self.args = [str(argument) for argument in arguments]
        folder = tempfile.mkdtemp()
        self._printed, self._texts = [Path(folder, name) for name in ("out", "err")], ()
        place = (str(Path(cwd or ".").absolute()), dict(os.environ if env is None else env))
        with _without_main():
            self._process = ForkServerProcess(target=_command, args=(self.args, *place, self._printed))
            self._process.start()
        self.pid = self._process.pid
        # Nobody waits for it when the tests end: what is left then is killed.
        process._children.discard(self._process)
        _COMMANDS.append(self)

    @property
    def returncode(self):
        """Exit code, minus the signal that ended it, or None while it runs."""
        return self._process.exitcode

    def poll(self):
        """The same."""
        return self.returncode

    def send_signal(self, number):
        """Send a signal to the process, if it runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, timeout=None):
        """Wait for its end; gives the exit code."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        if not self._texts:
            self._texts = tuple(path.read_text(encoding="utf-8") if path.exists() else "" for path in self._printed)
            shutil.rmtree(self._printed[0].parent)
        return self.returncode

    def communicate(self, timeout=None):
        """Wait for its end; gives what it has printed, and what it has printed as errors."""
        self.wait(timeout)
        return self._texts


_COMMANDS = []


@atexit.register
def _kill_commands():
    for command in _COMMANDS:
        command.send_signal(signal.SIGKILL)


def _command(arguments, folder, environment, printed):
    """In the copy: become the leader of a group of processes, as a command of a shell, and run the command."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    os.chdir(folder)
    for number, path in enumerate(printed, start=1):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    from fivesigma.cli.main import main

    sys.argv = ["fivesigma", *arguments]
    try:
        main(arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        atexit._run_exitfuncs()


def command(*arguments, cwd=None, env=None):
    """Start `fivesigma …` in a process of its own; returns what `Popen` would."""
    if possible():
        return Command(arguments, cwd, env)
    every = [sys.executable, "-m", "fivesigma", *map(str, arguments)]
    return subprocess.Popen(every, stdout=-1, stderr=-1, text=True, cwd=cwd, env=env, start_new_session=True)
