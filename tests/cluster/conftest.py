"""Executors of every kind, each with two workers."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from fivesigma.cluster.executor import executor
from fivesigma.cluster.threads import DeviceThreads

# In a process of its own, which is ended with all that it has started: closing a LocalCluster in the process of the tests
# now and then waits for ever.
CLUSTER = """
import sys
import distributed
with distributed.LocalCluster(
    n_workers=int(sys.argv[1]), threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
) as cluster:
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""


@contextmanager
def scheduler(workers):
    """Address of a Dask scheduler of this machine."""
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", CLUSTER, str(workers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    ) as cluster:
        address = cluster.stdout.readline().strip()
        assert address, "the Dask cluster did not start"
        yield address
        os.killpg(cluster.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def dask_cluster():
    """Address of a Dask scheduler of this machine with two workers."""
    with scheduler(2) as address:
        yield address


@pytest.fixture
def lonely_scheduler():
    """Address of a Dask scheduler without workers."""
    with scheduler(0) as address:
        yield address


@pytest.fixture(params=["here", "threads", "processes", "dask"])
def pool(request):
    """Two workers, or this process."""
    if request.param == "dask":
        made = executor(cluster=request.getfixturevalue("dask_cluster"))
    elif request.param == "threads":
        made = DeviceThreads(2)
    else:
        made = executor({"here": 1, "processes": 2}[request.param])
    with made:
        yield made
