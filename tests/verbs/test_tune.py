"""`fivesigma tune` from the command line."""

import io
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
import warm
import yaml

from fivesigma.analysis.file import load, parse_settings
from fivesigma.progress import TrialRow

from ..conftest import TREE

pytestmark = pytest.mark.usefixtures("undrawn")

SPACE = {"model.layers": {"choice": [[4], [16]]}, "train.learning_rate": {"choice": [1e-2, 1e-6]}}


def test_tune_searches_then_runs_with_the_best(toy, command):
    toy.write_text(yaml.safe_dump({**TREE, "tune": {"space": SPACE, "max_epochs": 3, "objective": "auc"}}))
    code, out, err = command("tune", toy, "--workers", 1)
    assert code == 0, err
    run = Path(out.splitlines()[-1])
    assert yaml.safe_load((run / "analysis.yaml").read_text())["train"]["learning_rate"] == 1e-2
    assert (run / "report.html").is_file()
    assert "best trials (validation)" in out
    searches = [path for path in Path("runs/toy").iterdir() if (path / "tune" / "tune.json").is_file()]
    assert len(searches) == 1
    assert searches[0] != run
    assert not (searches[0] / "tune" / "data").exists()
    assert re.search(r"trial \d+: best auc 0\.\d{4} after \d epochs?, .* s  model.layers=.*\(\d+ of 11 epochs done\)", out)


@pytest.mark.parametrize("method", ["random", "grid"])
def test_the_best_settings_may_be_those_of_the_file(toy, command, method):
    tree = {**TREE, "tune": {"space": {"model.dropout": {"choice": [0.0]}}, "max_epochs": 1, "method": method, "trials": 3}}
    tree["train"] = {**tree.get("train", {}), "epochs": 1}
    toy.write_text(yaml.safe_dump({**tree, "model": {**tree.get("model", {}), "dropout": 0.0}}))
    code, out, err = command("tune", toy, "--workers", 1)
    assert code == 0, err
    run = Path(out.splitlines()[-1])
    assert not (run / "tune").exists()
    assert len(list(Path("runs/toy").iterdir())) == 2  # the search, and the run with its result
    assert ("the space has 1 setting, and tune.trials asks for 3: each is tried once" in out) == (method == "random")


def test_a_run_and_a_search_of_one_analysis_keep_to_their_folders(toy, command):
    toy.write_text(yaml.safe_dump({**TREE, "tune": {"space": SPACE, "max_epochs": 1, "method": "grid"}}))
    trained = Path(command("train", toy)[1].splitlines()[-1])
    assert command("tune", toy, "--workers", 1)[0] == 0
    assert not (trained / "tune").exists()
    code, out, _ = command("run", toy, "--resume")
    assert (code, Path(out.splitlines()[-1])) == (0, trained)


def results(folder):
    """(trial, epochs) of every result on disk."""
    found = list(folder.glob("*/tune/tune.json"))
    tree = json.loads(found[0].read_text()) if found else {"trials": []}
    return {(trial["number"], trial["epochs"]): trial for trial in tree["trials"] if trial["epochs"]}


def test_a_killed_command_does_again_only_what_was_lost(toy, command):
    space = {"train.learning_rate": {"choice": [1e-2, 1e-4, 1e-5, 1e-6]}}  # of one shape, which each process compiles once
    tune = {"space": space, "max_epochs": 2, "factor": 2, "objective": "loss"}
    toy.write_text(yaml.safe_dump({**TREE, "tune": tune}))
    first = warm.command("tune", toy, "--output", "killed", "--workers", 2)
    while len(results(Path("killed/toy"))) < 2:
        assert first.poll() is None, "finished before it could be killed"
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    kept = results(Path("killed/toy"))
    assert 2 <= len(kept) < 5
    code, out, err = command("tune", toy, "--output", "killed", "--workers", 2)
    assert code == 0, err
    again = {tuple(map(int, found)) for found in re.findall(r"trial (\d+): .* after (\d+) epochs", out)}
    assert again
    assert not again & set(kept)
    code, out, err = command("tune", toy, "--output", "whole", "--workers", 1)
    assert code == 0, err
    killed, whole = (results(Path(place) / "toy") for place in ("killed", "whole"))
    assert killed.keys() == whole.keys()
    for key, trial in killed.items():
        assert trial["setting"] == whole[key]["setting"]
        # One trial at a time may use more threads, which add in another order.
        assert trial["history"] == pytest.approx(whole[key]["history"], rel=1e-5)
    best = [next(Path(place).glob("toy/*/tune/best.yaml")).read_text() for place in ("killed", "whole")]
    assert best[0] == best[1]


def test_the_table_of_trials_on_a_terminal(monkeypatch):
    from rich.console import Console

    from fivesigma.cli.console import Terminal

    terminal = Terminal()
    terminal._err = Console(force_terminal=True, width=100, height=6, record=True, file=io.StringIO())
    rows = [
        TrialRow(2, 1, "model.layers=[4]", 1, 3, 0.7, 1.25, "training"),
        TrialRow(1, 1, "model.layers=[16]", 3, 3, 0.8, 2.5, "done"),
        TrialRow(3, 2, "model.layers=[64]", 0, 0, None, 0.0, "waiting"),
    ]
    terminal.trials("auc", rows, rows[0], 4, 15)
    terminal._live.refresh()
    terminal.say("over")
    text = terminal._err.export_text()
    assert "4 of 15 epochs, 1 of 3 trials to the end" in text
    assert re.search(r"2 +1 +1/3 +0\.7000 +1\.2 +training +model\.layers=\[4\]", text)
    assert "model.layers=[64]" not in text  # the terminal is six lines high


def test_tune_without_a_space_says_what_to_write(toy, command):
    code, out, err = command("tune", toy)
    assert code == 2
    added = re.search(r"add --set '([^']+)'", " ".join(err.split()))
    assert list(load(toy, parse_settings([added[1]])).tune.space) == ["train.learning_rate"]
    assert (out, Path("runs").exists()) == ("", False)  # before a file is read and a folder is made


def test_an_error_ends_the_table_before_it_is_printed():
    from rich.console import Console

    from fivesigma.cli.console import Terminal

    terminal = Terminal()
    terminal._err = Console(force_terminal=True, width=100, height=20, file=io.StringIO())
    row = TrialRow(1, 0, "model.l2=0", 1, 3, 0.7, 1.0, "training")
    terminal.trials("auc", [row], row, 1, 3)
    assert terminal._live is not None
    Terminal().error("interrupted")
    assert terminal._live is None
    assert terminal._err.file.getvalue().endswith(
        "\x1b[?25h\r\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K"
    )  # cursor shown, table gone


def test_a_search_of_prepared_events_says_of_how_many(toy, command):
    tune = {"space": {"train.learning_rate": {"choice": [1e-2]}}, "max_epochs": 1, "method": "grid"}
    toy.write_text(yaml.safe_dump({**TREE, "tune": tune}))
    assert command("prepare", toy, "-o", "p", "--shards", 4)[0] == 0
    shards = ("--set", "shards=p", "--set", "train.batch_size=50", "--workers", 1)
    out = command("tune", toy, *shards, "--set", "train.window=100")[1]
    assert re.search(
        r"warning: the search uses a random sample of the prepared events, [\d,]+ of [\d,]+ train, \d+ of \d+ val;", out
    )
    assert "a random sample" not in command("tune", toy, *shards, "--set", "train.window=100000")[1]


@pytest.fixture
def search(toy, command):
    """The folder of a search."""
    toy.write_text(yaml.safe_dump({**TREE, "tune": {"space": SPACE, "max_epochs": 1, "method": "grid"}}))
    assert command("tune", toy, "--workers", 1)[0] == 0
    return next(path for path in Path("runs/toy").iterdir() if (path / "tune").is_dir())


def test_a_changed_result_of_a_search_is_found(search, command):
    assert command("verify", search)[0] == 0
    (search / "tune" / "best.yaml").write_text("train: {learning_rate: 0.5}")
    code, out, err = command("verify", search)
    assert code == 2
    assert "tune/best.yaml is not the file that this run wrote" in out + err


def test_a_search_is_no_run_that_can_be_packed(search, command):
    code, _, err = command("package", search, "-o", "search.zip")
    assert (code, "is a search and has no network of its own" in err) == (2, True)
    (search / "UNFINISHED").write_text('{"step": "tune", "pid": null, "host": "another"}')
    os.utime(search / "UNFINISHED", (0, 0))
    assert "fivesigma tune ANALYSIS" in command("package", search, "-o", "search.zip")[2]
    assert "is unfinished (tune): " in command("verify", search)[1]
