"""A disk that is full after some bytes: one sentence, nothing looks complete, and with room the same result."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ..conftest import TREE, write_csv
from .conftest import SCALE, left

CASES = int(SCALE / 8) or 1
"""Sizes of the disk for each verb."""
COMMANDS = {
    "train": ["train", "toy.yaml", "-o", "own"],
    "predict": ["predict", "RUN", "train.csv", "-o", "scored.parquet", "--keep"],
    "prepare": ["prepare", "toy.yaml", "-o", "shards"],
    "run": ["run", "toy.yaml", "-o", "own"],
    "folds": ["train", "toy.yaml", "-o", "own", "--set", "split={folds: 2}"],
    "evaluate": ["evaluate", "RUN"],
    "report": ["report", "RUN"],
    "friend": ["predict", "RUN", "train.csv", "test.csv", "-o", "friends", "--friend"],
    "root": ["predict", "RUN", "train.csv", "-o", "scored.root"],
    "text": ["predict", "RUN", "train.csv", "-o", "scored.csv.gz"],
    "export": ["export", "RUN"],
    "cpp": ["export", "RUN", "--format", "cpp"],
    "package": ["package", "RUN", "-o", "run.zip"],
    "explore": ["explore", "train.csv", "--html", "page.html"],
    "simulate": ["simulate", "muons", "--events", "20000", "-o", "muons.h5", "--workers", "1"],
}
FEW = ("train", "predict", "prepare")
"""Verbs of the default tests."""
SIZE, SPARE = 64 << 20, 4096


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A small disk of its own in memory, empty."""
    place = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk of a given size can be mounted by root only")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def start(disk, command, monkeypatch, tmp_path_factory):
    """A folder on the disk with events, an analysis and an evaluated run, and a function that puts all of it back."""
    kept = tmp_path_factory.mktemp("kept") / "work"
    work = disk / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    write_csv(work / "train.csv", 3000, seed=1)
    write_csv(work / "test.csv", 1000, seed=2)
    tree = {**TREE, "train": {"epochs": 2, "batch_size": 64}}
    (work / "toy.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    assert command("train", "toy.yaml", "-q")[0] == 0
    assert command("evaluate", "toy", "-q")[0] == 0
    shutil.copytree(work, kept)

    def again():
        (disk / "full").unlink(missing_ok=True)
        os.chdir(disk)
        shutil.rmtree(work)
        shutil.copytree(kept, work)
        os.chdir(work)
        return work

    yield again
    again()
    os.chdir("/")
    shutil.rmtree(work)


def free(disk):
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


@pytest.mark.parametrize("verb", COMMANDS if SCALE > 1 else FEW)
def test_a_full_disk_is_a_sentence_and_the_command_works_when_there_is_room(disk, start, command, verb, tried):
    chance = random.Random(verb)
    work = start()
    run = next(path for path in (Path("runs") / "toy").iterdir() if path.is_dir())
    words = [str(run) if word == "RUN" else word for word in COMMANDS[verb]]
    before = free(disk)
    assert command(*words, "-q")[0] == 0
    wanted, needed = left(work), before - free(disk)
    refused = 0
    for case in range(CASES):
        work = start()
        room = int(chance.uniform(0.0, 1.0) ** 2 * needed) // SPARE * SPARE
        with (disk / "full").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, free(disk) - room)
        what = f"{verb} with room for {room:,} of {needed:,} bytes (case {case})"
        code, out, err = command(*words, "-q")
        assert code in (0, 2), f"{what}:\n{out}\n{err}"
        refused += code == 2
        if code == 2:
            assert "the disk is full" in err, f"{what}:\n{err}"
            assert len(err.strip().splitlines()) <= 2, f"{what}:\n{err}"
            (disk / "full").unlink()
            code, out, err = command(*words, "-q")
            assert code == 0, f"{what}, then with room:\n{out}\n{err}"
        found = left(work)
        hidden = [name for name in found if any(part.startswith(".") for part in name.split("/"))]
        assert not hidden, f"{what}: {hidden}"
        assert set(found) == set(wanted), f"{what}: {set(found) ^ set(wanted)}"
        assert {name for name in found if found[name] != wanted[name]} == set(), what
    assert refused, f"{verb}: no case filled the disk of {needed:,} bytes"
    tried("full disk", CASES)
