"""The devices that share a batch: cores of this machine, GPUs, or several processes through JAX's runtime."""

import hashlib
import os
import platform
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma.cache import cache_folder
from fivesigma.cluster.cores import cores

ROWS_PER_DEVICE = 512
"""Fewest rows of a batch that are worth a device of their own; below, exchanging gradients costs more than it saves."""


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
    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / f"xla-{_machine()}"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _started() -> bool:
    bridge = sys.modules.get("jax._src.xla_bridge")
    return bool(bridge and bridge.backends_are_initialized())


def _machine() -> str:
    """Describe what compiled programs depend on besides JAX itself: the processor's instruction set."""
    text = platform.machine() + platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        text += next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        pass
    return hashlib.sha256(text.encode()).hexdigest()[:8]


class Team:
    """The devices that share a batch, some of every process.

    Args:
        batch: events of a batch, all devices together.
        alone: use the devices of this process only, even if there are other processes.
    """

    def __init__(self, batch: int, alone: bool = False) -> None:
        import jax
        from jax.sharding import Mesh, NamedSharding, PartitionSpec

        self.processes = 1 if alone else jax.process_count()
        self.rank = 0 if alone else jax.process_index()
        mine = jax.local_devices()
        ranks = [jax.process_index()] if alone else range(self.processes)
        theirs = [[device for device in jax.devices() if device.process_index == rank] for rank in ranks]
        fewest = min(len(devices) for devices in theirs)
        self.per_process = max(1, min(fewest, batch // (self.processes * ROWS_PER_DEVICE)))
        chosen = [devices[: self.per_process] for devices in theirs]
        self.mine = [device for device in mine if any(device in row for row in chosen)]
        self.mesh = Mesh(np.array(chosen).ravel(), ("rows",))
        self.everywhere = NamedSharding(self.mesh, PartitionSpec())
        self.by_row = NamedSharding(self.mesh, PartitionSpec(None, "rows"))
        self.by_event = NamedSharding(self.mesh, PartitionSpec("rows"))
        on_cpu = mine[0].platform == "cpu"
        # One thread per device: several devices fill the cores, and a small batch is fastest on one core.
        one_thread = on_cpu and (len(mine) > 1 or threads() == 1)
        self.compiler_options: dict[str, Any] = {"xla_cpu_multi_thread_eigen": False} if one_thread else {}

    @property
    def size(self) -> int:
        """Number of devices, of all processes."""
        return self.processes * self.per_process

    def replicated(self, tree: Any) -> Any:
        """Copy every array to every device."""
        import jax

        def one(value: Any) -> Any:
            value = np.asarray(value)
            copies = [jax.device_put(value, device) for device in self.mine]
            return jax.make_array_from_single_device_arrays(value.shape, self.everywhere, copies)

        return jax.tree.map(one, tree)

    def shared(self, block: NDArray[np.float32]) -> Any:
        """Make this process's rows [step, row, column] its part of the array that all processes share."""
        import jax

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
