"""Training from a prepared folder: killed and resumed, and in two processes."""

import json
import os
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest
import warm

from ..conftest import write_csv


def history(run):
    rows = [json.loads(line) for line in (Path(run) / "history.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def weights(run):
    import fivesigma

    return fivesigma.Run(Path(run)).network().model.get_weights()


def start(*arguments):
    return warm.command(*arguments, env={**os.environ, "FIVESIGMA_THREADS": "1"})


def printed(process):
    """All that a process has printed, once it has ended."""
    return "".join(process.communicate(timeout=300))


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


LONG = (
    "--set",
    "train.epochs=12",
    "--set",
    "train.window=300",
    "--set",
    "train.batch_size=32",
    "--set",
    "model.dropout=0.1",
)


def until(path, condition, seconds=60):
    """Wait until a file is such as wanted."""
    for _ in range(20 * seconds):
        found = list(Path().glob(path))
        if found and condition(found[0]):
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not come")


def test_resume_after_a_kill_gives_the_weights_of_a_run_never_interrupted(toy, command):
    assert command("prepare", toy, "-o", "p", "--shards", 3)[0] == 0
    arguments = ("train", toy, "--set", "shards=p", *LONG)
    code, out, err = command(*arguments, "-o", "whole")
    assert code == 0, err
    killed = start(*arguments, "-o", "cut")
    until("cut/toy/*/checkpoints/last.npz", lambda path: path.stat().st_size > 0)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    code, _, err = command("train", toy, "--resume", "-o", "elsewhere", "--set", "shards=p", *LONG)
    assert code == 2
    assert "no unfinished run" in err
    code, again, err = command("train", toy, "--resume", "-o", "cut", "--set", "shards=p", *LONG)
    assert code == 0, err
    assert len(list(Path("cut/toy").iterdir())) == 1
    one, other = out.splitlines()[-1], again.splitlines()[-1]
    assert [row["epoch"] for row in history(other)] == list(range(1, 13))
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("source", "model"), [("p", "{layers: [16], l2: 0.01}"), ("null", "{layers: [16], batch_norm: true, dropout: 0.1}")]
)
def test_two_processes_train_as_one(toy, command, source, model):
    write_csv(Path("train.csv"), 1501, seed=1)
    assert command("prepare", toy, "-o", "p", "--shards", 5)[0] == 0
    arguments = ("train", toy, "--set", f"shards={source}", "--set", "train.window=300", "--set", "train.batch_size=100")
    arguments += ("--set", f"model={model}")
    place = ("--coordinator", f"127.0.0.1:{free_port()}", "--processes", 2, "-o", "two")
    both = [start(*arguments, *place, "--process-id", rank) for rank in (0, 1)]
    out, other = map(printed, both)
    assert [process.returncode for process in both] == [0, 0], out + other
    assert "epoch" not in other
    code, alone, err = command(*arguments, "-o", "one")
    assert code == 0, err
    for a, b in zip(history(out.splitlines()[-1]), history(alone.splitlines()[-1]), strict=True):
        assert a == pytest.approx(b, rel=1e-5)


def test_a_process_that_dies_ends_the_run_and_the_same_command_goes_on(toy, command):
    assert command("prepare", toy, "-o", "p", "--shards", 4)[0] == 0
    arguments = ("train", toy, "--set", "shards=p", "--set", "train.epochs=400", "--set", "train.batch_size=100", "-o", "r")
    for victim in (1, 0):
        before = time.time_ns()
        place = ("--coordinator", f"127.0.0.1:{free_port()}", "--processes", 2)
        both = [start(*arguments, *place, "--process-id", rank) for rank in (0, 1)]
        until("r/toy/*/checkpoints/last.npz", lambda path: path.stat().st_mtime_ns > before)  # noqa: B023
        both[victim].send_signal(signal.SIGKILL)
        both[victim].communicate()
        out = printed(both[1 - victim])
        assert both[1 - victim].returncode == 2, out
        assert "another process of this training is gone" in out
        assert "Traceback" not in out
        assert "stack trace" not in out
        assert len(list(Path("r/toy").iterdir())) == 1


def test_a_network_learns_from_the_whole_folder_as_a_baseline_and_what_trees_learn_from_is_said(toy, command):
    write_csv(Path("train.csv"), 1501, seed=1)
    assert command("prepare", toy, "-o", "p", "--shards", 4)[0] == 0
    trees = {"kind": "boosted_trees", "rounds": 5}
    short = ("--set", "shards=p", "--set", "train.window=300", "--set", "train.batch_size=100", "--set", "train.epochs=2")
    same = {"kind": "network", "analysis": str(toy), "same": ["train", "model"]}
    arguments = (*short, "--set", f"baselines={json.dumps({'same': same, 'trees': trees})}", "-o", "r")
    code, out, err = command("run", toy, *arguments)
    assert code == 0, err
    metrics = json.loads((Path(out.splitlines()[-1]) / "metrics.json").read_text())
    judged = metrics["test" if "test" in metrics else "val"]
    assert judged["baselines"]["same"]["log_loss"] == judged["log_loss"]
    assert "learnt" not in judged["baselines"]["same"]
    learnt = judged["baselines"]["trees"]["learnt"]
    assert learnt["events"] < 0.6 * learnt["of"]
    assert f"on {learnt['events']:,} of {learnt['of']:,} events" in err + out
    page = (Path(out.splitlines()[-1]) / "report.html").read_text()
    assert f"trees was trained on {learnt['events']:,} of {learnt['of']:,} events, a random sample" in page
