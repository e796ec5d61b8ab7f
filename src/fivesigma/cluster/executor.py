"""Choose where tasks run: in this process, in worker processes, or on a Dask cluster."""

from dataclasses import dataclass

from fivesigma.cluster.base import Executor
from fivesigma.cluster.cores import cores
from fivesigma.cluster.devices import device_count, needs_processes
from fivesigma.cluster.local import LocalProcesses
from fivesigma.cluster.serial import InThisProcess
from fivesigma.cluster.threads import DeviceThreads
from fivesigma.errors import ClusterError
from fivesigma.plugins import registered_here


def executor(
    workers: int | None = None,
    cluster: str | None = None,
    *,
    tasks: int | None = None,
    ahead: int = 0,
    single_core: bool = False,
) -> Executor:
    """Make an executor of tasks, to be used in a `with` statement.

    Args:
        workers: processes of this machine, by default one per core this process may use; 1 stays in
            this process.
        cluster: address of a Dask scheduler, such as `tcp://node:8786`, to use its workers instead.
        tasks: no more processes are started than there are tasks.
        ahead: for short tasks, how many wait at each local worker besides the one it works on.
        single_core: every task gets one device, such as a core, in a thread of this process where JAX sees a device for
            each worker, else a core in a process of its own: for tasks that train, whose results depend, in the last bit,
            on how many cores share a sum. Both give the same results.

    Raises:
        ClusterError: if there is no worker, or no scheduler answers at that address.
        MissingExtra: if `distributed` is not installed.

    >>> with executor(1) as pool:
    ...     for number in (2, 3):
    ...         pool.submit(number, pow, number, 10)
    ...     dict(pool.results())
    {2: 1024, 3: 59049}
    """
    if workers is not None and workers < 1:
        raise ClusterError(f"the number of workers must be at least 1, not {workers}", hint="leave it out to use every core")
    if cluster is not None:
        if workers is not None:
            raise ClusterError("give either a number of workers or a cluster", hint="a cluster has workers of its own")
        from fivesigma.cluster.dask import DaskCluster

        return DaskCluster(cluster)
    count = min(workers or cores(), max(tasks, 1) if tasks is not None else workers or cores())
    if single_core:
        return (
            LocalProcesses(count, ahead, threads=1) if needs_processes(count) else DeviceThreads(min(count, device_count()))
        )
    return InThisProcess() if count == 1 else LocalProcesses(count, ahead)


@dataclass(frozen=True)
class Workers:
    """Worker processes: those of this machine, or the workers of a Dask cluster.

    Attributes:
        count: processes of this machine; by default one per core.
        cluster: address of a Dask scheduler, such as `tcp://node:8786`, whose workers are used instead.
    """

    count: int | None = None
    cluster: str | None = None

    def executor(self, *, tasks: int | None = None, ahead: int = 0, single_core: bool = False) -> Executor:
        """Make an executor of tasks that train or score networks; the arguments are those of `executor`.

        Only this process knows the kinds that the calling script has registered, so it then runs the tasks itself.

        Raises:
            ClusterError: if there is no worker, or a cluster's workers would need such a kind.
        """
        if own := registered_here():
            if self.cluster is not None:
                raise ClusterError(
                    f"the workers of {self.cluster} do not know {own[0]}, which this script has registered",
                    hint="put it into a package with entry points (docs/extending.md), or leave out the cluster",
                )
            if not single_core:
                return InThisProcess()
            return DeviceThreads(min(self.count or cores(), tasks or cores(), device_count()))
        return executor(self.count, self.cluster, tasks=tasks, ahead=ahead, single_core=single_core)
