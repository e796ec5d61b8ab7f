"""Who trains together: what launchers say, and what is wrong with what the user says."""

import os

import pytest

from fivesigma.cluster import multiprocess
from fivesigma.errors import FivesigmaError

SLURM = {"SLURM_JOB_ID": "7", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4"}
OPEN_MPI = {"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"}


@pytest.fixture
def launcher(monkeypatch):
    """A function that sets the environment of a launcher; what would connect is recorded instead."""
    for name in list(os.environ):
        if name.startswith(("SLURM", "OMPI")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FIVESIGMA_THREADS", "")
    monkeypatch.delenv("FIVESIGMA_THREADS")
    found = []
    monkeypatch.setattr(multiprocess, "_speak_for_the_runtime", lambda: None)
    monkeypatch.setattr(multiprocess, "_connect", lambda settings, given: found.append(settings))

    def launch(environment=(), cores=None):
        for name, value in dict(environment).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(multiprocess, "cores", lambda: cores or os.cpu_count())
        return found

    return launch


def test_nobody_is_alone_by_mistake(launcher):
    found = launch = launcher()
    assert not multiprocess.join()
    assert found == launch == []


@pytest.mark.parametrize(("environment", "method"), [(SLURM, "slurm"), (OPEN_MPI, "ompi")])
def test_launchers_are_found(launcher, environment, method):
    found = launcher(environment)
    assert multiprocess.join()
    assert found == [{"cluster_detection_method": method}]


def test_a_batch_script_with_many_tasks_is_not_a_step(launcher):
    launcher({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"})
    assert not multiprocess.join()


def test_processes_on_one_machine_share_its_cores(launcher):
    count = os.cpu_count()
    launcher(OPEN_MPI, cores=count)
    multiprocess.join()
    assert os.environ["FIVESIGMA_THREADS"] == str(max(1, count // 2))


def test_processes_with_cores_of_their_own_use_them(launcher):
    launcher(OPEN_MPI, cores=os.cpu_count() + 1)
    multiprocess.join()
    assert os.environ["FIVESIGMA_THREADS"] == str(os.cpu_count() + 1)


def test_an_address_needs_a_number_and_a_place(launcher):
    found = launcher(cores=8)
    assert multiprocess.join("localhost:1234", 4, 3)
    assert found == [{"coordinator_address": "localhost:1234", "num_processes": 4, "process_id": 3}]
    assert os.environ["FIVESIGMA_THREADS"] == "2"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("node:1", None, 0), "together"),
        ((None, 2, 0), "together"),
        (("node:1", 2, 2), "not one of 0 … 1"),
        (("node", 2, 0), "not host:port"),
    ],
)
def test_half_an_address_is_refused(launcher, arguments, text):
    launcher()
    with pytest.raises(FivesigmaError, match=text):
        multiprocess.join(*arguments)


def test_one_process_agrees_with_itself():
    assert multiprocess.agree("text") == "text"
    assert (multiprocess.rank(), multiprocess.processes()) == (0, 1)
    multiprocess.leave()


@pytest.mark.parametrize("text", ["UNKNOWN: Gloo AllGather failed: Read error", "UNAVAILABLE: socket closed"])
def test_a_broken_connection_is_a_sentence_whatever_its_type(monkeypatch, text):
    monkeypatch.setattr(multiprocess, "processes", lambda: 2)
    with pytest.raises(FivesigmaError, match="another process of this training is gone"), multiprocess.named_peer_errors():
        raise ValueError(text)


def test_another_error_stays_what_it_is(monkeypatch):
    monkeypatch.setattr(multiprocess, "processes", lambda: 2)
    with pytest.raises(ValueError, match="shape"), multiprocess.named_peer_errors():
        raise ValueError("wrong shape")
