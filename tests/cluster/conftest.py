"""Executors of every kind, each with two workers."""

import sys
import warnings
from pathlib import Path

import pytest

from fivesigma.cluster.executor import executor

sys.path.insert(0, str(Path(__file__).parent))  # so that workers find `tasks`


@pytest.fixture(scope="session")
def dask_cluster():
    """Address of a Dask scheduler of this machine with two workers."""
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")  # of distributed and tornado, while it starts
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster:
            yield cluster.scheduler_address


@pytest.fixture(params=["here", "processes", "dask"])
def pool(request):
    """Two workers, or this process."""
    if request.param == "dask":
        made = executor(cluster=request.getfixturevalue("dask_cluster"))
    else:
        made = executor({"here": 1, "processes": 2}[request.param])
    with made:
        yield made
