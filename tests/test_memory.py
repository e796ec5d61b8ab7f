"""Memory goes back to the system, large arrays wait in files, and garbage is looked for seldom in processes of our own."""

import gc
import subprocess
import sys
from collections import namedtuple

import numpy as np
import pytest

from fivesigma import memory


def test_giving_back_is_harmless_everywhere(monkeypatch):
    memory.give_back()
    memory._trim.cache_clear()
    monkeypatch.setattr(memory.sys, "platform", "win32")
    memory.give_back()
    memory._trim.cache_clear()


def test_only_a_process_of_our_own_looks_for_garbage_seldom():
    before = gc.get_threshold()
    code = "import gc\nfrom fivesigma.cli import main\nmain.sys.argv = ['fivesigma', '--version']\ntry:\n    main.main()\n"
    code += "finally:\n    print(gc.get_threshold()[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "50000"
    import fivesigma  # noqa: F401

    assert gc.get_threshold() == before


@pytest.mark.parametrize(
    "values",
    [np.arange(12, dtype=np.float32).reshape(4, 3), np.arange(12).reshape(4, 3)[:, 1:], np.array([1.5]), np.zeros((0, 3))],
    ids=["table", "columns of a table", "one", "none"],
)
def test_values_in_a_file_are_the_same_before_and_after_memory_is_given_back(values, tmp_path):
    held = memory.in_file(values, tmp_path)
    for _ in range(2):
        np.testing.assert_array_equal(held, values)
        assert held.dtype == values.dtype
        memory.give_back()
    assert not list(tmp_path.iterdir())  # it has no name, so a process that is killed leaves nothing
    assert memory.in_file(held, tmp_path) is held


def test_values_in_a_file_are_not_in_memory_until_they_are_read(tmp_path):
    if not sys.platform.startswith("linux"):
        pytest.skip("the resident memory of a process is read from /proc")

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    values = np.ones(16_000_000)
    size = values.nbytes
    full = resident()
    values = memory.in_file(values, tmp_path)
    assert full - resident() > 0.8 * size
    values.sum()
    assert full - resident() < 0.2 * size
    memory.give_back()
    assert full - resident() > 0.8 * size
    assert values.sum() == len(values)


def test_without_a_disk_for_them_values_stay_where_they_are(tmp_path, monkeypatch):
    values = np.arange(5.0)
    assert memory.in_file(values, tmp_path / "none") is values
    monkeypatch.setattr(memory.shutil, "disk_usage", lambda folder: namedtuple("usage", "free")(100))
    assert memory.in_file(values, tmp_path) is values


def test_a_disk_that_is_full_costs_nothing_but_memory(tmp_path, monkeypatch):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *rest):
            pass

        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(memory.tempfile, "TemporaryFile", lambda dir: Full())
    values = np.arange(5.0)
    assert memory.in_file(values, tmp_path) is values
