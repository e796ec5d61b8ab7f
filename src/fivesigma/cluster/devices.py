"""The devices that share a batch: cores of this machine, GPUs, or several processes through JAX's runtime."""

import hashlib
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.cache import cache_folder
from fivesigma.cluster.cores import cores
from fivesigma.errors import ClusterError

ROWS_PER_DEVICE = 512
"""Rows of a batch from which a device gets a share of it, where nothing was measured."""
ROWS_WORTH_A_TRIAL = 64
"""Rows of a device below which a split batch is not even tried."""


def threads() -> int:
    """Cores this process may use: FIVESIGMA_THREADS if it is set, otherwise all that are allowed."""
    given = os.environ.get("FIVESIGMA_THREADS", "")
    return int(given) if given.isdigit() and int(given) > 0 else cores()


@cache
def set_up() -> None:
    """Tell JAX, before it starts, to see every core as a device, and to keep compiled programs on disk.

    A small matrix product shared between threads wastes most of their time; each core with rows of its own
    does not. Where the user has started JAX already, its devices stay as they are.
    """
    import jax

    if not _started():
        jax.config.update("jax_num_cpu_devices", threads())
    place = cache_folder() / f"xla-{machine()}"
    if jax.config.jax_compilation_cache_dir is None and private(place):
        jax.config.update("jax_compilation_cache_dir", str(place))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.01)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def private(place: Path) -> bool:
    """Whether this user can write into a folder, and nobody else; it is made if it is not there.

    A compiled program is run as it comes from disk: whoever can write it could have anything run.
    """
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = place.stat()
        if hasattr(os, "getuid"):
            if state.st_uid != os.getuid():
                return False
            if state.st_mode & 0o022:
                place.chmod(0o700)
    except OSError:
        return False
    return os.access(place, os.W_OK | os.X_OK)


_thread = threading.local()


@contextmanager
def alone_on(number: int) -> Iterator[None]:
    """Within it, this thread shares its batches with one device of this process only, whatever other threads do.

    JAX's own default device stays: a program would be traced again for each.

    Args:
        number: of the device; counted on from the first one if there are not so many.
    """
    import jax

    mine = jax.local_devices()
    _thread.device = mine[number % len(mine)]
    try:
        yield
    finally:
        del _thread.device


def device_count() -> int:
    """Number of devices of this process; on a CPU, one for each core."""
    import jax

    set_up()
    return int(jax.local_device_count())


def needs_processes(workers: int) -> bool:
    """Whether so many workers need processes of their own: there are fewer devices, and these are cores.

    Processes would only compete for the memory of an accelerator.
    """
    import jax

    return device_count() < workers and jax.default_backend() == "cpu"


def devices_here() -> list[Any]:
    """The devices of this process that this thread may use."""
    import jax

    device = getattr(_thread, "device", None)
    return jax.local_devices() if device is None else [device]


def _started() -> bool:
    bridge = sys.modules.get("jax._src.xla_bridge")
    return bool(bridge and bridge.backends_are_initialized())


def machine() -> str:
    """Describe what compiled programs depend on besides JAX itself: the processor's instruction set."""
    text = platform.machine() + platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        text += next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        pass
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Layout:
    """How a batch is computed on the cores of this machine.

    The result of a training depends on it in the last bits: sums are added in another order.

    Attributes:
        devices: devices of each process that share a batch.
        all_threads: whether a device spreads its matrix products over all cores, or works on one.
    """

    devices: int = 1
    all_threads: bool = False

    def __str__(self) -> str:
        return f"{self.devices}x{'all' if self.all_threads else 1}"

    @classmethod
    def parse(cls, text: str) -> "Layout":
        """Read `2x1`, `1x1`, `1xall`, or `2` for `2x1`.

        Raises:
            ClusterError: for anything else.

        >>> str(Layout.parse("2")), Layout.parse("1xall")
        ('2x1', Layout(devices=1, all_threads=True))
        """
        devices, _, threads = text.strip().partition("x")
        if not devices.isdigit() or int(devices) < 1 or threads not in ("", "1", "all"):
            raise ClusterError(
                f"cannot read {text!r} as devices and threads",
                hint="write 1x1, 1xall or 2x1: devices, times threads of each",
            )
        return cls(int(devices), threads == "all")


def layout_of_user() -> Layout | None:
    """The layout that FIVESIGMA_DEVICES asks for, if it is set."""
    given = os.environ.get("FIVESIGMA_DEVICES", "")
    return Layout.parse(given) if given else None


def candidates(batch: int) -> list[Layout]:
    """Layouts that may be fastest for a batch; one if there is nothing to choose.

    Args:
        batch: events of a batch.
    """
    import jax

    mine = devices_here()
    if mine[0].platform != "cpu" or jax.process_count() > 1 or len(mine) == 1:
        return [Team(batch).layout]
    split = [Layout(len(mine))] if batch >= ROWS_WORTH_A_TRIAL * len(mine) else []
    return [Layout(1), Layout(1, all_threads=True), *split]


class Team:
    """The devices that share a batch, some of every process.

    Args:
        batch: events of a batch, all devices together.
        alone: use the devices of this process only, even if there are other processes.
        layout: how they share it; by default every device that gets enough rows has a share.
    """

    def __init__(self, batch: int, alone: bool = False, layout: Layout | None = None) -> None:
        import jax
        from jax.sharding import Mesh, NamedSharding, PartitionSpec

        mine, bound = devices_here(), hasattr(_thread, "device")
        alone = alone or bound
        self.processes = 1 if alone else jax.process_count()
        self.rank = 0 if alone else jax.process_index()
        everybody = range(self.processes)
        theirs = [mine] if alone else [[one for one in jax.devices() if one.process_index == rank] for rank in everybody]
        fewest = min(len(devices) for devices in theirs)
        wanted = batch // (self.processes * ROWS_PER_DEVICE) if layout is None else layout.devices
        self.per_process = max(1, min(fewest, wanted))
        chosen = [devices[: self.per_process] for devices in theirs]
        self.mine = [device for device in mine if any(device in row for row in chosen)]
        self.mesh = Mesh(np.array(chosen).ravel(), ("rows",))
        self.everywhere = NamedSharding(self.mesh, PartitionSpec())
        self.by_row = NamedSharding(self.mesh, PartitionSpec(None, "rows"))
        self.by_event = NamedSharding(self.mesh, PartitionSpec("rows"))
        on_cpu = mine[0].platform == "cpu"
        # One thread per device: several devices fill the cores, and a small batch is fastest on one core.
        all_threads = layout is not None and layout.all_threads and not bound
        one_thread = on_cpu and not all_threads and (bound or len(mine) > 1 or threads() == 1)
        self.compiler_options: dict[str, Any] = {"xla_cpu_multi_thread_eigen": False} if one_thread else {}
        self.layout = Layout(self.per_process, on_cpu and not one_thread)

    @property
    def size(self) -> int:
        """Number of devices, of all processes."""
        return self.processes * self.per_process

    def shardings(self, before: tuple[Any, ...], after: Any) -> dict[str, Any]:
        """How `jax.jit` shares arguments and results; nothing for one device, so that every device can use the program.

        Args:
            before: of the arguments.
            after: of the results.
        """
        return {} if self.size == 1 else {"in_shardings": before, "out_shardings": after}

    def replicated(self, tree: Any) -> Any:
        """Copy every array to every device."""
        import jax

        def one(value: Any) -> Any:
            value = np.asarray(value)
            if self.size == 1:
                return jax.device_put(value, self.mine[0])
            copies = [jax.device_put(value, device) for device in self.mine]
            return jax.make_array_from_single_device_arrays(value.shape, self.everywhere, copies)

        return jax.tree.map(one, tree)

    def shared(self, block: NDArray[np.float32]) -> Any:
        """Make this process's rows [step, row, column] its part of the array that all processes share."""
        import jax

        if self.size == 1:
            return jax.device_put(block, self.mine[0])
        parts = np.split(block, self.per_process, axis=1)
        pieces = [jax.device_put(part, device) for part, device in zip(parts, self.mine, strict=True)]
        shape = (block.shape[0], block.shape[1] * self.processes, *block.shape[2:])
        return jax.make_array_from_single_device_arrays(shape, self.by_row, pieces)


def local(tree: Any) -> Any:
    """This process's copy of replicated arrays, as NumPy arrays."""
    import jax

    return jax.tree.map(lambda array: np.asarray(array.addressable_data(0)), tree)


def gathered(column: NDArray[Any]) -> NDArray[Any]:
    """Concatenate the rows of all processes; the number of rows may differ between them."""
    from jax.experimental.multihost_utils import process_allgather

    lengths = np.asarray(process_allgather(np.array([len(column)], np.int32))).ravel()
    filled = np.zeros((int(lengths.max()), *column.shape[1:]), column.dtype)
    filled[: len(column)] = column
    everyone = np.asarray(process_allgather(filled))
    return np.concatenate([part[:length] for part, length in zip(everyone, lengths, strict=True)])
