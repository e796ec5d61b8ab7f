"""Commands that are stopped at a random moment: they end at once, and the same command then gives the same result."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from ..conftest import TREE, write_csv
from .conftest import SCALE, left

CASES = int(SCALE / 8)
"""Stopped commands of each verb."""
if not CASES:
    # Each takes two commands; tests/journeys and tests/verbs stop some at chosen moments.
    pytest.skip("`make hostile` stops commands at random moments", allow_module_level=True)

EXITS = {signal.SIGKILL: (-9,), signal.SIGINT: (130,), signal.SIGTERM: (143,)}
MOST_SECONDS = 15
"""From the signal to the end of the command, on a machine that does other things too."""

STARTS = 1.0
"""Seconds within which Python itself has started, also on a busy machine."""

COMMANDS = {
    "run": ["run", "toy.yaml", "-o", "own"],
    "train": ["train", "toy.yaml", "-o", "own"],
    "folds": ["train", "toy.yaml", "-o", "own", "--set", "split={folds: 2}", "--workers", "2"],
    "tune": [
        "tune",
        "toy.yaml",
        "-o",
        "own",
        "--set",
        "tune={space: {train.learning_rate: {choice: [0.001, 0.01]}}, method: grid}",
    ],
    "evaluate": ["evaluate", "RUN"],
    "report": ["report", "RUN"],
    "predict": ["predict", "RUN", "train.csv", "test.csv", "-o", "scored.parquet", "--keep"],
    "friend": ["predict", "RUN", "train.csv", "test.csv", "-o", "friends", "--friend"],
    "prepare": ["prepare", "toy.yaml", "-o", "shards"],
    "export": ["export", "RUN"],
    "cpp": ["export", "RUN", "--format", "cpp"],
    "explore": ["explore", "train.csv", "--html", "page.html"],
    "compare": ["compare", "RUN", "OTHER", "--html", "page.html"],
    "simulate": ["simulate", "muons", "--events", "20000", "-o", "muons.npz"],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with an analysis, its events and two evaluated runs."""
    folder = tmp_path_factory.mktemp("signals") / "place"
    folder.mkdir()
    write_csv(folder / "train.csv", 6000, seed=1)
    write_csv(folder / "test.csv", 2000, seed=2)
    (folder / "toy.yaml").write_text(yaml.safe_dump({**TREE, "train": {"epochs": 12, "batch_size": 64}}, sort_keys=False))
    for more in ((), ("--set", "train.epochs=2")):
        for verb in ("train", "evaluate"):
            what = ["toy.yaml", *more] if verb == "train" else ["toy"]
            subprocess.run(
                [sys.executable, "-m", "fivesigma", verb, *what, "-q"], cwd=folder, check=True, capture_output=True
            )
    return folder


@pytest.fixture(scope="module")
def reference(place, tmp_path_factory):
    """A function: verb → what the command leaves if nothing stops it, and how long it takes; each is found once."""
    known = {}

    def find(verb):
        if verb not in known:
            folder = Path(shutil.copytree(place, tmp_path_factory.mktemp(verb) / "place"))
            finished(folder, verb)  # programs are compiled
            shutil.rmtree(folder)
            shutil.copytree(place, folder)
            began = time.monotonic()
            finished(folder, verb)
            known[verb] = left(folder), time.monotonic() - began
        return known[verb]

    return find


def command(folder, verb):
    first, second = sorted(path for path in (folder / "runs" / "toy").iterdir() if path.is_dir())
    names = {"RUN": str(first.relative_to(folder)), "OTHER": str(second.relative_to(folder))}
    return [sys.executable, "-m", "fivesigma", *(names.get(word, word) for word in COMMANDS[verb])]


def finished(folder, verb):
    done = subprocess.run(command(folder, verb), cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_command_that_is_stopped_leaves_nothing_and_gives_the_same_result_later(place, reference, tmp_path, verb, tried):
    chance = random.Random(f"{verb} 2")
    wanted, seconds = reference(verb)
    for case in range(CASES):
        folder = Path(shutil.copytree(place, tmp_path / str(case)))
        number, after = chance.choice(list(EXITS)), chance.uniform(0.0, 1.05) * seconds
        what = f"{verb}, signal {number.name} after {after:.2f} of {seconds:.2f} s (case {case})"
        with subprocess.Popen(
            command(folder, verb), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
        ) as process:
            time.sleep(after)
            os.kill(process.pid, number)
            began = time.monotonic()
            _, err = process.communicate(timeout=120)
            late = time.monotonic() - began
        # Before Python has its handlers, a signal ends the process by itself; a killed process may have done its work.
        # Python itself, interrupted while it loads its own modules, says so and ends with 1.
        python = (1,) if after < 0.5 and "fivesigma" not in err else ()
        assert process.returncode in (0, -number, *EXITS[number], *python), f"{what}: {process.returncode}\n{err}"
        # An interrupt of Python's own start may be lost in one of its callbacks; the command then does its work.
        lost = number == signal.SIGINT and not process.returncode and after < STARTS
        assert late < MOST_SECONDS or lost, f"{what}: ended {late:.1f} s later"
        if after > 0.5:  # later than Python's own start
            assert "Traceback" not in err, f"{what}:\n{err}"
        found = left(folder)
        if process.returncode and found != wanted:  # what is complete needs no second command, which might refuse it
            again = finished(folder, verb)
            assert "Traceback" not in again.stderr, what
            found = left(folder)
        hidden = [name for name in found if any(part.startswith(".") for part in name.split("/"))]
        assert not hidden, f"{what}: {hidden}"
        assert set(found) == set(wanted), f"{what}: {set(found) ^ set(wanted)}"
        assert {n for n in found if found[n] != wanted[n]} == set(), what
        shutil.rmtree(folder)
    tried(f"stopped commands: {verb}", CASES)
