"""Train one network in several processes, which meet at an address or are started by Slurm or Open MPI."""

import atexit
import ctypes
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fivesigma.cluster.cores import cores
from fivesigma.errors import FivesigmaError

HEARTBEAT_SECONDS = 30
"""A process that has been silent for so long counts as dead."""
START_SECONDS = 300
"""How long the processes wait for one another at the start."""
GRACE_SECONDS = 2
FAREWELL_SECONDS = 1
TEXT_BYTES = 1 << 16
_TRANSPORTS = ("Gloo", "NCCL", "UNAVAILABLE", "coordination")
_GONE = "another process of this training is gone"
_AGAIN = "start all of them again with the same command: it goes on from the last checkpoint"


def join(coordinator: str | None = None, processes: int | None = None, rank: int | None = None) -> bool:
    """Join the other processes of a training, if there are any; call this before anything is computed.

    Args:
        coordinator: `host:port` of the process of rank 0; by default, what Slurm or Open MPI set.
        processes: how many there are.
        rank: number of this process, from 0.

    Returns:
        Whether there are several processes.

    Raises:
        FivesigmaError: if only some of the three are given, or the other processes cannot be reached.
    """
    given = (coordinator, processes, rank)
    if coordinator is None and processes is None and rank is None:
        found = _launched()
        if found is None:
            return False
        method, local = found
        settings: dict[str, Any] = {"cluster_detection_method": method}
    elif coordinator is None or processes is None or rank is None:
        raise FivesigmaError(
            "training in several processes needs --coordinator, --processes and --process-id together",
            hint="inside `srun` or `mpirun` none of them is needed",
        )
    elif not 0 <= rank < processes:
        raise FivesigmaError(f"--process-id {rank} is not one of 0 … {processes - 1}")
    elif ":" not in coordinator or not coordinator.rsplit(":", 1)[1].isdigit():
        raise FivesigmaError(f"--coordinator {coordinator!r} is not host:port", hint="such as node01:1234")
    else:
        here = coordinator.rsplit(":", 1)[0] in ("localhost", "127.0.0.1", "[::1]")
        local = processes if here else 1
        settings = {"coordinator_address": coordinator, "num_processes": processes, "process_id": rank}
    os.environ.setdefault("FIVESIGMA_THREADS", str(max(1, cores() // local)))
    _speak_for_the_runtime()
    _connect(settings, given)
    return True


def _launched() -> tuple[str, int] | None:
    """The launcher of these processes, and how many of them share this machine without cores of their own."""
    environment = os.environ
    # Inside `srun`; in the batch script itself there is no step and only one of us.
    if int(environment.get("SLURM_STEP_NUM_TASKS", "1")) > 1 and "SLURM_PROCID" in environment:
        return "slurm", 1
    if int(environment.get("OMPI_COMM_WORLD_SIZE", "1")) > 1:
        unbound = cores() == os.cpu_count()
        return "ompi", int(environment.get("OMPI_COMM_WORLD_LOCAL_SIZE", "1")) if unbound else 1
    return None


def _connect(settings: dict[str, Any], given: tuple[Any, ...]) -> None:
    import jax

    # Otherwise the service would end all processes, with a trace, before one of them could say what happened.
    jax.config.update("jax_enable_recoverability", True)
    try:
        jax.distributed.initialize(
            **settings, initialization_timeout=START_SECONDS, heartbeat_timeout_seconds=HEARTBEAT_SECONDS
        )
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        where = f" at {given[0]}" if given[0] else ""
        raise FivesigmaError(
            f"the processes of this training did not find one another{where}: {reason}",
            hint="all must run the same command, with the same --coordinator and --processes",
        ) from None


def _speak_for_the_runtime() -> None:
    """Print one sentence where JAX's runtime would abort with a stack trace, as it does when the first process is gone.

    The runtime's own messages go to a file that is kept only in this case. The handler is written in C: one in
    Python would never run, because `abort` does not return.
    """
    handle, name = tempfile.mkstemp(prefix="fivesigma-runtime-", suffix=".log")
    streams = {1: sys.stdout, 2: sys.stderr}
    for number, stream in streams.items():
        stream.flush()
        kept = os.dup(number)
        os.dup2(handle, number)
        setattr(sys, "stdout" if number == 1 else "stderr", os.fdopen(kept, "w", buffering=1))
    os.close(handle)
    atexit.register(lambda: Path(name).unlink(missing_ok=True))
    terminal = sys.stderr.fileno()

    def aborted(_: int) -> None:
        time.sleep(GRACE_SECONDS)  # the main thread is about to say it better
        os.write(terminal, f"error: {_GONE} (see {name})\n  hint: {_AGAIN}\n".encode())
        os._exit(2)

    handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(aborted)
    _kept_alive.append(handler)
    ctypes.CDLL(None).signal(signal.SIGABRT, handler)


_kept_alive: list[Any] = []


def rank() -> int:
    """Number of this process: process 0 writes files and messages, the others only compute."""
    return _told()[0]


def processes() -> int:
    """Number of processes."""
    return _told()[1]


def _told() -> tuple[int, int]:
    if "jax" not in sys.modules:
        return 0, 1
    import jax

    if not jax.distributed.is_initialized():
        return 0, 1
    return jax.process_index(), jax.process_count()


def agree(text: str = "") -> str:
    """Return the text of process 0 in every process, after all of them have arrived here.

    Raises:
        FivesigmaError: if another process is gone.
    """
    if processes() == 1:
        return text
    import numpy as np
    from jax.experimental.multihost_utils import broadcast_one_to_all

    buffer = np.zeros(TEXT_BYTES, np.uint8)
    encoded = np.frombuffer(text.encode(), np.uint8)
    buffer[: len(encoded)] = encoded
    with named_peer_errors():
        result = np.asarray(broadcast_one_to_all(buffer))
    return bytes(result).rstrip(b"\0").decode()


def leave() -> None:
    """Leave the group of processes at the end of the common work; the first process leaves last."""
    if processes() > 1:
        import jax

        first = rank() == 0
        agree()
        if first:
            time.sleep(FAREWELL_SECONDS)  # the others sign off with this process
        jax.distributed.shutdown()


@contextmanager
def named_peer_errors() -> Iterator[None]:
    """Turn the failure of a collective operation into an error of one sentence."""
    import jax

    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        # The same broken connection is one or the other, depending on what was under way.
        lost = isinstance(error, jax.errors.JaxRuntimeError) or any(name in reason for name in _TRANSPORTS)
        if processes() == 1 or not lost:
            raise
        raise FivesigmaError(f"{_GONE} ({reason})", hint=_AGAIN) from None
