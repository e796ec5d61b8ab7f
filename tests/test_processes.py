"""Worker processes."""

import os
import subprocess
import sys

import pytest

from fivesigma.processes import pool

SCRIPT = """
print("script")
from fivesigma.processes import pool
with pool(2) as workers:
    print(sum(workers.map(abs, range(-10, 0))))
"""


def test_a_script_without_a_guard_starts_its_workers_once(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    run = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.split() == ["script", "55"]


def test_the_users_main_module_is_left_in_place():
    main = sys.modules["__main__"]
    with pool(1) as workers:
        assert workers.submit(os.getpid).result() != os.getpid()
    assert sys.modules["__main__"] is main


def test_a_worker_that_dies_is_an_error():
    from concurrent.futures.process import BrokenProcessPool

    with pool(1) as workers, pytest.raises(BrokenProcessPool):
        workers.submit(os._exit, 3).result(timeout=60)
