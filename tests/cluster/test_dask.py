"""A real Dask scheduler with two workers on this machine."""

import socket

import pytest
import tasks

from fivesigma.cluster import dask
from fivesigma.cluster.executor import executor
from fivesigma.errors import ClusterError
from fivesigma.progress import Listener
from fivesigma.runs.context import RunContext
from fivesigma.verbs.base import check_cluster

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")


def test_a_worker_that_is_killed_loses_nothing(dask_cluster, tmp_path):
    with executor(cluster=dask_cluster) as pool:
        pool.submit("killed", tasks.die, tmp_path, 1)
        for i in range(4):
            pool.submit(i, tasks.square, i)
        assert dict(pool.results()) == {"killed": 1, **{i: i * i for i in range(4)}}


def test_a_task_that_always_kills_its_worker_is_named(dask_cluster, tmp_path):
    with executor(cluster=dask_cluster) as pool:
        pool.submit("chunk 7", tasks.die, tmp_path, 99)
        with pytest.raises(ClusterError, match=r"chunk 7: 4 workers of tcp://.* died in it"):
            list(pool.results())


def test_a_task_has_one_thread_as_dask_counts_them(dask_cluster, monkeypatch):
    with executor(cluster=dask_cluster) as pool:
        pool.submit("threads", tasks.threads)
        assert dict(pool.results())["threads"][0] == "1"


def test_leaving_does_not_wait_for_what_still_runs(dask_cluster, tmp_path):
    with executor(cluster=dask_cluster) as pool:
        pool.submit("long", tasks.end_after, tmp_path / "ended", 5)
    assert not (tmp_path / "ended").exists()


@pytest.mark.parametrize("address", ["nowhere", "tcp://127.0.0.1:1", "http://127.0.0.1:1"])
def test_an_address_where_nobody_answers_is_one_sentence(address, monkeypatch):
    monkeypatch.setattr(dask, "ANSWER_WITHIN", 0.5)
    with pytest.raises(ClusterError, match=f"no Dask scheduler answers at {address}") as caught:
        executor(cluster=address)
    assert "dask scheduler" in caught.value.hint


def test_an_address_where_something_else_listens_is_one_sentence(monkeypatch):
    monkeypatch.setattr(dask, "ANSWER_WITHIN", 0.5)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(ClusterError, match="no Dask scheduler"):
            executor(cluster=f"tcp://127.0.0.1:{listener.getsockname()[1]}")


def test_workers_with_another_version_are_refused(dask_cluster, monkeypatch):
    monkeypatch.setattr(dask, "__version__", "0.0.0")
    with pytest.raises(ClusterError, match=r"have fivesigma .*, not 0.0.0"):
        executor(cluster=dask_cluster)


def test_a_scheduler_without_workers_is_said(lonely_scheduler, dask_cluster, monkeypatch):
    monkeypatch.setattr("fivesigma.cluster.executor.registered_here", list)  # whatever other tests have registered
    said = []
    listener = Listener()
    listener.say = said.append
    for address in (dask_cluster, lonely_scheduler):
        check_cluster(RunContext.of(listener=listener, cluster=address))
    assert said == [f"the scheduler {lonely_scheduler} has no workers yet; tasks will wait until some have joined"]
