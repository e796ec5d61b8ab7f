"""Worker processes of this machine: alone, killed, interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tasks

from fivesigma.cluster.cores import cores
from fivesigma.cluster.local import LocalProcesses
from fivesigma.errors import ClusterError

SCRIPT = """
print("script")
from fivesigma.cluster.executor import executor
with executor(2) as pool:
    for i in range(-10, 0):
        pool.submit(i, abs, i)
    print(sum(result for _, result in pool.results()))
"""

# Workers of a script that is interrupted or killed while they sleep. A shell lets its jobs in the background ignore Ctrl-C,
# and so would the script if the tests are such a job.
SLEEPING = """
import signal
import time
signal.signal(signal.SIGINT, signal.default_int_handler)
from fivesigma.cluster.executor import executor
with executor(2) as pool:
    for i in range(4):
        pool.submit(i, time.sleep, 60 if i > 1 else 0)
    for _ in pool.results():
        print("ready", flush=True)
"""


def test_a_script_without_a_guard_starts_its_workers_once(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    run = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True, timeout=240)
    assert run.stdout.split() == ["script", "55"]


def test_the_users_main_module_is_left_in_place():
    main = sys.modules["__main__"]
    with LocalProcesses(1) as pool:
        pool.submit("pid", os.getpid)
        assert dict(pool.results())["pid"] != os.getpid()
    assert sys.modules["__main__"] is main


def test_a_worker_that_is_killed_costs_its_own_task_alone(tmp_path):
    """The other worker keeps its process and its task: nothing else is done twice."""
    (tmp_path / "a").mkdir()
    with LocalProcesses(2) as pool:
        pool.submit("long", tasks.process)
        pool.submit("killed", tasks.die, tmp_path / "a", 1)
        first = dict(pool.results())
        assert first["killed"] == 1
        for i in range(4):
            pool.submit(i, tasks.process)
        assert first["long"] in dict(pool.results()).values()


def test_tasks_that_wait_at_a_killed_worker_are_done_elsewhere(tmp_path):
    with LocalProcesses(2, ahead=1) as pool:
        pool.submit("killed", tasks.die, tmp_path, 2)
        for i in range(6):
            pool.submit(i, tasks.square_after, i, 0.05)
        assert dict(pool.results()) == {"killed": 2, **{i: i * i for i in range(6)}}


def test_a_task_that_always_kills_its_worker_is_named(tmp_path):
    with LocalProcesses(2) as pool:
        pool.submit("chunk 7", tasks.die, tmp_path, 99)
        with pytest.raises(ClusterError, match=r"chunk 7: its worker process died 3 times \(signal 9\)") as caught:
            list(pool.results())
    assert "memory" in caught.value.hint
    assert len(list(tmp_path.iterdir())) == 3


def test_what_is_finished_can_be_taken_without_waiting_for_the_rest(tmp_path):
    with LocalProcesses(1, ahead=8) as pool:
        assert list(pool.finished()) == []
        pool.submit("large", bytes, 10_000_000)  # more than a pipe holds: the worker waits until it is taken
        pool.submit("next", tasks.square, 3)
        pool.submit("long", tasks.end_after, tmp_path / "ended", 1)
        taken = []
        while len(taken) < 2:
            taken += pool.finished()
            time.sleep(0.01)
        assert [key for key, _ in taken] == ["large", "next"]
        assert list(pool.finished()) == []
        assert not (tmp_path / "ended").exists()
        assert [key for key, _ in pool.results()] == ["long"]
        pool.submit("wrong", tasks.divide_by_zero)
        with pytest.raises(ZeroDivisionError):
            while True:
                list(pool.finished())


def test_an_idle_worker_that_was_killed_is_replaced():
    with LocalProcesses(1) as pool:
        pool.submit("first", os.getpid)
        [(_, pid)] = pool.results()
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
        pool.submit("second", os.getpid)
        [(_, other)] = pool.results()
    assert other != pid


def test_a_worker_does_not_hear_ctrl_c():
    with LocalProcesses(1) as pool:
        pool.submit("first", os.getpid)
        [(_, pid)] = pool.results()
        os.kill(pid, signal.SIGINT)
        pool.submit("second", tasks.process)
        assert list(pool.results()) == [("second", pid)]


def test_what_cannot_be_pickled_is_an_error_not_a_hang():
    with LocalProcesses(1) as pool:
        pool.submit("lock", __import__("threading").Lock)
        with pytest.raises(TypeError, match="pickle"):
            list(pool.results())


def test_each_worker_has_its_share_of_the_cores(monkeypatch):
    for name in ("FIVESIGMA_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    with LocalProcesses(1) as pool:
        pool.submit("threads", tasks.threads)
        assert dict(pool.results())["threads"] == (str(cores()), str(cores()))
    monkeypatch.setenv("FIVESIGMA_THREADS", "7")
    with LocalProcesses(1, threads=1) as pool:
        pool.submit("threads", tasks.threads)
        assert dict(pool.results())["threads"] == ("7", "1")


def children_of(group):
    """Processes of a group that still run."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                state, _, pgrp = Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[:3]
            except OSError:
                continue
            if int(pgrp) == group and state != "Z":
                found.append(int(entry))
    return found


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="processes are listed in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["ctrl-c", "term", "kill"])
def test_no_worker_outlives_its_parent(tmp_path, how):
    path = tmp_path / "sleeping.py"
    path.write_text(SLEEPING)
    process = subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout.readline() == "ready\n"
    assert process.stdout.readline() == "ready\n"
    assert len(children_of(process.pid)) >= 3
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # as a terminal does: everyone hears it
    else:
        process.send_signal(how)
    _, errors = process.communicate(timeout=180)
    deadline = time.monotonic() + 60
    while children_of(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children_of(process.pid) == []
    assert errors.count("KeyboardInterrupt") <= 1, errors  # no worker says a word
