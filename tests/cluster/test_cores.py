"""How many cores a process may use."""

import os

import pytest

from fivesigma.cluster.cores import cores, share


@pytest.fixture(autouse=True)
def eight(monkeypatch):
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def test_the_processor_mask(tmp_path):
    assert cores(tmp_path) == 8


def test_slurm(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert cores(tmp_path) == 3


@pytest.mark.parametrize(("text", "expected"), [("250000 100000", 2), ("50000 100000", 1), ("max 100000", 8)])
def test_the_quota_of_a_container(tmp_path, text, expected):
    (tmp_path / "cpu.max").write_text(text + "\n")
    assert cores(tmp_path) == expected


def test_the_quota_of_an_old_container(tmp_path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    for quota, expected in (("400000\n", 4), ("-1\n", 8)):
        (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
        assert cores(tmp_path) == expected


def test_a_share_is_at_least_one(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert [share(workers) for workers in (1, 2, 3, 5)] == [3, 1, 1, 1]
