"""A simulation of collisions that was killed goes on, and ends with the same bytes."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from fivesigma.simulation import resonance
from fivesigma.simulation.chunk_store import ChunkStore
from fivesigma.simulation.resonance import ResonanceSettings, simulate

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

SETTINGS = ResonanceSettings(events=600, masses=(750.0,))

# No guard by __name__: a user's script has none.
SCRIPT = """
import sys
from pathlib import Path
from fivesigma.analysis.simulate import ResonanceSimulation
from fivesigma.cluster.executor import Workers
from fivesigma.runs.source import simulate_to
from fivesigma.progress import Listener
from fivesigma.simulation import resonance
resonance.CHUNK_EVENTS["parton"] = 100
settings = ResonanceSimulation(process="resonance", events=700, masses=[750.0])
simulate_to(settings, Path(sys.argv[1]), Listener(), workers=Workers(int(sys.argv[2])))
"""


def start(path, workers):
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(path), str(workers)], start_new_session=True)


def count(folder):
    return len(list(folder.glob("[0-9a-f]*.npz"))) if folder.is_dir() else 0


def group_is_gone(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of the file that an undisturbed process writes."""
    path = tmp_path_factory.mktemp("whole") / "whole.parquet"
    assert start(path, 1).wait() == 0
    assert [entry.name for entry in path.parent.iterdir()] == ["whole.parquet"]
    return path.read_bytes()


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_resumed_is_the_same_file(tmp_path, whole, workers):
    broken = tmp_path / "broken.parquet"
    parts = tmp_path / "broken.parquet.parts"
    process = start(broken, workers)
    while count(parts) < 2:
        assert process.poll() is None, "finished before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # The workers notice that their parent is gone, and end.
    deadline = time.monotonic() + 60
    while not group_is_gone(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert group_is_gone(process.pid)
    assert not broken.exists()
    kept = {path: path.stat().st_mtime_ns for path in parts.glob("[0-9a-f]*.npz")}
    assert 2 <= len(kept) < 7
    again = start(broken, workers)
    while count(parts) <= len(kept) and again.poll() is None:
        time.sleep(0.02)
    assert all(path.stat().st_mtime_ns == made for path, made in kept.items() if path.exists())
    assert again.wait() == 0
    assert broken.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["broken.parquet"]


@pytest.mark.usefixtures("small_batches")
def test_a_store_changes_nothing_and_is_used(tmp_path, monkeypatch):
    monkeypatch.setitem(resonance.CHUNK_EVENTS, "parton", 100)
    fresh = simulate(SETTINGS, workers=1)
    calls = []
    first = simulate(SETTINGS, workers=1, store=tmp_path / "parts")
    made = sorted((tmp_path / "parts").iterdir())
    assert len(made) == 6
    made[0].unlink()
    made[1].write_bytes(made[1].read_bytes()[:500])
    real = resonance.make_chunk
    monkeypatch.setattr(resonance, "make_chunk", lambda *a: calls.append(a[1].number) or real(*a))
    progress = []
    second = simulate(SETTINGS, workers=1, store=tmp_path / "parts", progress=lambda d, n, _: progress.append((d, n)))
    assert len(calls) == 2
    assert progress[0] == (400, 600)
    assert progress[-1] == (600, 600)
    for other in (first, second):
        assert all(fresh[name].tobytes() == other[name].tobytes() for name in fresh)


@pytest.mark.usefixtures("small_batches")
def test_pieces_of_other_settings_are_not_used(tmp_path, monkeypatch):
    monkeypatch.setitem(resonance.CHUNK_EVENTS, "parton", 100)
    for seed in (1, 2):
        simulate(replace(SETTINGS, events=100, masses=(), seed=seed), workers=1, store=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_store_round_trip(tmp_path):
    store, other = ChunkStore(tmp_path / "s", ("a", 1)), ChunkStore(tmp_path / "s", ("a", 2))
    columns = {"x": np.arange(3, dtype=np.float32), "n": np.array(7)}
    assert store.load("0-0") is None
    store.save("0-0", columns)
    assert other.load("0-0") is None
    found = store.load("0-0")
    assert found is not None
    assert all(found[name].tobytes() == columns[name].tobytes() for name in columns)
