"""Every executor keeps the same promises."""

import pickle

import numpy as np
import pytest
import tasks

from fivesigma.cluster.executor import executor
from fivesigma.cluster.local import LocalProcesses
from fivesigma.errors import ClusterError, ColumnNotFound, MissingExtra


def test_every_result_comes_once_under_its_key(pool):
    for i in range(7):
        pool.submit(i, tasks.square, i)
    assert sorted(pool.results()) == [(i, i * i) for i in range(7)]
    assert list(pool.results()) == []


def test_tasks_may_be_submitted_while_others_run(pool):
    pool.submit(1, tasks.square, 1)
    found = {}
    for key, result in pool.results():
        found[key] = result
        if key < 4:
            pool.submit(key + 1, tasks.square, key + 1)
    assert found == {1: 1, 2: 4, 3: 9, 4: 16}


def test_what_a_task_tells_is_heard_in_order_before_its_result(pool):
    heard = []
    for i in range(3):
        pool.submit(f"task {i}", tasks.talk, i)
    for key, _ in pool.results(lambda key, message: heard.append((key, message))):
        heard.append((key, "done"))
    for i in range(3):
        assert [message for key, message in heard if key == f"task {i}"] == [i, {"twice": 2.0 * i}, "done"]


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_arrays_arrive_as_they_are(pool, size):
    pool.submit("arrays", tasks.arrays, size)
    ((_, found),) = pool.results()
    wanted = tasks.arrays(size)
    assert found["number"] == size
    for name in ("plain", "strided", "fortran", "empty", "text"):
        np.testing.assert_array_equal(found[name], wanted[name])
        assert found[name].dtype == wanted[name].dtype
    if isinstance(pool, LocalProcesses):
        assert found["again"][0] is found["plain"]
        found["plain"] += 1


def test_an_error_of_the_user_arrives_as_it_was_raised(pool):
    pool.submit("bad", tasks.refuse)
    with pytest.raises(ColumnNotFound, match="no column 'jet_pT'") as caught:
        list(pool.results())
    assert caught.value.name == "jet_pT"
    assert "lists all 1" in caught.value.hint


def test_a_defect_arrives_as_it_was_raised(pool):
    pool.submit("bad", tasks.divide_by_zero)
    with pytest.raises(ZeroDivisionError):
        list(pool.results())


def test_the_number_of_workers_is_known(pool):
    assert pool.workers in (1, 2)


def test_one_worker_stays_in_this_process():
    assert not isinstance(executor(1), LocalProcesses)
    assert not isinstance(executor(8, tasks=1), LocalProcesses)
    assert executor(8, tasks=3).workers == 3


@pytest.mark.parametrize(("arguments", "text"), [((0,), "at least 1, not 0"), ((2, "tcp://127.0.0.1:1"), "either")])
def test_what_cannot_be_is_refused(arguments, text):
    with pytest.raises(ClusterError, match=text):
        executor(*arguments)


def test_without_the_extra_a_cluster_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"fivesigma\[cluster\]"):
        executor(cluster="tcp://127.0.0.1:8786")


def test_errors_survive_pickling():
    error = pickle.loads(pickle.dumps(ColumnNotFound("a", "file", ["b"])))
    assert (type(error), error.name, error.what) == (ColumnNotFound, "a", "no column 'a' in file")
