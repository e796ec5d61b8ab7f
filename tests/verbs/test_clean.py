"""The verb `clean`: what it lists, what it removes, and what it never touches."""

import json
import os
import subprocess
import sys
import time

import pytest

from fivesigma import cache
from fivesigma.verbs import clean

OURS = {
    "events": [
        "resonance-100-0123456789ab.parquet",
        "muons-5-0123456789ab.npz",
        "muons-5-0123456789ab.npz.parts/0123456789ab-1.npz",
    ],
    "programs": [f"xla-01234567/jit_step-{'0' * 64}-cache", f"xla-01234567/jit_step-{'0' * 64}-atime"],
    "layouts": ["layouts-01234567.json"],
}
NOT_OURS = [
    "notes.txt",
    "resonance-100-mine.parquet",
    "xla-01234567/notes.txt",
    "xla-mine/jit-cache",
    "layouts.json",
    ".hidden.part",
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A cache with files of ours, and others."""
    place = tmp_path / "cache"
    monkeypatch.setenv("FIVESIGMA_CACHE", str(place))
    for name in [name for names in OURS.values() for name in names] + NOT_OURS:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(b"x" * 1000)
    return place


def left(place):
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())


def dead_process():
    """A number that no process has."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_everything_of_ours_is_listed_and_removed_and_nothing_else(place, command):
    code, out, err = command("clean", "--list")
    assert (code, err) == (0, "")
    for name, files in OURS.items():
        (line,) = [line for line in out.splitlines() if line.startswith(name)]
        assert f" {len(files)} " in line
    assert sorted(NOT_OURS) == [name for name in left(place) if name in NOT_OURS]
    code, out, _ = command("clean", "--yes")
    assert code == 0
    assert "freed 6.0 kB" in out
    assert left(place) == sorted(NOT_OURS)
    assert "nothing to remove" in command("clean", "--yes")[1]


def test_without_a_terminal_nothing_is_removed_unless_it_is_said(place, command):
    code, _, err = command("clean")
    assert code == 2
    assert "6.0 kB can be removed, but there is no terminal on which to ask" in err
    assert "--yes" in err
    assert len(left(place)) == 12


def test_one_cache_can_be_chosen_and_age_counts(place, command):
    old = place / OURS["events"][0]
    os.utime(old, (time.time() - 10 * 86400,) * 2)
    command("clean", "events", "--older-than", 5, "--yes")
    assert not old.exists()
    assert (place / OURS["events"][1]).exists()
    command("clean", "programs", "--yes")
    assert not (place / OURS["programs"][0]).exists()
    assert (place / OURS["layouts"][0]).exists()
    code, _, err = command("clean", "event", "--yes")
    assert (code, "did you mean 'events'?" in err) == (2, True)


HOLD = "from fivesigma.cache import cache_folder; cache_folder(); print('ready', flush=True); input()"


def test_a_cache_that_a_command_uses_stays(place, command):
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        code, _, err = command("clean", "--yes")
        process.communicate("\n")
    assert code == 2
    assert "is in use by another process" in err
    assert str(process.pid) in err or sys.platform != "linux"
    assert len(left(place)) == 12
    assert command("clean", "--yes")[0] == 0


def test_a_process_may_empty_the_cache_it_has_used_itself(place):
    assert cache.cache_folder() == place
    assert clean.clean(clean.found()) == 6000
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout.readline() == "ready\n"  # it can still be used by others
        process.communicate("\n")


def test_leftovers_of_killed_commands_are_found_below_a_folder_and_those_of_others_stay(place, tmp_path, command):
    import platform
    import re

    node = re.sub(r"[^A-Za-z0-9]+", "_", platform.node())[:32]
    runs = tmp_path / "runs" / "toy"
    dead, alive = dead_process(), os.getpid()
    ours = [f".metrics-{node}-{dead}-abcd1234.part.json", f".out-{node}-{dead}-abcd1234.parts/a/piece.arrow"]
    others = [f".metrics-{node}-{alive}-abcd1234.part.json", f".metrics-elsewhere-{dead}-abcd1234.part.json", "my.part"]
    for name in ours + others:
        (runs / name).parent.mkdir(parents=True, exist_ok=True)
        (runs / name).write_bytes(b"x")
    code, out, _ = command("clean", "leftovers", "--folder", tmp_path / "runs", "--list", "--json")
    (found,) = json.loads(out)["caches"]
    assert (code, found["name"], found["files"]) == (0, "leftovers", 2)
    command("clean", "leftovers", "--folder", tmp_path / "runs", "--yes")
    assert left(runs) == sorted(others)
    assert len(left(place)) == 12


def test_a_link_is_not_followed(place, tmp_path, command):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / f"jit-{'0' * 64}-cache").write_bytes(b"x")
    (place / "xla-89abcdef").symlink_to(precious)
    command("clean", "--yes")
    assert len(left(precious)) == 1


def test_no_cache_is_nothing_to_remove(tmp_path, monkeypatch, command):
    monkeypatch.setenv("FIVESIGMA_CACHE", str(tmp_path / "none"))
    code, out, err = command("clean")
    assert (code, err) == (0, "")
    assert "nothing to remove" in out


def test_a_folder_that_there_is_not_is_one_sentence(command):
    code, _, err = command("clean", "--folder", "nowhere", "--list")
    assert (code, "there is no folder nowhere" in err) == (2, True)
