"""What people see on a real terminal, through a pseudo-terminal: colours, bars, narrow tables, questions."""

import os
import re
import select
import subprocess
import sys
import time

import pytest

pty = pytest.importorskip("pty")

TIMEOUT = 180


def on_terminal(*arguments, answer="", columns=100, code=None, **environment):
    """Run a command on a terminal of its own: (exit code, all that it shows)."""
    main, side = pty.openpty()
    program = [sys.executable, "-c", code] if code else [sys.executable, "-m", "fivesigma", *map(str, arguments)]
    more = {"COLUMNS": str(columns), "TERM": "xterm-256color", **environment}
    base = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    shown = b""
    with subprocess.Popen(program, stdin=side, stdout=side, stderr=side, env={**base, **more}, close_fds=True) as process:
        os.close(side)
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            if not select.select([main], [], [], 0.2)[0]:
                if process.poll() is not None:
                    break
                continue
            try:
                piece = os.read(main, 1 << 16)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            shown += piece
            if answer and shown.rstrip().endswith(b"[y/N]:"):
                os.write(main, answer.encode())
                answer = ""
        process.wait(timeout=TIMEOUT)
    os.close(main)
    return process.returncode, shown.decode()


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_errors_are_in_colour_on_a_terminal_only(tmp_path, command):
    code, shown = on_terminal("evaluate", "nothing")
    assert code == 2
    assert "\x1b[1;31m" in shown
    assert "error: no run nothing" in plain(shown)
    code, shown = on_terminal("evaluate", "nothing", NO_COLOR="1")
    assert code == 2
    assert "\x1b[1;31m" not in shown
    assert "\x1b[31m" not in shown
    _, out, err = command("evaluate", "nothing")
    assert "\x1b" not in out + err


BAR = """
import time
from fivesigma.cli.console import Terminal
terminal = Terminal()
for i in range(8):
    terminal.progress(i, 8, f"reading train: {i * 1000:,} events")
    time.sleep(0.15)
terminal.epoch({"epoch": 1, "loss": 0.5, "val_loss": 0.4, "learning_rate": 0.001, "seconds": 2.0, "events": 5000}, 4)
time.sleep(0.3)
terminal.result("done")
"""


def test_a_bar_has_rate_time_left_and_live_metrics():
    code, shown = on_terminal(code=BAR)
    assert code == 0
    text = plain(shown)
    assert re.search(r"reading train: \d,000 events .*\d+ % .*\d,\d{3} events/s, \d+ s left", text)
    assert "loss 0.5000  val_loss 0.4000 ━" in text
    assert "2,500 events/s, 6 s left" in text
    assert text.rstrip().endswith("done")


def test_a_long_text_leaves_room_for_rate_and_time():
    _, shown = on_terminal(code=BAR.replace("reading train", "reading " + "x" * 90), columns=80)
    assert re.search(r"x… .*\d+ % .*events/s, \d+ s left", plain(shown))


LOG = (
    BAR.replace("0.15", "0.05")
    .replace("Terminal()", "Terminal(); console.FIRST_LINE, console.EVERY = 0.1, 0.1", 1)
    .replace("import time", "import time; from fivesigma.cli import console", 1)
)


def test_a_log_has_plain_lines_with_percent_rate_and_time_left():
    run = subprocess.run([sys.executable, "-c", LOG.replace("0.05", "0.2")], capture_output=True, text=True, check=True)
    lines = run.stderr.splitlines()
    assert any(re.fullmatch(r"reading train: \d,000 events \(\d+ %, [\d,]+ events/s, \d+ s left\)", line) for line in lines)
    assert "\x1b" not in run.stdout + run.stderr
    assert "epoch 1/4  loss 0.5000  val_loss 0.4000  rate 0.001  2.0 s  2,500 events/s" in run.stdout


QUIET_STEPS = """
import threading, time
from fivesigma.cli import console
console.FIRST_LINE, console.EVERY = 0.2, 0.4
terminal = console.Terminal()
terminal.progress(0, 2, "a short step")
terminal.progress(1, 2, "one call of a library")
time.sleep(0.8)
terminal.progress(2, 2, "the next short step")
terminal.result("done")
time.sleep(0.4)
print(threading.active_count())
"""


def test_a_log_names_a_step_that_takes_long_before_it_ends():
    run = subprocess.run([sys.executable, "-c", QUIET_STEPS], capture_output=True, text=True, check=True)
    assert run.stderr.splitlines() == ["one call of a library"]
    assert run.stdout.splitlines() == ["done", "1"]


MANY_STEPS = QUIET_STEPS.replace(
    "time.sleep(0.8)", "[time.sleep(0.05) or terminal.progress(i, 100, 'reading: 1 events') for i in range(9)]"
)


def test_a_step_that_tells_how_far_it_is_is_named_once(tmp_path):
    run = subprocess.run([sys.executable, "-c", MANY_STEPS], capture_output=True, text=True, check=True)
    lines = run.stderr.splitlines()
    assert len([line for line in lines if line.startswith("reading")]) == 1
    assert "one call of a library" not in lines


@pytest.mark.parametrize("columns", [60, 80])
def test_tables_fit_into_narrow_terminals(toy, columns, monkeypatch):
    monkeypatch.chdir(toy.parent)
    for arguments in (("analyses",), ("columns", "train.csv"), ("explore", "train.csv")):
        code, shown = on_terminal(*arguments, columns=columns)
        assert code == 0, shown
        lines = [line.rstrip("\r") for line in plain(shown).split("\n")]
        table = lines[1:9]
        assert max(map(len, table)) <= columns, table
        assert not any("…" in line for line in table if "muon" not in line), table


WIDE = """
from fivesigma.cli.console import Terminal
header = ["metric", *(f"part {i}" for i in range(6))]
Terminal().table("results", header, [["auc", *(f"0.123{i} ± 0.0012" for i in range(6))]])
"""


def test_a_wide_table_stands_in_blocks_and_loses_nothing():
    _, shown = on_terminal(code=WIDE, columns=70)
    text = plain(shown)
    for i in range(6):
        assert f"part {i}" in text
        assert f"0.123{i} ± 0.0012" in text
    assert text.count("auc") == 2
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 70


@pytest.fixture
def cache(tmp_path, monkeypatch):
    place = tmp_path / "cache"
    place.mkdir()
    monkeypatch.setenv("FIVESIGMA_CACHE", str(place))
    (place / "resonance-100-0123456789ab.parquet").write_bytes(b"x" * 1000)
    return place


@pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("y\n", 0)])
def test_clean_asks_on_a_terminal(cache, answer, left):
    code, shown = on_terminal("clean", answer=answer)
    assert code == 0, shown
    assert "Remove all of it? [y/N]" in plain(shown)
    assert len(list(cache.iterdir())) == left
