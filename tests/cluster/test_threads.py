"""Threads of this process, each on a device of its own."""

import threading
import time

import jax
import numpy as np
import pytest

from fivesigma.analysis.train import Train
from fivesigma.cluster.base import stop_if_closed, tell
from fivesigma.cluster.devices import Layout, Team, candidates, device_count, devices_here
from fivesigma.cluster.executor import executor
from fivesigma.cluster.local import LocalProcesses
from fivesigma.cluster.threads import DeviceThreads
from fivesigma.models.base import Inputs
from fivesigma.models.mlp import Mlp, mlp
from fivesigma.training.member import initial
from fivesigma.training.program import Step, compiled_window
from fivesigma.training.program_cache import cached_program
from fivesigma.training.schedule import optimizer_for

two = pytest.mark.skipif(device_count() < 2, reason="JAX sees one device")


@two
def test_each_thread_computes_on_a_device_of_its_own():
    meeting = threading.Barrier(2, timeout=90)

    def task():
        meeting.wait()
        team = Team(4096)
        assert candidates(4096) == [team.layout] == [Layout(1, all_threads=False)]
        assert list(team.replicated({"a": np.ones(3)})["a"].devices()) == devices_here() == team.mine
        return team.mine[0].id

    with DeviceThreads(2) as pool:
        for i in range(2):
            pool.submit(i, task)
        assert sorted(device for _, device in pool.results()) == [0, 1]
    assert len(devices_here()) == device_count()


@two
def test_the_user_cannot_give_a_thread_more_than_its_device(monkeypatch):
    monkeypatch.setenv("FIVESIGMA_DEVICES", "1xall")
    with DeviceThreads(1) as pool:
        pool.submit(0, lambda: Team(4096, layout=Layout(2, all_threads=True)).layout)
        assert list(pool.results()) == [(0, Layout(1))]


def test_a_closed_executor_ends_its_tasks_and_starts_no_other():
    began, ended, later = threading.Event(), threading.Event(), threading.Event()

    def task():
        began.set()
        try:
            while True:
                stop_if_closed()
                time.sleep(0.005)
        finally:
            ended.set()

    with DeviceThreads(1) as pool:
        pool.submit(0, task)
        pool.submit(1, later.set)
        assert began.wait(20)
    assert ended.is_set()
    assert not later.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("device-")]


def test_a_message_that_nobody_waits_for_ends_a_task():
    told = []

    def task():
        while True:
            told.append(tell(1))
            time.sleep(0.005)

    pool = DeviceThreads(1)
    pool.submit(0, task)
    with pytest.raises(RuntimeError, match="stop here"):
        for _ in pool.results(lambda *_: (_ for _ in ()).throw(RuntimeError("stop here"))):
            pass
    pool.close()
    assert told


@two
def test_tasks_on_one_core_are_threads_where_there_are_devices_for_them():
    with executor(2, single_core=True) as pool:
        assert isinstance(pool, DeviceThreads)
    with executor(device_count() + 1, single_core=True) as pool:
        assert isinstance(pool, LocalProcesses)


def test_an_accelerator_is_not_shared_by_processes(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with executor(device_count() + 3, single_core=True) as pool:
        assert isinstance(pool, DeviceThreads)
        assert pool.workers == device_count()


@two
def test_a_network_of_one_shape_is_traced_once_by_all_threads():
    traced, meeting = [], threading.Barrier(2, timeout=90)

    def train(seed):
        meeting.wait()

        def loss(outputs, target):
            traced.append(seed)
            return (outputs[:, 0] - target) ** 2

        model = mlp(Mlp(layers=[4]), Inputs(3, seed=seed))
        optimizer = optimizer_for(Train())
        optimizer.build(model.trainable_variables)
        team = Team(64)
        step = Step(model, optimizer, loss, "regression", lambda step: 1.0, None, 0.5)
        program = cached_program(model, ("traced once",), lambda: compiled_window(step, team))
        variables = initial(model, optimizer, Train()).variables
        after, _ = program(
            team.replicated(variables), team.shared(np.ones((2, 64, 6), np.float32)), np.full(2, 64.0, np.float32), 2, 1e-3
        )
        return {device.id for device in after["trainable"][0].devices()}

    with DeviceThreads(2) as pool:
        for seed in range(4):  # an even number: they meet in pairs
            pool.submit(seed, train, seed)
        used = [devices for _, devices in pool.results()]
    assert set.union(*used) == {0, 1}
    assert len(traced) == 1
