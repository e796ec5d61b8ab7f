"""Ctrl-C and SIGTERM: the command ends within two seconds, whatever it is doing."""

import _thread
import atexit
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ExtensionFileLoader
from types import FrameType
from typing import Any

GRACE = 1.5
"""Seconds in which the command may end in good order."""
AGAIN = 0.05
"""Seconds after which an interrupt that Python has ignored is raised again."""

EXIT = {signal.SIGINT: 130, signal.SIGTERM: 143}
LINES = {130: "interrupted", 143: "terminated"}
HINT = "a training, a search, a preparation or a simulation of collisions goes on with the same command"


class Stopping:
    """What is known of a signal that ends the command.

    Attributes:
        code: exit code of the signal that has come, or None.
        again: whether `_watch` must raise the interrupt again, because Python ignored it or it came during an import.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        self.again = False
        self.hook = sys.unraisablehook

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal as Python handles Ctrl-C; during the import of a compiled module, after the import."""
        self.code = self.code or EXIT[signal.Signals(number)]
        if imports_compiled(frame):
            self.again = True
            return
        raise KeyboardInterrupt

    def ignored(self, unraisable: Any) -> None:
        """Handle an exception in a destructor or a callback, which Python would print and then ignore.

        After a signal, such exceptions come from half-made objects and mean nothing to a user: they are not printed. If
        Python has ignored the interrupt itself, it is raised again; without it the command would go on.
        """
        if self.code is None:
            self.hook(unraisable)
        elif issubclass(unraisable.exc_type, KeyboardInterrupt):
            self.again = True


def imports_compiled(frame: FrameType | None) -> bool:
    """Whether the import of a compiled module is on the stack.

    During such an import, C++ code calls Python; if a call raises an interrupt, the C++ code aborts the process.
    """
    while frame is not None:
        if frame.f_code in _COMPILED:
            return True
        frame = frame.f_back
    return False


_COMPILED = {method.__code__ for method in (ExtensionFileLoader.create_module, ExtensionFileLoader.exec_module)}


@contextmanager
def ending() -> Iterator[Stopping]:
    """Let SIGTERM end the command as Ctrl-C does, and both end it even while a library does not listen.

    Python handles a signal between two of its own instructions; a compilation of XLA is one of them and lasts seconds.
    """
    stopping = Stopping()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    before = {number: signal.signal(number, stopping) for number in EXIT}
    waking = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    ours.setblocking(True)
    threading.Thread(target=_watch, args=(ours, stopping), daemon=True).start()
    sys.unraisablehook = stopping.ignored
    try:
        yield stopping
    finally:
        sys.unraisablehook = stopping.hook
        signal.set_wakeup_fd(waking)
        for number, handler in before.items():
            signal.signal(number, handler)
        theirs.close()


def leave(code: int) -> None:
    """End this process at once, after its worker processes have ended and its temporary files are removed.

    `sys.exit` is not enough: if the interrupt was raised in code that Python compiled from a string, such as that of a
    dataclass, `python -m fivesigma` ends by SIGINT, whatever the exit code.
    """
    sys.unraisablehook = lambda unraisable: None
    with suppress(Exception, KeyboardInterrupt):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(code)


def _watch(ours: socket.socket, stopping: Stopping) -> None:
    """Wait for a signal; raise it again if `stopping` asks for it, and end the process if it does not end itself soon."""
    with ours:
        while found := ours.recv(1):
            code = EXIT.get(found[0])  # type: ignore[call-overload]
            if code is None:
                continue
            end = time.monotonic() + GRACE
            while time.monotonic() < end:
                time.sleep(AGAIN)
                if stopping.again:
                    stopping.again = False
                    _thread.interrupt_main()
            ours.setblocking(False)
            with suppress(BlockingIOError):
                while (more := ours.recv(64)) != b"":
                    del more
                return  # the other end is closed: the command has ended, or is about to
            for child in multiprocessing.active_children():
                child.kill()
            print(f"error: {LINES[code]}\n  hint: {HINT}", file=sys.stderr, flush=True)
            os._exit(code)
